import { reachableActions } from '../engine/planned-steps';
import { bothEnds } from '../engine/text-table';
import { limitsText, windowText } from '../engine/timetable-text';
import type { Json } from '../runbook/json';
import type { SidePlan } from './contract';
import type { PlanFacts } from './model';

/** What is told of a plan on one side. `taken`: values for inputs without a default. */
export function planFacts(
  { plan, hash, timetable }: SidePlan,
  taken: Record<string, Json>,
  outages: PlanFacts['outages'],
): PlanFacts {
  const { first, leftOut, last } = bothEnds(timetable.rows);
  return {
    hash,
    steps: reachableActions([...plan.steps, ...(plan.finally ?? [])]).length,
    seconds: timetable.seconds,
    outages,
    ...(plan.limits && { limits: limitsText(plan.limits) }),
    windows: (plan.windows ?? []).map(windowText),
    timetable: [...first, ...last].map(({ title, fromSeconds, toSeconds }) => ({ title, fromSeconds, toSeconds })),
    timetableLeftOut: leftOut,
    taken,
    unknowns: [...new Set([...plan.unknowns, ...timetable.notes])],
  };
}
