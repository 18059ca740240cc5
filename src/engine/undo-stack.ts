import type { ActionDefinition } from '../actions/action';
import type { Scope } from '../runbook/expression';
import type { Json, JsonObject } from '../runbook/json';
import type { ActionStep } from '../runbook/model';
import type { Failure } from './journal';

/** What a rollback goes through from the end: steps, and loops with a stack per item. */
export type UndoEntry = StepUndo | ForkUndo;

export interface StepUndo {
  kind: 'step';
  key: string;
  step: ActionStep;
  definition: ActionDefinition;
  inputs: JsonObject;
  /** The attempt whose `before` counts. */
  attempt: number;
  before: Json;
  /** undefined: it never ended well. */
  outputs?: JsonObject;
  /** As the step saw it; only where it has `rollback:` steps, as it holds on to all that was given before. */
  scope: Scope | undefined;
  /** Why it failed, when it did. */
  failure?: Failure;
  /** A probe found that it had not happened; its undo looks for itself whether anything is left. */
  notDone?: boolean;
  /** A cancel stopped it halfway: it is undone even when the rest is kept. */
  interrupted?: boolean;
  /** What it needs for its undo has been removed. */
  committed?: boolean;
}

export interface ForkUndo {
  kind: 'fork';
  key: string;
  max: number;
  /** In the order of the items; each is reversed on its own. */
  branches: UndoEntry[][];
}

/** All steps in it, in the order they were taken. */
export function stepsOf(stack: readonly UndoEntry[]): StepUndo[] {
  return stack.flatMap(entry => (entry.kind === 'step' ? [entry] : entry.branches.flatMap(stepsOf)));
}

/** Takes the entries that match out, wherever they are; gives them in the order they were taken. */
export function takeOut(stack: UndoEntry[], matches: (entry: StepUndo) => boolean): StepUndo[] {
  const taken: StepUndo[] = [];
  for (let at = 0; at < stack.length; at++) {
    const entry = stack[at]!;
    if (entry.kind === 'fork') for (const branch of entry.branches) taken.push(...takeOut(branch, matches));
    else if (matches(entry)) {
      taken.push(entry);
      stack.splice(at--, 1);
    }
  }
  return taken;
}
