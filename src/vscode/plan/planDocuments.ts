import * as vscode from 'vscode';
import { schemes } from '../ids';

/** Plans and rehearsals as documents that can't be edited. */
export class PlanDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  /** The last of each name, also when it is not shown: VS Code says late that a document was closed, and the next may be on its way by then. */
  private readonly plans = new Map<string, string>();
  private readonly disposables: vscode.Disposable[] = [this.changed];
  readonly onDidChange = this.changed.event;

  constructor() {
    this.disposables.push(vscode.workspace.registerTextDocumentContentProvider(schemes.plan, this));
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

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.plans.get(uri.toString()) ?? vscode.l10n.t('This is not kept. Choose Plan or Rehearse again.');
  }

  dispose(): void {
    for (const item of this.disposables) item.dispose();
  }
}
