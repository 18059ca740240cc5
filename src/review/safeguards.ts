import { actionNamed } from '../actions/catalogue';
import { equal } from '../runbook/equal';
import type { Json, JsonObject } from '../runbook/json';
import type { ActionStep, Step } from '../runbook/model';
import { operationOf, undoClassOf } from '../runbook/operations/operation';
import type { Difference } from './model';

export type Effect = Difference['effect'];

/** Which way a safeguard went, by how strong it was and is. */
export function effectOf(before: number, after: number): Effect {
  return before === after ? 'neutral' : after > before ? 'safer' : 'riskier';
}

/** Whether a step is there so that nothing bad happens, or so that there is a way back. */
export function isSafeguard(step: Step): boolean {
  if (step.kind === 'approve' || step.kind === 'assert') return true;
  if (step.kind !== 'action') return false;
  const action = actionNamed(step.uses);
  const operation = action && operationOf(action, step.with);
  return operation?.role === 'check' || operation?.role === 'backup' || operation?.takesSnapshot?.until === 'deleted';
}

/** How much of a way back a step has: steps of its own are what somebody thought of, its action's undo is the next best. */
export function rollbackStrength(step: ActionStep): number {
  if (Array.isArray(step.rollback)) return 2;
  // Where nothing can or need be undone, `none` takes nothing away.
  return step.rollback === undefined && hasUndo(step) ? 1 : 0;
}

/** Whether its action undoes itself, or may: not every action is known. */
export function hasUndo({ uses, with: inputs }: ActionStep): boolean {
  const action = actionNamed(uses);
  const undo = action && undoClassOf(action, inputs);
  return undo !== 'none' && undo !== 'irreversible';
}

/** Not: its action says that there is no undo, and there are no steps of its own for it. */
export function canBeUndone({ uses, with: inputs, rollback }: ActionStep): boolean {
  const action = actionNamed(uses);
  return Array.isArray(rollback) || !action || undoClassOf(action, inputs) !== 'irreversible';
}

/**
 * What it does to safeguards that one input of an action is another: whether it can be undone, takes a snapshot to go back to, or looks at
 * something.
 */
export function inputEffect(uses: string, before: JsonObject, after: JsonObject, name: string): Effect {
  // Other inputs may have changed as well, so this one is changed by itself: from what was, and to what is.
  const forth = strengthChange(uses, before, exchanged(before, name, after[name]));
  const back = strengthChange(uses, exchanged(after, name, before[name]), after);
  return effectOf(0, forth + back);
}

function strengthChange(uses: string, before: JsonObject, after: JsonObject): number {
  const [one, other] = [strength(uses, before), strength(uses, after)];
  return one === undefined || other === undefined ? 0 : other - one;
}

function exchanged(inputs: JsonObject, name: string, value: Json | undefined): JsonObject {
  const { [name]: _, ...rest } = inputs;
  return value === undefined ? rest : { ...rest, [name]: value };
}

/** Inputs of a check that say how it looks, not at what. */
const notLookedAt = new Set(['vm', 'via', 'timeout', 'interval']);

/** How surely file systems are frozen for a snapshot or a backup; not said is the same as `prefer`. */
const frozen: readonly (Json | undefined)[] = ['no', 'prefer', 'require'];

/** undefined: not known before the run. */
function strength(uses: string, inputs: JsonObject): number | undefined {
  const action = actionNamed(uses);
  const operation = action && operationOf(action, inputs);
  const undo = action && undoClassOf(action, inputs);
  if (!operation || !undo) return undefined;
  const looks = Object.keys(inputs).filter(name => !notLookedAt.has(name) && !equal(inputs[name], false));
  return (
    (undo === 'irreversible' ? 0 : 1) +
    (operation.takesSnapshot ? 1 : 0) +
    frozen.indexOf(inputs.quiesce ?? 'prefer') +
    (operation.role === 'check' ? looks.length : 0)
  );
}
