import { actionNamed } from '../../src/actions/catalogue';
import { makePlan } from '../../src/engine/make-plan';
import { type Rehearsal, rehearse } from '../../src/engine/rehearse';
import { timetableOf } from '../../src/engine/timetable';
import type { Inventory } from '../../src/inventory/model';
import type { SidePlan } from '../../src/review/contract';
import { planDifference } from '../../src/review/plan-difference';
import { rehearsalDifference } from '../../src/review/rehearsal-difference';
import { matchSteps } from '../../src/review/step-matching';
import type { JsonObject } from '../../src/runbook/json';
import { smallInventory } from '../engine/rehearse-lab';
import { placesOf, runbook } from './two-runbooks';

export interface SideOptions {
  inputs?: JsonObject;
  inventory?: Inventory;
  /** Runbooks that it calls, by path. */
  others?: Record<string, string>;
}

/** The plan of a runbook's text. */
export function sideOf(text: string, { inputs = {}, inventory, others = {} }: SideOptions = {}): SidePlan {
  const program = runbook(text, others);
  const made = makePlan({ runbook: program, inputs, action: actionNamed, ...(inventory && { inventory }) });
  return { ...made, timetable: timetableOf(made.plan) };
}

/** The plan before against the plan after; undefined: there is no such file. */
export function planDifferenceOf(
  base: string | undefined,
  head: string | undefined,
  options: { base?: SideOptions; head?: SideOptions; rehearsals?: { base?: Rehearsal; head?: Rehearsal } } = {},
) {
  const before = base === undefined ? undefined : sideOf(base, options.base);
  const after = head === undefined ? undefined : sideOf(head, options.head);
  const taken = { base: options.base?.inputs ?? {}, head: options.head?.inputs ?? {} };
  return planDifference(before, after, {}, taken, options.rehearsals ?? {}, matchesOf(before, after));
}

export function matchesOf(base: SidePlan | undefined, head: SidePlan | undefined) {
  const none = { version: 1, name: '', inputs: {}, steps: [] } as const;
  return matchSteps(base?.plan.program ?? { ...none, steps: [] }, head?.plan.program ?? { ...none, steps: [] });
}

/** Rehearsed on two hosts, with web1 and web2 that run, and off1 that does not. */
export function rehearsalOf({ plan }: SidePlan): Promise<Rehearsal> {
  return rehearse({ plan, action: actionNamed, inventory: smallInventory() });
}

/** The rehearsal before against the rehearsal after. */
export async function rehearsalDifferenceOf(base: string | undefined, head: string | undefined) {
  const before = base === undefined ? undefined : sideOf(base);
  const after = head === undefined ? undefined : sideOf(head);
  const [one, other] = await Promise.all([before && rehearsalOf(before), after && rehearsalOf(after)]);
  return rehearsalDifference(
    one && { rehearsal: one, assumed: [] },
    other && { rehearsal: other, assumed: [] },
    {},
    matchesOf(before, after),
    { base: placesOf(base ?? ''), head: placesOf(head ?? '') },
  );
}
