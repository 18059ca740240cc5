import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Capability } from '../../src/hypervisors/capability';
import type {
  ConnectionState,
  DatastoreInfo,
  Hypervisor,
  HypervisorEvent,
  VmInfo,
  VolumeInfo,
} from '../../src/hypervisors/ports';
import { filterOf, filterText, noFilter, readFilter } from '../../src/vscode/inventory/inventoryFilter';
import { type Change, InventoryModel, type InventoryModelOptions } from '../../src/vscode/inventory/inventoryModel';
import { type ConnectionView, vmId } from '../../src/vscode/inventory/inventoryTree';
import { LiveInventory } from '../../src/vscode/inventory/liveInventory';
import { bytes, mebibytes, rowOfConnection, rowOfVm, vmActions } from '../../src/vscode/inventory/rows';

const everything = new Set<Capability>(['power', 'snapshot', 'migrate.live', 'backup.image']);

function vm(name: string, changes: Partial<VmInfo> = {}): VmInfo {
  return {
    uuid: `uuid-${name}`,
    name,
    host: 'hv1',
    state: 'running',
    vcpus: 1,
    memoryMiB: 512,
    persistent: true,
    disks: [],
    snapshotCount: 0,
    agent: 'connected',
    ...changes,
  };
}

const host = { name: 'hv1', version: 'QEMU 7.2.0', cpus: 4, memoryMiB: 8192, freeMemoryMiB: 4096 };
const state = (...vms: VmInfo[]): ConnectionState => ({ hosts: [host], vms, datastores: [] });
const connected: ConnectionView = { name: 'lab', phase: 'connected', capabilities: everything };

describe('rows', () => {
  it('offers only what the VM could do now', () => {
    expect(vmActions(vm('a'), everything)).toEqual(['shutdown', 'snapshot', 'migrate', 'backup']);
    expect(vmActions(vm('a', { state: 'shutoff', snapshotCount: 1 }), everything)).toEqual([
      'start',
      'snapshot',
      'revert',
      'deleteSnapshot',
    ]);
    expect(vmActions(vm('a'), new Set())).toEqual([]);
  });

  it('says state, memory and snapshots, and reads them out with the host', () => {
    const row = rowOfVm(vm('db', { snapshotCount: 2, memoryMiB: 1536 }), everything);
    expect(row.description).toBe('running · 1.5 GiB · 2 snapshots');
    expect(row.spoken).toBe('VM db, running, 1.5 GiB memory, 2 snapshots, on host hv1');
    expect(rowOfVm(vm('db', { state: 'paused', stateReason: 'I/O error' }), everything).description).toBe(
      'paused (I/O error) · 512 MiB',
    );
  });

  it('says of a simulated connection that it is one', () => {
    expect(rowOfConnection({ ...connected, simulated: true }, 1)).toMatchObject({
      description: 'simulated',
      spoken: 'Connection lab, simulated, connected, 1 host',
    });
    expect(rowOfConnection(connected, 1).description).toBe('');
  });

  it('writes memory the way people do', () => {
    expect([512, 1024, 1536, 2000].map(mebibytes)).toEqual(['512 MiB', '1 GiB', '1.5 GiB', '2 GiB']);
    expect([512 * 2 ** 20, 20 * 2 ** 30, 3.25 * 2 ** 40].map(bytes)).toEqual(['512 MiB', '20 GiB', '3.3 TiB']);
  });
});

/** A connected model with these VMs. */
function modelOf(vms: VmInfo[], options: Partial<InventoryModelOptions> = {}, more: Partial<ConnectionState> = {}) {
  const model = new InventoryModel({ connections: ['lab'], ...options });
  model.setConnection(connected, { ...state(...vms), ...more });
  return model;
}

/** Labels of what is below a node, as the view shows them. */
function labels(model: InventoryModel, of: string | undefined): string[] {
  const ids = of === undefined ? model.roots : model.children(of);
  return ids.map(id => model.row(model.node(id)!).label);
}

const HOST = 'host:lab/hv1';
const redrawn = (change: Change) => change.redraw ?? 'everything';

