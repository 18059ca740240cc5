import type { Json } from '../runbook/json';
import type { RunEvent } from './journal';

/**
 * The one interface through which a run has durable effects. The embedded journal implements it; a distributed engine could.
 * Calls are strictly sequential within one run; parallelism only through `fork`.
 */
export interface Durable {
  readonly runId: string;
  /**
   * Runs `body` at least once and at most once to a recorded end. What `prepare` gives is recorded together with the intent before
   * `body` starts; on a replay the recorded value is used. A recorded end is returned without running anything. An intent with no end is
   * given to `verify`.
   */
  step<T extends Json, P extends Json = null>(
    id: string,
    body: (call: StepCall, prepared: P) => Promise<T>,
    options?: StepOptions<T, P>,
  ): Promise<T>;
  /** The time in ms since 1970, the same on every replay. */
  now(id: string): Promise<number>;
  sleep(id: string, ms: number): Promise<void>;
  /** Asks a person and waits, also across a restart of the runner. */
  ask(id: string, question: Question): Promise<Answer>;
  /** Bodies side by side, each with a Durable of its own; `max` at once. Settles when all have. */
  fork<T extends Json>(
    id: string,
    bodies: ((branch: Durable) => Promise<T>)[],
    options?: { max?: number },
  ): Promise<ForkResult<T>[]>;
  /** Recorded once, not again on a replay. */
  emit(event: RunEvent): Promise<void>;
}

export interface StepCall {
  /** `runId/stepId`: what a hypervisor-side mark is made of. */
  key: string;
  attempt: number;
  signal: AbortSignal;
}

export interface StepOptions<T extends Json, P extends Json> {
  /** Reads only; runs right before the intent is written. */
  prepare?: () => Promise<P>;
  /** Is not aborted by a cancel: undo and clean-up. */
  shielded?: boolean;
  timeoutMs?: number;
  /** The runner died between intent and end. */
  verify?: (
    call: StepCall,
    prepared: P,
  ) => Promise<{ end: 'done'; value: T } | { end: 'run-again' } | { end: 'failed'; error: string }>;
  /** Written with the intent, for people and views. */
  describe?: Json;
}

export type ForkResult<T> = { ok: true; value: T } | { ok: false; error: unknown };

export interface Question {
  text: string;
  choices: { id: string; label: string }[];
  timeoutMs?: number;
}

export interface Answer {
  /** A choice's id, or `timeout`. */
  choice: string;
  by: string;
}
