import type {
  BreakpointResult,
  DebugEvent,
  DebugRequest,
  FrameScope,
  FrameView,
  JumpTarget,
  LiveState,
  ThreadView,
} from '../engine/debug-protocol';
import type { JournalRecord } from '../engine/journal';
import { RunModel, type RunView } from '../engine/view';
import type { Json } from '../runbook/json';
import type { DebugSession, ReadRun, Runs } from '../runner/contract';
import { RunSources } from './run-sources';

/** What the runner answers with, by request. */
interface Results {
  breakpoints: BreakpointResult[];
  threads: ThreadView[];
  stack: FrameView[];
  scope: FrameScope;
  targets: JumpTarget[];
  evaluate: Json;
  set: Json;
  live: LiveState | null;
}
type ResultOf<R extends DebugRequest> = R['do'] extends keyof Results ? Results[R['do']] : null;

export interface RunListener {
  /** `past`: it was there before the debugger was. */
  onRecord(record: JournalRecord, model: RunModel, past: boolean): void;
  onEvent(event: DebugEvent): void;
}

/** One run under a debugger: its journal as it grows, its control socket, its files. */
export class DebuggedRun {
  readonly model = new RunModel();
  readonly #left = new AbortController();
  #begun: () => void = () => undefined;
  /** Resolves when the run has ended or its runner has died; undefined: it was left before. */
  readonly ended: Promise<ReadRun | undefined>;

  private constructor(
    private readonly runs: Runs,
    readonly runId: string,
    private readonly session: DebugSession,
    readonly sources: RunSources,
    listener: RunListener,
    openedAt: number,
  ) {
    session.onEvent(event => {
      if (!this.#left.signal.aborted) listener.onEvent(event);
    });
    this.ended = this.#follow(listener, openedAt);
  }

  /** `name`: who debugs. @throws RunRefused when it is debugged already; Error when no runner carries it */
  static async open(runs: Runs, runId: string, name: string, listener: RunListener): Promise<DebuggedRun> {
    const openedAt = Date.now();
    const { plan, runbookPath, status } = await runs.read(runId);
    const session = await runs.debug(runId, name);
    if (!session) {
      const how =
        status === 'crashed'
          ? `Its runner died. \`virtbook resume ${runId}\` goes on with it, then it can be debugged.`
          : `It is ${status}, so there is nothing to debug. \`virtbook show ${runId}\` tells how it went.`;
      throw new Error(`${runId} is not running. ${how}`);
    }
    const sources = await RunSources.load(runbookPath, plan.program);
    const run = new DebuggedRun(runs, runId, session, sources, listener, openedAt);
    const begun = new Promise<void>(resolve => {
      run.#begun = resolve;
    });
    await Promise.race([begun, run.ended]);
    return run;
  }

  /** @throws RunRefused with why it can't be done now */
  request<R extends DebugRequest>(request: R): Promise<ResultOf<R>> {
    return this.session.request(request) as Promise<ResultOf<R>>;
  }

  /** As far as its journal has been read. */
  get view(): RunView {
    if (!this.model.view)
      throw new Error(`The journal of ${this.runId} could not be read. \`virtbook show\` says why.`);
    return this.model.view;
  }

  cancel(mode: 'keep' | 'rollback'): Promise<void> {
    return this.runs.cancel(this.runId, mode);
  }

  /** Lets the run go on by itself, without a debugger. */
  async leave(): Promise<void> {
    this.#left.abort();
    await this.session.detach();
  }

  async #follow(listener: RunListener, openedAt: number): Promise<ReadRun | undefined> {
    const { signal } = this.#left;
    for await (const record of this.runs.follow(this.runId, { signal })) {
      if (signal.aborted) return undefined;
      this.model.apply(record);
      this.#begun();
      listener.onRecord(record, this.model, record.t < openedAt);
    }
    return signal.aborted ? undefined : this.runs.read(this.runId);
  }
}
