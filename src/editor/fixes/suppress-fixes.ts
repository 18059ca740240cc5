import { isSuppressible } from '../../runbook/suppress';
import { type Fix, fix, type Problem } from './fix';
import type { Edit, RunbookText } from './runbook-text';

/** Comments that keep a finding quiet, and those that keep nothing quiet any more. */
export function suppressFixes(problem: Problem): Fix[] {
  const code = String(problem.diagnostic.code);
  if (code === 'unused-ignore') return removeIgnore(problem);
  if (!isSuppressible(code) || keepsFromRunning(problem)) return [];
  return [
    ...fix(`Ignore \`${code}\` on this line`, [onLine(problem, code)]),
    ...fix(`Ignore \`${code}\` in this file`, [inFile(problem.runbook, code)]),
  ];
}

/** A mistake in the structure keeps a file from being run, ignored or not: to hide it would only surprise later. */
function keepsFromRunning({ document, runbook, diagnostic }: Problem): boolean {
  const start = document.offsetAt(diagnostic.range.start);
  return runbook.parsed.diagnostics.some(
    ({ severity, code, range }) => severity === 'error' && code === diagnostic.code && range.start === start,
  );
}

function onLine({ document, runbook, diagnostic, pointer }: Problem, code: string): Edit | undefined {
  const { line } = diagnostic.range.start;
  const start = document.offsetAt({ line, character: 0 });
  // Where a line ends is not sure in text that is no YAML.
  if (runbook.parsed.diagnostics.some(item => item.code === 'yaml-syntax')) return undefined;
  // What the whole file lacks is said in its first line, whatever that is.
  if (code === 'missing-key' && diagnostic.range.start.character === 0 && line === 0) return undefined;
  // Within text over several lines a comment would be part of it.
  const value = runbook.value(pointer);
  const around = runbook.parsed.source.valueRange(pointer);
  if (typeof value === 'string' && around && around.start < start && start < around.end) return undefined;
  if (line > 0) {
    const above = runbook.text.slice(document.offsetAt({ line: line - 1, character: 0 }), start);
    const comment = /^ *# *virtbook-ignore:[^\r\n]*/.exec(above)?.[0].trimEnd();
    const at = comment === undefined ? 0 : document.offsetAt({ line: line - 1, character: comment.length });
    if (comment !== undefined) return { start: at, end: at, text: `, ${code}` };
  }
  const indent = /^ */.exec(runbook.text.slice(start))?.[0] ?? '';
  return { start, end: start, text: `${indent}# virtbook-ignore: ${code}${runbook.eol}` };
}

function inFile({ text, eol }: RunbookText, code: string): Edit {
  const comment = /^# *virtbook-ignore-file:[^\r\n]*/m.exec(text);
  if (comment) {
    const at = comment.index + comment[0].trimEnd().length;
    return { start: at, end: at, text: `, ${code}` };
  }
  const start = text.startsWith('\uFEFF') ? 1 : 0;
  return { start, end: start, text: `# virtbook-ignore-file: ${code}${eol}` };
}

/** One code of a comment, or all of it when that is the only one. */
function removeIgnore({ document, runbook, diagnostic }: Problem): Fix[] {
  const { text } = runbook;
  const start = document.offsetAt(diagnostic.range.start);
  const end = document.offsetAt(diagnostic.range.end);
  const lineStart = runbook.lineStartOf(start);
  const lineBreak = text.indexOf('\n', end);
  const lineEnd = lineBreak < 0 ? text.length : lineBreak + 1;
  const line = text.slice(lineStart, lineEnd);
  const before = /(?:^|\s)(# *virtbook-ignore(?:-file)?: *)(?=\S*[^#]*$)/.exec(text.slice(lineStart, start));
  if (!before) return [];
  const comment = lineStart + before.index + (before[0].length - before[1]!.length);
  const codes = text.slice(comment + before[1]!.length, lineStart + line.trimEnd().length);
  let edit: Edit;
  if (/[A-Za-z0-9-]+[^A-Za-z0-9-]+[A-Za-z0-9-]/.test(codes)) {
    const behind = /^\s*,\s*/.exec(text.slice(end, lineEnd))?.[0];
    const ahead = /,\s*$/.exec(text.slice(comment, start))?.[0];
    if (behind !== undefined) edit = { start, end: end + behind.length, text: '' };
    else if (ahead !== undefined) edit = { start: start - ahead.length, end, text: '' };
    else return [];
  } else if (text.slice(lineStart, comment).trim() === '') edit = { start: lineStart, end: lineEnd, text: '' };
  else {
    const blank = /\s*$/.exec(text.slice(lineStart, comment))![0].length;
    edit = { start: comment - blank, end: lineStart + line.trimEnd().length, text: '' };
  }
  return fix('Remove what ignores nothing', [edit], { preferred: true, safe: true });
}
