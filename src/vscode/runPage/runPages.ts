import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { JournalRecord } from '../../engine/journal';
import type { RunView } from '../../engine/view';
import type { RunStatus } from '../../runner/contract';
import { commands } from '../ids';
import type { RunsService } from '../runs/runsService';
import { asItIs } from '../runs/runsTree';
import { isLive } from '../runs/stepResults';
import { shellHtml } from './html';
import { RunPageModel } from './model';
import { printedRun } from './printPage';
import { type FromPage, type RunAction, readFromPage, type ToPage } from './protocol';
import { StepLog } from './stepLog';
import { pageTexts } from './texts';

/** A page is told what is new at most this often, in ms. */
const TELL_MS = 250;

export interface RunPageOptions {
  viewType: string;
  extensionUri: vscode.Uri;
  /** Where printed pages are written, one for each run. */
  storage: vscode.Uri;
  runs: RunsService;
  log: vscode.LogOutputChannel;
  /** Shows a step of a runbook, or of one that it calls. */
  openStep(runbookPath: string, pointer: string): Promise<void>;
}

/** The pages of runs, one for each run. */
export class RunPages implements vscode.Disposable {
  private readonly pages = new Map<string, RunPage>();
  private lastAside: RunPage | undefined;

  constructor(private readonly options: RunPageOptions) {}

  /** `aside`: nobody asked for it now, so it takes no focus, and the place of the one before when that one's run is over. */
  async open(runId: string, { aside = false }: { aside?: boolean } = {}): Promise<void> {
    const known = this.pages.get(runId);
    if (known) return known.reveal(aside);
    const { name } = await this.options.runs.view(runId);
    const before = aside && this.lastAside?.isOver ? this.lastAside : undefined;
    const viewColumn = before?.column ?? (aside ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active);
    const panel = vscode.window.createWebviewPanel(this.options.viewType, name, { viewColumn, preserveFocus: aside });
    before?.dispose();
    const page = this.adopt(panel, runId);
    if (aside) this.lastAside = page;
  }

  /** Also of a panel that VS Code kept over a reload. */
  adopt(panel: vscode.WebviewPanel, runId: string): RunPage {
    this.pages.get(runId)?.dispose();
    const page = new RunPage(panel, runId, this.options);
    this.pages.set(runId, page);
    panel.onDidDispose(() => {
      if (this.pages.get(runId) === page) this.pages.delete(runId);
      if (this.lastAside === page) this.lastAside = undefined;
    });
    return page;
  }

  /** Leaves the panels: VS Code keeps them over a reload. */
  dispose(): void {
    for (const page of this.pages.values()) page.release();
  }
}

class RunPage {
  private readonly disposables: vscode.Disposable[] = [];
  private model: RunPageModel | undefined;
  private log: StepLog | undefined;
  /** Records of a run that does not go on now: they are read from its file. */
  private journal: Promise<readonly JournalRecord[]> | undefined;
  private isReady = false;
  private isStale = false;
  private released = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private telling: Promise<void> = Promise.resolve();

