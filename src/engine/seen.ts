import type { Target } from '../actions/action';
import type { Fleet } from '../inventory/fleet';
import type { Whereabouts } from './limits';

/** What a look at a connection shows, as far as it matters here. */
export interface SeenConnection {
  connection: string;
  hosts: readonly { name: string }[];
  vms: readonly SeenVm[];
}

interface SeenVm {
  name: string;
  uuid: string;
  host: string;
  state: string;
  disks: readonly { datastore?: string }[];
}

/** One look at each connection, all at once. Those that do not answer are left out. */
export async function seeConnections(fleet: Fleet) {
  const looks = await Promise.allSettled(
    fleet.connections.map(async connection => {
      const { hosts, vms } = await (await fleet.hypervisor(connection)).state();
      return { connection, hosts, vms };
    }),
  );
  return looks.flatMap(look => (look.status === 'fulfilled' ? [look.value] : []));
}

/** VMs by name and uuid. Of two, e.g. what a migration left behind, the running one, as `locate` has it. */
export function vmsByName<V extends SeenVm>(seen: readonly { connection: string; vms: readonly V[] }[]) {
  const found = new Map<string, { connection: string; vm: V }>();
  for (const { connection, vms } of seen) {
    for (const vm of vms) {
      for (const name of [vm.name, vm.uuid]) {
        if (vm.state === 'running' || !found.has(name)) found.set(name, { connection, vm });
      }
    }
  }
  return found;
}

/** Where hosts and VMs were, for a timetable. */
export function whereSeen(seen: readonly SeenConnection[]): (target: Target) => Whereabouts | undefined {
  const hosts = new Map(
    seen.flatMap(({ connection, hosts }) => hosts.map(({ name }) => [name, { connection, host: name }] as const)),
  );
  const vms = vmsByName(seen);
  return ({ kind, name }) => {
    if (kind === 'host') return hosts.get(name);
    const found = kind === 'vm' ? vms.get(name) : undefined;
    if (!found) return undefined;
    const datastores = found.vm.disks.flatMap(({ datastore }) => (datastore === undefined ? [] : [datastore]));
    return { connection: found.connection, host: found.vm.host, datastores: [...new Set(datastores)] };
  };
}