describe('tree', () => {
  it('goes from connections over hosts and VMs to disks, NICs and snapshots', () => {
    const disk = { target: 'vda', source: '/images/a.qcow2', format: 'qcow2', datastore: 'images', writable: true };
    const nic = { mac: '52:54:00:00:00:01', network: 'lan' };
    const model = modelOf([vm('a', { disks: [disk], nics: [nic], snapshotCount: 1 })]);
    const snapshot = { name: 'before', createdAt: '2026-01-03T22:00:00Z', memory: true, current: true };
    model.setSnapshots('lab', 'uuid-a', [snapshot]);
    expect([undefined, 'connection:lab', HOST, 'vm:lab/uuid-a'].map(id => labels(model, id))).toEqual([
      ['lab'],
      ['hv1'],
      ['a'],
      ['vda', '52:54:00:00:00:01', 'before'],
    ]);
    const [first = ''] = model.children('vm:lab/uuid-a');
    const up = (id: string): string[] => {
      const parent = model.parent(id);
      return parent === undefined ? [] : [parent, ...up(parent)];
    };
    expect(up(first)).toEqual(['vm:lab/uuid-a', HOST, 'connection:lab']);
  });

  it('says why snapshots could not be listed', () => {
    const model = modelOf([vm('a', { snapshotCount: 1 })]);
    model.setSnapshots('lab', 'uuid-a', { error: 'hv1 does not answer.' });
    expect(labels(model, 'vm:lab/uuid-a')).toEqual(['hv1 does not answer.']);
  });

  it('sorts names as people count', () => {
    expect(labels(modelOf([vm('web10'), vm('web2')]), HOST)).toEqual(['web2', 'web10']);
  });

  it('has a line to read out for every node', () => {
    const disk = { target: 'vda', source: '/images/a.qcow2', format: 'qcow2', datastore: 'images', writable: true };
    const model = modelOf([vm('a', { disks: [disk] }), vm('b')], { pageSize: 1 }, { datastores: [images] });
    model.setVolumes('lab', 'images', [volume('a.qcow2')]);
    const visit = (ids: string[]): string[] =>
      ids.flatMap(id => [model.row(model.node(id)!).spoken, ...visit(model.children(id))]);
    const spoken = visit(model.roots);
    expect(spoken).toContain('Disk vda of VM a, on datastore images');
    expect(spoken).toContain('Datastore images, 40 GiB of 100 GiB free, on hv1');
    expect(spoken).toContain('Volume a.qcow2, 10 GiB, used by a');
    expect(spoken.every(line => line.length > 0)).toBe(true);
  });

  it('redraws one node when one VM of ten thousand changes, whatever changed', () => {
    const vms = Array.from({ length: 10_000 }, (_, at) => vm(`vm${at}`));
    const model = modelOf(vms);
    model.children(HOST);
    for (const changes of [{ state: 'shutoff' as const }, { snapshotCount: 1 }, { memoryMiB: 1024 }]) {
      const change = model.setVm('lab', 'uuid-vm5000', vm('vm5000', changes));
      expect(change).toEqual({ redraw: ['vm:lab/uuid-vm5000'], names: false });
    }
    expect(model.setVm('lab', 'uuid-vm5000', vm('vm5000', { memoryMiB: 1024 })).redraw).toEqual([]);
  });

  it('redraws what changed when everything is read again, and nothing twice', () => {
    const model = modelOf([vm('a'), vm('b')]);
    expect(redrawn(model.setConnection(connected, state(vm('a'), vm('b'))))).toEqual([]);
    expect(redrawn(model.setConnection(connected, state(vm('a'), vm('b', { state: 'paused' }))))).toEqual([
      vmId('lab', 'uuid-b'),
    ]);
    expect(redrawn(model.setConnection(connected, state(vm('a', { snapshotCount: 1 }), vm('b'), vm('c'))))).toEqual([
      HOST,
    ]);
  });

  it('redraws the host of what came or went, and says that names did', () => {
    const model = modelOf([vm('a')]);
    model.children(HOST);
    expect(model.setVm('lab', 'uuid-b', vm('b'))).toEqual({ redraw: [HOST], names: true });
    expect(labels(model, HOST)).toEqual(['a', 'b']);
    expect(model.setVm('lab', 'uuid-a', undefined)).toEqual({ redraw: [HOST], names: true });
    expect(labels(model, HOST)).toEqual(['b']);
    expect(model.row(model.node(HOST)!).description).toBe('1 VM · 4 GiB free');
  });

  it('moves a VM from host to host', () => {
    const model = modelOf([vm('a')], {}, { hosts: [host, { ...host, name: 'hv2' }] });
    model.children(HOST);
    const change = model.setVm('lab', 'uuid-a', vm('a', { host: 'hv2' }));
    expect(redrawn(change)).toEqual([HOST, 'host:lab/hv2']);
    expect([labels(model, HOST), labels(model, 'host:lab/hv2')]).toEqual([[], ['a']]);
  });

  it('takes what its VMs could do away when a connection is lost', () => {
    const model = modelOf([vm('a')]);
    const [a] = model.allVms();
    expect(model.row(a!).actions).toContain('shutdown');
    expect(redrawn(model.setConnection({ ...connected, phase: 'connecting' }))).toEqual(['connection:lab']);
    expect(model.row(a!).actions).not.toContain('shutdown');
    expect(labels(model, HOST)).toEqual(['a']);
    model.setConnection({ ...connected, phase: 'failed', error: 'gone' }, null);
    expect(model.children('connection:lab')).toEqual([]);
  });

  it('keeps names with any letters apart', () => {
    const odd = vm('a/b: c%', { host: 'h/1' });
    const model = modelOf([odd], {}, { hosts: [{ ...host, name: 'h/1' }] });
    const [hostNode = ''] = model.children('connection:lab');
    const [id = ''] = model.children(hostNode);
    expect(model.node(id)).toMatchObject({ kind: 'vm', vm: odd });
    expect(model.parent(id)).toBe(hostNode);
  });
});

