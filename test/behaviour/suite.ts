import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HypervisorErrorKind } from '../../src/hypervisors/errors';
import type {
  BackupProxy,
  Exec,
  Hypervisor,
  HypervisorEvent,
  MigrateOptions,
  Reach,
} from '../../src/hypervisors/ports';

export interface NewVm {
  /** `shared`: both hosts see its disk. `local`: only host a does. */
  storage: 'shared' | 'local';
  /** Default true: running, and its agent answers. */
  start?: boolean;
}

/** Two hosts with room for a few small VMs, and what a test needs besides the ports. */
export interface World {
  /** Both see one shared datastore, and each has one of its own. Host names are `state().hosts[0].name`. */
  hypervisors: { a: Hypervisor; b: Hypervisor };
  /** Made on a; gives the uuid. Its guest has /data on its disk, a shell and the usual small commands. */
  makeVm(options: NewVm): Promise<string>;
  /** From now on the agent answers nothing; the guest itself goes on. */
  hangAgent(uuid: string): Promise<void>;
  /** The process that runs it is gone, and nobody was asked. */
  loseVm(uuid: string): Promise<void>;
  /** A running VM on a, with an sshd and a web server that has /index.html. */
  makeReachable(): Promise<Reachable>;
  sleep(ms: number): Promise<void>;
  proxy: BackupProxy;
  cleanUp(): Promise<void>;
}

export interface Reachable {
  uuid: string;
  address: string;
  /** Where its web server is on the address; nothing listens on the next port. */
  webPort: number;
  ssh: Exec;
  reach: Reach;
}

const minute = 60_000;

