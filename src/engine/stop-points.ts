import type { Json } from '../runbook/json';
import type { Step } from '../runbook/model';
import type { JumpTarget } from './debug-protocol';
import type { Failure } from './journal';
import type { Outer, Place } from './place';
import type { StepUndo } from './undo-stack';

/** Where a run can stand, asked by the interpreter. Nothing is held meanwhile but the run's locks: no turn under a limit, no guest. */
export interface StopPoints {
  /** Somebody wants to be asked: else the run passes all of them at once. */
  readonly watching: boolean;
  /** Before a step that no runner has begun. What it gives changes the way of the run. */
  beforeStep(stop: StepStop): Promise<Move | undefined>;
  /** A step has failed for good, and nothing is undone yet. */
  failed(at: StepAt, failure: Failure): Promise<void>;
  /** Before everything that was done here is taken back. `step`: that failed. */
  beforeRollback(place: Place, why: string, failure?: Failure): Promise<void>;
  beforeUndo(place: Place, entry: StepUndo, text: string): Promise<void>;
  /** An item or branch that goes on beside others. */
  started(thread: Outer): void;
  exited(thread: Outer): void;
}

export interface StepAt {
  place: Place;
  step: Step;
  key: string;
}

/** A person's decision at a stop before a step. */
export type Move = { do: 'back'; by: string } | { do: 'jump'; to: string; by: string };

/** A stop before a step, and what can be done there. */
export interface StepStop extends StepAt {
  /** It has been brought here. */
  arrived?: { reason: 'back' | 'jump'; text: string };
  /** Why the last step of this list can't be taken back, a sentence. */
  backRefused(): string | undefined;
  jumpTargets(): JumpTarget[];
  /** Why it can't go on there, a sentence. */
  jumpRefused(pointer: string): string | undefined;
  /** Records it and applies it, for all steps from here on. */
  set(change: Change): Promise<void>;
}

/** `path` is one that exists, and `value` has been checked. */
export type Change = { frame: number; path: string[]; value: Json; by: string };
