import { type CompletionItem, type MarkupContent, MarkupKind } from 'vscode-languageserver-types';

/** What a completion item is before it is given a place: without `textEdit`. */
export type Proposal = Omit<CompletionItem, 'textEdit' | 'insertText'> & {
  insert?: string;
  snippet?: boolean;
  /** Characters before what was typed that are replaced as well. */
  takesBack?: number;
};

export function markdown(value: string): MarkupContent {
  return { kind: MarkupKind.Markdown, value };
}
