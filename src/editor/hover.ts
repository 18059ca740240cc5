import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Hover } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';

/** Docs, type, and the current value or state of what stands at this offset, as Markdown. */
export function hover(_document: TextDocument, _offset: number, _config: EditorConfig): Hover | undefined {
  return undefined;
}
