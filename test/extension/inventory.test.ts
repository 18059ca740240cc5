import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Capability } from '../../src/hypervisors/capability';
import type { Hypervisor, HypervisorEvent, VmInfo } from '../../src/hypervisors/ports';
import { changedNodes, connectionTree, vmId } from '../../src/vscode/inventory/inventoryTree';
import { LiveInventory } from '../../src/vscode/inventory/liveInventory';
import { mebibytes, rowOfConnection, vmActions, vmRow } from '../../src/vscode/inventory/rows';

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
const state = (...vms: VmInfo[]) => ({ hosts: [host], vms, datastores: [] });
const tree = (...vms: VmInfo[]) =>
  connectionTree({ name: 'lab', phase: 'connected', capabilities: everything, state: state(...vms) });

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
    const row = vmRow(vm('db', { snapshotCount: 2, memoryMiB: 1536 }), everything);
    expect(row.description).toBe('running · 1.5 GiB · 2 snapshots');
    expect(row.spoken).toBe('VM db, running, 1.5 GiB memory, 2 snapshots, on host hv1');
    expect(vmRow(vm('db', { state: 'paused', stateReason: 'I/O error' }), everything).description).toBe(
      'paused (I/O error) · 512 MiB',
    );
  });

  it('says of a simulated connection that it is one', () => {
    const view = { name: 'lab', phase: 'connected', capabilities: everything, state: state() } as const;
    expect(rowOfConnection({ ...view, simulated: true })).toMatchObject({
      description: 'simulated',
      spoken: 'Connection lab, simulated, connected, 1 host',
    });
    expect(rowOfConnection(view).description).toBe('');
  });

  it('writes memory the way people do', () => {
    expect([512, 1024, 1536, 2000].map(mebibytes)).toEqual(['512 MiB', '1 GiB', '1.5 GiB', '2 GiB']);
  });
});

describe('tree', () => {
  it('sorts names as people count', () => {
    expect(tree(vm('web10'), vm('web2')).get('host:lab/hv1')?.children).toEqual([
      'vm:lab/uuid-web2',
      'vm:lab/uuid-web10',
    ]);
  });

  it('redraws only what changed', () => {
    expect(changedNodes(tree(vm('a'), vm('b')), tree(vm('a'), vm('b')))).toEqual([]);
    // The host's row counts running VMs, so it changes too; `a` does not.
    expect(changedNodes(tree(vm('a'), vm('b')), tree(vm('a'), vm('b', { state: 'paused' })))).toEqual([
      'host:lab/hv1',
      vmId('lab', 'uuid-b'),
    ]);
    expect(changedNodes(tree(vm('a')), tree(vm('a', { snapshotCount: 1 })))).toEqual([vmId('lab', 'uuid-a')]);
  });

  it('redraws the parent of what came or went, and nothing twice', () => {
    expect(changedNodes(tree(vm('a')), tree(vm('a', { snapshotCount: 1 }), vm('b')))).toEqual(['host:lab/hv1']);
    expect(changedNodes(tree(vm('a'), vm('b')), tree(vm('a')))).toEqual(['host:lab/hv1']);
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
    const inventory = new LiveInventory({
      connections: ['lab'],
      open,
      onChange: ids => changes.push(ids),
      onError: (_, error) => errors.push(error),
    });
    return { inventory, changes, errors };
  }

  it('connects when somebody looks, not before', async () => {
    const lab = fake([vm('a')]);
    const { inventory } = live(lab);
    await vi.runAllTimersAsync();
    expect(lab.asked).toEqual([]);
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    expect(lab.asked).toEqual(['state']);
    expect(inventory.node('vm:lab/uuid-a')?.row.description).toBe('running · 512 MiB');
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
    expect(changes).toEqual([['host:lab/hv1', 'vm:lab/uuid-b']]);
  });

  it('reads nothing while hidden and catches up when shown again', async () => {
    const lab = fake([vm('a')]);
    const { inventory } = live(lab);
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
    expect(inventory.node('vm:lab/uuid-a')?.row.description).toContain('paused');
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
    const { inventory } = live(lab);
    inventory.setVisible(true);
    await vi.advanceTimersByTimeAsync(100);
    lab.set(vm('a', { snapshotCount: 1 }));
    inventory.touch();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(inventory.node('vm:lab/uuid-a')?.row.description).toContain('1 snapshot');
    await inventory.dispose();
  });

  it('shows why it failed and connects again on request', async () => {
    const lab = fake([vm('a')]);
    let reachable = false;
    const { inventory, errors, changes } = live(lab, async () => {
      if (!reachable) throw new Error('hv1 does not answer.');
      return opened(lab.hypervisor);
    });
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    expect(inventory.allFailed).toBe(true);
    expect(inventory.views[0]?.error).toBe('hv1 does not answer.');
    expect(errors).toHaveLength(1);
    expect(changes.at(-1)).toBeUndefined();
    reachable = true;
    inventory.refresh();
    await vi.runAllTimersAsync();
    expect(inventory.allFailed).toBe(false);
    expect(inventory.node('vm:lab/uuid-a')).toBeDefined();
  });

  it('shows a connection that was lost as failed and lets go of it', async () => {
    const lab = fake([vm('a')]);
    const { inventory } = live(lab);
    inventory.setVisible(true);
    await vi.runAllTimersAsync();
    lab.emit({ type: 'closed', error: new Error('Connection reset.') });
    await vi.runAllTimersAsync();
    expect(inventory.views[0]).toMatchObject({ phase: 'failed', error: 'Connection reset.' });
    expect(lab.asked).toContain('close');
    expect(lab.listening()).toBe(false);
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
