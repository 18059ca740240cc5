import * as vscode from 'vscode';
import { schemes } from './ids';
import { journalLines } from './runs/journalText';
import type { RunsService } from './runs/runsService';

/** Journals are drawn again at most this often while a run goes on, in ms. */
const REDRAW_MS = 300;

/** Plans, rehearsals and journals as documents that can't be edited. A journal that is open grows with its run. */
export class ReadonlyDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly plans = new Map<string, string>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly disposables: vscode.Disposable[] = [this.changed];
  readonly onDidChange = this.changed.event;

  constructor(private readonly runs: RunsService) {
    this.disposables.push(
      vscode.workspace.registerTextDocumentContentProvider(schemes.plan, this),
      vscode.workspace.registerTextDocumentContentProvider(schemes.journal, this),
      runs.onDidChangeRun(({ runId }) => this.redrawSoon(runId)),
      // A record that came while the document was being opened found nobody to tell.
      vscode.workspace.onDidOpenTextDocument(document => {
        if (document.uri.scheme === schemes.journal) this.redrawSoon(runIdOf(document.uri));
      }),
      vscode.workspace.onDidCloseTextDocument(document => {
        // A preview goes on showing a document that VS Code has closed.
        if (document.uri.scheme === schemes.plan && document.uri.path.endsWith('.plan.md')) {
          this.plans.delete(document.uri.toString());
        }
      }),
    );
  }

  async showPlan(name: string, markdown: string): Promise<void> {
    const document = await this.keep(name, 'plan', markdown);
    await vscode.window.showTextDocument(document, { preview: true, viewColumn: vscode.ViewColumn.Beside });
  }

  /** Its tables can only be read when they are rendered; as text where VS Code's Markdown preview is disabled. */
  async showRehearsal(name: string, markdown: string): Promise<void> {
    const document = await this.keep(name, 'rehearsal', markdown);
    try {
      await vscode.commands.executeCommand('markdown.showPreviewToSide', document.uri);
    } catch {
      await vscode.window.showTextDocument(document, { preview: true, viewColumn: vscode.ViewColumn.Beside });
    }
  }

  /** One document per name and kind: planning again shows the new plan in the same tab. */
  private async keep(name: string, kind: 'plan' | 'rehearsal', markdown: string): Promise<vscode.TextDocument> {
    const uri = vscode.Uri.from({ scheme: schemes.plan, path: `/${name.replaceAll(/[/\\]/g, '-')}.${kind}.md` });
    this.plans.set(uri.toString(), markdown);
    this.changed.fire(uri);
    return vscode.workspace.openTextDocument(uri);
  }

  async showJournal(runId: string): Promise<void> {
    const document = await vscode.workspace.openTextDocument(journalUri(runId));
    await vscode.window.showTextDocument(document, { preview: true });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    if (uri.scheme === schemes.plan) {
      return this.plans.get(uri.toString()) ?? vscode.l10n.t('This is not kept. Choose Plan or Rehearse again.');
    }
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
