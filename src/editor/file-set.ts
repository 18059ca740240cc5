import type { TextDocument } from 'vscode-languageserver-textdocument';
import { documentKind } from './document-kind';
import { type ParseCache, runbookOf } from './parse-cache';
import type { WorkspaceFiles } from './workspace-files';

/** Folders that hold copies and other people's files, as VS Code leaves them out too. */
export const skippedFolders: ReadonlySet<string> = new Set(['node_modules', '.git', '.hg', '.svn']);

/** Files larger than this are left alone by what goes across files, in characters. */
export const largestFile = 1_000_000;
/** Most files that what goes across files looks at. */
export const mostFiles = 2_000;

/** The `inventory:` of runbooks. */
const inventories = new WeakMap<TextDocument, { version: number; path: string | undefined }>();

/** Documents as what goes across files reads them. `resolve` as in `WorkspaceFiles`. */
export function fileSet(
  documents: readonly TextDocument[],
  resolve: WorkspaceFiles['resolve'],
  cache?: ParseCache,
): WorkspaceFiles {
  const runbooks = documents.filter(document => documentKind(document) === 'runbook');
  let byAddress: Map<string, TextDocument> | undefined;
  return {
    runbooks,
    inventories: documents.filter(document => documentKind(document) === 'inventory'),
    resolve,
    inventoryOf(uri) {
      byAddress ??= new Map(runbooks.map(document => [document.uri, document]));
      const document = byAddress.get(uri);
      if (!document) return undefined;
      let found = inventories.get(document);
      if (found?.version !== document.version) {
        found = { version: document.version, path: runbookOf(document, cache).draft.inventory };
        inventories.set(document, found);
      }
      return found.path ? resolve(uri, found.path) : undefined;
    },
  };
}