describe('pages', () => {
  const many = Array.from({ length: 7 }, (_, at) => vm(`vm${at}`));

  it('shows one page, and more when asked for', () => {
    const model = modelOf(many, { pageSize: 3 });
    expect(labels(model, HOST)).toEqual(['vm0', 'vm1', 'vm2', 'Show 3 more']);
    const more = model.node(model.children(HOST).at(-1)!);
    expect(more).toMatchObject({ kind: 'more', of: HOST, left: 4 });
    model.showMore(HOST);
    // One that is left is shown, not the line that stands for it.
    expect(labels(model, HOST)).toEqual(many.map(one => one.name));
  });

  it('shows as many as it takes to place a VM', () => {
    const model = modelOf(many, { pageSize: 2 });
    const id = model.place([...model.allVms()].find(node => node.vm.name === 'vm4')!);
    expect(model.children(HOST)).toContain(id);
  });
});

describe('filter', () => {
  const vms = [vm('web1'), vm('web2', { state: 'shutoff' }), vm('db1', { snapshotCount: 1 })];
  const known = { web1: { owner: 'shop', tags: ['front'] } };

  it('tells by state, snapshots and words', () => {
    const names = (filter: Partial<typeof noFilter>) => {
      const fits = filterOf({ ...noFilter, ...filter });
      return vms.filter(one => fits(one, known[one.name as 'web1'])).map(one => one.name);
    };
    expect(names({ states: ['running'] })).toEqual(['web1', 'db1']);
    expect(names({ states: ['off'] })).toEqual(['web2']);
    expect(names({ states: ['running', 'off'], snapshots: true })).toEqual(['db1']);
    expect(names({ text: 'WEB hv1' })).toEqual(['web1', 'web2']);
    expect(names({ text: 'shop front' })).toEqual(['web1']);
    expect(names({ text: 'shop tag:Front' })).toEqual(['web1']);
    expect(names({ text: 'tag:fro' })).toEqual([]);
    expect(filterText({ states: ['off'], snapshots: true, text: ' web ' })).toBe('off, with snapshots, "web"');
  });

  it('reads only what it knows of what was kept', () => {
    expect(readFilter({ states: ['off', 'nonsense'], snapshots: 'yes', text: 3 })).toEqual({
      ...noFilter,
      states: ['off'],
    });
    expect(readFilter('nonsense')).toEqual(noFilter);
  });

  it('hides hosts without a VM that fits, and tells how many VMs are shown', () => {
    const model = modelOf(vms, {}, { hosts: [host, { ...host, name: 'hv2' }] });
    model.arrange({ grouping: 'host', filter: { ...noFilter, states: ['off'] } });
    expect(labels(model, 'connection:lab')).toEqual(['hv1']);
    expect(labels(model, HOST)).toEqual(['web2']);
    expect(model.size).toEqual({ all: 3, shown: 1 });
  });

  it('takes a VM that fits no more out of the tree, and its host with the last one', () => {
    const model = modelOf(vms);
    model.arrange({ grouping: 'host', filter: { ...noFilter, states: ['running'] } });
    expect(labels(model, HOST)).toEqual(['db1', 'web1']);
    expect(redrawn(model.setVm('lab', 'uuid-web1', vm('web1', { state: 'shutoff' })))).toEqual([HOST]);
    expect(labels(model, HOST)).toEqual(['db1']);
    expect(redrawn(model.setVm('lab', 'uuid-db1', undefined))).toEqual(['connection:lab']);
    expect(labels(model, 'connection:lab')).toEqual([]);
  });
});

