import * as vscode from 'vscode';

/** Texts of files of one language that others refer to, as the editor shows them or as they are stored; in any scheme. */
export class KeptTexts implements vscode.Disposable {
  private readonly texts = new Map<string, Promise<string | undefined>>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[] = [this.changed];
  /** One that was read changed, came or went: what was said of those that refer to it may no longer hold. */
  readonly onDidChange = this.changed.event;

  constructor(glob: string, languageId: string) {
    const watcher = vscode.workspace.createFileSystemWatcher(glob);
    const forget = (uri: vscode.Uri) => {
      if (this.texts.delete(uri.toString())) this.changed.fire();
    };
    this.disposables.push(
      watcher,
      watcher.onDidChange(forget),
      watcher.onDidCreate(forget),
      watcher.onDidDelete(forget),
      vscode.workspace.onDidChangeTextDocument(event => {
        if (event.document.languageId === languageId && event.contentChanges.length > 0) forget(event.document.uri);
      }),
      // Closed without saving: what is stored counts again.
      vscode.workspace.onDidCloseTextDocument(document => forget(document.uri)),
    );
  }

  /** undefined: it can't be read. */
  read(uri: vscode.Uri): Promise<string | undefined> {
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

/** What the editor shows of it, if it is open, else what is stored. */
export async function readText(uri: vscode.Uri): Promise<string> {
  const open = vscode.workspace.textDocuments.find(document => document.uri.toString() === uri.toString());
  return open ? open.getText() : new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}
