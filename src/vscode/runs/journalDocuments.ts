import * as vscode from 'vscode';
import { schemes } from '../ids';
import { journalLines } from './journalText';
import type { RunsService } from './runsService';

/** Journals are drawn again at most this often while a run goes on, in ms. */
const REDRAW_MS = 300;

/** Journals as documents that can't be edited. One that is open grows with its run. */
export class JournalDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly disposables: vscode.Disposable[] = [this.changed];
  readonly onDidChange = this.changed.event;

  constructor(private readonly runs: RunsService) {
    this.disposables.push(
      vscode.workspace.registerTextDocumentContentProvider(schemes.journal, this),
      runs.onDidChangeRun(({ runId }) => this.redrawSoon(runId)),
      // A record that came while the document was being opened found nobody to tell.
      vscode.workspace.onDidOpenTextDocument(document => {
        if (document.uri.scheme === schemes.journal) this.redrawSoon(runIdOf(document.uri));
      }),
    );
  }

  async showJournal(runId: string): Promise<void> {
    const document = await vscode.workspace.openTextDocument(journalUri(runId));
    await vscode.window.showTextDocument(document, { preview: true });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    return `${journalLines(await this.runs.records(runIdOf(uri))).join('\n')}\n`;
  }

  private redrawSoon(runId: string): void {
    const uri = journalUri(runId);
    const open = vscode.workspace.textDocuments.some(document => document.uri.toString() === uri.toString());
    if (!open || this.timers.has(runId)) return;
    this.timers.set(
      runId,
      setTimeout(() => {
        this.timers.delete(runId);
        this.changed.fire(uri);
      }, REDRAW_MS),
    );
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const item of this.disposables) item.dispose();
  }
}

function runIdOf(uri: vscode.Uri): string {
  return uri.path.slice(1).replace(/\.log$/, '');
}

function journalUri(runId: string): vscode.Uri {
  return vscode.Uri.from({ scheme: schemes.journal, path: `/${runId}.log` });
}
