import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type FoldingRange, FoldingRangeKind } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';

interface Open {
  line: number;
  column: number;
}

/**
 * Steps, blocks, comments of several lines, and what stands between `#region` and `#endregion`. By indentation, so that half-typed files fold
 * like others; what follows a list at the column of its key (`steps:` above `- `) folds with it.
 */
export function foldingRanges(document: TextDocument, _config: EditorConfig): FoldingRange[] {
  if (!documentKind(document)) return [];
  const found: FoldingRange[] = [];
  const add = (startLine: number, endLine: number, kind?: FoldingRangeKind) => {
    if (endLine > startLine) found.push({ startLine, endLine, ...(kind && { kind }) });
  };
  const open: Open[] = [];
  const regions: number[] = [];
  let lastContent = -1;
  let comments: { first: number; last: number } | undefined;
  const endComments = () => {
    if (comments) add(comments.first, comments.last, FoldingRangeKind.Comment);
    comments = undefined;
  };
  const close = (column: number) => {
    while (open.length > 0 && open.at(-1)!.column >= column) add(open.pop()!.line, lastContent);
  };
  const lines = document.getText().split(/\r\n|\n|\r/);
  for (const [line, text] of lines.entries()) {
    const content = text.trimStart();
    if (content === '') continue;
    if (content.startsWith('#')) {
      const region = /^#\s*(region|endregion)\b/.exec(content)?.[1];
      if (region) {
        endComments();
        if (region === 'region') regions.push(line);
        else if (regions.length > 0) add(regions.pop()!, line, FoldingRangeKind.Region);
      } else if (comments && comments.last === line - 1) comments.last = line;
      else {
        endComments();
        comments = { first: line, last: line };
      }
      continue;
    }
    endComments();
    const column = text.length - content.length;
    const dash = /^-(\s|$)/.test(content);
    // A list at the column of its key is still inside it.
    const parent = open.findLast(one => one.column === column);
    if (dash && parent && !isDash(lines[parent.line]!)) close(column + 1);
    else close(dash && parent ? column + 0.5 : column);
    if (dash) {
      // The list's items are half a column deeper than a key at the same place.
      close(column + 0.5);
      open.push({ line, column: column + 0.5 });
    } else open.push({ line, column });
    lastContent = line;
  }
  endComments();
  close(-1);
  return found.sort((left, right) => left.startLine - right.startLine || right.endLine - left.endLine);
}

function isDash(text: string): boolean {
  return /^\s*-(\s|$)/.test(text);
}