describe('groups', () => {
  const known = { a: { owner: 'shop', tags: ['web', 'front'] }, b: { owner: 'shop' } };
  const grouped = (grouping: 'tag' | 'owner') => {
    const model = modelOf([vm('a'), vm('b'), vm('c')], { vms: known });
    model.arrange({ grouping, filter: noFilter });
    return model;
  };

  it('are tags, and a VM stands under each of its own', () => {
    const model = grouped('tag');
    expect(labels(model, undefined)).toEqual(['front', 'web', 'No tag']);
    expect(labels(model, 'group:tag/web')).toEqual(['a']);
    expect(labels(model, 'group:tag/')).toEqual(['b', 'c']);
    const ids = model.roots.flatMap(id => model.children(id));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(model.roots).toContain(model.parent(id));
    const change = model.setVm('lab', 'uuid-a', vm('a', { state: 'paused' }));
    expect(redrawn(change)).toHaveLength(2);
  });

  it('are owners', () => {
    const model = grouped('owner');
    expect(labels(model, undefined)).toEqual(['shop', 'No owner']);
    expect(labels(model, 'group:owner/shop')).toEqual(['a', 'b']);
  });

  it('leave what is not connected in sight', () => {
    const model = grouped('owner');
    model.setConnection({ ...connected, phase: 'failed', error: 'gone' }, null);
    expect(labels(model, undefined)).toEqual(['lab']);
  });
});

const images: DatastoreInfo = {
  name: 'images',
  host: 'hv1',
  capacityBytes: 100 * 2 ** 30,
  freeBytes: 40 * 2 ** 30,
  path: '/images',
};
const volume = (name: string, changes: Partial<VolumeInfo> = {}): VolumeInfo => ({
  name,
  path: `/images/${name}`,
  capacityBytes: 10 * 2 ** 30,
  allocationBytes: 2 ** 30,
  ...changes,
});
const on = (name: string, source: string, datastore = 'images') =>
  vm(name, { disks: [{ target: 'vda', source, format: 'qcow2', datastore, writable: true }] });

