import { describe, expect, test } from 'vitest';
import type { HypervisorError } from '../../src/hypervisors/errors';
import { RealtimeClock, SummingClock, VirtualClock } from '../../src/hypervisors/simulated/clock';
import { connectSimulated } from '../../src/hypervisors/simulated/connection';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import { simulatedProxy } from '../../src/hypervisors/simulated/proxy';

const file = (faults: string): string => `version: 1
hosts: { hv1: { cpus: 4, memoryMiB: 4096 }, hv2: { cpus: 4, memoryMiB: 4096 } }
datastores: { shared: { capacityGiB: 20, hosts: [hv1, hv2] } }
vms:
  web1: { host: hv1, state: running, memoryMiB: 256, disks: [{ datastore: shared, capacityGiB: 2 }], guest: { agent: running } }
  web2: { host: hv1, memoryMiB: 256, disks: [{ datastore: shared, capacityGiB: 2 }] }
faults: ${faults}
`;
function opened(faults = '[]') {
  const lab = SimulatedLab.parse(file(faults));
  return { lab, connection: connectSimulated(lab, 'all'), web1: lab.find('web1')!.uuid, web2: lab.find('web2')!.uuid };
}
const failure = (promise: Promise<unknown>): Promise<HypervisorError> =>
  promise.then(
    () => {
      throw new Error('it was expected to fail, and did not');
    },
    (error: HypervisorError) => error,
  );

describe('faults on demand', () => {
  test('the nth call that fits goes wrong, for so many times, and no other', async () => {
    const { connection, web1, web2 } = opened('[{ at: power.destroy, vm: web1, nth: 2, times: 2, kind: fail-before }]');
    const { destroy } = connection.power!;
    await destroy(web2);
    await destroy(web1);
    expect(await failure(destroy(web1))).toMatchObject({ kind: 'failed' });
    await destroy(web2);
    expect(await failure(destroy(web1))).toMatchObject({ kind: 'failed' });
    await destroy(web1);
  });
  test.each([
    ['fail-before', { kind: 'failed', outcomeUnknown: false }, 'running'],
    ['fail-after', { kind: 'failed', outcomeUnknown: false }, 'shutoff'],
    ['unknown', { kind: 'unreachable', outcomeUnknown: true }, 'shutoff'],
    ['unknown, happened: false', { kind: 'unreachable', outcomeUnknown: true }, 'running'],
    ['datastore-full', { kind: 'no-space', outcomeUnknown: false }, 'running'],
    ['vm-lost', { kind: 'failed', outcomeUnknown: false }, 'shutoff'],
  ])('%s', async (kind, error, state) => {
    const { lab, connection, web1 } = opened(`[{ at: power.destroy, kind: ${kind} }]`);
    expect(await failure(connection.power!.destroy(web1))).toMatchObject(error);
    expect(lab.find('web1')?.state).toBe(state);
  });
  test('a lost host takes its VMs with it and comes back with them off', async () => {
    const { lab, connection, web1 } = opened('[{ at: snapshots.create, kind: host-lost, seconds: 60 }]');
    const only1 = connectSimulated(lab, 'one', { hosts: ['hv1'] });
    const lost = connection.snapshots!.create(web1, { name: 's', memory: false, quiesce: 'no' });
    expect(await failure(lost)).toMatchObject({ kind: 'unreachable', outcomeUnknown: true });
    expect((await connection.vm('web1'))?.state).toBe('unknown');
    expect(await failure(only1.state())).toMatchObject({ kind: 'unreachable' });
    expect((await connection.state()).hosts.map(host => host.name)).toEqual(['hv2']);
    expect(await failure(connection.power!.start(web1))).toMatchObject({ kind: 'unreachable', outcomeUnknown: false });
    await lab.clock.pass(60_000);
    expect((await connection.vm('web1'))?.state).toBe('shutoff');
    await connection.power!.start(web1);
  });
  test('a lost VM is off, with nothing under way, and can be started again', async () => {
    const { lab, connection, web1 } = opened('[{ at: proxy.readImage, kind: vm-lost }]');
    const session = await connection.imageBackup!.begin(web1, { quiesce: 'require', mark: 'm', transport: 'tcp' });
    const proxy = simulatedProxy(lab, 'backup1', '/srv/backup');
    expect(await failure(proxy.readImage(session.disks[0]!, '/srv/backup/vda.qcow2', {}))).toMatchObject({
      kind: 'failed',
    });
    expect(lab.find('web1')).toMatchObject({ state: 'shutoff', stateReason: 'VM lost' });
    expect(await connection.imageBackup!.isActive(web1, 'm')).toBe(false);
    await connection.power!.start(web1);
    expect(lab.find('web1')).toMatchObject({ state: 'running' });
  });
  test('an agent that falls silent stays so until the guest boots, and each call makes of it what it can', async () => {
    const { lab, connection, web1 } = opened('[{ at: snapshots.create, kind: agent-silent }]');
    const create = (quiesce: 'require' | 'prefer') =>
      connection.snapshots!.create(web1, { name: quiesce, memory: false, quiesce });
    const ping = () => connection.guestAgent!.ping(web1, { timeoutMs: 1000 });
    expect(await failure(create('require'))).toMatchObject({ kind: 'agent', outcomeUnknown: false });
    expect(await create('prefer')).toEqual({ consistency: 'crash' });
    expect(await failure(ping())).toMatchObject({ kind: 'agent' });
    await connection.power!.destroy(web1);
    await connection.power!.start(web1);
    await lab.clock.pass(60_000);
    await ping();
  });
  test('an agent that falls silent in a command leaves it open whether it happened', async () => {
    const write = ['sh', '-c', 'echo x > /data'];
    for (const happened of [true, false]) {
      const { lab, connection, web1 } = opened(`[{ at: guestAgent.exec, kind: agent-silent, happened: ${happened} }]`);
      const error = await failure(connection.guestAgent!.exec(web1, write, { timeoutMs: 1000 }));
      expect(error).toMatchObject({ kind: 'agent', outcomeUnknown: happened });
      expect(lab.find('web1')!.guest.files['/data']).toBe(happened ? 'x\n' : undefined);
    }
  });
  test('a call that hangs ends only by its signal', async () => {
    const { connection, web1 } = opened('[{ at: power.destroy, kind: hang }]');
    const controller = new AbortController();
    const call = failure(connection.power!.destroy(web1, { signal: controller.signal }));
    controller.abort();
    expect(await call).toMatchObject({ kind: 'cancelled' });
  });
  test('a hook may stop the caller itself, as when the runner is killed', async () => {
    const { lab, connection } = opened();
    lab.onCall = () => {
      throw new RangeError('killed');
    };
    await expect(connection.vm('web1')).rejects.toThrow(RangeError);
  });
  test('a try at a guest that is still booting takes its time and fails, so that whoever tries again gets on', async () => {
    const { lab, connection, web1 } = opened();
    await connection.power!.destroy(web1);
    await connection.power!.start(web1);
    let tries = 0;
    const ping = (): Promise<boolean> =>
      connection.guestAgent!.ping(web1, { timeoutMs: 1000 }).then(
        () => true,
        (error: HypervisorError) => {
          expect(error.kind).toBe('agent');
          return false;
        },
      );
    while (!(await ping())) tries++;
    expect(tries).toBe(lab.find('web1')!.guest.bootSeconds);
  });
  test('a VM has one job at a time', async () => {
    const { connection, web1 } = opened();
    const create = (name: string) => connection.snapshots!.create(web1, { name, memory: false, quiesce: 'no' });
    const [first, second] = await Promise.allSettled([create('a'), create('b')]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: { kind: 'busy' } });
  });
});