/** One and the same behaviour of every hypervisor: rehearsals on the simulated one can be believed because of it. */
export function behaviour(name: string, makeWorld: () => Promise<World>): void {
  describe(name, () => {
    let world: World;
    let a: Hypervisor;
    let b: Hypervisor;

    beforeAll(async () => {
      world = await makeWorld();
      ({ a, b } = world.hypervisors);
    }, 10 * minute);
    afterAll(async () => {
      await world?.cleanUp();
    }, 2 * minute);

    const agentOf = (h: Hypervisor) => present(h.guestAgent, 'guestAgent');
    const snapshotsOf = (h: Hypervisor) => present(h.snapshots, 'snapshots');
    const hostOf = async (h: Hypervisor) => (await h.state()).hosts[0]!.name;

    async function waitForAgent(h: Hypervisor, uuid: string): Promise<void> {
      for (let attempt = 0; attempt < 120; attempt++) {
        try {
          return await agentOf(h).ping(uuid, { timeoutMs: 2_000 });
        } catch {
          await world.sleep(250);
        }
      }
      throw new Error(`the agent of ${uuid} does not answer`);
    }
    async function guestWrite(h: Hypervisor, uuid: string, text: string): Promise<void> {
      const done = await agentOf(h).exec(uuid, ['sh', '-c', `echo ${text} > /data/state; sync`], { timeoutMs: 30_000 });
      expect(done).toMatchObject({ code: 0, stderr: '' });
    }
    async function guestRead(h: Hypervisor, uuid: string): Promise<string> {
      const done = await agentOf(h).exec(uuid, ['cat', '/data/state'], { timeoutMs: 30_000 });
      expect(done.code).toBe(0);
      return done.stdout.trim();
    }
    async function stateOf(h: Hypervisor, uuid: string) {
      return (await h.vm(uuid))?.state;
    }

    describe('inventory', () => {
      let uuid: string;
      beforeAll(async () => {
        uuid = await world.makeVm({ storage: 'shared', start: false });
      }, 5 * minute);

      test('the state shows hosts, datastores and VMs', async () => {
        const state = await a.state();
        expect(state.hosts).toHaveLength(1);
        expect(state.hosts[0]).toMatchObject({ cpus: expect.any(Number), memoryMiB: expect.any(Number) });
        expect(state.hosts[0]!.version).not.toBe('');
        expect(state.datastores.length).toBeGreaterThan(0);
        for (const store of state.datastores) expect(store.capacityBytes).toBeGreaterThan(0);
        const vm = state.vms.find(one => one.uuid === uuid);
        expect(vm).toMatchObject({ host: state.hosts[0]!.name, state: 'shutoff', persistent: true, snapshotCount: 0 });
        expect(vm!.vcpus).toBeGreaterThan(0);
        expect(vm!.memoryMiB).toBeGreaterThan(0);
        expect(vm!.disks).toHaveLength(1);
        expect(vm!.disks[0]).toMatchObject({ format: 'qcow2', writable: true });
        expect(state.datastores.map(store => store.name)).toContain(vm!.disks[0]!.datastore);
      });
      test('a datastore lists its volumes, and the disk of a VM is one of them', async () => {
        const [disk] = (await a.vm(uuid))!.disks;
        const volumes = await present(a.volumes, 'volumes').list(disk!.datastore!);
        const volume = volumes.find(one => one.path === disk!.source);
        expect(volume).toMatchObject({ format: 'qcow2', capacityBytes: disk!.capacityBytes });
        expect(disk!.source.endsWith(volume!.name)).toBe(true);
        expect(volume!.allocationBytes).toBeLessThanOrEqual(volume!.capacityBytes + 2 ** 20);
        expect(volumes.map(one => one.name)).toEqual(volumes.map(one => one.name).sort());
      });
      test('what lies on a datastore that is not here is not found', async () => {
        await rejects(present(a.volumes, 'volumes').list('no-such-store'), 'not-found');
      });
      test('NICs have an address each', async () => {
        const { nics } = (await a.vm(uuid))!;
        expect(nics).toBeDefined();
        for (const nic of nics!) expect(nic.mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
      });
      test('a VM is found by identity and by name', async () => {
        const byIdentity = await a.vm(uuid);
        expect(byIdentity?.uuid).toBe(uuid);
        expect((await a.vm(byIdentity!.name))?.uuid).toBe(uuid);
      });
      test('a VM that is not here is no error', async () => {
        expect(await a.vm('8a2c1f7e-0000-4000-8000-000000000000')).toBeUndefined();
        expect(await a.vm('no-such-vm')).toBeUndefined();
        expect(await b.vm(uuid)).toBeUndefined();
      });
    });

    describe('power', () => {
      let uuid: string;
      beforeAll(async () => {
        uuid = await world.makeVm({ storage: 'shared', start: false });
      }, 5 * minute);
      const power = () => present(a.power, 'power');

      test('start, and a start of what runs is refused', async () => {
        await power().start(uuid);
        expect(await stateOf(a, uuid)).toBe('running');
        await rejects(power().start(uuid), 'refused');
        expect(await stateOf(a, uuid)).toBe('running');
      });
      test('shutdown asks the guest and waits until it is off; of what is off it is nothing to do', async () => {
        await waitForAgent(a, uuid);
        await power().shutdown(uuid, { mode: 'agent', timeoutMs: minute });
        expect(await stateOf(a, uuid)).toBe('shutoff');
        await power().shutdown(uuid, { mode: 'auto', timeoutMs: 10_000 });
      });
      test('destroy cuts the power; of what is off it is nothing to do', async () => {
        await power().start(uuid);
        await power().destroy(uuid);
        expect(await stateOf(a, uuid)).toBe('shutoff');
        await power().destroy(uuid);
      });
      test('what is not here is not found', async () => {
        await rejects(power().start('8a2c1f7e-0000-4000-8000-000000000000'), 'not-found');
        await rejects(power().destroy('8a2c1f7e-0000-4000-8000-000000000000'), 'not-found');
      });
    });

    describe('guest agent', () => {
      let uuid: string;
      beforeAll(async () => {
        uuid = await world.makeVm({ storage: 'shared' });
      }, 5 * minute);

      test('exec runs argv and never a shell line', async () => {
        const done = await agentOf(a).exec(uuid, ['echo', 'a  b', '$HOME', '; false'], { timeoutMs: 30_000 });
        expect(done).toEqual({ code: 0, stdout: 'a  b $HOME ; false\n', stderr: '' });
      });
      test('a command that fails resolves with its code', async () => {
        expect((await agentOf(a).exec(uuid, ['false'], { timeoutMs: 30_000 })).code).toBe(1);
        const missing = await agentOf(a).exec(uuid, ['cat', '/data/no-such-file'], { timeoutMs: 30_000 });
        expect(missing.code).toBe(1);
        expect(missing.stderr).toContain('no-such-file');
      });
      test('stdin reaches the command, output is told', async () => {
        const told: string[] = [];
        const done = await agentOf(a).exec(uuid, ['cat'], {
          stdin: 'naïve\n',
          timeoutMs: 30_000,
          onOutput: (stream, text) => told.push(`${stream}:${text}`),
        });
        expect(done.stdout).toBe('naïve\n');
        expect(told.join('')).toBe('stdout:naïve\n');
      });
      test('a command that takes too long ends with timeout', async () => {
        await rejects(agentOf(a).exec(uuid, ['sleep', '60'], { timeoutMs: 1_000 }), 'timeout');
      });
      test('thaw of a guest that is not frozen changes nothing', async () => {
        expect(await agentOf(a).isFrozen(uuid, { timeoutMs: 5_000 })).toBe(false);
        await agentOf(a).thaw(uuid, { timeoutMs: 5_000 });
        expect(await agentOf(a).isFrozen(uuid, { timeoutMs: 5_000 })).toBe(false);
      });
      test('a VM that is off has no agent to ask', async () => {
        await a.power!.destroy(uuid);
        const error = await rejection(agentOf(a).ping(uuid, { timeoutMs: 2_000 }));
        expect(['agent', 'refused']).toContain(error.kind);
      });
    });

    describe('snapshots', () => {
      let uuid: string;
      beforeAll(async () => {
        uuid = await world.makeVm({ storage: 'shared' });
      }, 5 * minute);

      test('with memory: the guest goes on where it was', async () => {
        await guestWrite(a, uuid, 'before');
        const { consistency } = await snapshotsOf(a).create(uuid, { name: 'm1', memory: true, quiesce: 'no' });
        expect(consistency).toBe('memory');
        expect(await snapshotsOf(a).list(uuid)).toMatchObject([{ name: 'm1', memory: true, current: true }]);
        expect((await a.vm(uuid))?.snapshotCount).toBe(1);
        await guestWrite(a, uuid, 'after');
        await snapshotsOf(a).revert(uuid, 'm1');
        expect(await stateOf(a, uuid)).toBe('running');
        await waitForAgent(a, uuid);
        expect(await guestRead(a, uuid)).toBe('before');
      });
      test('a name is taken once', async () => {
        await rejects(snapshotsOf(a).create(uuid, { name: 'm1', memory: true, quiesce: 'no' }), 'refused');
      });
      test('deleting keeps the state as it is now; a second time there is none', async () => {
        await guestWrite(a, uuid, 'kept');
        await snapshotsOf(a).delete(uuid, 'm1');
        expect(await snapshotsOf(a).list(uuid)).toEqual([]);
        expect(await guestRead(a, uuid)).toBe('kept');
        await rejects(snapshotsOf(a).delete(uuid, 'm1'), 'not-found');
        await rejects(snapshotsOf(a).revert(uuid, 'm1'), 'not-found');
      });
      test('without memory, quiesced: the guest boots from the disk state and is never left frozen', async () => {
        await guestWrite(a, uuid, 'good');
        const made = await snapshotsOf(a).create(uuid, {
          name: 'd1',
          description: 'a <note>',
          memory: false,
          quiesce: 'require',
        });
        expect(made.consistency).toBe('application');
        expect(await agentOf(a).isFrozen(uuid, { timeoutMs: 5_000 })).toBe(false);
        expect(await snapshotsOf(a).list(uuid)).toMatchObject([{ name: 'd1', description: 'a <note>', memory: false }]);
        await guestWrite(a, uuid, 'bad');
        await snapshotsOf(a).revert(uuid, 'd1');
        expect(await stateOf(a, uuid)).toBe('running');
        await waitForAgent(a, uuid);
        expect(await guestRead(a, uuid)).toBe('good');
      });
      test('a snapshot is still there after a revert, and can be reverted to again', async () => {
        expect((await snapshotsOf(a).list(uuid)).map(one => one.name)).toEqual(['d1']);
        await guestWrite(a, uuid, 'bad again');
        await snapshotsOf(a).revert(uuid, 'd1', { running: false });
        expect(await stateOf(a, uuid)).toBe('shutoff');
        await snapshotsOf(a).revert(uuid, 'd1', { running: true });
        await waitForAgent(a, uuid);
        expect(await guestRead(a, uuid)).toBe('good');
      });
      test('deleting one without memory merges what came since, while the VM runs', async () => {
        await guestWrite(a, uuid, 'merged');
        await snapshotsOf(a).delete(uuid, 'd1');
        expect(await snapshotsOf(a).list(uuid)).toEqual([]);
        expect(await stateOf(a, uuid)).toBe('running');
        expect(await guestRead(a, uuid)).toBe('merged');
      });
      test('cleaning up after a snapshot that never was changes nothing', async () => {
        await snapshotsOf(a).cleanUp(uuid, 'never');
        await snapshotsOf(a).cleanUp(uuid, 'never');
        expect(await guestRead(a, uuid)).toBe('merged');
      });
      test('of a VM that is off', async () => {
        await a.power!.shutdown(uuid, { mode: 'agent', timeoutMs: minute });
        const made = await snapshotsOf(a).create(uuid, { name: 'o1', memory: true, quiesce: 'require' });
        expect(made.consistency).toBe('offline');
        await a.power!.start(uuid);
        await waitForAgent(a, uuid);
        await guestWrite(a, uuid, 'changed');
        await snapshotsOf(a).revert(uuid, 'o1');
        expect(await stateOf(a, uuid)).toBe('shutoff');
        await snapshotsOf(a).revert(uuid, 'o1', { running: true });
        await waitForAgent(a, uuid);
        expect(await guestRead(a, uuid)).toBe('merged');
        await snapshotsOf(a).delete(uuid, 'o1');
      });
      test('when the agent hangs: require is refused and nothing is made, prefer tells that it is crash-consistent', async () => {
        await world.hangAgent(uuid);
        await rejects(snapshotsOf(a).create(uuid, { name: 'q1', memory: false, quiesce: 'require' }), 'agent');
        expect(await snapshotsOf(a).list(uuid)).toEqual([]);
        const made = await snapshotsOf(a).create(uuid, { name: 'q2', memory: false, quiesce: 'prefer' });
        expect(made.consistency).toBe('crash');
        await snapshotsOf(a).delete(uuid, 'q2');
        expect(await stateOf(a, uuid)).toBe('running');
      });
      test('what is not here is not found', async () => {
        await rejects(snapshotsOf(b).create(uuid, { name: 'x', memory: true, quiesce: 'no' }), 'not-found');
      });
    });

    describe('migration', () => {
      const options = async (target: Hypervisor, more: Partial<MigrateOptions> = {}): Promise<MigrateOptions> => ({
        target: { hypervisor: target, host: await hostOf(target) },
        storage: 'auto',
        live: true,
        autoConverge: false,
        bandwidthMiBps: 0,
        mark: 'behaviour/migrate',
        ...more,
      });
      const migrationOf = (h: Hypervisor) => present(h.migration, 'migration');
      async function expectOnlyOn(where: Hypervisor, other: Hypervisor, uuid: string): Promise<void> {
        expect(await stateOf(where, uuid)).toBe('running');
        expect(await other.vm(uuid)).toBeUndefined();
      }

      describe('on shared storage', () => {
        let uuid: string;
        beforeAll(async () => {
          uuid = await world.makeVm({ storage: 'shared' });
          await guestWrite(a, uuid, 'moving');
        }, 5 * minute);

        test('a snapshot stands in the way', async () => {
          await snapshotsOf(a).create(uuid, { name: 's', memory: false, quiesce: 'no' });
          const blockers = await migrationOf(a).blockers(uuid, await options(b));
          expect(blockers.join('\n')).toMatch(/snapshot/i);
          await rejects(migrationOf(a).migrate(uuid, await options(b)), 'refused');
          await expectOnlyOn(a, b, uuid);
          await snapshotsOf(a).delete(uuid, 's');
        });
        test('moves, found to be shared, and tells its progress', async () => {
          expect(await migrationOf(a).blockers(uuid, await options(b))).toEqual([]);
          const fractions: number[] = [];
          const report = await migrationOf(a).migrate(
            uuid,
            await options(b, { onProgress: ({ fraction }) => fraction !== undefined && fractions.push(fraction) }),
          );
          expect(report.storage).toBe('shared');
          for (const fraction of fractions) {
            expect(fraction).toBeGreaterThanOrEqual(0);
            expect(fraction).toBeLessThanOrEqual(1);
          }
          await expectOnlyOn(b, a, uuid);
          await waitForAgent(b, uuid);
          expect(await guestRead(b, uuid)).toBe('moving');
          expect(await migrationOf(a).settle(uuid, await options(b))).toBe('target');
        });
        test('what is gone from here is not found here', async () => {
          await rejects(migrationOf(a).migrate(uuid, await options(b)), 'not-found');
        });
        test('and back', async () => {
          await migrationOf(b).migrate(uuid, await options(a, { storage: 'shared' }));
          await expectOnlyOn(a, b, uuid);
          expect(await migrationOf(a).settle(uuid, await options(b))).toBe('source');
        });
      });

      describe('on storage of its own', () => {
        let uuid: string;
        beforeAll(async () => {
          uuid = await world.makeVm({ storage: 'local' });
          await guestWrite(a, uuid, 'copied');
        }, 5 * minute);

        test('shared storage is not taken for granted', async () => {
          const blockers = await migrationOf(a).blockers(uuid, await options(b, { storage: 'shared' }));
          expect(blockers).not.toEqual([]);
          await rejects(migrationOf(a).migrate(uuid, await options(b, { storage: 'shared' })), 'refused');
          await expectOnlyOn(a, b, uuid);
        });
        test('cancelled in the middle, it stays and leaves nothing there', async () => {
          const controller = new AbortController();
          const moving = migrationOf(a).migrate(
            uuid,
            await options(b, { bandwidthMiBps: 1, signal: controller.signal, onProgress: () => controller.abort() }),
          );
          await rejects(moving, 'cancelled');
          await expectOnlyOn(a, b, uuid);
          expect(await guestRead(a, uuid)).toBe('copied');
          expect(await migrationOf(a).settle(uuid, await options(b))).toBe('source');
          expect(await migrationOf(a).blockers(uuid, await options(b))).toEqual([]);
        });
        test('moves with its disk', async () => {
          const report = await migrationOf(a).migrate(uuid, await options(b));
          expect(report.storage).toBe('copy');
          await expectOnlyOn(b, a, uuid);
          await waitForAgent(b, uuid);
          expect(await guestRead(b, uuid)).toBe('copied');
        });
        test('and back to where it came from', async () => {
          await guestWrite(b, uuid, 'copied twice');
          await migrationOf(b).migrate(uuid, await options(a, { mark: 'behaviour/back' }));
          await expectOnlyOn(a, b, uuid);
          await waitForAgent(a, uuid);
          expect(await guestRead(a, uuid)).toBe('copied twice');
        });
      });
    });

    describe('image backup', () => {
      let uuid: string;
      beforeAll(async () => {
        uuid = await world.makeVm({ storage: 'shared' });
      }, 5 * minute);
      const backup = () => present(a.imageBackup, 'imageBackup');
      const begin = (mark: string, quiesce: 'require' | 'prefer' | 'no' = 'require') =>
        backup().begin(uuid, { quiesce, mark, transport: 'unix' });

      test('exports each disk as it was, thaws, and holds off what would disturb it', async () => {
        const session = await begin('run1/backup');
        try {
          expect(session.consistency).toBe('application');
          expect(session.definition).toContain(uuid);
          expect(session.disks).toHaveLength(1);
          expect(session.disks[0]).toMatchObject({ target: expect.any(String), exportName: expect.any(String) });
          expect(session.disks[0]!.virtualSizeBytes).toBeGreaterThan(0);
          expect(await agentOf(a).isFrozen(uuid, { timeoutMs: 5_000 })).toBe(false);
          expect(await backup().isActive(uuid, 'run1/backup')).toBe(true);
          expect(await backup().isActive(uuid, 'run2/backup')).toBe(false);
          await rejects(begin('run2/backup'), 'busy');
          await rejects(snapshotsOf(a).create(uuid, { name: 'x', memory: false, quiesce: 'no' }), 'busy');
          await backup().end(uuid, 'run2/backup');
          expect(await backup().isActive(uuid, 'run1/backup')).toBe(true);
          const path = `${world.proxy.directory}/${uuid}/disk.qcow2`;
          const image = await world.proxy.readImage(session.disks[0]!, path, {});
          expect(image.virtualSizeBytes).toBe(session.disks[0]!.virtualSizeBytes);
          expect(await world.proxy.stat(path)).toEqual({ sizeBytes: image.sizeBytes });
          await world.proxy.remove(`${world.proxy.directory}/${uuid}`);
          expect(await world.proxy.stat(path)).toBeUndefined();
        } finally {
          await backup().end(uuid, 'run1/backup');
        }
        expect(await backup().isActive(uuid, 'run1/backup')).toBe(false);
        await backup().end(uuid, 'run1/backup');
        await snapshotsOf(a).create(uuid, { name: 'x', memory: false, quiesce: 'no' });
        await snapshotsOf(a).delete(uuid, 'x');
      });
      test('a disk that it has not is refused', async () => {
        await rejects(backup().begin(uuid, { quiesce: 'no', mark: 'm', disks: ['zzz'], transport: 'unix' }), 'refused');
      });
      test('when the agent hangs: require is refused and nothing is left, prefer tells that it is crash-consistent', async () => {
        await world.hangAgent(uuid);
        await rejects(begin('run3/backup'), 'agent');
        expect(await backup().isActive(uuid, 'run3/backup')).toBe(false);
        const session = await begin('run3/backup', 'prefer');
        expect(session.consistency).toBe('crash');
        await backup().end(uuid, 'run3/backup');
      });
      test('what is not here is not found', async () => {
        await rejects(
          backup().begin('8a2c1f7e-0000-4000-8000-000000000000', { quiesce: 'no', mark: 'm', transport: 'unix' }),
          'not-found',
        );
      });
    });

    describe('proxy', () => {
      const path = (name: string) => `${world.proxy.directory}/behaviour/${name}`;

      test('keeps small files, and the last one written counts', async () => {
        expect(await world.proxy.freeBytes()).toBeGreaterThan(0);
        await world.proxy.writeFile(path('a/manifest.json'), '{"ä": 1}\n');
        await world.proxy.writeFile(path('a/manifest.json'), '{}\n');
        await world.proxy.writeFile(path('b/manifest.json'), '{}\n');
        expect(await world.proxy.readFile(path('a/manifest.json'))).toBe('{}\n');
        expect(await world.proxy.stat(path('a/manifest.json'))).toEqual({ sizeBytes: 3 });
      });
      test('what is not there is no error', async () => {
        expect(await world.proxy.readFile(path('a/none'))).toBeUndefined();
        expect(await world.proxy.stat(path('a/none'))).toBeUndefined();
        await world.proxy.remove(path('a/none'));
      });
      test('removes a folder with all that is in it, and no other', async () => {
        await world.proxy.remove(path('a'));
        expect(await world.proxy.readFile(path('a/manifest.json'))).toBeUndefined();
        expect(await world.proxy.readFile(path('b/manifest.json'))).toBe('{}\n');
        await world.proxy.remove(`${world.proxy.directory}/behaviour`);
        expect(await world.proxy.stat(path('b/manifest.json'))).toBeUndefined();
      });
    });

    describe('a VM that is lost', () => {
      let uuid: string;
      beforeAll(async () => {
        uuid = await world.makeVm({ storage: 'shared' });
        await guestWrite(a, uuid, 'kept');
      }, 5 * minute);

      test('is off, its backup has ended, and nothing can be asked in it', async () => {
        const backup = present(a.imageBackup, 'imageBackup');
        const session = await backup.begin(uuid, { quiesce: 'require', mark: 'lost/backup', transport: 'unix' });
        await world.loseVm(uuid);
        for (let looks = 0; looks < 100 && (await stateOf(a, uuid)) !== 'shutoff'; looks++) await world.sleep(100);
        expect(await stateOf(a, uuid)).toBe('shutoff');
        expect(await backup.isActive(uuid, 'lost/backup')).toBe(false);
        const image = `${world.proxy.directory}/lost/disk.qcow2`;
        await rejection(world.proxy.readImage(session.disks[0]!, image, {}));
        expect(await world.proxy.stat(image)).toBeUndefined();
        await world.proxy.remove(`${world.proxy.directory}/lost`);
        await backup.end(uuid, 'lost/backup');
        const error = await rejection(agentOf(a).exec(uuid, ['true'], { timeoutMs: 5_000 }));
        expect(['agent', 'refused']).toContain(error.kind);
        await snapshotsOf(a).cleanUp(uuid, 'never');
      });
      test('starts again with what was on its disk', async () => {
        await present(a.power, 'power').start(uuid);
        await waitForAgent(a, uuid);
        expect(await guestRead(a, uuid)).toBe('kept');
      });
    });

    describe('over the network', () => {
      let vm: Reachable;
      const timeoutMs = 30_000;
      beforeAll(async () => {
        vm = await world.makeReachable();
      }, 5 * minute);

      test('commands over SSH: argv and never a shell line, code, stdin', async () => {
        const said = await vm.ssh.exec(['echo', 'a  b', '$HOME', '; false'], { timeoutMs });
        expect(said).toEqual({ code: 0, stdout: 'a  b $HOME ; false\n', stderr: '' });
        expect((await vm.ssh.exec(['false'], { timeoutMs })).code).toBe(1);
        expect((await vm.ssh.exec(['cat'], { stdin: 'naïve\n', timeoutMs })).stdout).toBe('naïve\n');
      });
      test('ports and pages', async () => {
        const { address, webPort, reach } = vm;
        await reach.tcp(address, webPort, { timeoutMs });
        const url = `http://${address}:${webPort}`;
        expect(await reach.http(`${url}/index.html`, { timeoutMs })).toEqual({ status: 200, body: 'ok\n' });
        expect((await reach.http(`${url}/none`, { timeoutMs })).status).toBe(404);
        await rejects(reach.tcp(address, webPort + 1, { timeoutMs }), 'unreachable');
      });
      test('of a VM that is off nothing answers', async () => {
        const { address, webPort, reach } = vm;
        await present(a.power, 'power').destroy(vm.uuid);
        await rejects(reach.tcp(address, webPort, { timeoutMs }), 'unreachable');
        await rejects(reach.http(`http://${address}:${webPort}/`, { timeoutMs }), 'unreachable');
        const error = await rejection(vm.ssh.exec(['true'], { timeoutMs }));
        expect(error).toMatchObject({ kind: 'unreachable' });
      });
    });

    describe('serial console', () => {
      let uuid: string;
      const consoles = () => present(a.consoles, 'consoles');
      /** A console that is read: what it has said, and how it ended. */
      async function read(force = false) {
        const decoder = new TextDecoder();
        const heard = { text: '', ends: 0, error: undefined as Error | undefined };
        const session = await consoles().open(uuid, {
          force,
          onData: bytes => {
            heard.text += decoder.decode(bytes, { stream: true });
          },
          onEnd: error => {
            heard.ends++;
            heard.error = error;
          },
        });
        return { heard, session };
      }
      async function until(holds: () => boolean, what: () => string): Promise<void> {
        for (let attempt = 0; attempt < 240; attempt++) {
          if (holds()) return;
          await world.sleep(250);
        }
        throw new Error(`it never came: ${what()}`);
      }
      const type = (text: string) => new TextEncoder().encode(text);
      beforeAll(async () => {
        uuid = await world.makeVm({ storage: 'shared' });
        await waitForAgent(a, uuid);
      }, 5 * minute);

      test(
        'what is typed is run in the guest, and its output comes back',
        async () => {
          const { heard, session } = await read();
          // A shell that was there before has shown its prompt to nobody.
          session.write(type('\r'));
          await until(
            () => heard.text.includes('# '),
            () => heard.text,
          );
          session.write(type('cat /data/nothing-here\r'));
          await until(
            () => /No such file/.test(heard.text),
            () => heard.text,
          );
          // Its output, not the echo of what was typed.
          session.write(type('echo con""sole\r'));
          await until(
            () => heard.text.includes('console'),
            () => heard.text,
          );
          await session.close();
          expect(heard.ends).toBe(0);
        },
        2 * minute,
      );
      test(
        'belongs to one person, until it is given back or taken',
        async () => {
          const first = await read();
          await rejects(read(), 'busy');
          const second = await read(true);
          await until(
            () => first.heard.ends === 1,
            () => 'the end of the first',
          );
          second.session.write(type('\recho mi""ne\r'));
          await until(
            () => second.heard.text.includes('mine'),
            () => second.heard.text,
          );
          await first.session.close();
          await second.session.close();
          await second.session.close();
          const third = await read();
          await third.session.close();
          expect([first.heard.ends, second.heard.ends]).toEqual([1, 0]);
        },
        2 * minute,
      );
      test(
        'ends with the VM; one that is off has none',
        async () => {
          const { heard } = await read();
          await present(a.power, 'power').destroy(uuid);
          await until(
            () => heard.ends === 1,
            () => 'the end',
          );
          await rejects(read(), 'refused');
          await rejects(
            consoles().open('8a2c1f7e-0000-4000-8000-000000000000', { force: false, onData() {}, onEnd() {} }),
            'not-found',
          );
        },
        2 * minute,
      );
    });

    test(
      'events tell what happens to a VM',
      async () => {
        const uuid = await world.makeVm({ storage: 'shared', start: false });
        const seen: HypervisorEvent[] = [];
        const stop = await present(a.events, 'events').subscribe(event => seen.push(event));
        await a.power!.start(uuid);
        await a.power!.destroy(uuid);
        await world.sleep(500);
        const what = seen.flatMap(event => (event.type === 'vm' && event.uuid === uuid ? [event.what] : []));
        expect(what).toContain('started');
        expect(what).toContain('stopped');
        stop();
        const before = seen.length;
        await a.power!.start(uuid);
        await a.power!.destroy(uuid);
        await world.sleep(200);
        expect(seen).toHaveLength(before);
      },
      2 * minute,
    );
  });
}

function present<T>(port: T | undefined, name: string): T {
  if (port === undefined) throw new Error(`this hypervisor has no ${name}`);
  return port;
}

async function rejection(promise: Promise<unknown>): Promise<{ kind?: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { kind?: string; message: string };
  }
  throw new Error('it was expected to fail, and did not');
}

/** The whole error is in the message of a mismatch, since the kind alone says little. */
async function rejects(promise: Promise<unknown>, kind: HypervisorErrorKind): Promise<void> {
  const error = await rejection(promise);
  expect({ kind: error.kind, message: error.message }).toMatchObject({ kind });
}
