import * as vscode from 'vscode';
import type { RunSummary } from '../../runner/contract';
import { commands } from '../ids';
import type { RunsService } from './runsService';
import { asItIs, runActions, runRow } from './runsTree';
import { statusBarText } from './statusBarText';
import { isLive } from './stepResults';

/** Drawn at most this often, in ms. */
const REDRAW_MS = 500;

/** What can be done with a run, by what `runActions` calls it. */
const choices = (): [action: string, title: string, command: string][] => [
  ['answer', vscode.l10n.t('$(question) Answer…'), commands.answerQuestion],
  ['approve', vscode.l10n.t('$(thumbsup) Approve…'), commands.approveRun],
  ['approve', vscode.l10n.t('$(thumbsdown) Reject…'), commands.rejectRun],
  ['page', vscode.l10n.t('$(graph) Open Its Page'), commands.openRunPage],
  ['journal', vscode.l10n.t('$(output) Show Journal'), commands.showJournal],
  ['debug', vscode.l10n.t('$(debug) Debug'), commands.debugRun],
  ['cancel', vscode.l10n.t('$(debug-stop) Cancel…'), commands.cancelRun],
  ['runbook', vscode.l10n.t('$(go-to-file) Open Runbook'), commands.openRunbook],
];

/** In the status bar: how many runs are under way, and how many wait for a person. Nothing when there are none. */
export class RunsStatus implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('virtbook.runs', vscode.StatusBarAlignment.Left, 20);
  private readonly disposables: vscode.Disposable[] = [this.item];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly service: RunsService) {
    this.item.name = vscode.l10n.t('Virtbook: Runs');
    this.item.command = commands.pickRun;
    this.disposables.push(
      service.onDidChangeList(() => this.draw()),
      service.onDidChangeRun(() => {
        this.timer ??= setTimeout(() => {
          this.timer = undefined;
          this.draw();
        }, REDRAW_MS);
      }),
    );
  }

  private get live(): RunSummary[] {
    return this.service.list.map(run => asItIs(run, this.service.live(run.runId))).filter(run => isLive(run.status));
  }

  private draw(): void {
    const { live } = this;
    const shown = statusBarText(live);
    if (!shown) {
      this.item.hide();
      return;
    }
    this.item.text = shown.text;
    this.item.accessibilityInformation = { label: shown.spoken };
    const tooltip = new vscode.MarkdownString();
    for (const run of live) {
      const { label, description } = runRow(run, Date.now(), this.service.live(run.runId));
      tooltip.appendText(`${label}: ${description}`).appendMarkdown('  \n');
    }
    this.item.tooltip = tooltip;
    this.item.backgroundColor = shown.waits ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.item.show();
  }

  /** Chooses a run under way, and then what to do with it. */
  pick = async (): Promise<void> => {
    const { live } = this;
    if (live.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t('Nothing is under way.'));
      return;
    }
    const runs = live.map(run => {
      const row = runRow(run, Date.now(), this.service.live(run.runId));
      return { label: `$(${row.icon}) ${row.label}`, description: row.description, run };
    });
    const [only] = runs;
    const picked =
      runs.length === 1 ? only : await vscode.window.showQuickPick(runs, { title: vscode.l10n.t('Runs under way') });
    if (!picked) return;
    const able = new Set(['page', 'debug', ...runActions(picked.run)]);
    const what = await vscode.window.showQuickPick(
      choices()
        .filter(([action]) => able.has(action))
        .map(([, label, command]) => ({ label, command })),
      { title: picked.run.name, placeHolder: picked.description },
    );
    if (what) await vscode.commands.executeCommand(what.command, picked.run.runId);
  };

  dispose(): void {
    clearTimeout(this.timer);
    for (const item of this.disposables) item.dispose();
  }
}
