import * as vscode from 'vscode';
import type { SeenNames } from '../../inventory/names';
import type { KnownNames } from '../../runbook/check-context';
import { languages } from '../ids';
import { language } from '../lazy';
import { isAbsolutePath } from '../paths';

/** What the live view saw of an inventory's hosts and VMs, if it is the one that is asked for. */
export type SeenBy = (inventory: vscode.Uri) => SeenNames | undefined;

/** The names of the inventory a runbook points to; read through VS Code's file systems, so it works in any scheme. */
export class InventoryNames implements vscode.Disposable {
  private readonly texts = new Map<string, Promise<string | undefined>>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[] = [this.changed];
  /** An inventory changed: what was said of runbooks may no longer hold. */
  readonly onDidChange = this.changed.event;

  constructor(private readonly seenBy: SeenBy) {
    const watcher = vscode.workspace.createFileSystemWatcher('**/*.inventory.{yaml,yml}');
    const forget = (uri: vscode.Uri) => {
      this.texts.delete(uri.toString());
      this.changed.fire();
    };
    this.disposables.push(
      watcher,
      watcher.onDidChange(forget),
      watcher.onDidCreate(forget),
      watcher.onDidDelete(forget),
      vscode.workspace.onDidChangeTextDocument(event => {
        if (event.document.languageId === languages.inventory && event.contentChanges.length > 0)
          forget(event.document.uri);
      }),
    );
  }

  /** undefined: the runbook names no inventory, or it can't be read; then no name is doubted. */
  async of(runbook: vscode.Uri, inventoryPath: string | undefined): Promise<KnownNames | undefined> {
    if (!inventoryPath) return undefined;
    const uri = inventoryUri(runbook, inventoryPath);
    const text = await this.read(uri);
    if (text === undefined) return undefined;
    const { parseInventory, knownNames } = language();
    const { inventory } = parseInventory(text);
    return inventory && knownNames(inventory, this.seenBy(uri));
  }

  private read(uri: vscode.Uri): Promise<string | undefined> {
    const key = uri.toString();
    let text = this.texts.get(key);
    if (!text) {
      text = readText(uri).catch(() => undefined);
      this.texts.set(key, text);
    }
    return text;
  }

  dispose(): void {
    for (const item of this.disposables) item.dispose();
  }
}

/** Where the path in a runbook's `inventory:` leads. */
export function inventoryUri(runbook: vscode.Uri, inventoryPath: string): vscode.Uri {
  const absolute = isAbsolutePath(inventoryPath);
  if (absolute && runbook.scheme === 'file') return vscode.Uri.file(inventoryPath);
  return absolute ? runbook.with({ path: inventoryPath }) : vscode.Uri.joinPath(runbook, '..', inventoryPath);
}

/** What the editor shows of it, if it is open, else what is stored. */
export async function readText(uri: vscode.Uri): Promise<string> {
  const open = vscode.workspace.textDocuments.find(document => document.uri.toString() === uri.toString());
  return open ? open.getText() : new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}
