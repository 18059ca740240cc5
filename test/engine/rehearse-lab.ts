import { actionNamed } from '../../src/actions/catalogue';
import { makePlan } from '../../src/engine/make-plan';
import type { Plan } from '../../src/engine/plan';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import type { Inventory } from '../../src/inventory/model';
import { SimulatedInventory } from '../../src/inventory/simulated-inventory';
import type { Runbook, Step } from '../../src/runbook/model';
import { withPointers } from './harness';

const lab = SimulatedLab.parse(`
version: 1
hosts:
  hv1: { cpus: 8, memoryMiB: 16384 }
  hv2: { cpus: 8, memoryMiB: 16384 }
datastores:
  shared: { capacityGiB: 200, hosts: [hv1, hv2] }
repositories:
  main: { nginx: ["1.0", "1.1"] }
vms:
  web1:
    host: hv1
    state: running
    memoryMiB: 1024
    disks: [{ datastore: shared, capacityGiB: 10 }]
    guest: &guest
      address: 192.0.2.11
      agent: running
      repository: main
      packages: { nginx: "1.0" }
      services: { nginx: active }
      listens: [{ port: 80, service: nginx }]
  web2:
    host: hv2
    state: running
    memoryMiB: 1024
    disks: [{ datastore: shared, capacityGiB: 10 }]
    guest: { <<: *guest, address: 192.0.2.12 }
  off1:
    host: hv1
    memoryMiB: 1024
    disks: [{ datastore: shared, capacityGiB: 10 }]
    guest: { <<: *guest, address: 192.0.2.13 }
proxies:
  backup1: { capacityGiB: 100 }
`);

const inventory: Inventory = {
  version: 1,
  connections: {
    east: { type: 'simulated', lab: 'lab', hosts: ['hv1'] },
    west: { type: 'simulated', lab: 'lab', hosts: ['hv2'] },
  },
  groups: {},
  proxies: { backup1: { ssh: 'simulated', directory: '/srv/backups' } },
  vms: {},
};

/** Two hosts, two running VMs and one that is off. */
export function smallInventory(): SimulatedInventory {
  return SimulatedInventory.over(inventory, [
    { connection: 'east', lab, hosts: ['hv1'] },
    { connection: 'west', lab, hosts: ['hv2'] },
  ]);
}

export function planOf(steps: Step[], more: Partial<Pick<Runbook, 'finally' | 'limits' | 'window'>> = {}): Plan {
  const last = more.finally && { finally: withPointers(more.finally, '/finally') };
  return makePlan({
    runbook: { version: 1, name: 'test', inputs: {}, ...more, ...last, steps: withPointers(steps) },
    action: actionNamed,
  }).plan;
}

export function action(uses: string, given: Record<string, string | number | boolean | string[]>, more = {}): Step {
  return { kind: 'action', pointer: '', uses, with: given, ...more };
}
