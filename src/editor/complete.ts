import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { CompletionItem } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';

/** What may be typed at this offset. Works in half-typed files. Items carry a `textEdit` and, for actions, a snippet. */
export function complete(_document: TextDocument, _offset: number, _config: EditorConfig): CompletionItem[] {
  return [];
}
