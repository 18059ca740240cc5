import type { Scope } from '../runbook/expression';
import type { Step } from '../runbook/model';
import type { Durable } from './durable';
import type { Failure } from './journal';
import type { StepUndo, UndoEntry } from './undo-stack';

/** Where in the run the interpreter is. */
export interface Place {
  durable: Durable;
  /** Of the keys of steps here. */
  prefix: string;
  scope: Scope;
  undo: UndoEntry[];
  /** In the place of an undo, or in `finally`: not stopped by a cancel, and not undone itself. */
  shielded: boolean;
  /** Directly in the runbook's own `steps`. */
  outermost: boolean;
  /** What holds these steps; absent: the run itself. */
  outer?: Outer;
  /** In an item of a loop that may fail without failing the run: says so, and counts it. */
  mayFail?: () => boolean;
}

/** A step that holds a list of steps, as seen from that list. */
export interface Outer {
  place: Place;
  step: Step;
  key: string;
  /** Of the item that the list belongs to: `each-vm[web1]`. */
  item?: string;
  /** The name of a thread of its own: it goes on beside others. */
  beside?: string;
}

/** A step failed for good: its siblings do not go on. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  constructor(
    readonly key: string,
    readonly failure: Failure,
    /** Of a step that failed by itself, not by what it holds: the attempt that failed, and what is on the undo stack of it. */
    readonly own?: { attempt: number; entry?: StepUndo },
  ) {
    super(failure.message);
  }
}

/** A step failed after the point of no return, and a person chose to stop there. */
export class ForwardStopped extends Error {
  override readonly name = 'ForwardStopped';
  constructor(
    readonly key: string,
    readonly failure: Failure,
  ) {
    super(failure.message);
  }
}

/** The maintenance window closed, and no other step may be begun. */
export class WindowClosed extends Error {
  override readonly name = 'WindowClosed';
  constructor(
    readonly text: string,
    readonly what: 'stop' | 'rollback',
  ) {
    super(text);
  }
}
