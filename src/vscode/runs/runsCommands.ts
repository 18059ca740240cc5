import * as vscode from 'vscode';
import type { RunProgress } from './runProgress';
import type { RunsService } from './runsService';
import { isLive } from './stepResults';

/** Commands on runs that are there already. */
export class RunsCommands {
  constructor(
    private readonly runs: RunsService,
    private readonly progress: RunProgress,
  ) {}

  /** Takes everything back that the run did; asks first and says what that is. */
  async rollBack(runId: string): Promise<void> {
    this.needsTrust();
    const view = await this.runs.view(runId);
    if (view.noReturn !== undefined && view.endedAt !== undefined) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('{0} has passed its point of no return, so what was done is kept.', view.name),
      );
      return;
    }
    const undo = view.undoList.map(key => view.steps.find(step => step.key === key)?.undo ?? key);
    if (undo.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t('{0} left nothing to take back.', view.name));
      return;
    }
    const rollBack = vscode.l10n.t('Roll Back');
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t('Roll back {0}?', view.name),
      {
        modal: true,
        detail: [vscode.l10n.t('Undone, in this order:'), ...undo.map(text => `- ${text}`)].join('\n'),
      },
      rollBack,
    );
    if (answer !== rollBack) return;
    await this.runs.runs.rollback(runId);
    await this.runs.refresh();
    void this.progress.show(runId);
  }

  async resume(runId: string): Promise<void> {
    this.needsTrust();
    await this.runs.runs.resume(runId);
    await this.runs.refresh();
    void this.progress.show(runId);
  }

  /** Opens the runbook of what a run could not take back, which stands beside its journal. */
  async openRemaining(runId: string): Promise<void> {
    const file = vscode.Uri.joinPath(vscode.Uri.file(this.runs.runs.folder), runId, 'remaining.runbook.yaml');
    try {
      await vscode.window.showTextDocument(file);
    } catch {
      const view = await this.runs.view(runId);
      const left = view.remaining.map(({ key, text, why }) => `${key}: ${text}. ${why}`).join('\n');
      void vscode.window.showInformationMessage(
        vscode.l10n.t('Nothing of what {0} left can be done by a step.', view.name),
        { modal: true, detail: left },
      );
    }
  }

  async openRunbook(argument: unknown): Promise<void> {
    const view = await this.runs.view(runIdOf(argument));
    await vscode.window.showTextDocument(vscode.Uri.file(view.runbookPath));
  }

  /** After a reload of the window: what still runs for this workspace is shown again. */
  async showRunning(): Promise<void> {
    if (!vscode.workspace.isTrusted) return;
    await this.runs.refresh();
    for (const run of this.runs.list) {
      const here = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(run.runbookPath)) !== undefined;
      if (isLive(run.status) && here) void this.progress.show(run.runId);
    }
  }

  private needsTrust(): void {
    if (!vscode.workspace.isTrusted) throw new Error(vscode.l10n.t('Nothing runs in a workspace that is not trusted.'));
  }
}

/** A run's id from a lens or notification (a string) or from the runs view (a node). @throws when it is neither */
export function runIdOf(argument: unknown): string {
  if (typeof argument === 'string') return argument;
  const runId = typeof argument === 'object' && argument !== null && 'runId' in argument ? argument.runId : undefined;
  if (typeof runId === 'string') return runId;
  throw new Error(vscode.l10n.t('Choose a run in the Runs view.'));
}
