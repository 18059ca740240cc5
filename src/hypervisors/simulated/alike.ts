import { equal } from '../../runbook/equal';
import type { SimulatedLab } from './lab';
import type { LabHost, LabVm } from './state';

/** Two labs in which everything that comes next goes the same way, apart from what time it is. */
export function alike(left: SimulatedLab, right: SimulatedLab): boolean {
  const [now, then] = [left.clock.now(), right.clock.now()];
  // How long until; what is past is past.
  const ahead = (one: number | undefined, other: number | undefined): boolean =>
    one === undefined || other === undefined ? one === other : Math.max(0, one - now) === Math.max(0, other - then);
  const hosts = (one: LabHost, other: LabHost): boolean =>
    // A host that was lost and is back is as before.
    (one.lost === undefined) === (other.lost === undefined) &&
    ahead(one.lost?.until, other.lost?.until) &&
    equal({ ...one, lost: undefined }, { ...other, lost: undefined });
  const vms = (one: LabVm, other: LabVm): boolean =>
    ahead(one.readyAt, other.readyAt) && equal({ ...one, readyAt: 0 }, { ...other, readyAt: 0 });
  return (
    left.hosts.isLike(right.hosts, hosts) &&
    left.vms.isLike(right.vms, vms) &&
    left.datastores.isLike(right.datastores, equal) &&
    left.proxies.isLike(right.proxies, equal)
  );
}
