import { actionNamed } from '../actions/catalogue';
import { type PlannedAction, reachableActions } from '../engine/planned-steps';
import type { Rehearsal } from '../engine/rehearse';
import type { TimetableRow } from '../engine/timetable';
import { isTemplate } from '../runbook/template';
import type { SidePlan } from './contract';
import type { PlanDifference, PlanFacts } from './model';

export type VmOutage = PlanFacts['outages'][number];

interface Sides<T> {
  base?: T;
  head?: T;
}

/** Measured in the run in which nothing went wrong; undefined: there was none, or it did not come to its end. */
export function rehearsedOutages(rehearsal: Rehearsal | undefined): VmOutage[] | undefined {
  if (rehearsal?.clean.status !== 'done') return undefined;
  return rehearsal.clean.outages.map(({ vm, ms, staysOff }) => ({
    vm,
    seconds: ms / 1000,
    from: 'rehearsed',
    ...(staysOff && { staysOff: true }),
  }));
}

/** From what the actions say of themselves, by the timetable. It is not known which VMs are on before: all but those that are started count. */
export function estimatedOutages({ plan, timetable }: SidePlan): VmOutage[] {
  const rows = new Map(timetable.rows.map(row => [row.key, row]));
  const begun = reachableActions([...plan.steps, ...(plan.finally ?? [])])
    .flatMap(step => {
      const row = rows.get(step.key);
      return row ? [{ step, row }] : [];
    })
    .sort((one, other) => one.row.fromSeconds - other.row.fromSeconds);
  const vms = new Map<string, Estimate>();
  for (const { step, row } of begun) {
    for (const vm of vmsOf(step)) {
      const known = vms.get(vm) ?? { longest: 0 };
      vms.set(vm, after(known, step, row));
    }
  }
  return [...vms]
    .flatMap(([vm, { longest, offFrom }]): VmOutage[] => {
      if (offFrom !== undefined) {
        return [{ vm, seconds: rounded(timetable.seconds - offFrom), from: 'estimated', staysOff: true }];
      }
      return longest > 0 ? [{ vm, seconds: rounded(longest), from: 'estimated' }] : [];
    })
    .sort(longestFirst);
}

/** In seconds. */
interface Estimate {
  longest: number;
  /** Since when it is off. */
  offFrom?: number;
}

function after(known: Estimate, step: PlannedAction, { fromSeconds }: TimetableRow): Estimate {
  const action = actionNamed(step.uses);
  const seconds = action?.outageSeconds?.(step.inputs) ?? 0;
  const { longest, offFrom } = known;
  if (action?.operation?.(step.inputs).leaves === 'on') {
    if (offFrom === undefined) return known;
    return { longest: Math.max(longest, fromSeconds + seconds - offFrom) };
  }
  // What happens to one that is off, nobody notices.
  if (offFrom !== undefined) return known;
  return Number.isFinite(seconds) ? { longest: Math.max(longest, seconds) } : { longest, offFrom: fromSeconds };
}

/** Those whose names are known. */
function vmsOf({ changes }: PlannedAction): string[] {
  return changes.flatMap(({ kind, name }) => (kind === 'vm' && !isTemplate(name) ? [name] : []));
}

/** Sums of estimates, without what floating point adds to them. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** One that does not end is longer than any other. */
function longestFirst(one: VmOutage, other: VmOutage): number {
  const endless = Number(other.staysOff ?? false) - Number(one.staysOff ?? false);
  return endless || other.seconds - one.seconds || (one.vm < other.vm ? -1 : 1);
}

/** What is told of each plan: what was measured, else what is estimated. */
export function outagesOf(side: SidePlan, rehearsal: Rehearsal | undefined): VmOutage[] {
  return rehearsedOutages(rehearsal) ?? estimatedOutages(side);
}

/**
 * VMs whose outage is another than before, the longest first. An estimate is only compared with an estimate: where only one of two plans was
 * rehearsed, it is not the change that makes them differ.
 */
export function outageDifferences(plans: Sides<SidePlan>, rehearsals: Sides<Rehearsal>): PlanDifference['outages'] {
  const measured = { base: rehearsedOutages(rehearsals.base), head: rehearsedOutages(rehearsals.head) };
  const both = (!plans.base || measured.base) && (!plans.head || measured.head);
  const of = (side: 'base' | 'head'): VmOutage[] => {
    const plan = plans[side];
    return plan ? ((both ? measured[side] : undefined) ?? estimatedOutages(plan)) : [];
  };
  return differencesOf(of('base'), of('head'));
}

function differencesOf(base: readonly VmOutage[], head: readonly VmOutage[]): PlanDifference['outages'] {
  const before = new Map(base.map(one => [one.vm, one]));
  const after = new Map(head.map(one => [one.vm, one]));
  const isSame = (one: VmOutage | undefined, other: VmOutage | undefined): boolean =>
    one?.seconds === other?.seconds && one?.staysOff === other?.staysOff;
  // Of each VM the longer one says where it is told.
  const longest = new Map(
    [...base, ...head]
      .sort(longestFirst)
      .reverse()
      .map(one => [one.vm, one]),
  );
  return [...longest.values()]
    .sort(longestFirst)
    .map(({ vm }) => vm)
    .filter(vm => !isSame(before.get(vm), after.get(vm)))
    .map(vm => {
      const [was, is] = [before.get(vm), after.get(vm)];
      return { vm, ...(was && { before: withoutVm(was) }), ...(is && { after: withoutVm(is) }) };
    });
}

function withoutVm({ vm: _, ...outage }: VmOutage): Omit<VmOutage, 'vm'> {
  return outage;
}