describe('clocks', () => {
  test('virtual: what goes on side by side overlaps, what comes after another adds up', async () => {
    const clock = new VirtualClock(0);
    await Promise.all([clock.pass(3000), clock.pass(1000).then(() => clock.pass(1000))]);
    expect(clock.now()).toBe(3000);
    await clock.pass(500);
    expect(clock.now()).toBe(3500);
  });
  test('virtual: a wait that is cancelled ends at once and moves nothing', async () => {
    const clock = new VirtualClock(0);
    const controller = new AbortController();
    const wait = clock.pass(3000, controller.signal);
    controller.abort();
    await expect(wait).rejects.toMatchObject({ kind: 'cancelled' });
    await clock.pass(1);
    expect(clock.now()).toBe(1);
  });
  test('summing: every wait adds up', async () => {
    const clock = new SummingClock(10);
    await Promise.all([clock.pass(3), clock.pass(4)]);
    expect(clock.now()).toBe(17);
  });
  test('real time, but faster: a long operation tells its progress on the way', async () => {
    const lab = SimulatedLab.parse(file('[]'), { clock: new RealtimeClock(0, 1000) });
    const connection = connectSimulated(lab, 'all');
    const fractions: number[] = [];
    await connection.snapshots!.create(lab.find('web1')!.uuid, {
      name: 's',
      memory: true,
      quiesce: 'no',
      onProgress: ({ fraction }) => fractions.push(fraction ?? Number.NaN),
    });
    expect(fractions[0]).toBe(0);
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(lab.clock.now()).toBeGreaterThanOrEqual(700);
  });
});
