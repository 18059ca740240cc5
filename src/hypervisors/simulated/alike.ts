import { equal } from '../../runbook/equal';
import type { SimulatedLab } from './lab';
import type { LabHost, LabVm } from './state';

/**
 * Two labs in which everything that comes next goes the same way, apart from what time it is: of the two moments, nothing but how far
 * ahead of them something is counts. When a snapshot was made is only ever told.
 */
export function alike(left: SimulatedLab, right: SimulatedLab): boolean {
  const { hosts, vms } = comparing(left.clock.now(), right.clock.now());
  return (
    left.hosts.isLike(right.hosts, hosts) &&
    left.vms.isLike(right.vms, vms) &&
    left.datastores.isLike(right.datastores, equal) &&
    left.proxies.isLike(right.proxies, equal)
  );
}

/** How records of two labs are compared at these two moments. */
export function comparing(now: number, then: number) {
  const ahead = (one = 0, other = 0): boolean => Math.max(0, one - now) === Math.max(0, other - then);
  return {
    hosts: (one: LabHost, other: LabHost): boolean =>
      ahead(one.lost?.until, other.lost?.until) && equal(one, other, ['until']),
    vms: (one: LabVm, other: LabVm): boolean => ahead(one.readyAt, other.readyAt) && isSame(one, other),
  };
}

/** With which record each was found the same last: records are never changed in place, and are compared again and again. */
const found = new WeakMap<LabVm, LabVm>();

function isSame(one: LabVm, other: LabVm): boolean {
  if (found.get(one) === other) return true;
  if (!equal(one, other, ['readyAt', 'createdAt'])) return false;
  found.set(one, other);
  return true;
}
