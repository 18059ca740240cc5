import { diffArrays } from 'diff';
import yaml from 'prettier/plugins/yaml';
import * as prettier from 'prettier/standalone';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Range, TextEdit } from 'vscode-languageserver-types';
import { equal } from '../runbook/equal';
import { YamlSource } from '../runbook/yaml-source';
import { documentKind } from './document-kind';

/** Longer lines of ours are broken up at the commas of `{ }` and `[ ]`. */
const lineWidth = 120;

export interface FormatOptions {
  tabSize: number;
}

/**
 * Edits that bring a document into its usual shape: indentation, spacing, quotes. Comments stay, and so does what it says. None where it
 * can't be read. With `range`, only of lines in it.
 */
export async function format(document: TextDocument, options: FormatOptions, range?: Range): Promise<TextEdit[]> {
  if (!documentKind(document)) return [];
  const text = document.getText();
  const before = new YamlSource(text);
  if (before.data === undefined || before.diagnostics.length > 0) return [];
  let formatted: string;
  try {
    formatted = await prettier.format(text, {
      parser: 'yaml',
      plugins: [yaml],
      printWidth: lineWidth,
      tabWidth: options.tabSize,
      proseWrap: 'preserve',
      endOfLine: text.includes('\r\n') ? 'crlf' : 'lf',
    });
  } catch {
    // It has another idea of YAML than our parser: then nothing is touched.
    return [];
  }
  const edits = lineEdits(text, formatted).filter(
    edit => !range || (edit.range.start.line <= range.end.line && edit.range.end.line > range.start.line),
  );
  // Whatever a formatter does to the looks of a runbook, it must do the same; half an indentation would not.
  const after = range ? TextDocument.applyEdits(document, edits) : formatted;
  return equal(new YamlSource(after).data, before.data) ? edits : [];
}

/** Lines that are compared before a document is rather replaced as a whole. */
const mostChanges = 2_000;

/** What changes from one text to another, by whole lines, so that cursors and marks elsewhere stay where they are. */
function lineEdits(from: string, to: string): TextEdit[] {
  const old = from.split(/(?<=\n)/);
  const parts = diffArrays(old, to.split(/(?<=\n)/), { maxEditLength: mostChanges });
  if (!parts) return [{ range: linesOf(old, 0, old.length), newText: to }];
  const edits: TextEdit[] = [];
  let line = 0;
  parts.forEach(({ added, removed, value }, at) => {
    const next = parts[at + 1];
    if (removed && next?.added && next.value.length === value.length) {
      // As many lines as before: each is its own edit.
      next.value.forEach((newText, index) => {
        edits.push({ range: linesOf(old, line + index, line + index + 1), newText });
      });
    } else if (removed) {
      edits.push({ range: linesOf(old, line, line + value.length), newText: next?.added ? next.value.join('') : '' });
    } else if (added && !parts[at - 1]?.removed) {
      edits.push({ range: linesOf(old, line, line), newText: value.join('') });
    }
    if (!added) line += value.length;
  });
  return edits;
}

/** From the start of one line to the start of another; the end of a last line without a line break is its own. */
function linesOf(lines: readonly string[], start: number, end: number): Range {
  const last = lines.at(-1) ?? '';
  const atEnd = end === lines.length && !last.endsWith('\n');
  return {
    start: { line: start, character: 0 },
    end: atEnd && end > 0 ? { line: end - 1, character: last.length } : { line: end, character: 0 },
  };
}
