import * as vscode from 'vscode';
import type { SeenNames } from '../../inventory/names';
import type { KnownNames } from '../../runbook/check-context';
import { languages } from '../ids';
import { language } from '../lazy';
import { isAbsolutePath } from '../paths';
import { KeptTexts } from './keptTexts';

/** What the live view saw of an inventory's hosts and VMs, if it is the one that is asked for. */
export type SeenBy = (inventory: vscode.Uri) => SeenNames | undefined;

/** The names of the inventory a runbook points to; read through VS Code's file systems, so it works in any scheme. */
export class InventoryNames implements vscode.Disposable {
  private readonly files = new KeptTexts('**/*.inventory.{yaml,yml}', languages.inventory);
  readonly onDidChange = this.files.onDidChange;

  constructor(private readonly seenBy: SeenBy) {}

  /** undefined: the runbook names no inventory, or it can't be read; then no name is doubted. */
  async of(runbook: vscode.Uri, inventoryPath: string | undefined): Promise<KnownNames | undefined> {
    if (!inventoryPath) return undefined;
    const uri = inventoryUri(runbook, inventoryPath);
    const text = await this.files.read(uri);
    if (text === undefined) return undefined;
    const { parseInventory, knownNames } = language();
    const { inventory } = parseInventory(text);
    return inventory && knownNames(inventory, this.seenBy(uri));
  }

  dispose(): void {
    this.files.dispose();
  }
}

/** Where the path in a runbook's `inventory:` leads. */
export function inventoryUri(runbook: vscode.Uri, inventoryPath: string): vscode.Uri {
  const absolute = isAbsolutePath(inventoryPath);
  if (absolute && runbook.scheme === 'file') return vscode.Uri.file(inventoryPath);
  return absolute ? runbook.with({ path: inventoryPath }) : vscode.Uri.joinPath(runbook, '..', inventoryPath);
}
