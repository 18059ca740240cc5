import * as vscode from 'vscode';
import type { RunView } from '../../engine/view';
import type { Attachment, Person, RunStatus } from '../../runner/contract';
import { duration } from '../duration';
import { commands } from '../ids';
import { progressOf, progressText } from './progressText';
import type { RunsService } from './runsService';

/** Progress is drawn at most this often, in ms. */
const REDRAW_MS = 100;

/** A window shows each run once, whoever started it. */
export class RunProgress implements vscode.Disposable {
  private readonly shown = new Set<string>();
  private readonly attachments = new Map<string, Attachment>();

  constructor(
    private readonly runs: RunsService,
    private readonly person: () => Person,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** Shows progress until the run ends, answers what it asks, and then says how it ended. */
  async show(runId: string): Promise<RunStatus | undefined> {
    if (this.shown.has(runId)) return undefined;
    this.shown.add(runId);
    try {
      const name = (await this.nameOf(runId)) ?? runId;
      let status: RunStatus | undefined;
      while (status === undefined) {
        status = await vscode.window.withProgress(
          { location: vscode.ProgressLocation.Notification, title: name, cancellable: true },
          (progress, cancellation) => this.track(runId, progress, cancellation),
        );
        // VS Code closes a notification whose Cancel was clicked; the run, and what is done to it, is shown again.
        if (status === undefined) await this.cancel(runId);
      }
      // Not awaited: a notification stays until somebody closes it.
      void this.tellEnd(runId, status);
      return status;
    } catch (error) {
      this.log.error(`Showing run ${runId} failed.`, error);
      return undefined;
    } finally {
      this.shown.delete(runId);
    }
  }

  /** Until the run has ended, or (undefined) until Cancel is clicked. */
  private async track(
    runId: string,
    progress: vscode.Progress<{ message?: string; increment?: number }>,
    cancellation: vscode.CancellationToken,
  ): Promise<RunStatus | undefined> {
    let done = 0;
    let asked: string | undefined;
    const draw = async () => {
      const view = await this.runs.view(runId).catch(() => undefined);
      if (!view) return;
      const fraction = progressOf(view);
      progress.report({ message: progressText(view), increment: Math.max(0, (fraction - done) * 100) });
      done = Math.max(done, fraction);
      if (view.question && view.question.id !== asked) {
        asked = view.question.id;
        void this.answer(runId);
      }
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const listener = this.runs.onDidChangeRun(change => {
      if (change.runId !== runId) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        void draw();
      }, REDRAW_MS);
    });
    const cancelled = new Promise<undefined>(resolve => cancellation.onCancellationRequested(() => resolve(undefined)));
    try {
      const ended = this.runs.follow(runId);
      await this.attach(runId);
      await draw();
      return await Promise.race([ended, cancelled]);
    } finally {
      listener.dispose();
      clearTimeout(timer);
      this.attachments.get(runId)?.detach();
      this.attachments.delete(runId);
    }
  }

  private async attach(runId: string): Promise<Attachment | undefined> {
    const known = this.attachments.get(runId);
    if (known) return known;
    const attachment = await this.runs.runs.attach(runId, this.person());
    if (attachment) {
      this.attachments.set(runId, attachment);
      void attachment.closed.then(() => this.attachments.delete(runId));
    }
    return attachment;
  }

