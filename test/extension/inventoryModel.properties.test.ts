import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { Capability } from '../../src/hypervisors/capability';
import type {
  ConnectionState,
  DiskInfo,
  HostInfo,
  SnapshotInfo,
  VmInfo,
  VolumeInfo,
} from '../../src/hypervisors/ports';
import { noFilter } from '../../src/vscode/inventory/inventoryFilter';
import { type Arrangement, type Change, InventoryModel } from '../../src/vscode/inventory/inventoryModel';
import type { ConnectionView } from '../../src/vscode/inventory/inventoryTree';

// Whatever happens to VMs: what is kept up is what would be made anew, and what is drawn again is enough.

const hosts: HostInfo[] = ['hv1', 'hv2'].map(name => ({ name, version: '1', cpus: 4, memoryMiB: 1024 }));
const known = { a: { owner: 'shop', tags: ['web', 'front'] }, b: { owner: 'shop' }, c: { tags: ['web'] } };
const capabilities = new Set<Capability>(['power', 'snapshot']);
const connected: ConnectionView = { name: 'lab', phase: 'connected', capabilities };

const disk: DiskInfo = { target: 'vda', source: '/i/a', format: 'qcow2', datastore: 'images', writable: true };
const volume: VolumeInfo = { name: 'a', path: '/i/a', capacityBytes: 1, allocationBytes: 1 };
const snapshot: SnapshotInfo = { name: 's', createdAt: '2026-01-03T22:00:00Z', memory: false, current: true };
const anyVm: fc.Arbitrary<VmInfo> = fc.record({
  uuid: fc.constantFrom('1', '2', '3', '4', '5', '6'),
  name: fc.constantFrom('a', 'b', 'c', 'd2', 'd10'),
  host: fc.constantFrom('hv1', 'hv2'),
  state: fc.constantFrom('running' as const, 'shutoff' as const, 'paused' as const),
  memoryMiB: fc.constantFrom(512, 1024),
  snapshotCount: fc.constantFrom(0, 1),
  disks: fc.constantFrom<DiskInfo[]>([], [disk]),
  vcpus: fc.constant(1),
  persistent: fc.constant(true),
  agent: fc.constant('none' as const),
});
const anyVms = fc.uniqueArray(anyVm, { selector: vm => vm.uuid, maxLength: 6 });
const anyHosts = fc.constantFrom(hosts, hosts.slice(0, 1), hosts.slice(1));
const anyState = fc.tuple(anyVms, anyHosts).map(([vms, hosts]): ConnectionState => {
  const store = { name: 'images', host: 'hv1', capacityBytes: 10, freeBytes: vms.length };
  return { hosts, vms, datastores: [store] };
});
const anyArrangement: fc.Arbitrary<Arrangement> = fc.record({
  grouping: fc.constantFrom('host' as const, 'tag' as const, 'owner' as const),
  filter: fc.constantFrom(
    noFilter,
    { ...noFilter, states: ['running' as const] },
    { ...noFilter, snapshots: true },
    { ...noFilter, text: 'web' },
  ),
});
type Step =
  | { do: 'vm'; vm: VmInfo }
  | { do: 'gone'; uuid: string }
  | { do: 'read'; state: ConnectionState }
  | { do: 'lost' }
  | { do: 'back'; state: ConnectionState };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: anyVm.map(vm => ({ do: 'vm' as const, vm })) },
  { weight: 2, arbitrary: anyVm.map(({ uuid }) => ({ do: 'gone' as const, uuid })) },
  { weight: 2, arbitrary: anyState.map(state => ({ do: 'read' as const, state })) },
  { weight: 1, arbitrary: fc.constant({ do: 'lost' as const }) },
  { weight: 1, arbitrary: anyState.map(state => ({ do: 'back' as const, state })) },
);

function apply(model: InventoryModel, step: Step): Change {
  switch (step.do) {
    case 'vm':
      return model.setVm('lab', step.vm.uuid, step.vm);
    case 'gone':
      return model.setVm('lab', step.uuid, undefined);
    case 'read':
    case 'back':
      return model.setConnection(connected, step.state);
    case 'lost':
      return model.setConnection({ ...connected, phase: 'failed', error: 'gone' }, null);
  }
}

interface Drawn {
  text: string;
  children: Map<string, Drawn>;
}

/** A node and all below it, as VS Code would hold them; tooltips are made when they are asked for. */
function draw(model: InventoryModel, id: string): Drawn {
  const node = model.node(id);
  if (!node) throw new Error(`${id} is listed and is not there`);
  // Listed when somebody looks, as the view does.
  if (node.kind === 'datastore') model.setVolumes('lab', 'images', [volume]);
  if (node.kind === 'vm') model.setSnapshots('lab', node.vm.uuid, node.vm.snapshotCount > 0 ? [snapshot] : []);
  const { facts: _, ...row } = model.row(node);
  return { text: JSON.stringify(row), children: new Map(model.children(id).map(child => [child, draw(model, child)])) };
}
const drawAll = (model: InventoryModel) => new Map(model.roots.map(id => [id, draw(model, id)]));

/** What VS Code does when nodes are to be drawn again: those it does not hold are passed over. */
function redraw(shown: Map<string, Drawn>, model: InventoryModel, ids: string[]): void {
  const visit = (level: Map<string, Drawn>): void => {
    for (const [id, { children }] of level) {
      if (ids.includes(id)) level.set(id, draw(model, id));
      else visit(children);
    }
  };
  visit(shown);
}
const dump = (shown: Map<string, Drawn>): unknown =>
  [...shown].map(([id, { text, children }]) => [id, text, dump(children)]);
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

const cases = fc.tuple(anyArrangement, anyState, fc.array(anyStep, { maxLength: 12 }), fc.constantFrom(2, 100));

describe('the inventory’s tree', () => {
  it('is the one that would be made anew, and needs no more drawn than is said', () => {
    fc.assert(
      fc.property(cases, ([arrangement, first, steps, pageSize]) => {
        const options = { connections: ['lab'], vms: known, pageSize };
        const model = new InventoryModel(options);
        model.arrange(arrangement);
        model.setConnection(connected, first);
        let shown = drawAll(model);
        let isLost = false;
        for (const step of steps) {
          // A connection that is lost tells nothing.
          if (isLost && step.do !== 'back') continue;
          const { redraw: ids } = apply(model, step);
          isLost = step.do === 'lost';
          if (ids === undefined) shown = drawAll(model);
          else redraw(shown, model, ids);
          if (!same(dump(shown), dump(drawAll(model)))) {
            throw new Error(`after ${JSON.stringify(step)} not enough is drawn again: ${JSON.stringify(ids)}`);
          }
          const vms = [...model.allVms()].map(node => node.vm);
          for (const name of ['a', 'b', 'c', 'd2', 'd10', '1', '2', '6']) {
            const wanted = vms.filter(vm => vm.name === name || vm.uuid === name);
            const found = model.vmNamed(name)?.vm;
            if (found ? !wanted.includes(found) : wanted.length > 0) throw new Error(`${name} is not found as it is`);
          }
        }
        const anew = new InventoryModel(options);
        anew.arrange(arrangement);
        const now = model.state('lab');
        if (now) anew.setConnection(connected, now);
        if (now && !same(dump(drawAll(model)), dump(drawAll(anew)))) throw new Error('it is not what is made anew');
      }),
      { numRuns: 500 },
    );
  });
});
