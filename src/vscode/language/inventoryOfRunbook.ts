import type * as vscode from 'vscode';
import { neighbour } from './workspaceTexts';

/** Where the path in a runbook's `inventory:` leads. */
export function inventoryUri(runbook: vscode.Uri, inventoryPath: string): vscode.Uri {
  return neighbour(runbook, inventoryPath) ?? runbook.with({ path: inventoryPath });
}
