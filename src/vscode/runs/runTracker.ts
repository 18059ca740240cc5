import type { JournalRecord } from '../../engine/journal';
import type { RunModel, RunView } from '../../engine/view';
import type { RunStatus, RunSummary, Runs } from '../../runner/contract';
import { isSamePath } from '../paths';
import { isLive, type StepResult, stepResults } from './stepResults';

export interface RunTrackerOptions {
  runs: Runs;
  /** A fresh fold of records; given, so that the bundle that loads at activation need not hold the engine. */
  newModel(): RunModel;
  /** Something about this run changed; `record` is what it was. */
  onRun(runId: string, record: JournalRecord | undefined): void;
  /** The list of runs changed. */
  onList(): void;
  onError(what: string, error: unknown): void;
}

interface Followed {
  model: RunModel;
  records: JournalRecord[];
  abort: AbortController;
  /** With the status it ended in; `crashed` when its runner died. */
  ended: Promise<RunStatus>;
}

/** How many earlier runs of a runbook are looked at for the last result of each step. */
const LOOK_BACK = 8;

/** Everything the extension knows of runs: the list, and of those under way every record as it is written. */
export class RunTracker {
  private readonly followed = new Map<string, Followed>();
  private readonly finished = new Map<string, Promise<RunView & { status: RunStatus }>>();
  private summaries: RunSummary[] = [];
  private disposed = false;
  private reading: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(private readonly options: RunTrackerOptions) {}

  get list(): readonly RunSummary[] {
    return this.summaries;
  }

  /** Reads the list again and follows what is under way. @throws when the folder can't be read. */
  refresh(): Promise<void> {
    // One at a time, so that an older list never replaces a newer one; one waiting serves all who ask meanwhile.
    if (!this.reading) {
      this.reading = this.read().finally(() => {
        this.reading = undefined;
      });
      return this.reading;
    }
    this.next ??= this.reading
      .catch(() => {})
      .then(() => {
        this.next = undefined;
        return this.refresh();
      });
    return this.next;
  }

  private async read(): Promise<void> {
    const before = new Map(this.summaries.map(run => [run.runId, JSON.stringify(run)]));
    this.summaries = await this.options.runs.list();
    const changed = this.summaries.filter(run => before.get(run.runId) !== JSON.stringify(run));
    // A terminal may have rolled it back between two looks.
    for (const run of changed) this.finished.delete(run.runId);
    for (const run of this.summaries) if (isLive(run.status) && !run.problem) void this.follow(run.runId);
    if (changed.length > 0 || before.size !== this.summaries.length) this.options.onList();
  }

  /** Resolves with the status in which it ended. Any number of callers share one follower. */
  follow(runId: string): Promise<RunStatus> {
    const known = this.followed.get(runId);
    if (known) return known.ended;
    const abort = new AbortController();
    const followed: Followed = {
      model: this.options.newModel(),
      records: [],
      abort,
      ended: Promise.resolve('running'),
    };
    this.followed.set(runId, followed);
    this.finished.delete(runId);
    followed.ended = this.pump(runId, followed).catch(error => {
      this.options.onError(`run ${runId}`, error);
      return 'crashed' as const;
    });
    return followed.ended;
  }

  private async pump(runId: string, followed: Followed): Promise<RunStatus> {
    try {
      for await (const record of this.options.runs.follow(runId, { signal: followed.abort.signal })) {
        followed.model.apply(record);
        followed.records.push(record);
        this.options.onRun(runId, record);
      }
      return (await this.options.runs.read(runId)).status;
    } finally {
      this.followed.delete(runId);
      if (!this.disposed) {
        await this.refresh().catch(error => this.options.onError('list of runs', error));
        this.options.onRun(runId, undefined);
      }
    }
  }

  /** The view of a run that is being followed. */
  live(runId: string): RunView | undefined {
    return this.followed.get(runId)?.model.view;
  }

  /** The view of a run, live or from its journal. @throws when it can't be read. */
  async view(runId: string): Promise<RunView> {
    const live = this.followed.get(runId)?.model.view;
    if (live) return live;
    let read = this.finished.get(runId);
    if (!read) {
      read = this.options.runs.read(runId);
      this.finished.set(runId, read);
      // Only what has ended for now stays remembered: `follow` forgets it when it goes on.
      read.then(
        view => isLive(view.status) && this.finished.delete(runId),
        () => this.finished.delete(runId),
      );
    }
    return read;
  }

  /** All records so far. */
  async records(runId: string): Promise<readonly JournalRecord[]> {
    const live = this.followed.get(runId);
    if (live) return live.records;
    // Following one that still runs would wait for its end.
    const { records: count } = await this.options.runs.read(runId);
    const records: JournalRecord[] = [];
    for await (const record of this.options.runs.follow(runId)) {
      if (records.push(record) >= count) break;
    }
    return records;
  }

  /** The last result of each step of a runbook, by pointer. Runs of only a part leave the other steps' results standing. */
  async lastResults(runbookPath: string): Promise<Map<string, StepResult>> {
    const results = new Map<string, StepResult>();
    const runs = this.summaries
      .filter(run => isSamePath(run.runbookPath, runbookPath) && !run.problem)
      .slice(0, LOOK_BACK);
    for (const run of runs) {
      const view = await this.view(run.runId).catch(() => undefined);
      if (!view) continue;
      for (const [pointer, result] of stepResults(view)) if (!results.has(pointer)) results.set(pointer, result);
    }
    return results;
  }

  dispose(): void {
    this.disposed = true;
    for (const { abort } of this.followed.values()) abort.abort();
  }
}
