import type { Rehearsal } from '../engine/rehearse';
import type { PlanDifference, PlanFacts } from './model';

type VmOutage = PlanFacts['outages'][number];

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

/** VMs whose outage is another than before, the longest first. Give outages of one kind: what is estimated is not to be compared with what was measured. */
export function outageDifferences(base: readonly VmOutage[], head: readonly VmOutage[]): PlanDifference['outages'] {
  const before = new Map(base.map(one => [one.vm, one]));
  const after = new Map(head.map(one => [one.vm, one]));
  const isSame = (one: VmOutage | undefined, other: VmOutage | undefined): boolean =>
    one?.seconds === other?.seconds && one?.staysOff === other?.staysOff;
  const longest = (vm: string): number => Math.max(before.get(vm)?.seconds ?? 0, after.get(vm)?.seconds ?? 0);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter(vm => !isSame(before.get(vm), after.get(vm)))
    .sort((one, other) => longest(other) - longest(one) || (one < other ? -1 : 1))
    .map(vm => {
      const [was, is] = [before.get(vm), after.get(vm)];
      return { vm, ...(was && { before: withoutVm(was) }), ...(is && { after: withoutVm(is) }) };
    });
}

function withoutVm({ vm: _, ...outage }: VmOutage): Omit<VmOutage, 'vm'> {
  return outage;
}
