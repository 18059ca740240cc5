import type { DebugEvent, DebugRequest } from '../engine/debug-protocol';
import type { JournalRecord, Observed } from '../engine/journal';
import type { Plan } from '../engine/plan';
import type { RunPhase, RunView } from '../engine/view';
import type { Json } from '../runbook/json';
import type { HostKeyAnswer, HostKeyQuestion } from '../ssh/contract';

/** How the CLI and VS Code submit runs, follow them, control them and list them. `openRuns()` in runs.ts gives one. */
export interface Runs {
  /** Folder that holds a folder per run. */
  readonly folder: string;
  /** Writes the journal's first record and starts a runner process, which outlives the caller. Gives the run's id. */
  submit(submission: Submission): Promise<string>;
  /** Starts a runner again for a run that crashed or was stopped. @throws RunRefused when it is running, or ended for good. */
  resume(runId: string): Promise<void>;
  /** Undoes everything the run did: a running one is cancelled, one that ended gets a runner again. @throws RunRefused */
  rollback(runId: string, by?: string): Promise<void>;
  /** Stops a running one. `keep`: the step under way is undone, what was done stays. @throws RunRefused when it isn't running. */
  cancel(runId: string, mode: 'keep' | 'rollback', by?: string): Promise<void>;
  /**
   * Deletes a run from the history, its journal with it; what it did stays done. `force`: also one that somebody should still resume or
   * roll back. @throws RunRefused when it is under way, or needs `force`
   */
  remove(runId: string, options?: { force?: boolean }): Promise<void>;
  /** Newest first. A run that can't be read is listed with its `problem`. */
  list(): Promise<RunSummary[]>;
  /** A whole id, a unique prefix, or `latest`. @throws RunRefused when there is none or more than one. */
  find(name: string): Promise<string>;
  /** @throws JournalCorrupt naming file and line. */
  read(runId: string): Promise<ReadRun>;
  /**
   * The records from the first on, then new ones as they are written, until the run has ended, its runner has died, or `signal`.
   * Reads the file only: any number of followers, and none disturbs the run.
   */
  follow(runId: string, options?: { signal?: AbortSignal }): AsyncIterable<JournalRecord>;
  /**
   * A person's word on an approval that a live run waits for; `key` may be left out where it waits for one only.
   * @throws RunRefused when it waits for none, or this word does not count
   */
  approve(runId: string, decision: ApprovalDecision, options?: ApproveOptions): Promise<void>;
  /** Lets a person answer what a live run asks. Resolves with undefined when no runner is alive. */
  attach(runId: string, person: Person): Promise<Attachment | undefined>;
  /**
   * Debugs a live run; `name` is told to a second one that comes. Resolves with undefined when no runner is alive.
   * @throws RunRefused while another debugger is attached
   */
  debug(runId: string, name: string): Promise<DebugSession | undefined>;
  /** Lets a live run stand before its next steps, until `goOn`. @throws RunRefused when it isn't running */
  pause(runId: string, by?: string): Promise<void>;
  /** Lets everything go on that stands in a debugger, or was paused or held. @throws RunRefused when nothing does */
  goOn(runId: string, by?: string): Promise<void>;
}

export type ApprovalDecision = 'approve' | 'reject';

export interface ApproveOptions {
  key?: string;
  /** In whose name; default: the account. The record says who said so: names are not checked. */
  as?: string;
  /** Kept with it. */
  note?: string;
  /** What was shown: the approval is refused when the run has another plan. Default: the run's. */
  planHash?: string;
}

export type ReadRun = RunView & {
  status: RunStatus;
  /** Crashed: what its last runner said before it ended, if anything. */
  lastWords?: string;
};

export interface Submission {
  plan: Plan;
  /** Must be the hash of `plan`: what was shown is what runs. */
  planHash: string;
  runbookPath: string;
  /** Absolute; relative paths in the inventory are relative to its folder. */
  inventoryPath?: string;
  /** How things stand, as `observe` saw them with the plan: a step that finds its targets otherwise stops. */
  observed?: Observed;
  /** Default: `user@machine`. */
  by?: string;
  /** It stands before its first step until a debugger or `goOn` lets it go. */
  hold?: boolean;
}

/** `crashed`: it has not ended and no runner is alive; `resume` goes on with it. */
export type RunStatus = RunPhase | 'crashed';

export interface RunSummary {
  runId: string;
  name: string;
  status: RunStatus;
  /** `waiting`: for what. */
  waitsFor?: 'answer' | 'approval' | 'window' | 'debugger';
  by: string;
  runbookPath: string;
  planHash: string;
  submittedAt: number;
  endedAt?: number;
  failure?: string;
  /** `needs-operator`: it stopped after its point of no return, and can be resumed. */
  forward?: true;
  /** Its journal can't be read: why, and where. */
  problem?: string;
}

/** A person's way to answer. What is missing is left to another client; questions wait until one answers. */
export interface Person {
  name: string;
  hostKey?(question: HostKeyQuestion, signal: AbortSignal): Promise<HostKeyAnswer>;
  /** undefined: skip this key. */
  passphrase?(keyPath: string, attempt: number, signal: AbortSignal): Promise<string | undefined>;
  password?(target: string, attempt: number, signal: AbortSignal): Promise<string | undefined>;
  keyboard?(
    target: string,
    prompts: readonly { prompt: string; echo: boolean }[],
    signal: AbortSignal,
  ): Promise<readonly string[] | undefined>;
  /** The value of a secret input. undefined: not given. */
  secret?(question: SecretQuestion, signal: AbortSignal): Promise<string | undefined>;
}

export interface SecretQuestion {
  /** Of the input. */
  name: string;
  /** What the runbook says it is. */
  text: string;
  /** Of the runbook. */
  runbook: string;
  runbookPath: string;
  /** Environment variable that would have held it. */
  variable: string;
  /** From 1. */
  attempt: number;
  /** Why the value before was refused. */
  problem?: string;
}

export interface Attachment {
  cancel(mode: 'keep' | 'rollback'): Promise<void>;
  /** Lets it stand before its next steps. */
  pause(): Promise<void>;
  /** Lets everything go on that stands. @throws RunRefused when nothing does */
  goOn(): Promise<void>;
  /** Answers the run's open question (`RunView.question`). */
  answer(questionId: string, choice: string): Promise<void>;
  /** The person's word on an approval. @throws RunRefused with why it does not count */
  approve(
    key: string,
    decision: ApprovalDecision,
    planHash: string,
    options?: { as?: string; note?: string },
  ): Promise<void>;
  /** Leaves the run running. */
  detach(): void;
  /** Resolves when the runner has gone or after `detach`. */
  readonly closed: Promise<void>;
}

/** Why a command on a run was not done: a sentence that says what to do. */
export class RunRefused extends Error {
  override readonly name = 'RunRefused';
}

/** A debugger at a live run. One at a time: a second one is refused, and told who has it. */
export interface DebugSession {
  /** @throws RunRefused with why it can't be done now */
  request(request: DebugRequest): Promise<Json>;
  onEvent(listener: (event: DebugEvent) => void): void;
  /**
   * Drops its breakpoints and lets everything that stands go on. A connection that is lost without it leaves standing what stands: a
   * reloaded window must not let a migration loose.
   */
  detach(): Promise<void>;
  /** Resolves when the runner has gone or after `detach`. */
  readonly closed: Promise<void>;
}
