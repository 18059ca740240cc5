import type { TextDocument } from 'vscode-languageserver-textdocument';

/** The runbooks and inventories that belong together, for what goes across files. The caller reads them: this room does no I/O. */
export interface WorkspaceFiles {
  /** As the editor shows them where they are open, else as they are stored. */
  runbooks: readonly TextDocument[];
  inventories: readonly TextDocument[];
  /** Address of the file that `path` names in the document at `from`, as `inventory:` and `uses: ./…` do; undefined where a scheme has none. */
  resolve(from: string, path: string): string | undefined;
  /** Address of the inventory that belongs to this runbook, when there is one. */
  inventoryOf(runbook: string): string | undefined;
}
