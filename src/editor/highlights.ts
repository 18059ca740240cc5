import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type DocumentHighlight, DocumentHighlightKind } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';
import { namesInDocument } from './names-in-document';
import { toRange } from './validate';

/** The places of this document that mean the same as what stands at the offset. */
export function documentHighlights(document: TextDocument, offset: number, config: EditorConfig): DocumentHighlight[] {
  const names = namesInDocument(document, config);
  const name = names.at(offset);
  if (!name) return [];
  return names.of(name.target).map(found => ({
    range: toRange(document, found.range),
    kind: found.role === 'definition' ? DocumentHighlightKind.Write : DocumentHighlightKind.Read,
  }));
}
