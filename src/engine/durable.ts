import type { Json } from '../runbook/json';
import type { CancelMode, EffectEnd, EffectIntent, NoteEvent, OnceEvent, PauseEvent } from './journal';

/**
 * The one interface through which a run has durable effects. The embedded journal implements it; a distributed engine could.
 * Calls are strictly sequential within one branch; parallelism only through `fork`.
 */
export interface Durable {
  readonly runId: string;
  /** What a person asked for. Looked at before new effects only, never on what is recorded, so that a replay goes the same way. */
  readonly cancelled: CancelMode | undefined;
  /**
   * An effect on the world, at least once and to one recorded end.
   * Recorded end: returned, nothing runs. Recorded intent without an end: `verify` decides. Nothing recorded: `begin`, intent, `body`.
   * What these throw is not recorded and ends the runner; a failure that the run must know is a value of `T`.
   * `prepared` is absent when it ended without an intent.
   */
  effect<T, P extends Json>(effect: Effect<T, P>): Promise<{ value: T; prepared?: P }>;
  /** The time in ms since 1970, the same on every replay. */
  now(id: string): Promise<number>;
  /** What `now` gave, when that is recorded. */
  recordedTime(id: string): number | undefined;
  /** A step whose first attempt is recorded as done, taken at once from there; undefined: `effect` has to say. */
  finished(key: string): FinishedStep | undefined;
  /** What `emit` or `decide` recorded under this id. */
  recorded(id: string): OnceEvent | undefined;
  /** The same, taken from there as `emit` or `decide` would, at once. */
  recall(id: string): OnceEvent | undefined;
  /** Whether this question has been asked, by this runner or one before. */
  wasAsked(id: string): boolean;
  /** A person has changed the way of this run: its records must be heeded in order, list by list. */
  readonly steered: boolean;
  /** Whether an earlier runner has come as far as this step. Asked of steps that this one has not come to yet. */
  begun(key: string): boolean;
  /** Waits; after a restart only for what is left of it. Ends early when the run is cancelled, unless it is shielded. */
  sleep(id: string, ms: number, options?: { shielded?: boolean }): Promise<void>;
  /** Asks a person and waits, also across a restart of the runner. A cancel answers `cancelled`. */
  ask(id: string, question: Question, options?: { shielded?: boolean }): Promise<Answer>;
  /** Asks people to approve and waits, also across a restart of the runner, until enough have, one rejects, it expires or the run is cancelled. */
  approval(request: ApprovalRequest): Promise<ApprovalOutcome>;
  /** Bodies side by side, each with a Durable of its own; `max` at once, started in order. Settles when all have. */
  fork<T>(
    id: string,
    bodies: ((branch: Durable) => T | Promise<T>)[],
    options?: { max?: number },
  ): Promise<PromiseSettledResult<T>[]>;
  /** Recorded once, not again on a replay. */
  emit(event: OnceEvent): Promise<void>;
  /** `choose` is asked once; the event it gives is recorded, and given again on a replay. */
  decide(id: string, choose: () => OnceEvent): Promise<OnceEvent>;
  /** That it stands, or goes on: for views only, on disk at once. */
  tell(event: PauseEvent): Promise<void>;
  /** Progress and output: for views only, may be lost in a crash. */
  note(event: NoteEvent): void;
}

export interface FinishedStep {
  intent: Extract<EffectIntent, { type: 'step.intent' }>;
  end: Extract<EffectEnd, { type: 'step.done' }>;
}

export interface Effect<T, P extends Json> {
  /** Equal on every replay, unique in the run: the `effectId` of its events. */
  id: string;
  /** Reads only; right before the intent is written. `end` records that it ends here, without an intent: nothing was changed. */
  begin?: () => Promise<{ go: P } | { end: T }>;
  body: (call: EffectCall, prepared: P) => Promise<T>;
  /** The runner died between intent and end. Default: the body runs again. */
  verify?: (call: EffectCall, prepared: P) => Promise<{ end: T } | 'run-again'>;
  /** Is not aborted by a cancel: undo and clean-up. */
  shielded?: boolean;
  timeoutMs?: number;
  /** How it stands in the journal, and is read from there. */
  codec: {
    intent(prepared: P): EffectIntent;
    prepared(intent: EffectIntent): P;
    end(value: T): EffectEnd;
    value(end: EffectEnd): T;
  };
}

export interface EffectCall {
  /** Aborted with a `StopReason` as its reason. */
  signal: AbortSignal;
}

/** Why an effect's signal was aborted. */
export class StopReason extends Error {
  constructor(readonly why: 'timeout' | 'cancel') {
    super(why === 'timeout' ? 'Time is up.' : 'Cancelled by a person.');
  }
}

export interface Question {
  text: string;
  choices: { id: string; label: string }[];
}

export interface Answer {
  /** A choice's id, or `cancelled`. */
  choice: string;
  by: string;
}

export interface ApprovalRequest {
  key: string;
  pointer: string;
  message: string;
  /** How many different people. */
  by: number;
  /** Whether who submitted the run counts. */
  self: boolean;
  expiresMs?: number;
  /** Not ended by a cancel. */
  shielded?: boolean;
}

export type ApprovalOutcome =
  | { outcome: 'approved'; by: string[] }
  | { outcome: 'rejected'; by: string; note?: string }
  | { outcome: 'expired' }
  | { outcome: 'cancelled' };
