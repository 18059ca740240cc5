import * as vscode from 'vscode';
import type { RunSummary } from '../../runner/contract';
import type { RunProgress } from './runProgress';
import type { RunsService } from './runsService';
import { parseRunsId } from './runsTree';
import { isLive, statusText } from './stepResults';

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

  /** Deletes runs from the history, for good; asks first. What they did stays done. */
  async remove(runIds: readonly string[]): Promise<void> {
    this.needsTrust();
    // One may have ended, or been resumed in a terminal, since the list was read.
    await this.runs.refresh();
    const runs = this.runs.list.filter(run => runIds.includes(run.runId));
    const live = runs.filter(run => isLive(run.status));
    const [first] = live;
    if (first) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('{0} is under way. Cancel it first; when it has ended it can be removed.', first.name),
      );
      return;
    }
    if (runs.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t('Choose runs in the Runs view first.'));
      return;
    }
    const open = runs.filter(isOpen);
    const [run] = runs;
    const text =
      runs.length === 1 && run
        ? vscode.l10n.t('Remove the run of {0} from the history?', run.name)
        : vscode.l10n.t('Remove {0} runs from the history?', runs.length);
    const detail = [
      vscode.l10n.t('Their journals are deleted, so they can neither be looked at nor be rolled back any more.'),
      ...(open.length > 0
        ? [vscode.l10n.t('Something is left to do after these, and it will not be known any more what:')]
        : []),
      ...open.map(one => `- ${one.name}, ${statusText(one.status)}`),
    ].join('\n');
    const remove = vscode.l10n.t('Remove');
    if ((await vscode.window.showWarningMessage(text, { modal: true, detail }, remove)) !== remove) return;
    for (const one of runs) await this.runs.runs.remove(one.runId, { force: isOpen(one) });
    await this.runs.refresh();
  }

  /** Of runs that ended long ago; those that left something to do are kept. */
  async removeOld(): Promise<void> {
    const day = 86_400_000;
    const choices = [7, 30, 90, 365].map(days => {
      const old = this.runs.list.filter(
        run =>
          !isLive(run.status) && !isOpen(run) && (run.endedAt ?? Number.POSITIVE_INFINITY) < Date.now() - days * day,
      );
      return {
        label: vscode.l10n.t('Ended more than {0} days ago', days),
        description: old.length === 1 ? vscode.l10n.t('1 run') : vscode.l10n.t('{0} runs', old.length),
        ids: old.map(run => run.runId),
      };
    });
    const picked = await vscode.window.showQuickPick(choices, { title: vscode.l10n.t('Runs to remove') });
    if (picked && picked.ids.length > 0) await this.remove(picked.ids);
  }

  private needsTrust(): void {
    if (!vscode.workspace.isTrusted) throw new Error(vscode.l10n.t('Nothing runs in a workspace that is not trusted.'));
  }
}

/** Whether somebody should still resume it or roll it back. */
function isOpen(run: RunSummary): boolean {
  return run.status === 'crashed' || run.status === 'needs-operator';
}

/** A run's id from a lens or notification, or from a node of the runs view. @throws when it is neither */
export function runIdOf(argument: unknown): string {
  if (typeof argument === 'string') {
    const node = parseRunsId(argument);
    return node && 'runId' in node ? node.runId : argument;
  }
  const runId = typeof argument === 'object' && argument !== null && 'runId' in argument ? argument.runId : undefined;
  if (typeof runId === 'string') return runId;
  throw new Error(vscode.l10n.t('Choose a run in the Runs view.'));
}
