/** The part of an edit that moves lines. */
export interface LineEdit {
  range: { start: { line: number; character: number }; end: { line: number; character: number } };
  text: string;
}

/**
 * Where a line, counted from 0, is after edits of one version of a document. undefined: it was deleted. The edits are as VS Code gives them: none
 * touches another, and all are told in lines from before them.
 */
export function shiftedLine(line: number, edits: readonly LineEdit[]): number | undefined {
  let shift = 0;
  for (const { range, text } of edits) {
    const { start, end } = range;
    const added = text.split('\n').length - 1;
    if (start.line <= line && (start.line < line || start.character === 0) && end.line > line) {
      // The whole line went; what was typed instead is not it.
      return undefined;
    }
    const isAbove = end.line < line || (end.line === line && (start.line < line || start.character === 0));
    if (isAbove) shift += added - (end.line - start.line);
  }
  return line + shift;
}
