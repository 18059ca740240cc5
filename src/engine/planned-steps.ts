import type { PlannedStep } from './plan';

/** Ways through the steps of a plan. */

export type PlannedAction = Extract<PlannedStep, { kind: 'action' }>;
export type PlannedControl = Extract<PlannedStep, { kind: 'control' }>;

/** Which steps of a plan are met. */
export interface Walk {
  /** Those that a condition leaves out, too. */
  leftOut: boolean;
  /** Of items that are not known yet, the steps of any one of them. */
  anyItem: boolean;
}

/** Steps that hold no others, depth first. */
export function leavesOf(steps: readonly PlannedStep[], walk: Walk): (PlannedAction | PlannedControl)[] {
  const found: (PlannedAction | PlannedControl)[] = [];
  const visit = (some: readonly PlannedStep[]): void => {
    for (const step of some) {
      if (step.when === false && !walk.leftOut) continue;
      if (step.kind === 'action' || step.kind === 'control') found.push(step);
      else if (step.kind !== 'items') visit(step.steps);
      else if (step.items !== 'unknown') for (const item of step.items) visit(item.steps);
      else if (walk.anyItem) visit(step.body);
    }
  };
  visit(steps);
  return found;
}

function isAction(step: PlannedStep): step is PlannedAction {
  return step.kind === 'action';
}

/** The actions that were foretold, those that are left out among them, as a view lists them. */
export function plannedActions(steps: readonly PlannedStep[]): PlannedAction[] {
  return leavesOf(steps, { leftOut: true, anyItem: false }).filter(isAction);
}

/** Every action that may be reached, in order; of items that are not known yet, their body once. */
export function reachableActions(steps: readonly PlannedStep[]): PlannedAction[] {
  return leavesOf(steps, { leftOut: false, anyItem: true }).filter(isAction);
}
