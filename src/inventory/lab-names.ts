import type { LabRecords } from '../hypervisors/simulated/lab-file';
import type { LabVm } from '../hypervisors/simulated/state';
import type { Inventory } from './model';
import type { SeenNames } from './names';

/** What a simulated connection shows. */
export interface SeenLab {
  connection: string;
  hosts: { name: string }[];
  vms: LabVm[];
  datastores: string[];
}

/** What the simulated labs of an inventory hold: it is known without connecting to anything. None, when one of them can't be read. */
export async function seeLabs(
  inventory: Inventory,
  read: (lab: string) => Promise<LabRecords | undefined>,
): Promise<SeenLab[]> {
  const seen: SeenLab[] = [];
  try {
    for (const [connection, definition] of Object.entries(inventory.connections)) {
      if (definition.type !== 'simulated') continue;
      const lab = await read(definition.lab);
      // One that can't be read is told when it is connected to; here what it holds is just not known.
      if (!lab) return [];
      const hosts = new Set(definition.hosts ?? Object.keys(lab.hosts));
      const stores = Object.entries(lab.datastores).filter(([, store]) => store.hosts.some(host => hosts.has(host)));
      seen.push({
        connection,
        hosts: [...hosts].map(name => ({ name })),
        vms: lab.vms.filter(vm => hosts.has(vm.host)),
        datastores: stores.map(([name]) => name),
      });
    }
  } catch {
    return [];
  }
  return seen;
}

/** The same as names. VMs and datastores only when every connection has been seen. */
export function namesInLabs(inventory: Inventory, seen: readonly SeenLab[]): SeenNames {
  if (seen.length === 0) return {};
  const hosts = Object.fromEntries(seen.map(({ connection, hosts }) => [connection, hosts.map(host => host.name)]));
  if (seen.length < Object.keys(inventory.connections).length) return { hosts };
  return {
    hosts,
    vms: seen.flatMap(({ vms }) => vms.map(vm => vm.name)),
    datastores: seen.flatMap(({ datastores }) => datastores),
  };
}
