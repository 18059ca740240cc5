import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { CodeAction, Diagnostic, Range } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';
import { quickFixes } from './quick-fixes';

/**
 * What can be done about a place: fixes of the problems there (`quickfix`), rewriting (`refactor.*`), and everything of a kind at once
 * (`source.fixAll.virtbook`). `diagnostics`: those that the editor shows at `range`; each is named by the fixes that are for it.
 */
export function codeActions(
  document: TextDocument,
  _range: Range,
  diagnostics: Diagnostic[],
  _config: EditorConfig,
): CodeAction[] {
  return quickFixes(document, diagnostics);
}
