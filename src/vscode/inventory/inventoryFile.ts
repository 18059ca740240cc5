import * as vscode from 'vscode';
import type { Inventory } from '../../inventory/model';
import { contextKeys, settings } from '../ids';
import { readText } from '../language/readText';
import { language } from '../lazy';
import { isAbsolutePath } from '../paths';

/** `ready` carries the inventory; the other states have a welcome view each. */
export type InventoryFileState =
  | { state: 'none' | 'ambiguous' }
  | { state: 'invalid'; uri: vscode.Uri }
  | { state: 'noConnections' | 'ready'; uri: vscode.Uri; inventory: Inventory };

const CHOSEN = 'inventory.chosen';

/** Which inventory the view shows: the setting's, the chosen one, or the only one there is. */
export class InventoryFile implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<InventoryFileState>();
  private readonly disposables: vscode.Disposable[] = [this.changed];
  private current: InventoryFileState = { state: 'none' };
  private text = '';
  readonly onDidChange = this.changed.event;

  constructor(
    private readonly memory: vscode.Memento,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const watcher = vscode.workspace.createFileSystemWatcher('**/*.inventory.{yaml,yml}');
    const again = () => void this.reload();
    this.disposables.push(
      watcher,
      watcher.onDidChange(again),
      watcher.onDidCreate(again),
      watcher.onDidDelete(again),
      vscode.workspace.onDidChangeWorkspaceFolders(again),
      vscode.workspace.onDidChangeConfiguration(event => {
        if (event.affectsConfiguration(`${settings.section}.${settings.inventory}`)) again();
      }),
    );
  }

  get state(): InventoryFileState {
    return this.current;
  }

  async choose(uri: vscode.Uri): Promise<void> {
    await this.memory.update(CHOSEN, uri.toString());
    await this.reload();
  }

  /** All inventory files of the workspace. */
  find(): Thenable<vscode.Uri[]> {
    return vscode.workspace.findFiles('**/*.inventory.{yaml,yml}', '**/node_modules/**', 100);
  }

  async reload(): Promise<InventoryFileState> {
    let next: InventoryFileState;
    let text = '';
    try {
      const uri = await this.locate();
      if (uri === 'none' || uri === 'ambiguous') next = { state: uri };
      else {
        text = await readText(uri);
        const { inventory } = language().parseInventory(text);
        if (!inventory) next = { state: 'invalid', uri };
        else if (Object.keys(inventory.connections).length === 0) next = { state: 'noConnections', uri, inventory };
        else next = { state: 'ready', uri, inventory };
      }
    } catch (error) {
      this.log.error('Reading the inventory failed.', error);
      next = { state: 'none' };
    }
    const same =
      next.state === this.current.state &&
      text === this.text &&
      uriOf(next)?.toString() === uriOf(this.current)?.toString();
    if (same) return this.current;
    this.current = next;
    this.text = text;
    this.changed.fire(next);
    return next;
  }

  private async locate(): Promise<vscode.Uri | 'none' | 'ambiguous'> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    for (const folder of folders) {
      const path = vscode.workspace.getConfiguration(settings.section, folder.uri).get<string>(settings.inventory);
      if (path) return isAbsolutePath(path) ? vscode.Uri.file(path) : vscode.Uri.joinPath(folder.uri, path);
    }
    const found = await this.find();
    const chosen = this.memory.get<string>(CHOSEN);
    const remembered = found.find(uri => uri.toString() === chosen);
    if (remembered) return remembered;
    const [only, ...others] = found;
    if (!only) return 'none';
    return others.length === 0 ? only : 'ambiguous';
  }

  dispose(): void {
    for (const item of this.disposables) item.dispose();
  }
}

export function uriOf(state: InventoryFileState): vscode.Uri | undefined {
  return 'uri' in state ? state.uri : undefined;
}

export function showState(state: InventoryFileState['state'] | 'failed'): void {
  void vscode.commands.executeCommand('setContext', contextKeys.inventoryState, state);
}
