import { beforeEach, describe, expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import type { Clock } from '../../src/engine/journal-durable';
import { heldText, lostText } from '../../src/engine/lock-text';
import type { Plan } from '../../src/engine/plan';
import { type Changes, plannedChanges, RunLocks, recordedChanges } from '../../src/engine/run-locks';
import type { Claim } from '../../src/engine/world';
import type { HostLocks } from '../../src/hypervisors/ports';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import type { Fleet } from '../../src/inventory/fleet';
import { SimulatedInventory } from '../../src/inventory/simulated-inventory';
import type { MaintenanceWindow } from '../../src/runbook/model';

/** Time that passes when the test says so. */
class TestClock implements Clock {
  time = 1_000_000;
  readonly #sleepers = new Set<{ at: number; wake(): void }>();

  now(): number {
    return this.time;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const sleeper = {
        at: this.time + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      if (signal?.aborted) return resolve();
      signal?.addEventListener('abort', sleeper.wake, { once: true });
      this.#sleepers.add(sleeper);
    });
  }
  get sleeping(): number {
    return this.#sleepers.size;
  }
  async pass(ms: number): Promise<void> {
    this.time += ms;
    for (const sleeper of [...this.#sleepers]) if (sleeper.at <= this.time) sleeper.wake();
    await settle();
  }
}

const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 50; turns++) await new Promise(resolve => setImmediate(resolve));
};

const labOf = (host: string, vms: string[]) =>
  SimulatedLab.parse(
    JSON.stringify({
      version: 1,
      hosts: { [host]: { cpus: 4, memoryMiB: 8192 } },
      datastores: { [`${host}-disks`]: { capacityGiB: 100, hosts: [host] } },
      vms: Object.fromEntries(
        vms.map(vm => [vm, { host, memoryMiB: 256, disks: [{ datastore: `${host}-disks`, capacityGiB: 1 }] }]),
      ),
    }),
  );

let fleet: Fleet;
let clock: TestClock;
beforeEach(() => {
  const one = labOf('hv1', ['web1', 'web2']);
  const two = labOf('hv2', ['db1']);
  fleet = SimulatedInventory.over({ version: 1, connections: {}, groups: {}, proxies: {}, vms: {} }, [
    { connection: 'a', lab: one, hosts: ['hv1'] },
    { connection: 'b', lab: two, hosts: ['hv2'] },
  ]).fleet;
  clock = new TestClock();
});

const locksOf = async (connection: string): Promise<HostLocks> => (await fleet.hypervisor(connection)).locks!;
/** Labels of all that are held, by connection. */
async function held() {
  const show = async (connection: string) =>
    (await (await locksOf(connection)).list()).map(({ label, runId }) => `${label}: ${runId}`).sort();
  return { a: await show('a'), b: await show('b') };
}

const run = (runId: string, more: Partial<ConstructorParameters<typeof RunLocks>[0]> = {}) =>
  new RunLocks({ runId, owner: `${runId}@laptop`, note: 'patch', fleet, clock, ...more });
const vm = (name: string) => ({ kind: 'vm' as const, name });
const host = (name: string) => ({ kind: 'host' as const, name });
const claim = (...changes: Changes): Claim => ({
  key: 'step',
  definition: actionNamed('vm.start')!,
  inputs: {},
  targets: { reads: [], changes: [...changes] },
});

