import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import * as vscode from 'vscode';
import type { JournalRecord } from '../../engine/journal';
import type { RunView } from '../../engine/view';
import type { RunStatus, RunSummary, Runs } from '../../runner/contract';
import { runs as runsChunk } from '../lazy';
import { isSamePath } from '../paths';
import { RunTracker } from './runTracker';
import { type RunValues, runValues, type StepResult } from './stepResults';

/** Time in which several changes of the folder count as one, in ms. */
const GATHER_MS = 200;

/** Runs for everything in the extension that shows or starts one. Loads its part when it is first asked. */
export class RunsService implements vscode.Disposable {
  private readonly runChanged = new vscode.EventEmitter<{ runId: string; record: JournalRecord | undefined }>();
  private readonly listChanged = new vscode.EventEmitter<void>();
  private started: { runs: Runs; tracker: RunTracker } | undefined;
  private watcher: FSWatcher | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  readonly onDidChangeRun = this.runChanged.event;
  readonly onDidChangeList = this.listChanged.event;

  constructor(private readonly log: vscode.LogOutputChannel) {}

  get runs(): Runs {
    return this.start().runs;
  }

  get list(): readonly RunSummary[] {
    return this.started?.tracker.list ?? [];
  }

  /** Of a run that is under way, as far as it has been followed. */
  live(runId: string): RunView | undefined {
    return this.started?.tracker.live(runId);
  }

  refresh(): Promise<void> {
    return this.start().tracker.refresh();
  }

  follow(runId: string): Promise<RunStatus> {
    return this.start().tracker.follow(runId);
  }

  view(runId: string): Promise<RunView> {
    return this.start().tracker.view(runId);
  }

  records(runId: string): Promise<readonly JournalRecord[]> {
    return this.start().tracker.records(runId);
  }

  lastResults(runbookPath: string): Promise<Map<string, StepResult>> {
    return this.start().tracker.lastResults(runbookPath);
  }

  /** Inputs and outputs of the last run of a runbook, for hover. undefined: there is none, or runs were not looked at yet. */
  async lastValues(runbookPath: string): Promise<RunValues | undefined> {
    const last = this.list.find(run => isSamePath(run.runbookPath, runbookPath) && !run.problem);
    const view = last && (await this.view(last.runId).catch(() => undefined));
    return view && runValues(view);
  }

  private start(): { runs: Runs; tracker: RunTracker } {
    if (this.started) return this.started;
    const { openRuns, RunModel } = runsChunk();
    const runs = openRuns();
    const tracker = new RunTracker({
      runs,
      newModel: () => new RunModel(),
      onRun: (runId, record) => this.runChanged.fire({ runId, record }),
      onList: () => this.listChanged.fire(),
      onError: (what, error) => this.log.error(`Following ${what} failed.`, error),
    });
    this.started = { runs, tracker };
    this.watchFolder(runs.folder);
    return this.started;
  }

  /** Runs that the command line or another window starts show up too. */
  private watchFolder(folder: string): void {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      this.watcher = watch(folder, { persistent: false }, () => {
        this.timer ??= setTimeout(() => {
          this.timer = undefined;
          this.refresh().catch(error => this.log.error('The folder of runs could not be read.', error));
        }, GATHER_MS);
      });
      this.watcher.on('error', error => this.log.warn(`Not watching ${folder}: ${error.message}`));
    } catch (error) {
      this.log.warn(`Not watching ${folder}.`, error);
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.watcher?.close();
    this.started?.tracker.dispose();
    this.runChanged.dispose();
    this.listChanged.dispose();
  }
}
