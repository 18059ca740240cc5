import type { Hypervisor, HypervisorEvent, VmInfo } from '../../src/hypervisors/ports';
import { InventoryModel } from '../../src/vscode/inventory/inventoryModel';
import { LiveInventory } from '../../src/vscode/inventory/liveInventory';

export interface Tree {
  /** VMs that change their state, one after the other, and what is drawn again for each. Number of nodes drawn. */
  change(times: number): number;
  /** One that changes on its hypervisor, as the view is told of it: ids of nodes to draw again. */
  event(): Promise<string[]>;
  close(): Promise<void>;
}

/** The inventory view's tree of a host with so many VMs, connected and looked at. */
export async function tree(vms: number): Promise<Tree> {
  const all = Array.from({ length: vms }, (_, at) => vm(at, 'running'));
  const byUuid = new Map(all.map(one => [one.uuid, one]));
  const host = { name: 'hv1', version: 'bench', cpus: 64, memoryMiB: 2 ** 20, freeMemoryMiB: 2 ** 19 };
  let tell: ((event: HypervisorEvent) => void) | undefined;
  const hypervisor: Hypervisor = {
    connection: 'lab',
    kind: 'simulated',
    capabilities: new Set(['power', 'snapshot']),
    state: async () => ({ hosts: [host], vms: [...byUuid.values()], datastores: [] }),
    vm: async uuid => byUuid.get(uuid),
    events: {
      subscribe: async listener => {
        tell = listener;
        return () => undefined;
      },
    },
    close: async () => undefined,
  };
  const model = new InventoryModel({ connections: ['lab'] });
  let told: ((ids: string[]) => void) | undefined;
  const live = new LiveInventory({
    model,
    gatherMs: 0,
    open: async () => ({ hypervisor, close: () => hypervisor.close() }),
    onChange: ({ redraw }) => told?.(redraw ?? []),
    onError: (_, error) => {
      throw error;
    },
  });
  const connected = new Promise(resolve => {
    told = () => model.connection('lab')?.phase === 'connected' && resolve(undefined);
  });
  live.setVisible(true);
  await connected;
  const draw = (id: string): number => (model.row(model.node(id)!).label === '' ? 0 : 1);
  // What VS Code asks for when it shows the tree.
  for (const id of ['connection:lab', 'host:lab/hv1', ...model.children('host:lab/hv1')]) draw(id);
  let turn = 0;
  const next = (): VmInfo => {
    turn++;
    // Spread over all of them, so that no cache holds just the one.
    const at = (turn * 7919) % vms;
    const changed = vm(at, byUuid.get(`uuid-${at}`)?.state === 'running' ? 'shutoff' : 'running');
    byUuid.set(changed.uuid, changed);
    return changed;
  };
  return {
    change(times) {
      let drawn = 0;
      for (let i = 0; i < times; i++) {
        const changed = next();
        for (const id of model.setVm('lab', changed.uuid, changed).redraw ?? []) drawn += draw(id);
      }
      return drawn;
    },
    event() {
      const { uuid, name } = next();
      return new Promise(resolve => {
        told = resolve;
        tell?.({ type: 'vm', uuid, name, what: 'changed' });
      });
    },
    close: () => live.dispose(),
  };
}

function vm(at: number, state: VmInfo['state']): VmInfo {
  const disk = { target: 'vda', source: `/images/vm${at}.qcow2`, format: 'qcow2', datastore: 'images', writable: true };
  return {
    uuid: `uuid-${at}`,
    name: `vm${at}`,
    host: 'hv1',
    state,
    vcpus: 2,
    memoryMiB: 2048,
    persistent: true,
    disks: [disk],
    snapshotCount: 0,
    agent: 'connected',
  };
}
