import { describe, expect, test } from 'vitest';
import { connectSimulated } from '../../src/hypervisors/simulated/connection';
import { describeDifference } from '../../src/hypervisors/simulated/difference';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';

const file = `version: 1
hosts:
  hv1: { cpus: 4, memoryMiB: 4096 }
  hv2: { cpus: 4, memoryMiB: 4096 }
datastores:
  shared: { capacityGiB: 20, hosts: [hv1, hv2] }
vms:
  web1:
    host: hv1
    state: running
    memoryMiB: 1024
    disks: [{ datastore: shared, capacityGiB: 10, allocatedGiB: 4 }]
    guest: { agent: running, files: { /a: "1" } }
    snapshots: [{ name: old, createdAt: 2025-01-01T00:00:00Z, guest: { files: { /a: "0" } } }]
  off1: { host: hv2, memoryMiB: 4096, disks: [{ datastore: shared, capacityGiB: 2 }] }
proxies:
  backup1: { capacityGiB: 10, files: { /srv/x: { sizeBytes: 3, text: abc } } }
`;
const edited = (from: string, to: string): string => {
  if (!file.includes(from)) throw new Error(`the lab file has no ${from}`);
  return file.replace(from, to);
};

describe('the lab file', () => {
  test('is saved and read again without loss, whatever has happened in it', async () => {
    const lab = SimulatedLab.parse(file);
    const connection = connectSimulated(lab, 'all');
    const { uuid } = (await connection.vm('web1'))!;
    await connection.snapshots!.create(uuid, { name: 'new', memory: true, quiesce: 'no' });
    await connection.imageBackup!.begin(uuid, { quiesce: 'no', mark: 'm', transport: 'tcp' });
    await connection.power!.start((await connection.vm('off1'))!.uuid);
    lab.strand('shared', { volume: 'x', sizeGiB: 1, vm: 'web1', mark: 'm' });
    const twin = SimulatedLab.parse(lab.serialize());
    expect(describeDifference(lab, twin)).toEqual([]);
    expect(twin.revision).toBe(lab.revision);
    expect(twin.clock.now()).toBe(lab.clock.now());
    expect(twin.freeGiB('shared')).toBe(lab.freeGiB('shared'));
    expect(twin.freeMemoryMiB('hv2')).toBe(lab.freeMemoryMiB('hv2'));
    expect(await connectSimulated(twin, 'all').state()).toEqual(await connection.state());
  });
  test('a VM has the same identity every time, without one in the file', () => {
    const uuid = SimulatedLab.parse(file).find('web1')!.uuid;
    expect(SimulatedLab.parse(file).find('web1')!.uuid).toBe(uuid);
    expect(SimulatedLab.parse(file).find('off1')!.uuid).not.toBe(uuid);
    expect(uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
  test.each([
    [
      'a host that is not there',
      edited('off1: { host: hv2', 'off1: { host: hv9'),
      /lab\.yaml:15: vms\.off1\.host: there is no host hv9/,
    ],
    [
      'a datastore that is not there',
      edited('[{ datastore: shared, capacityGiB: 10', '[{ datastore: none, capacityGiB: 10'),
      /lab\.yaml:12: .*no datastore none/,
    ],
    [
      'a datastore that the host does not see',
      edited('hosts: [hv1, hv2]', 'hosts: [hv2]'),
      /hv1 does not see the datastore shared/,
    ],
    ['a misspelt key', edited('memoryMiB: 1024', 'memory: 1024'), /lab\.yaml:\d+: .*vms\.web1/],
    ['a wrong type', edited('cpus: 4', 'cpus: four'), /lab\.yaml:3: hosts\.hv1\.cpus: must be integer/],
    ['a state that does not exist', edited('state: running', 'state: sleeping'), /vms\.web1\.state: .*running, paused/],
    [
      'VMs that need more memory than the host has',
      edited('memoryMiB: 1024', 'memoryMiB: 9999'),
      /lab\.yaml:3: hosts\.hv1\.memoryMiB: its running VMs need 9999/,
    ],
    ['text that is no YAML', 'hosts: [', /lab\.yaml:1: /],
    ['nothing', '', /lab\.yaml:1: the lab/],
  ])('with %s is refused, naming the line', (_, text, message) => {
    expect(() => SimulatedLab.parse(text, { file: 'lab.yaml' })).toThrow(message);
  });
  test('two VMs of one uuid are refused', () => {
    const uuid = '11111111-1111-4111-8111-111111111111';
    const text = edited('    host: hv1', `    uuid: ${uuid}\n    host: hv1`).replace(
      'off1: {',
      `off1: { uuid: ${uuid},`,
    );
    expect(() => SimulatedLab.parse(text)).toThrow('web1 has the same uuid');
  });
});

describe('a fork', () => {
  test('is independent of its origin, both ways, in everything', async () => {
    const lab = SimulatedLab.parse(file);
    const fork = lab.fork();
    expect(describeDifference(lab, fork)).toEqual([]);
    const connection = connectSimulated(fork, 'all');
    const { uuid } = (await connection.vm('web1'))!;
    await connection
      .migration!.migrate(uuid, {
        target: { hypervisor: connection, host: 'hv2' },
        storage: 'auto',
        live: true,
        autoConverge: false,
        bandwidthMiBps: 0,
        mark: 'm',
      })
      .catch((error: Error) => expect(error.message).toContain('snapshots'));
    await connection.snapshots!.delete(uuid, 'old');
    const deeper = fork.fork();
    await connection.power!.destroy(uuid);
    expect(lab.find('web1')).toMatchObject({ state: 'running', snapshots: [{ name: 'old' }] });
    expect(deeper.find('web1')).toMatchObject({ state: 'running', snapshots: [] });
    expect(lab.freeMemoryMiB('hv1')).toBe(3072);
    expect(deeper.freeMemoryMiB('hv1')).toBe(3072);
    expect(fork.freeMemoryMiB('hv1')).toBe(4096);
    expect(lab.clock.now()).toBeLessThan(fork.clock.now());
    await connectSimulated(lab, 'all').power!.destroy(uuid);
    expect(deeper.find('web1')?.state).toBe('running');
  });
  test('what differs is told in words', async () => {
    const lab = SimulatedLab.parse(file);
    const fork = lab.fork();
    const web1 = fork.find('web1')!;
    fork.putVm({ ...web1, state: 'shutoff', guest: { ...web1.guest, files: { '/b': '2' } }, snapshots: [] });
    expect(describeDifference(lab, fork)).toEqual([
      'vm web1: state is "shutoff", was "running"',
      'vm web1: guest.files./a is gone, was "1"',
      'vm web1: guest.files./b is new: "2"',
      expect.stringContaining('vm web1: snapshots[0] is gone'),
    ]);
    expect(describeDifference(fork, lab)).toHaveLength(4);
  });
});

describe('capacity', () => {
  test('memory: a VM that does not fit does not start', async () => {
    const lab = SimulatedLab.parse(edited('off1: { host: hv2', 'off1: { host: hv1'));
    const connection = connectSimulated(lab, 'all');
    await expect(connection.power!.start(lab.find('off1')!.uuid)).rejects.toMatchObject({
      kind: 'refused',
      message: 'hv1 has 3072 MiB of memory left, off1 needs 4096; free some first.',
    });
  });
  test('disk: a snapshot that does not fit is not made', async () => {
    const lab = SimulatedLab.parse(edited('capacityGiB: 20', 'capacityGiB: 5.2'));
    const connection = connectSimulated(lab, 'all');
    const { uuid } = lab.find('web1')!;
    const fill = connection.snapshots!.create(uuid, { name: 'big', memory: true, quiesce: 'no' });
    await expect(fill).rejects.toMatchObject({ kind: 'no-space' });
    expect(lab.find('web1')?.snapshots).toHaveLength(1);
  });
});

describe('a lab that several processes share', () => {
  /** A store as a file would be, in memory. */
  function shared() {
    let text = file;
    let stored = 0;
    let turn = Promise.resolve();
    return () => ({
      exclusive: async <T>(body: () => Promise<T>): Promise<T> => {
        const before = turn;
        let done = (): void => undefined;
        turn = new Promise(resolve => (done = resolve));
        await before;
        try {
          return await body();
        } finally {
          done();
        }
      },
      read: async (revision: number) => (stored > revision ? text : undefined),
      write: async (next: string, revision: number) => {
        text = next;
        stored = revision;
      },
    });
  }
  test('each sees what the other did, is told of it, and nothing is lost', async () => {
    const store = shared();
    const one = SimulatedLab.parse(file, { store: store() });
    const two = SimulatedLab.parse(file, { store: store() });
    const a = connectSimulated(one, 'a');
    const b = connectSimulated(two, 'b');
    const events: string[] = [];
    await b.events!.subscribe(event => event.type === 'vm' && events.push(`${event.name} ${event.what}`));
    await a.power!.destroy(one.find('web1')!.uuid);
    expect((await b.vm('web1'))?.state).toBe('shutoff');
    expect(events).toEqual(['web1 changed']);
    await Promise.all([a.power!.start(one.find('web1')!.uuid), b.power!.start(two.find('off1')!.uuid)]);
    await Promise.all([one.poll(), two.poll()]);
    expect(describeDifference(one, two)).toEqual([]);
    expect(one.find('web1')?.state).toBe('running');
    expect(one.find('off1')?.state).toBe('running');
    expect(one.freeMemoryMiB('hv2')).toBe(0);
    await two.clock.pass(3_600_000);
    await b.power!.destroy(two.find('off1')!.uuid);
    await one.poll();
    expect(one.clock.now()).toBe(two.clock.now());
  });
});