describe('locks of a run', () => {
  it('are on everything it changes, where that is; a VM that goes to a host is locked there, too', async () => {
    const one = run('r1');
    expect(await one.take([[vm('web1')], [vm('web2'), host('hv2')], [vm('web1')]])).toBeUndefined();
    expect(await held()).toEqual({ a: ['VM web1: r1', 'VM web2: r1'], b: ['VM web2: r1', 'host hv2: r1'] });
    expect(await one.release()).toEqual([]);
    expect(await held()).toEqual({ a: [], b: [] });
    await one.stop();
    expect(clock.sleeping).toBe(0);
  });

  it('are on a datastore wherever it is seen', async () => {
    const datastore = { kind: 'datastore' as const, name: 'hv2-disks' };
    const one = run('r1');
    expect(await one.take([[datastore]])).toBeUndefined();
    expect(await held()).toEqual({ a: [], b: ['datastore hv2-disks: r1'] });
    expect(await run('r2').take([[datastore]])).toMatchObject({ class: 'locked' });
    expect(await one.release()).toEqual([]);
    expect(await held()).toEqual({ a: [], b: [] });
    await one.stop();
  });

  it('are taken all or not at all; who holds one is told', async () => {
    const first = run('r1');
    expect(await first.take([[vm('db1')]])).toBeUndefined();
    const second = run('r2', { known: async lock => `This computer knows of ${lock.runId}.` });
    const refused = await second.take([[vm('web1')], [vm('web2')], [vm('db1')]]);
    expect(refused).toEqual({
      class: 'locked',
      message:
        'VM db1 is locked by r1@laptop (run r1, patch) for 0 s; last heartbeat 0 s ago. This computer knows of r1.',
    });
    expect(await held()).toEqual({ a: [], b: ['VM db1: r1'] });
    await first.release();
    expect(await second.take([[vm('web1')], [vm('db1')]])).toBeUndefined();
  });

  it('that two runs want at once in different places go to the older one, and not to neither', async () => {
    // Each has what the other needs: what happens when both begin in the same moment.
    const older = run('r1');
    const younger = run('r2');
    expect(await older.check(claim(vm('web1')))).toBeUndefined();
    expect(await younger.check(claim(vm('db1')))).toBeUndefined();
    const olderTakes = older.take([[vm('web1')], [vm('db1')]]);
    const youngerTakes = younger.take([[vm('web1')], [vm('db1')]]);
    expect(await youngerTakes).toMatchObject({ class: 'locked' });
    await settle();
    await clock.pass(500);
    expect(await olderTakes).toBeUndefined();
    expect(await held()).toEqual({ a: ['VM web1: r1'], b: ['VM db1: r1'] });
  });

  it('of a younger run that goes on are not waited for for ever', async () => {
    expect(await run('r2').take([[vm('web1')]])).toBeUndefined();
    // Alone, it is nothing that the younger one could be waiting for.
    expect(await run('r1').take([[vm('web1')]])).toMatchObject({ class: 'locked' });
    const taking = run('r1').take([[vm('web1')], [vm('db1')]]);
    let done = false;
    void taking.then(() => {
      done = true;
    });
    for (let looks = 0; looks < 20 && !done; looks++) {
      await settle();
      await clock.pass(500);
    }
    expect(await taking).toMatchObject({ class: 'locked', message: expect.stringContaining('r2@laptop') });
  });

  it('are taken before a step for what only then turns out, once for all branches', async () => {
    const one = run('r1');
    expect(await one.take([])).toBeUndefined();
    const checks = await Promise.all([1, 2, 3].map(() => one.check(claim(vm('web1')))));
    expect(checks).toEqual([undefined, undefined, undefined]);
    expect(await held()).toMatchObject({ a: ['VM web1: r1'] });
    await clock.pass(60_000);
    expect(await one.check(claim(vm('web1')))).toBeUndefined();
    const other = run('r2');
    expect(await other.check(claim(vm('web1')))).toMatchObject({ class: 'locked' });
    expect(await other.check(claim(vm('web2')))).toBeUndefined();
  });

  it('live: others see a heartbeat every 30 s', async () => {
    const one = run('r1');
    await one.take([[vm('web1')]]);
    const beat = async () => (await (await locksOf('a')).list())[0]!.heartbeatAt;
    let last = await beat();
    for (let beats = 0; beats < 3; beats++) {
      await new Promise(resolve => setTimeout(resolve, 5));
      await clock.pass(30_000);
      expect(await beat()).toBeGreaterThan(last);
      last = await beat();
    }
    await one.stop();
    await new Promise(resolve => setTimeout(resolve, 5));
    await clock.pass(30_000);
    expect(await beat()).toBe(last);
  });

  it('that were taken away stop everything, also what other locks are for, and undos', async () => {
    const one = run('r1');
    await one.take([[vm('web1')], [vm('db1')]]);
    const locks = await locksOf('a');
    const [found] = await locks.list();
    await locks.breakLock(found!.name, found!.token);
    await clock.pass(30_000);
    for (const name of ['db1', 'web1']) {
      expect(await one.check(claim(vm(name)))).toMatchObject({
        class: 'locked',
        message: expect.stringContaining('The lock on VM web1 was taken away from this run: nobody has it now.'),
      });
    }
  });

  it('that were taken away while the computer slept are noticed before the next step, without waiting for a heartbeat', async () => {
    const one = run('r1');
    await one.take([[vm('web1')]]);
    const locks = await locksOf('a');
    const [found] = await locks.list();
    await locks.breakLock(found!.name, found!.token);
    await run('r2').take([[vm('web1')]]);
    clock.time += 3_600_000;
    expect(await one.check(claim(vm('web1')))).toMatchObject({
      class: 'locked',
      message: expect.stringContaining('r2@laptop has it now (run r2, patch)'),
    });
    await one.release();
    expect(await held()).toMatchObject({ a: ['VM web1: r2'] });
  });

  it('that are taken twice, because two connections lead to the same place, are not taken for lost', async () => {
    const lab = SimulatedLab.parse(
      JSON.stringify({
        version: 1,
        hosts: { hv1: { cpus: 4, memoryMiB: 8192 }, hv2: { cpus: 4, memoryMiB: 8192 } },
        datastores: { disks: { capacityGiB: 100, hosts: ['hv1', 'hv2'] } },
        vms: { web1: { host: 'hv1', memoryMiB: 256, disks: [{ datastore: 'disks', capacityGiB: 1 }] } },
      }),
    );
    fleet = SimulatedInventory.over({ version: 1, connections: {}, groups: {}, proxies: {}, vms: {} }, [
      { connection: 'a', lab, hosts: ['hv1'] },
      { connection: 'b', lab, hosts: ['hv2'] },
    ]).fleet;
    const one = run('r1');
    expect(await one.take([[vm('web1'), host('hv2')]])).toBeUndefined();
    for (let beats = 0; beats < 3; beats++) {
      await clock.pass(30_000);
      expect(await one.check(claim(vm('web1'), host('hv2')))).toBeUndefined();
    }
    expect(await one.release()).toEqual([]);
    expect(await held()).toEqual({ a: [], b: [] });
  });

  it('that the run can not reach fail it before it begins; a run that goes on takes what it can', async () => {
    const silent: Fleet = {
      ...fleet,
      connections: fleet.connections,
      hypervisor: connection => fleet.hypervisor(connection),
      host: name => fleet.host(name),
      locate: async name => {
        if (name !== 'db1') return fleet.locate(name);
        const { HypervisorError } = await import('../../src/hypervisors/errors');
        throw new HypervisorError('unreachable', 'b: no answer.');
      },
    };
    const fresh = run('r1', { fleet: silent });
    expect(await fresh.take([[vm('web1')], [vm('db1')]])).toEqual({ class: 'unreachable', message: 'b: no answer.' });
    expect(await held()).toEqual({ a: [], b: [] });
    expect(await fresh.take([[vm('web1')], [vm('db1')]], true)).toBeUndefined();
    expect(await held()).toEqual({ a: ['VM web1: r1'], b: [] });
    expect(await fresh.check(claim(vm('db1')))).toMatchObject({ class: 'unreachable' });
    expect(await fresh.check(claim(vm('web1')))).toBeUndefined();
  });

  it('on a host that goes down do not stop what goes on elsewhere, nor what may find it back in a moment', async () => {
    const down = new Set<string>();
    const failing: Fleet = {
      ...fleet,
      connections: fleet.connections,
      locate: name => fleet.locate(name),
      host: name => fleet.host(name),
      hypervisor: async connection => {
        const { HypervisorError } = await import('../../src/hypervisors/errors');
        if (down.has(connection)) throw new HypervisorError('unreachable', `${connection}: no answer.`);
        return fleet.hypervisor(connection);
      },
    };
    const one = run('r1', { fleet: failing });
    expect(await one.take([[vm('web1'), host('hv2')], [vm('web2')]])).toBeUndefined();
    // web1 has gone to hv2, and hv1 is taken down for an hour.
    down.add('a');
    await clock.pass(10_000);
    expect(await one.check(claim(vm('web2')))).toBeUndefined();
    await clock.pass(3_600_000);
    expect(await one.check(claim(vm('web1')))).toBeUndefined();
    expect(await one.check(claim(vm('web2')))).toEqual({ class: 'unreachable', message: 'a: no answer.' });
    down.clear();
    expect(await one.check(claim(vm('web2')))).toBeUndefined();
    down.add('a');
    clock.time += 3_600_000;
    // What was done to a lock there meanwhile shows when it is back.
    const locks = await locksOf('a');
    const [broken] = (await locks.list()).filter(lock => lock.label === 'VM web2');
    await locks.breakLock(broken!.name, broken!.token);
    down.clear();
    expect(await one.check(claim(vm('web2')))).toMatchObject({ class: 'locked' });
    expect(await one.check(claim(vm('web1')))).toMatchObject({ class: 'locked' });
  });

  it('are not asked for VMs that are not there: the step says so itself', async () => {
    const one = run('r1');
    expect(await one.take([[vm('nowhere')], [vm('web1')]])).toBeUndefined();
    expect(await one.check(claim(vm('nowhere')))).toBeUndefined();
    expect(await held()).toMatchObject({ a: ['VM web1: r1'] });
  });

  it('are kept for a person with what is left, and taken anew by the same run', async () => {
    const one = run('r1');
    await one.take([[vm('web1')]]);
    await one.keep([{ key: 'snap', uses: 'vm.snapshot', text: 'delete the snapshot before of web1', why: 'busy' }]);
    expect(await (await locksOf('a')).list()).toMatchObject([
      { runId: 'r1', note: 'patch: needs a person, left is snap: delete the snapshot before of web1' },
    ]);
    expect(await run('r2').take([[vm('web1')]])).toMatchObject({ class: 'locked' });
    const again = run('r1');
    expect(await again.take([[vm('web1')]], true)).toBeUndefined();
    expect(await (await locksOf('a')).list()).toMatchObject([{ runId: 'r1', note: 'patch' }]);
  });

  it('that can not be given back are told, with what to do', async () => {
    const one = run('r1', {
      fleet: {
        ...fleet,
        connections: fleet.connections,
        locate: name => fleet.locate(name),
        hypervisor: async connection => ({
          ...(await fleet.hypervisor(connection)),
          locks: {
            ...({} as HostLocks),
            take: async lock => ({ taken: { ...lock, token: 1, takenAt: 0, heartbeatAt: 0 } }),
            release: async () => {
              throw new Error('a: no answer.');
            },
          },
        }),
      },
    });
    await one.take([[vm('web1')]]);
    expect(await one.release()).toEqual([
      'The lock on VM web1 could not be given back: a: no answer. When it can be reached, `virtbook release r1` does it.',
    ]);
  });

  it('are noted where a connection keeps none', async () => {
    const one = run('r1', {
      fleet: {
        ...fleet,
        connections: fleet.connections,
        locate: name => fleet.locate(name),
        hypervisor: async connection => {
          const { locks: _, ...rest } = await fleet.hypervisor(connection);
          return rest as Awaited<ReturnType<Fleet['hypervisor']>>;
        },
      },
    });
    expect(await one.take([[vm('web1')]])).toBeUndefined();
    expect(await one.check(claim(vm('web1')))).toBeUndefined();
    expect(one.unlocked).toEqual(['a']);
  });

  it('of a recorded step are on what its action changes with the inputs it had', () => {
    const inputs = { vm: 'web1', to: 'hv2' };
    expect(recordedChanges(actionNamed('vm.migrate'), inputs)).toEqual([vm('web1'), host('hv2')]);
    expect(recordedChanges(undefined, inputs)).toEqual([]);
  });
});