describe('storage', () => {
  it('goes from datastores over volumes to the VMs that use them', () => {
    const model = modelOf([on('a', '/images/a.qcow2')], {}, { datastores: [images, { ...images, host: 'hv2' }] });
    model.setVolumes('lab', 'images', [volume('a.qcow2'), volume('left-over.qcow2')]);
    expect(labels(model, undefined)).toEqual(['lab', 'Storage']);
    expect(labels(model, 'storage:')).toEqual(['images']);
    const [used = '', unused = ''] = model.children('datastore:lab/images');
    expect(labels(model, used)).toEqual(['a']);
    expect(model.children(unused)).toEqual([]);
    expect(model.row(model.node(unused)!).description).toBe('10 GiB · not used');
    expect(model.row(model.node('datastore:lab/images')!).description).toBe('40 GiB of 100 GiB free · hv1, hv2');
  });

  it('counts the image below as used too', () => {
    const model = modelOf([on('a', '/images/a.qcow2')], {}, { datastores: [images] });
    const listed = [volume('golden.qcow2'), volume('base.qcow2', { backing: '/images/golden.qcow2' })];
    model.setVolumes('lab', 'images', [...listed, volume('a.qcow2', { backing: '/images/base.qcow2' })]);
    for (const id of model.children('datastore:lab/images')) expect(labels(model, id)).toEqual(['a']);
  });

  it('takes equal paths on two hosts for two images, unless the storage is shared', () => {
    const users = (shared: boolean) => {
      const model = new InventoryModel({ connections: ['one', 'two'] });
      for (const name of ['one', 'two']) {
        const seen = {
          ...state(...(name === 'two' ? [on('a', '/images/a.qcow2')] : [])),
          datastores: [{ ...images, shared }],
        };
        model.setConnection({ ...connected, name }, seen);
      }
      model.setVolumes('one', 'images', [volume('a.qcow2')]);
      return labels(model, 'volume:one/images/a.qcow2');
    };
    expect([users(false), users(true)]).toEqual([[], ['a']]);
  });

  it('redraws a VM also where it stands below a volume that was looked at', () => {
    const model = modelOf([on('a', '/images/a.qcow2')], {}, { datastores: [images] });
    model.setVolumes('lab', 'images', [volume('a.qcow2')]);
    const [below = ''] = model.children('volume:lab/images/a.qcow2');
    const change = model.setVm('lab', 'uuid-a', { ...on('a', '/images/a.qcow2'), state: 'paused' });
    expect(redrawn(change)).toEqual(['vm:lab/uuid-a', below]);
    expect(model.parent(below)).toBe('volume:lab/images/a.qcow2');
  });

  it('marks a datastore that is almost full', () => {
    const model = modelOf([], {}, { datastores: [{ ...images, freeBytes: 2 ** 30 }] });
    const row = model.row(model.node('datastore:lab/images')!);
    expect(row.color).toBe('charts.yellow');
    expect(row.spoken).toContain('almost full');
  });
});

/** A hypervisor in memory that counts what is asked of it. */
function fake(initial: VmInfo[], withEvents = true) {
  const vms = new Map(initial.map(info => [info.uuid, info]));
  const asked: string[] = [];
  let listener: ((event: HypervisorEvent) => void) | undefined;
  const hypervisor: Hypervisor = {
    connection: 'lab',
    kind: 'simulated',
    capabilities: everything,
    state: async () => {
      asked.push('state');
      return state(...vms.values());
    },
    vm: async uuid => {
      asked.push(`vm ${uuid}`);
      return vms.get(uuid);
    },
    events: withEvents
      ? {
          subscribe: async given => {
            listener = given;
            return () => {
              listener = undefined;
            };
          },
        }
      : undefined,
    close: async () => {
      asked.push('close');
    },
  };
  return {
    hypervisor,
    asked,
    set: (info: VmInfo) => vms.set(info.uuid, info),
    emit: (event: HypervisorEvent) => listener?.(event),
    listening: () => listener !== undefined,
  };
}

const opened = (hypervisor: Hypervisor) => ({ hypervisor, close: () => hypervisor.close() });