  constructor(
    private readonly panel: vscode.WebviewPanel,
    private readonly runId: string,
    private readonly options: RunPageOptions,
  ) {
    const { runs, extensionUri } = options;
    const folder = vscode.Uri.joinPath(extensionUri, 'dist');
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [folder] };
    panel.iconPath = {
      light: vscode.Uri.joinPath(extensionUri, 'media', 'file-light.svg'),
      dark: vscode.Uri.joinPath(extensionUri, 'media', 'file-dark.svg'),
    };
    this.disposables.push(
      webview.onDidReceiveMessage(message => this.receive(message)),
      panel.onDidChangeViewState(() => panel.visible && this.isStale && this.tellSoon()),
      panel.onDidDispose(() => this.release()),
      runs.onDidChangeRun(change => {
        if (change.runId !== runId) return;
        this.journal = undefined;
        this.tellSoon();
      }),
      runs.onDidChangeList(() => this.tellSoon()),
    );
    webview.html = shellHtml({
      title: panel.title,
      language: vscode.env.language,
      loading: pageTexts(vscode.l10n.t).loading,
      script: webview.asWebviewUri(vscode.Uri.joinPath(folder, 'page.js')).toString(),
      style: webview.asWebviewUri(vscode.Uri.joinPath(folder, 'page.css')).toString(),
      cspSource: webview.cspSource,
      nonce: randomBytes(18).toString('base64'),
    });
  }

  reveal(preserveFocus: boolean): void {
    this.panel.reveal(undefined, preserveFocus);
  }

  get column(): vscode.ViewColumn | undefined {
    return this.panel.viewColumn;
  }

  get isOver(): boolean {
    return this.options.runs.list.some(run => run.runId === this.runId && !isLive(run.status));
  }

  private receive(value: unknown): void {
    const message = readFromPage(value);
    if (!message) {
      this.options.log.warn(`The page of run ${this.runId} said something that is not understood.`);
      return;
    }
    this.heed(message).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      this.options.log.error(`${message.type} on the page of run ${this.runId} failed.`, error);
      this.post({ type: 'problem', text });
    });
  }

  private async heed(message: FromPage): Promise<void> {
    const { runId } = this;
    switch (message.type) {
      case 'ready':
        // A page that was hidden is made anew when it is shown.
        this.isReady = true;
        this.model = undefined;
        await this.options.runs.refresh();
        return this.tell();
      case 'choose':
        this.log = message.key === undefined ? undefined : new StepLog(message.key);
        return this.tellLog(true);
      case 'answer':
        return this.answer(message.question, message.choice);
      case 'decide': {
        this.needsTrust();
        const command = message.decision === 'approve' ? commands.approveRun : commands.rejectRun;
        await vscode.commands.executeCommand(command, runId, message.key);
        return;
      }
      case 'open':
        return this.openAt(message.key);
      case 'journal':
        await vscode.commands.executeCommand(commands.showJournal, runId);
        return;
      case 'print':
        return this.print();
      case 'do':
        return this.act(message.action);
    }
  }

  private async act(action: RunAction): Promise<void> {
    this.needsTrust();
    const { runId } = this;
    if (action !== 'pause' && action !== 'continue') {
      await vscode.commands.executeCommand(actionCommands[action], runId);
      return;
    }
    const { runs } = this.options.runs;
    await (action === 'pause' ? runs.pause(runId) : runs.goOn(runId));
  }

  private async answer(question: string, choice: string): Promise<void> {
    this.needsTrust();
    const attached = await this.options.runs.runs.attach(this.runId, { name: 'VS Code' });
    if (!attached) throw new Error(vscode.l10n.t('The runner is gone. Resume the run first.'));
    try {
      await attached.answer(question, choice);
    } finally {
      attached.detach();
    }
  }

  private needsTrust(): void {
    if (!vscode.workspace.isTrusted) throw new Error(vscode.l10n.t('Nothing runs in a workspace that is not trusted.'));
  }

  private async openAt(key: string): Promise<void> {
    const view = await this.options.runs.view(this.runId);
    const pointer = view.steps.find(step => step.key === key)?.pointer ?? '';
    await this.options.openStep(view.runbookPath, pointer);
  }

  /** As a file of its own for the system's browser, which can print: a webview can't. */
  private async print(): Promise<void> {
    const view = await this.options.runs.view(this.runId);
    const now = Date.now();
    const { head, lanes, steps } = new RunPageModel(view).whole(this.statusOf(view), now);
    const texts = pageTexts(vscode.l10n.t);
    const html = printedRun({ head, lanes, steps, texts, now, language: vscode.env.language });
    const name = `${this.runId}.html`;
    // The browser of a person who works on another machine, or in a browser, can't open files of this one.
    const here = vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop;
    const file = here
      ? vscode.Uri.joinPath(this.options.storage, name)
      : await vscode.window.showSaveDialog({
          defaultUri: vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri ?? this.options.storage, name),
          filters: { HTML: ['html'] },
          title: vscode.l10n.t('Save the run as a page to print'),
        });
    if (!file) return;
    if (here) await vscode.workspace.fs.createDirectory(this.options.storage);
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(html));
    if (here && (await vscode.env.openExternal(file))) return;
    void vscode.window.showInformationMessage(
      vscode.l10n.t('The page is in {0}. Open it in a browser to print it or save it as PDF.', file.fsPath),
    );
  }

  private tellSoon(): void {
    this.isStale = true;
    if (!this.panel.visible || !this.isReady) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.tell().catch(error => this.options.log.error(`Run ${this.runId} could not be shown.`, error));
    }, TELL_MS);
  }

  private tell(): Promise<void> {
    this.telling = this.telling.catch(() => undefined).then(() => this.tellNow());
    return this.telling;
  }

  private async tellNow(): Promise<void> {
    if (!this.panel.visible || !this.isReady) return;
    // What comes while the run is read makes it stale again.
    this.isStale = false;
    const view = await this.options.runs.view(this.runId);
    if (!this.panel.visible) {
      this.isStale = true;
      return;
    }
    const status = this.statusOf(view);
    const now = Date.now();
    if (this.model?.isOf(view)) {
      const update = this.model.update(status, now);
      if (update) this.post(update);
    } else {
      this.model = new RunPageModel(view);
      this.post({ ...this.model.whole(status, now), texts: pageTexts(vscode.l10n.t) });
    }
    await this.tellLog(false);
  }

  private async tellLog(replace: boolean): Promise<void> {
    const { log } = this;
    if (!log) return;
    this.journal ??= this.options.runs.records(this.runId);
    const fresh = log.take(await this.journal);
    if (log !== this.log || (!replace && fresh.length === 0)) return;
    const { key, lines, dropped } = log;
    this.post({ type: 'log', key, replace, dropped, lines: replace ? lines : fresh });
  }

  private statusOf(view: RunView): RunStatus {
    const run = this.options.runs.list.find(one => one.runId === this.runId);
    if (!run) return view.phase;
    return isLive(run.status) ? asItIs(run, this.options.runs.live(this.runId)).status : run.status;
  }

  private post(message: ToPage): void {
    // What was asked for before it was closed may come after.
    if (!this.released) void this.panel.webview.postMessage(message);
  }

  /** Tells the page nothing any more. */
  release(): void {
    this.released = true;
    clearTimeout(this.timer);
    for (const item of this.disposables) item.dispose();
  }

  dispose(): void {
    this.panel.dispose();
  }
}

const actionCommands: Record<Exclude<RunAction, 'pause' | 'continue'>, string> = {
  debug: commands.debugRun,
  cancel: commands.cancelRun,
  rollBack: commands.rollBackRun,
  resume: commands.resumeRun,
  remaining: commands.openRemaining,
};
