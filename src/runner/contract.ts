import type { JournalRecord } from '../engine/journal';
import type { Plan } from '../engine/plan';
import type { RunPhase, RunView } from '../engine/view';
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
  /** Newest first. A run that can't be read is listed with its `problem`. */
  list(): Promise<RunSummary[]>;
  /** A whole id, a unique prefix, or `latest`. @throws RunRefused when there is none or more than one. */
  find(name: string): Promise<string>;
  /** `crash`: why its runner broke down, where it could still say so. @throws JournalCorrupt naming file and line. */
  read(runId: string): Promise<RunView & { status: RunStatus; crash?: string }>;
  /**
   * The records from the first on, then new ones as they are written, until the run has ended, its runner has died, or `signal`.
   * Reads the file only: any number of followers, and none disturbs the run.
   */
  follow(runId: string, options?: { signal?: AbortSignal }): AsyncIterable<JournalRecord>;
  /** Lets a person answer what a live run asks. Resolves with undefined when no runner is alive. */
  attach(runId: string, person: Person): Promise<Attachment | undefined>;
}

export interface Submission {
  plan: Plan;
  /** Must be the hash of `plan`: what was shown is what runs. */
  planHash: string;
  runbookPath: string;
  /** Absolute; relative paths in the inventory are relative to its folder. */
  inventoryPath?: string;
  /** Default: the user's name at this machine. */
  by?: string;
}

/** `crashed`: it has not ended and no runner is alive; `resume` goes on with it. */
export type RunStatus = RunPhase | 'crashed';

export interface RunSummary {
  runId: string;
  name: string;
  status: RunStatus;
  by: string;
  runbookPath: string;
  planHash: string;
  submittedAt: number;
  endedAt?: number;
  failure?: string;
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
}

export interface Attachment {
  cancel(mode: 'keep' | 'rollback'): Promise<void>;
  /** Answers the run's open question (`RunView.question`). */
  answer(questionId: string, choice: string): Promise<void>;
  /** Leaves the run running. */
  detach(): void;
  /** Resolves when the runner has gone or after `detach`. */
  readonly closed: Promise<void>;
}

/** Why a command on a run was not done: a sentence that says what to do. */
export class RunRefused extends Error {
  override readonly name = 'RunRefused';
}