describe('live inventory', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function live(lab: ReturnType<typeof fake>, open = async () => opened(lab.hypervisor)) {
    const changes: (string[] | undefined)[] = [];
    const errors: unknown[] = [];
    const model = new InventoryModel({ connections: ['lab'] });
    const inventory = new LiveInventory({
      model,
      open,
      onChange: ({ redraw }) => changes.push(redraw),
      onError: (_, error) => errors.push(error),
    });
    const description = (id: string) => {
      const node = model.node(id);
      return node && model.row(node).description;
    };
    return { inventory, model, changes, errors, description };
  }

  it('connects when somebody looks, not before', async () => {
    const lab = fake([vm('a')]);
    const { inventory, description } = live(lab);
    await vi.runAllTimersAsync();
    expect(lab.asked).toEqual([]);
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    expect(lab.asked).toEqual(['state']);
    expect(description('vm:lab/uuid-a')).toBe('running · 512 MiB');
  });

  it('looks up only the VM that an event names, once for many events', async () => {
    const lab = fake([vm('a'), vm('b')]);
    const { inventory, changes } = live(lab);
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    lab.asked.length = 0;
    changes.length = 0;
    lab.set(vm('b', { state: 'shutoff' }));
    for (const what of ['suspended', 'stopped'] as const) lab.emit({ type: 'vm', uuid: 'uuid-b', name: 'b', what });
    await vi.runAllTimersAsync();
    expect(lab.asked).toEqual(['vm uuid-b']);
    expect(changes).toEqual([['vm:lab/uuid-b']]);
  });

  it('reads nothing while hidden and catches up when shown again', async () => {
    const lab = fake([vm('a')]);
    const { inventory, description } = live(lab);
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    inventory.setVisible(false);
    lab.asked.length = 0;
    lab.set(vm('a', { state: 'paused' }));
    lab.emit({ type: 'vm', uuid: 'uuid-a', name: 'a', what: 'suspended' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(lab.asked).toEqual([]);
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    expect(lab.asked).toEqual(['vm uuid-a']);
    expect(description('vm:lab/uuid-a')).toContain('paused');
  });

  it('polls a connection without events, while visible only', async () => {
    const lab = fake([vm('a')], false);
    const { inventory } = live(lab);
    inventory.setVisible(true);
    await vi.advanceTimersByTimeAsync(20_500);
    expect(lab.asked).toEqual(['state', 'state', 'state']);
    inventory.setVisible(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(lab.asked).toHaveLength(3);
    await inventory.dispose();
  });

  it('reads again when something without events has changed it, not only when it polls next', async () => {
    const lab = fake([vm('a')], false);
    const { inventory, description } = live(lab);
    inventory.setVisible(true);
    await vi.advanceTimersByTimeAsync(100);
    lab.set(vm('a', { snapshotCount: 1 }));
    inventory.touch();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(description('vm:lab/uuid-a')).toContain('1 snapshot');
    await inventory.dispose();
  });

  it('shows why it failed and connects again on request', async () => {
    const lab = fake([vm('a')]);
    let reachable = false;
    const { inventory, model, errors, changes } = live(lab, async () => {
      if (!reachable) throw new Error('hv1 does not answer.');
      return opened(lab.hypervisor);
    });
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    expect(inventory.allFailed).toBe(true);
    expect(model.connections[0]?.error).toBe('hv1 does not answer.');
    expect(errors).toHaveLength(1);
    expect(changes.at(-1)).toBeUndefined();
    reachable = true;
    inventory.refresh();
    await vi.runAllTimersAsync();
    expect(inventory.allFailed).toBe(false);
    expect(model.node('vm:lab/uuid-a')).toBeDefined();
  });

  it('shows a connection that was lost as failed and lets go of it', async () => {
    const lab = fake([vm('a')]);
    const { inventory, model } = live(lab);
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    lab.emit({ type: 'closed', error: new Error('Connection reset.') });
    await vi.runAllTimersAsync();
    expect(model.connections[0]).toMatchObject({ phase: 'failed', error: 'Connection reset.' });
    expect(lab.asked).toContain('close');
    expect(lab.listening()).toBe(false);
  });

  it('lists snapshots and volumes when somebody looks, and says why it can not', async () => {
    const lab = fake([vm('a', { snapshotCount: 1 })]);
    const { inventory, model } = live(lab);
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    const snapshot = { name: 'before', createdAt: '2026-01-03T22:00:00Z', memory: true, current: true };
    const list = vi.fn(async () => [snapshot]);
    Object.assign(lab.hypervisor, { snapshots: { list } });
    const node = model.node('vm:lab/uuid-a');
    if (node?.kind !== 'vm') throw new Error('there is no VM');
    await inventory.list(node);
    expect(labels(model, node.id)).toEqual(['before']);
    list.mockRejectedValueOnce(new Error('hv1 does not answer.'));
    await inventory.list(node);
    expect(labels(model, node.id)).toEqual(['hv1 does not answer.']);
    // One without snapshots is not asked for any.
    await inventory.list({ ...node, vm: vm('a') });
    expect(list).toHaveBeenCalledTimes(2);
  });

  it('closes what it opened', async () => {
    const lab = fake([vm('a')]);
    const { inventory } = live(lab);
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    await inventory.dispose();
    expect(lab.asked).toEqual(['state', 'close']);
  });
});
