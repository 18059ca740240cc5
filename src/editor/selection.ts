import type { ASTNode } from '@marcbachmann/cel-js';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { SelectionRange } from 'vscode-languageserver-types';
import type { SourceRange } from '../runbook/diagnostic';
import { children, compile, conditionSource } from '../runbook/expression';
import { templateParts } from '../runbook/template';
import type { YamlSource } from '../runbook/yaml-source';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import { inventoryOf, runbookOf } from './parse-cache';
import { toRange } from './validate';

/** For each offset what can be selected around it, innermost first: word, expression, value, pair, step, list, … up to the document. */
export function selectionRanges(
  document: TextDocument,
  offsets: readonly number[],
  config: EditorConfig,
): SelectionRange[] {
  const text = document.getText();
  const kind = documentKind(document);
  const source =
    kind && (kind === 'runbook' ? runbookOf(document, config.cache) : inventoryOf(document, config.cache)).source;
  return offsets.map(offset => {
    const around = [word(text, offset), ...(source ? inYaml(source, offset) : []), { start: 0, end: text.length }];
    return nested(document, around, offset);
  });
}

/** Each one within the next; those that don't fit are left out. */
function nested(document: TextDocument, ranges: readonly (SourceRange | undefined)[], offset: number): SelectionRange {
  const chain: SourceRange[] = [];
  for (const range of ranges) {
    if (!range || range.start > offset || range.end < offset) continue;
    const last = chain.at(-1);
    if (last && (range.start > last.start || range.end < last.end)) continue;
    if (last && range.start === last.start && range.end === last.end) continue;
    chain.push(range);
  }
  let made: SelectionRange | undefined;
  for (const range of chain.reverse()) made = { range: toRange(document, range), ...(made && { parent: made }) };
  return made!;
}

function word(text: string, offset: number): SourceRange | undefined {
  let start = offset;
  let end = offset;
  while (start > 0 && /[\p{L}\p{N}_]/u.test(text[start - 1]!)) start--;
  while (end < text.length && /[\p{L}\p{N}_]/u.test(text[end]!)) end++;
  return end > start ? { start, end } : undefined;
}

function inYaml(source: YamlSource, offset: number): (SourceRange | undefined)[] {
  const place = source.at(offset);
  if (!place) return [];
  const ranges: (SourceRange | undefined)[] = [];
  if (place.on === 'key') {
    const key = source.keyRange(place.pointer);
    ranges.push(withoutQuotes(source.text, key), key);
  } else ranges.push(...inScalar(source, place.pointer, offset));
  for (let pointer = place.pointer; ; pointer = pointer.slice(0, pointer.lastIndexOf('/'))) {
    const value = source.valueRange(pointer);
    ranges.push(value, source.wholeRange(pointer));
    // An item of a list with its dash.
    if (value && /\/\d+$/.test(pointer)) {
      const dash = source.text.lastIndexOf('-', value.start);
      if (dash >= 0 && /^-\s+$/.test(source.text.slice(dash, value.start)))
        ranges.push({ start: dash, end: value.end });
    }
    if (pointer === '') return ranges;
  }
}

function inScalar(source: YamlSource, pointer: string, offset: number): (SourceRange | undefined)[] {
  const scalar = source.scalar(pointer);
  const at = scalar?.indexAt(offset);
  if (!scalar || at === undefined) return [];
  const { value } = scalar;
  const ranges: SourceRange[] = [];
  const part = templateParts(value).find(found => found.kind === 'expression' && at >= found.start && at <= found.end);
  const expression =
    part?.kind === 'expression' ? part : /\/(when|assert)$/.test(pointer) ? conditionSource(value) : undefined;
  if (expression) {
    const { source: text, start } = expression;
    for (const node of nodesAround(text, at - start)) ranges.push(scalar.range(start + node.start, start + node.end));
    const leading = text.length - text.trimStart().length;
    ranges.push(scalar.range(start + leading, start + text.trimEnd().length));
  }
  if (part?.kind === 'expression') ranges.push(scalar.range(part.start - 3, part.end + (part.closed ? 2 : 0)));
  ranges.push(scalar.range(0, value.trimEnd().length));
  return ranges;
}

/** Parts of an expression that hold this place, innermost first. */
function nodesAround(source: string, at: number): SourceRange[] {
  const ranges: SourceRange[] = [];
  const visit = (node: ASTNode): void => {
    const { start, end } = node.range;
    // A range may stop before the closing bracket of its last part.
    if (at >= start && at <= end && balanced(source.slice(start, end))) ranges.unshift({ start, end });
    for (const child of children(node)) visit(child);
  };
  try {
    visit(compile(source).run.ast);
  } catch {
    // One that is not finished has no parts.
  }
  return ranges.sort((left, right) => left.end - left.start - (right.end - right.start));
}

function balanced(text: string): boolean {
  return text.split('(').length === text.split(')').length;
}

function withoutQuotes(text: string, range: SourceRange | undefined): SourceRange | undefined {
  if (!range || !/["']/.test(text[range.start] ?? '')) return range;
  return { start: range.start + 1, end: Math.max(range.start + 1, range.end - 1) };
}