  /** Asks how to stop, and stops. */
  async cancel(runId: string): Promise<void> {
    const rollBack = vscode.l10n.t('Roll Back');
    const keep = vscode.l10n.t('Stop and Keep');
    const view = await this.runs.view(runId).catch(() => undefined);
    const undo = (view?.undoList ?? []).map(key => view?.steps.find(step => step.key === key)?.undo ?? key);
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t('Stop the run of {0}?', view?.name ?? runId),
      {
        modal: true,
        detail: [
          vscode.l10n.t('"Roll Back" undoes what was done, last step first:'),
          ...(undo.length > 0 ? undo.map(text => `- ${text}`) : [vscode.l10n.t('- nothing yet')]),
          vscode.l10n.t('"Stop and Keep" undoes only the step under way.'),
        ].join('\n'),
      },
      rollBack,
      keep,
    );
    if (answer === undefined) return;
    await this.runs.runs.cancel(runId, answer === keep ? 'keep' : 'rollback');
  }

  /** Lets a person choose an answer to what the run asks. */
  async answer(runId: string): Promise<void> {
    const view = await this.runs.view(runId);
    const { question } = view;
    if (!question) {
      void vscode.window.showInformationMessage(vscode.l10n.t('The run of {0} asks nothing now.', view.name));
      return;
    }
    const labels = question.choices.map(choice => choice.label);
    const chosen = await vscode.window.showWarningMessage(
      vscode.l10n.t('{0} asks', view.name),
      { modal: true, detail: question.text },
      ...labels,
    );
    const choice = question.choices.find(({ label }) => label === chosen);
    if (!choice) return;
    const attachment = await this.attach(runId);
    if (attachment) await attachment.answer(question.id, choice.id);
    else
      void vscode.window.showWarningMessage(
        vscode.l10n.t('The runner of {0} is gone. Resume the run first.', view.name),
      );
  }

  private async nameOf(runId: string): Promise<string | undefined> {
    const view = await this.runs.view(runId).catch(() => undefined);
    return view?.name;
  }

  private async tellEnd(runId: string, status: RunStatus): Promise<void> {
    const view = await this.runs.view(runId).catch(() => undefined);
    if (!view) return;
    const journal = vscode.l10n.t('Show Journal');
    const rollBack = vscode.l10n.t('Roll Back');
    const resume = vscode.l10n.t('Resume');
    const text = endText(view, status);
    const canRollBack = view.undoList.length > 0 && status !== 'rolled-back' && status !== 'failed';
    const buttons = [journal, ...(status === 'crashed' ? [resume] : []), ...(canRollBack ? [rollBack] : [])];
    const choice = await notify(status, text, buttons);
    if (choice === journal) await vscode.commands.executeCommand(commands.showJournal, runId);
    if (choice === rollBack) await vscode.commands.executeCommand(commands.rollBackRun, runId);
    if (choice === resume) await vscode.commands.executeCommand(commands.resumeRun, runId);
  }

  /** Lets go of the runs; they go on. */
  dispose(): void {
    for (const attachment of this.attachments.values()) attachment.detach();
  }
}

function notify(status: RunStatus, text: string, buttons: string[]): Thenable<string | undefined> {
  if (status === 'done') return vscode.window.showInformationMessage(text, ...buttons);
  if (status === 'rolled-back' || status === 'stopped') return vscode.window.showWarningMessage(text, ...buttons);
  return vscode.window.showErrorMessage(text, ...buttons);
}

function endText(view: RunView, status: RunStatus): string {
  const took = duration((view.endedAt ?? Date.now()) - (view.startedAt ?? view.submittedAt));
  const why = view.failure?.message ?? '';
  const count = view.steps.filter(step => step.state === 'done').length;
  switch (status) {
    case 'done':
      return vscode.l10n.t('{0}: done in {1}, {2} steps.', view.name, took, count);
    case 'rolled-back':
      return vscode.l10n.t('{0}: failed and rolled back. {1}', view.name, why);
    case 'stopped':
      return vscode.l10n.t('{0}: stopped. What was done is kept.', view.name);
    case 'failed':
      return vscode.l10n.t('{0}: failed before anything was changed. {1}', view.name, why);
    case 'needs-operator':
      return vscode.l10n.t(
        '{0}: could not be taken back completely; a person is needed. {1}',
        view.name,
        view.remaining.map(item => item.text).join(' '),
      );
    default:
      return vscode.l10n.t(
        '{0}: its runner is gone. Nothing more happens until it is resumed or rolled back.',
        view.name,
      );
  }
}
