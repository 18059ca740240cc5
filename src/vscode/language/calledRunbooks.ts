import * as vscode from 'vscode';
import type { CalledRunbooks } from '../../runbook/calls';
import type { Runbook } from '../../runbook/model';
import { languages } from '../ids';
import { language } from '../lazy';
import { readText } from './inventoryOfRunbook';

/** Paths offered where a runbook can be called. */
const mostOffered = 500;

/** Runbooks that other runbooks call, as the editor shows them or as they are stored. */
export class CalledFiles implements vscode.Disposable {
  private readonly texts = new Map<string, Promise<string | undefined>>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[] = [this.changed];
  /** One that is called changed, came or went: what was said of its callers may no longer hold. */
  readonly onDidChange = this.changed.event;

  constructor() {
    const watcher = vscode.workspace.createFileSystemWatcher('**/*.runbook.{yaml,yml}');
    const forget = (uri: vscode.Uri) => {
      if (this.texts.delete(uri.toString())) this.changed.fire();
    };
    this.disposables.push(
      watcher,
      watcher.onDidChange(forget),
      watcher.onDidCreate(forget),
      watcher.onDidDelete(forget),
      vscode.workspace.onDidChangeTextDocument(event => {
        if (event.document.languageId === languages.runbook && event.contentChanges.length > 0)
          forget(event.document.uri);
      }),
      // Closed without saving: what is stored counts again.
      vscode.workspace.onDidCloseTextDocument(document => forget(document.uri)),
    );
  }

  /** What `runbook` calls, and what these call. */
  async of(uri: vscode.Uri, runbook: Runbook): Promise<CalledRunbooks> {
    const name = uri.path.slice(uri.path.lastIndexOf('/') + 1);
    const { runbooks } = await language().loadCalled(runbook, name, path =>
      this.read(vscode.Uri.joinPath(uri, '..', path)),
    );
    return runbooks;
  }

  /** Paths, relative to the folder of the document, of runbooks that it could call. */
  async callable(uri: vscode.Uri): Promise<string[]> {
    if (uri.scheme !== 'file') return [];
    const found = await vscode.workspace.findFiles('**/*.runbook.{yaml,yml}', undefined, mostOffered);
    const folder = uri.path.split('/').slice(0, -1);
    return found.flatMap(file => (file.toString() === uri.toString() ? [] : [relative(folder, file.path)])).sort();
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

/** `other.runbook.yaml`, `../shared/part.runbook.yaml` */
function relative(folder: readonly string[], path: string): string {
  const parts = path.split('/');
  let same = 0;
  while (same < folder.length && folder[same] === parts[same]) same++;
  return [...folder.slice(same).map(() => '..'), ...parts.slice(same)].join('/');
}