describe('what is said of a lock', () => {
  const lock = {
    name: 'vm 1',
    label: 'VM web1',
    owner: 'ann@laptop',
    runId: '20260103-2200',
    token: 3,
    takenAt: 10_000,
    heartbeatAt: 610_000,
    note: 'patch',
    heartbeatAgeMs: 12_000,
  };

  it('names who, which run, since when, and what to do', () => {
    expect(heldText(lock)).toBe(
      'VM web1 is locked by ann@laptop (run 20260103-2200, patch) for 10 min; last heartbeat 12 s ago. Wait until it has ended (`virtbook locks` shows it). If its runner has died, resume or roll back that run where it was started, or take its locks away: `virtbook release 20260103-2200`.',
    );
    expect(heldText({ ...lock, heartbeatAgeMs: 7_300_000 })).toBe(
      'VM web1 is locked by ann@laptop (run 20260103-2200, patch) for 2 h; last heartbeat 2 h ago. It is stale: its runner has died, or its computer sleeps. Resume or roll back that run where it was started, or take its locks away with `virtbook release 20260103-2200`, which shows what would be left undone.',
    );
  });

  it('of nobody known can still be released by its name', () => {
    expect(heldText({ ...lock, runId: '', owner: 'unknown', note: 'vm%201.3 is half written' })).toContain(
      "is locked by somebody unknown (vm%201.3 is half written) for 10 min; last heartbeat 12 s ago. Wait until it has ended (`virtbook locks` shows it). If its runner has died, resume or roll back that run where it was started, or take its locks away: `virtbook release 'vm 1'`.",
    );
  });

  it('says who has one that was lost', () => {
    expect(lostText(lock, 'r1', undefined)).toContain('nobody has it now');
    expect(lostText(lock, 'r1', lock)).toContain('ann@laptop has it now (run 20260103-2200, patch)');
  });
});

describe('what a run locks at its start', () => {
  const plan = (window?: MaintenanceWindow): Plan => {
    const step = { kind: 'action', key: 'stop', uses: 'vm.shutdown', changes: [vm('web1')], when: true };
    return { steps: [step], ...(window && { windows: [window] }) } as unknown as Plan;
  };
  const nights: MaintenanceWindow = { allow: ['22:00-04:00'], zone: 'UTC', outside: 'wait', closing: 'drain' };

  it('is all that its plan foretells', () => {
    expect(plannedChanges(plan(), 0)).toEqual([[vm('web1')]]);
    expect(plannedChanges(plan(nights), Date.UTC(2026, 0, 3, 23))).toEqual([[vm('web1')]]);
  });

  it('is nothing while it waits for its maintenance window', () => {
    expect(plannedChanges(plan(nights), Date.UTC(2026, 0, 3, 12))).toEqual([]);
  });
});
