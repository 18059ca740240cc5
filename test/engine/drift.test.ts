import { describe, expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { differences, driftGuard, observe } from '../../src/engine/drift';
import { History } from '../../src/engine/history';
import { interpret } from '../../src/engine/interpret';
import type { JournalRecord, Observed, RunEnded, RunEvent } from '../../src/engine/journal';
import { JournalDurable } from '../../src/engine/journal-durable';
import type { Plan } from '../../src/engine/plan';
import { HypervisorError } from '../../src/hypervisors/errors';
import type { Fleet } from '../../src/inventory/fleet';
import type { SimulatedInventory } from '../../src/inventory/simulated-inventory';
import type { Step } from '../../src/runbook/model';
import { parallel } from './harness';
import { action, planOf, smallInventory } from './rehearse-lab';

/** Runs a plan with what was observed; gives its end and how the inventory differs afterwards. */
async function run(plan: Plan, inventory: SimulatedInventory, then: Observed): Promise<RunEnded> {
  const { fleet, clock } = inventory;
  const journal = {
    append: async (event: RunEvent): Promise<JournalRecord> => ({ n: 0, t: clock.now(), ...event }),
  };
  const durable = new JournalDurable('r', new History(), journal, clock);
  return interpret(durable, plan, { action: actionNamed, fleet, clock, guards: [driftGuard(then, fleet)] });
}

/** What somebody else does meanwhile. */
async function meanwhile(inventory: SimulatedInventory, act: (fleet: Fleet) => Promise<unknown>): Promise<void> {
  await act(inventory.fleet);
}

const snapshot = (vm: string, more = {}): Step => action('vm.snapshot', { vm, name: 'mine' }, more);
const locate = async (fleet: Fleet, vm: string) => (await fleet.locate(vm)).vm;

describe('what is observed', () => {
  it('are the VMs of the plan, with one look at each connection', async () => {
    const { fleet } = smallInventory();
    let looks = 0;
    const counting: Fleet = {
      ...fleet,
      connections: [...fleet.connections, 'silent'],
      hypervisor: async connection => {
        if (connection === 'silent') throw new HypervisorError('unreachable', 'It does not answer.');
        const hypervisor = await fleet.hypervisor(connection);
        return new Proxy(hypervisor, {
          get: (target, name) => {
            if (name === 'state') looks++;
            const value: unknown = Reflect.get(target, name);
            return typeof value === 'function' ? (value.bind(target) as unknown) : value;
          },
        });
      },
      locate: () => Promise.reject(new Error('One by one is too slow.')),
    };
    const then = await observe(planOf([snapshot('web1'), parallel([snapshot('web2')]), snapshot('none')]), counting);
    expect(Object.keys(then)).toEqual(['web1', 'web2']);
    expect(then.web1).toMatchObject({ host: 'hv1', state: 'running', snapshots: 0 });
    expect(Object.keys(then.web1!.disks)).toEqual(['vda']);
    expect(looks).toBe(2);
    expect(
      await observe(planOf([]), { ...counting, hypervisor: () => Promise.reject(new Error('Not needed.')) }),
    ).toEqual({});
  });
});

describe('a run', () => {
  it('stops before it touches a VM that has changed, says how, and takes back what it did', async () => {
    const inventory = smallInventory();
    const plan = planOf([snapshot('web2'), snapshot('web1')]);
    const then = await observe(plan, inventory.fleet);
    await meanwhile(inventory, async fleet => {
      const { hypervisor, vm } = await fleet.locate('web1');
      await hypervisor.snapshots!.create(vm.uuid, { name: 'theirs', memory: false, quiesce: 'no' });
    });
    const ended = await run(plan, inventory, then);
    expect(ended).toMatchObject({ status: 'rolled-back', failure: { class: 'drift' } });
    expect(ended.failure!.message).toContain('web1 had no snapshots when this was planned and has 1 now');
    expect(ended.failure!.message).toContain('Plan and start it again.');
    expect((await locate(inventory.fleet, 'web2')).snapshotCount).toBe(0);
    expect((await locate(inventory.fleet, 'web1')).snapshotCount).toBe(1);
  });

  it('does not take what it changed itself for drift', async () => {
    const inventory = smallInventory();
    const plan = planOf([
      action('check.guest', { vm: 'web1', agent: true }),
      action('vm.migrate', { vm: 'web1', to: 'hv2' }),
      snapshot('web1'),
      action('vm.shutdown', { vm: 'web1' }),
    ]);
    const ended = await run(plan, inventory, await observe(plan, inventory.fleet));
    expect(ended.status).toBe('done');
  });

  it('only reads, and still notices', async () => {
    const inventory = smallInventory();
    const plan = planOf([action('check.guest', { vm: 'web1', agent: true })]);
    const then = await observe(plan, inventory.fleet);
    then.web1!.state = 'shutoff';
    const { failure } = await run(plan, inventory, then);
    expect(failure?.message).toContain('web1 was shutoff when this was planned and is running now');
  });
});

describe('the guard', () => {
  const claimOf = (...names: string[]) => ({
    key: 'k',
    definition: actionNamed('vm.start')!,
    inputs: {},
    targets: { reads: [], changes: names.map(name => ({ kind: 'vm' as const, name })) },
  });

  it('leaves alone what earlier runners changed, whatever it was called, what is undone, and what nobody observed', async () => {
    const { fleet } = smallInventory();
    const { uuid } = await locate(fleet, 'web1');
    const old = { uuid, host: 'hv9', state: 'running', snapshots: 0, disks: {} };
    const then = { web1: old, [uuid]: old };
    const touched = driftGuard(then, fleet, [[{ kind: 'vm', name: uuid }]]);
    expect(await touched.check(claimOf('web1'), 'step')).toBeUndefined();
    const fresh = driftGuard(then, fleet);
    expect(await fresh.check(claimOf('web1'), 'undo')).toBeUndefined();
    expect(await fresh.check(claimOf('web2'), 'step')).toBeUndefined();
    expect(await fresh.check(claimOf('web1'), 'step')).toMatchObject({ class: 'drift' });
  });

  it('calls a VM that is gone drift, and one that can not be looked at unreachable', async () => {
    const { fleet } = smallInventory();
    const then = { gone: { uuid: 'u', host: 'hv1', state: 'running', snapshots: 0, disks: {} } };
    const failure = await driftGuard(then, fleet).check(claimOf('gone'), 'step');
    expect(failure).toMatchObject({ class: 'drift', message: expect.stringContaining('is nowhere now') as string });
    const silent: Fleet = {
      ...fleet,
      locate: () => Promise.reject(new HypervisorError('unreachable', 'hv1 does not answer.')),
    };
    expect(await driftGuard(then, silent).check(claimOf('gone'), 'step')).toMatchObject({ class: 'unreachable' });
  });
});

describe('differences', () => {
  const was = { uuid: 'u1', host: 'hv1', state: 'running', snapshots: 2, disks: { vda: '/a', vdb: '/b' } };

  it('are each said in a clause', () => {
    expect(differences('web1', was, was)).toEqual([]);
    expect(differences('web1', was, { ...was, host: 'hv2', disks: { vda: '/x', vdc: '/c' } })).toEqual([
      'web1 was on hv1 when this was planned and is on hv2 now',
      'the disk vda of web1 was /a when this was planned and is /x now',
      'the disk vdb of web1 was /b when this was planned and is gone now',
      'web1 had no disk vdc when this was planned and has it, /c, now',
    ]);
    expect(differences('web1', was, { ...was, uuid: 'u2', host: 'hv2' })).toEqual([
      'web1 was the VM u1 when this was planned and is another one now, u2',
    ]);
  });
});
