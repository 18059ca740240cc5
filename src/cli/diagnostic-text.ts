import type { Diagnostic } from '../runbook/diagnostic';
import type { CheckedFile } from './load';
import { type Color, paint, printable, type Terminal } from './terminal';

const colors: Record<Diagnostic['severity'], Color> = { error: 'red', warning: 'yellow', info: 'blue' };

/** `file:line:col: severity code message`, and where people look, the line with what is meant underlined. */
export function diagnosticText(file: CheckedFile, diagnostic: Diagnostic, terminal: Terminal): string {
  const { document, name } = file;
  const start = document.positionAt(diagnostic.range.start);
  const place = `${name}:${start.line + 1}:${start.character + 1}`;
  const severity = paint(terminal, colors[diagnostic.severity], diagnostic.severity);
  const message = printable(diagnostic.message);
  const head = `${paint(terminal, 'bold', place)}: ${severity} ${diagnostic.code} ${message}\n`;
  return terminal.live ? head + excerpt(file, diagnostic, terminal) : head;
}

function excerpt({ document }: CheckedFile, { range, severity }: Diagnostic, terminal: Terminal): string {
  const start = document.positionAt(range.start);
  const end = document.positionAt(range.end);
  const line = document
    .getText({ start: { line: start.line, character: 0 }, end: { line: start.line + 1, character: 0 } })
    .replace(/\r?\n$/, '');
  if (line.trim() === '') return '';
  const number = String(start.line + 1);
  const stop = end.line === start.line ? end.character : line.length;
  // Tabs stay tabs, so that the mark stands under what it means.
  const before = line.slice(0, start.character).replace(/[^\t]/g, ' ');
  const mark = '^'.repeat(Math.max(1, Math.min(stop, line.length) - start.character));
  const gutter = ' '.repeat(number.length);
  return (
    `${paint(terminal, 'dim', `  ${number} |`)} ${printable(line)}\n` +
    `${paint(terminal, 'dim', `  ${gutter} |`)} ${before}${paint(terminal, colors[severity], mark)}\n`
  );
}

/** For programs. Lines and columns count from 1, columns in UTF-16 units. */
export function diagnosticJson(file: CheckedFile, diagnostic: Diagnostic) {
  const start = file.document.positionAt(diagnostic.range.start);
  const end = file.document.positionAt(diagnostic.range.end);
  return {
    file: file.name,
    line: start.line + 1,
    column: start.character + 1,
    endLine: end.line + 1,
    endColumn: end.character + 1,
    severity: diagnostic.severity,
    code: diagnostic.code,
    message: diagnostic.message,
    ...(diagnostic.suggestions && { suggestions: diagnostic.suggestions }),
  };
}
