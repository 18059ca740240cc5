import * as vscode from 'vscode';
import { shortHash } from '../../engine/plan-summary';
import type { OpenApproval, RunView } from '../../engine/view';
import type { ApprovalDecision, Attachment, Person, RunStatus } from '../../runner/contract';
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

  /**
   * Shows progress until the run ends, answers what it asks, and then says how it ended. `quiet`: in the status bar, where something else
   * shows it already, e.g. a debugger.
   */
  async show(runId: string, { quiet = false } = {}): Promise<RunStatus | undefined> {
    if (this.shown.has(runId)) return undefined;
    this.shown.add(runId);
    try {
      const name = (await this.nameOf(runId)) ?? runId;
      let status: RunStatus | undefined;
      const { Notification, Window } = vscode.ProgressLocation;
      while (status === undefined) {
        status = await vscode.window.withProgress(
          { location: quiet ? Window : Notification, title: name, cancellable: !quiet },
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
    const offered = new Set<string>();
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
      for (const approval of view.approvals) {
        if (offered.has(approval.key)) continue;
        offered.add(approval.key);
        void this.offerApproval(view, approval);
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
    if (view?.noReturn !== undefined) {
      const text = vscode.l10n.t('Stop the run of {0}?', view.name);
      const detail = vscode.l10n.t('Its point of no return is passed: the step under way is undone, the rest is kept.');
      if ((await vscode.window.showWarningMessage(text, { modal: true, detail }, keep)) === keep)
        await this.runs.runs.cancel(runId, 'keep');
      return;
    }
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

  /** Says that a run waits for approval. Who closes it finds the run in the Runs view. */
  private async offerApproval(view: RunView, { key, message }: OpenApproval): Promise<void> {
    const approve = vscode.l10n.t('Approve…');
    const reject = vscode.l10n.t('Reject…');
    const text = vscode.l10n.t('{0} waits for approval: {1}', view.name, message);
    const answer = await vscode.window.showWarningMessage(text, approve, reject);
    if (answer === undefined) return;
    const command = answer === approve ? commands.approveRun : commands.rejectRun;
    await vscode.commands.executeCommand(command, view.runId, key);
  }

  /** A person's word on an approval, once they have seen what it is about. */
  async decide(runId: string, decision: ApprovalDecision, gate?: string): Promise<void> {
    const view = await this.runs.view(runId);
    const approval = await this.chosen(view, gate);
    if (!approval) return;
    const { key, message, planHash } = approval;
    const yes = decision === 'approve' ? vscode.l10n.t('Approve') : vscode.l10n.t('Reject');
    const question =
      decision === 'approve' ? vscode.l10n.t('Approve "{0}"?', message) : vscode.l10n.t('Reject "{0}"?', message);
    const detail = approvalDetail(view, approval, decision);
    if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) !== yes) return;
    await this.runs.runs.approve(runId, decision, { key, planHash });
  }

  private async chosen(view: RunView, gate: string | undefined): Promise<OpenApproval | undefined> {
    const open = view.approvals.filter(one => gate === undefined || one.key === gate);
    if (open.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t('{0} waits for no approval now.', view.name));
    }
    if (open.length <= 1) return open[0];
    const picked = await vscode.window.showQuickPick(
      open.map(approval => ({ label: approval.key, description: approval.message, approval })),
      { title: vscode.l10n.t('{0} waits for several approvals', view.name) },
    );
    return picked?.approval;
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
    const left = vscode.l10n.t('Open What Is Left');
    const canRollBack =
      view.undoList.length > 0 && view.noReturn === undefined && status !== 'rolled-back' && status !== 'failed';
    const buttons = [
      journal,
      ...(status === 'crashed' || view.forward ? [resume] : []),
      ...(view.remaining.some(one => one.step) ? [left] : []),
      ...(canRollBack ? [rollBack] : []),
    ];
    const choice = await notify(status, text, buttons);
    if (choice === journal) await vscode.commands.executeCommand(commands.showJournal, runId);
    if (choice === left) await vscode.commands.executeCommand(commands.openRemaining, runId);
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

function approvalDetail(view: RunView, approval: OpenApproval, decision: ApprovalDecision): string {
  const { key, needed, given, self, expiresAt, planHash } = approval;
  const so = given.length === 0 ? '' : vscode.l10n.t(', so far {0}', given.map(one => one.by).join(', '));
  return [
    vscode.l10n.t('{0} of {1}, started by {2}', key, view.name, view.by),
    needed === 1
      ? vscode.l10n.t('Needs 1 person{0}.', so)
      : vscode.l10n.t('Needs {0} different people{1}.', needed, so),
    ...(self ? [] : [vscode.l10n.t('Whoever started the run does not count.')]),
    ...(expiresAt === undefined ? [] : [vscode.l10n.t('Until {0}.', new Date(expiresAt).toLocaleString())]),
    ...(decision === 'reject' ? [vscode.l10n.t('Rejected, the run is rolled back.')] : []),
    vscode.l10n.t('Plan {0}', shortHash(planHash)),
  ].join('\n');
}

function endText(view: RunView, status: RunStatus): string {
  const took = duration((view.endedAt ?? Date.now()) - (view.startedAt ?? view.submittedAt));
  const why = view.failure?.message ?? '';
  const count = view.steps.filter(step => step.state === 'done').length;
  switch (status) {
    case 'done':
      return vscode.l10n.t('{0}: done in {1}, {2} steps.', view.name, took, count);
    case 'rolled-back':
      // That a person wanted it is no failure.
      return view.failure?.class === 'cancelled'
        ? vscode.l10n.t('{0}: rolled back. {1}', view.name, why)
        : vscode.l10n.t('{0}: failed and rolled back. {1}', view.name, why);
    case 'stopped':
      return vscode.l10n.t(
        '{0}: stopped. What was done is kept. {1}',
        view.name,
        view.failure?.class === 'cancelled' ? '' : why,
      );
    case 'failed':
      return vscode.l10n.t('{0}: failed before anything was changed. {1}', view.name, why);
    case 'needs-operator':
      if (view.forward) {
        return vscode.l10n.t(
          '{0}: stopped after its point of no return; what was done is kept, and Resume tries again. {1}',
          view.name,
          why,
        );
      }
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
