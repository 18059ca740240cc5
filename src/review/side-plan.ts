import { actionNamed } from '../actions/catalogue';
import { makePlan, PlanRefused } from '../engine/make-plan';
import { whereSeen } from '../engine/seen';
import { timetableOf } from '../engine/timetable';
import type { JsonObject } from '../runbook/json';
import { allOpenFrom } from '../runbook/window';
import type { SidePlan } from './contract';
import type { SideRunbook } from './side';

/** The plan of one side with these inputs, or a sentence on why there is none. */
export function planSide(side: SideRunbook, inputs: JsonObject): SidePlan | { problem: string } {
  const { linked, inventory } = side;
  if (!linked) return { problem: side.problem ?? 'It can not be planned.' };
  if (inventory?.problem !== undefined) return { problem: inventory.problem };
  try {
    const { plan, hash } = makePlan({
      runbook: linked,
      inputs,
      action: actionNamed,
      ...(inventory?.inventory && { inventory: inventory.inventory }),
      ...(inventory?.hosts && { hosts: inventory.hosts }),
    });
    // Begun when its windows open: what a run waits for them depends on the day.
    const startAt =
      plan.windows && inventory?.clock !== undefined ? allOpenFrom(plan.windows, inventory.clock) : undefined;
    const timetable = timetableOf(plan, {
      whereIs: whereSeen(inventory?.shown ?? []),
      ...(startAt !== undefined && { startAt }),
    });
    return { plan, hash, timetable };
  } catch (error) {
    if (error instanceof PlanRefused) return { problem: error.problems.join(' ') };
    throw error;
  }
}
