import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HypervisorError } from '../../src/hypervisors/errors';
import { connectLibvirt } from '../../src/hypervisors/libvirt/connect';
import type { LibvirtHypervisor } from '../../src/hypervisors/libvirt/libvirt-hypervisor';
import type { RpcClient } from '../../src/hypervisors/libvirt/rpc-client';
import { overlayPath } from '../../src/hypervisors/libvirt/snapshots';
import type { HypervisorEvent, MigrateOptions } from '../../src/hypervisors/ports';
import { type LibvirtWorld, libvirtWorld } from './libvirt-world';
import { fillTestDriver } from './test-driver';

/** What only the real thing can show: interruptions, hosts that die, and what is left behind. In order; the last ones break the hosts. */
describe('libvirt, interrupted', () => {
  let world: LibvirtWorld;
  let a: LibvirtHypervisor;
  let b: LibvirtHypervisor;
  let shared: string;
  let local: string;

  beforeAll(async () => {
    world = await libvirtWorld();
    ({ a, b } = world.hypervisors);
    [shared, local] = [await world.makeVm({ storage: 'shared' }), await world.makeVm({ storage: 'local' })];
  });
  afterAll(async () => {
    await world?.cleanUp();
  });

  const vmOf = (uuid: string) => world.vms.get(uuid)!;
  const files = (host: 'hv1' | 'hv2', pool: 'shared' | 'images') =>
    readdirSync(world.lab.host(host).poolDirectory(pool)).sort();
  const failure = async (call: Promise<unknown>): Promise<HypervisorError> => {
    const error: unknown = await call.then(
      () => undefined,
      reason => reason,
    );
    expect(error).toBeInstanceOf(HypervisorError);
    return error as HypervisorError;
  };
  const to = (hypervisor: LibvirtHypervisor, more: Partial<MigrateOptions> = {}): MigrateOptions => ({
    target: { hypervisor, host: hypervisor.connection },
    storage: 'auto',
    live: true,
    autoConverge: false,
    bandwidthMiBps: 0,
    mark: 'edges/move',
    ...more,
  });
  /** Both connections go when either is about to make this call (after `after`, if given): as if the process had been killed there. */
  function diesAt(name: string, a2: LibvirtHypervisor, b2: LibvirtHypervisor, after?: string): void {
    let armed = after === undefined;
    const clients = [a2, b2].map(one => (one as unknown as { side: { host: { rpc: RpcClient } } }).side.host.rpc);
    for (const rpc of clients) {
      const call = rpc.call.bind(rpc);
      rpc.call = (procedure, args, options) => {
        if (procedure.name === after) armed = true;
        if (armed && procedure.name === name) for (const one of clients) one.close();
        return call(procedure, args, options);
      };
    }
  }
  async function waitForAgent(h: LibvirtHypervisor, uuid: string): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (
        await h.guestAgent!.ping(uuid, { timeoutMs: 2_000 }).then(
          () => true,
          () => false,
        )
      )
        return;
      await sleep(100);
    }
    throw new Error(`the agent of ${uuid} does not answer`);
  }

  test('a local socket works as one over SSH does', async () => {
    const host = world.lab.host('hv1');
    const near = await connectLibvirt(
      'near',
      { uri: `qemu+unix:///system?socket=${host.socket}` },
      {
        baseDir: '/',
        ssh: () => {
          throw new Error('not over SSH');
        },
      },
    );
    expect((await near.state()).vms.map(vm => vm.uuid).sort()).toEqual((await a.state()).vms.map(vm => vm.uuid).sort());
    await near.close();
    expect(await failure(near.state())).toMatchObject({ kind: 'unreachable', outcomeUnknown: false });
    const nowhere = await failure(
      connectLibvirt(
        'near',
        { uri: 'qemu+unix:///system?socket=/nowhere/sock' },
        {
          baseDir: '/',
          ssh: () => {
            throw new Error('not over SSH');
          },
        },
      ),
    );
    expect(nowhere).toMatchObject({ kind: 'unreachable', outcomeUnknown: false });
    expect(nowhere.message).toContain('/nowhere/sock');
  });

  test('the test driver lacks what it lacks, and says so', async () => {
    const filled = await fillTestDriver(world.lab.host('hv1'), 50);
    const driver = await connectLibvirt(
      'td',
      { uri: filled.uri },
      {
        baseDir: '/',
        ssh: () => {
          throw new Error('not over SSH');
        },
      },
    );
    try {
      expect([...driver.capabilities].sort()).toEqual(['events', 'power', 'snapshot', 'snapshot.memory']);
      expect([driver.migration, driver.imageBackup, driver.guestAgent]).toEqual([undefined, undefined, undefined]);
      const state = await driver.state();
      expect(state.vms.map(vm => vm.name).sort()).toEqual([...filled.names].sort());
      const [one] = state.vms;
      await driver.power.destroy(one!.uuid);
      expect((await driver.state()).vms.find(vm => vm.uuid === one!.uuid)?.state).toBe('shutoff');
      await driver.snapshots.create(one!.uuid, { name: 's', memory: true, quiesce: 'no' });
      expect(await driver.snapshots.list(one!.uuid)).toMatchObject([{ name: 's' }]);
      await driver.snapshots.delete(one!.uuid, 's');
    } finally {
      await driver.close();
      await filled.close();
    }
  });

  test('what others change is seen at once, although definitions are remembered', async () => {
    const name = vmOf(local).name;
    await a.state();
    await world.lab
      .host('hv1')
      .virsh([
        'snapshot-create-as',
        name,
        'theirs',
        '--disk-only',
        '--no-metadata',
        '--diskspec',
        `vda,file=/var/lib/libvirt/images/${name}.theirs.qcow2`,
      ]);
    expect((await a.state()).vms.find(vm => vm.uuid === local)?.disks[0]?.source).toBe(
      `/var/lib/libvirt/images/${name}.theirs.qcow2`,
    );
    await world.lab.host('hv1').virsh(['blockcommit', name, 'vda', '--active', '--pivot', '--wait']);
    expect((await a.state()).vms.find(vm => vm.uuid === local)?.disks[0]?.source).toBe(
      `/var/lib/libvirt/images/${name}.qcow2`,
    );
    await world.lab.host('hv1').exec(['rm', `/var/lib/libvirt/images/${name}.theirs.qcow2`]);
  });

  test('a command that took too long, or was cancelled, is ended in the guest', async () => {
    const vm = vmOf(shared);
    expect(await failure(a.guestAgent!.exec(shared, ['sleep', '987'], { timeoutMs: 500 }))).toMatchObject({
      kind: 'timeout',
    });
    const controller = new AbortController();
    const running = failure(
      a.guestAgent!.exec(shared, ['sleep', '987'], { timeoutMs: 60_000, signal: controller.signal }),
    );
    await sleep(300);
    controller.abort();
    expect(await running).toMatchObject({ kind: 'cancelled' });
    expect((await vm.guestExec('pidof sleep')).stdout).toBe('');
    expect((await failure(a.guestAgent!.exec(shared, ['no-such-command'], { timeoutMs: 5_000 }))).message).toContain(
      'no-such-command',
    );
  });

  test('what stands in the way of a move, or of a snapshot, is named', async () => {
    const uuid = await world.makeVm({ storage: 'shared', start: false });
    const vm = vmOf(uuid);
    const host = world.lab.host('hv1');
    expect(await a.migration!.blockers(uuid, to(b))).toEqual([]);
    const xml = await host.virsh(['dumpxml', vm.name]);
    const define = async (change: (xml: string) => string) => {
      await host.exec(['sh', '-c', 'cat > /tmp/changed.xml'], { input: change(xml) });
      expect((await host.exec(['virsh', 'define', '/tmp/changed.xml'])).stderr).toBe('');
    };
    const blockers = async () => (await a.migration!.blockers(uuid, to(b))).join('\n');
    await host.exec(['touch', '/var/lib/libvirt/images/tools.iso']);
    await define(text =>
      text.replace(
        '</devices>',
        "<disk type='file' device='cdrom'><source file='/var/lib/libvirt/images/tools.iso'/><target dev='sda' bus='sata'/><readonly/></disk></devices>",
      ),
    );
    expect(await blockers()).toContain('/var/lib/libvirt/images/tools.iso');
    await define(text => text.replace(/<cpu [\s\S]*?<\/cpu>/, "<cpu mode='host-passthrough'/>"));
    expect(await blockers()).toContain('host-passthrough');
    await define(text =>
      text.replace(
        '</devices>',
        "<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0' bus='0' slot='2' function='0'/></source></hostdev></devices>",
      ),
    );
    expect(await blockers()).toContain('device');
    await define(text =>
      text.replace(
        '</type>',
        "</type><loader readonly='yes' type='pflash'>/usr/share/uefi/code.fd</loader><nvram>/var/lib/libvirt/qemu/nvram/x.fd</nvram>",
      ),
    );
    const error = await failure(a.snapshots.create(uuid, { name: 'uefi', memory: true, quiesce: 'no' }));
    expect(error.kind).toBe('refused');
    expect(error.message).toContain('UEFI');
    await host.exec(['rm', '/var/lib/libvirt/images/tools.iso']);
    await vm.removeEverything();
  });

  describe('snapshots', () => {
    test('one that is half made is cleaned up: guest frozen, overlay in use, nothing listed', async () => {
      const vm = vmOf(shared);
      const host = world.lab.host('hv1');
      const base = `/var/lib/libvirt/shared/${vm.name}.qcow2`;
      const overlay = overlayPath(base, 'half', 'vda');
      await host.virsh([
        'snapshot-create-as',
        vm.name,
        'half',
        '--disk-only',
        '--no-metadata',
        '--diskspec',
        `vda,file=${overlay}`,
      ]);
      await vm.guestExec('echo since > /data/state; sync');
      await host.virsh(['domfsfreeze', vm.name]);
      expect(await a.guestAgent!.isFrozen(shared, { timeoutMs: 5_000 })).toBe(true);
      await a.snapshots.cleanUp(shared, 'half');
      expect(await a.guestAgent!.isFrozen(shared, { timeoutMs: 5_000 })).toBe(false);
      expect((await a.vm(shared))?.disks[0]?.source).toBe(base);
      expect((await vm.guestExec('cat /data/state')).stdout).toBe('since\n');
      expect(files('hv1', 'shared')).not.toContain(overlay.split('/').at(-1));
      await a.snapshots.cleanUp(shared, 'half');
    });
    test('an overlay that was made and never used is removed', async () => {
      const vm = vmOf(shared);
      const overlay = overlayPath(`/var/lib/libvirt/shared/${vm.name}.qcow2`, 'stray', 'vda');
      await world.lab.host('hv1').exec(['touch', overlay]);
      await a.snapshots.cleanUp(shared, 'stray');
      expect(files('hv1', 'shared')).not.toContain(overlay.split('/').at(-1));
    });
    test('a revert that was cut in the middle is done by running it again', async () => {
      const vm = vmOf(shared);
      await vm.guestExec('echo good > /data/state; sync');
      await a.snapshots.create(shared, { name: 'cut', memory: false, quiesce: 'require' });
      await vm.guestExec('echo bad > /data/state; sync');
      // As after the power was cut and the overlay deleted, and before a new one was made.
      await vm.powerOff();
      await world.lab.host('hv1').exec(['rm', overlayPath(`/var/lib/libvirt/shared/${vm.name}.qcow2`, 'cut', 'vda')]);
      expect((await failure(a.power.start(shared))).message).toContain('cut.vda');
      await a.snapshots.revert(shared, 'cut');
      await waitForAgent(a, shared);
      expect((await vm.guestExec('cat /data/state')).stdout).toBe('good\n');
    });
    test('one of a VM that was shut down since is merged all the same', async () => {
      const vm = vmOf(shared);
      await vm.guestExec('echo kept > /data/state; sync');
      await a.power.shutdown(shared, { mode: 'agent', timeoutMs: 60_000 });
      await a.snapshots.delete(shared, 'cut');
      expect(await a.vm(shared)).toMatchObject({ state: 'shutoff', snapshotCount: 0 });
      expect(files('hv1', 'shared')).toEqual([`${vm.name}.qcow2`]);
      await a.power.start(shared);
      await waitForAgent(a, shared);
      expect((await vm.guestExec('cat /data/state')).stdout).toBe('kept\n');
    });
    test('a guest that freezes only after everybody gave up on it is thawed too', async () => {
      const hook = '/etc/qemu/fsfreeze-hook';
      await vmOf(shared).guestExec(`cp ${hook} /tmp/hook; echo '[ "$1" = freeze ] && sleep 25' >> ${hook}`);
      const error = await failure(a.snapshots.create(shared, { name: 'late', memory: false, quiesce: 'require' }));
      expect(error.kind).toBe('agent');
      expect(await a.guestAgent!.isFrozen(shared, { timeoutMs: 5_000 })).toBe(false);
      expect(await a.snapshots.list(shared)).toEqual([]);
      expect((await vmOf(shared).guestExec(`cp /tmp/hook ${hook}; grep -c . /run/fsfreeze-hook.log`)).code).toBe(0);
      expect(files('hv1', 'shared')).toEqual([`${vmOf(shared).name}.qcow2`]);
    }, 150_000);
    test('later ones are in the way of earlier ones, by name', async () => {
      await a.snapshots.create(shared, { name: 'one', memory: false, quiesce: 'no' });
      await a.snapshots.create(shared, { name: 'two', memory: false, quiesce: 'no' });
      for (const call of [() => a.snapshots.delete(shared, 'one'), () => a.snapshots.revert(shared, 'one')]) {
        const error = await failure(call());
        expect(error.kind).toBe('refused');
        expect(error.message).toContain('two');
      }
      await a.snapshots.delete(shared, 'two');
      await a.snapshots.delete(shared, 'one');
      expect(files('hv1', 'shared')).toEqual([`${vmOf(shared).name}.qcow2`]);
    });
  });

  describe('backups', () => {
    const mark = 'edges/backup';
    test('over TCP and through the relay the image is the same, and nothing stays on the host', async () => {
      const proxy = world.proxy;
      const folder = `${proxy.directory}/edges`;
      // Two backups one after the other are the same only of a guest that does not write in between.
      await vmOf(shared).guestExec('sync; mount -o remount,ro /data');
      for (const transport of ['tcp', 'unix'] as const) {
        const session = await a.imageBackup!.begin(shared, { quiesce: 'no', mark, transport });
        const [disk] = session.disks;
        expect(Object.keys(disk!)).toContain(transport);
        await proxy.readImage(disk!, `${folder}/${transport}.qcow2`, {});
        if (transport === 'unix') {
          const controller = new AbortController();
          const onProgress = () => controller.abort();
          const error = await failure(
            proxy.readImage(disk!, `${folder}/never.qcow2`, { signal: controller.signal, onProgress }),
          );
          expect(error).toMatchObject({ kind: 'cancelled' });
          expect((await world.lab.host('px1').exec(['pgrep', 'qemu-img'])).stdout).toBe('');
        }
        await a.imageBackup!.end(shared, mark);
      }
      await vmOf(shared).guestExec('mount -o remount,rw /data');
      const px1 = world.lab.host('px1');
      expect((await px1.exec(['qemu-img', 'compare', `${folder}/tcp.qcow2`, `${folder}/unix.qcow2`])).code).toBe(0);
      expect((await px1.exec(['ls', folder])).stdout).toBe('tcp.qcow2\nunix.qcow2\n');
      expect((await px1.exec(['ls', '-A', proxy.directory])).stdout).toBe('edges\n');
      await proxy.remove(folder);
      expect(files('hv1', 'shared')).toEqual([`${vmOf(shared).name}.qcow2`]);
      expect(
        (await world.lab.host('hv1').exec(['sh', '-c', 'ls /var/lib/libvirt/qemu/*.nbd 2>/dev/null || true'])).stdout,
      ).toBe('');
    });
    test('one whose client died is found by its mark, and ended', async () => {
      const other = await world.connect('hv1');
      await other.imageBackup!.begin(shared, { quiesce: 'no', mark, transport: 'unix' });
      await other.close();
      expect(await a.imageBackup!.isActive(shared, mark)).toBe(true);
      await a.imageBackup!.end(shared, 'edges/another');
      expect(await a.imageBackup!.isActive(shared, mark)).toBe(true);
      await a.imageBackup!.end(shared, mark);
      expect(await a.imageBackup!.isActive(shared, mark)).toBe(false);
      expect(files('hv1', 'shared')).toEqual([`${vmOf(shared).name}.qcow2`]);
    });
    test('an export that goes away in the middle fails the read and leaves no image', async () => {
      const proxy = world.proxy;
      const session = await a.imageBackup!.begin(shared, { quiesce: 'no', mark, transport: 'unix' });
      const disk = session.disks[0]!;
      await a.imageBackup!.end(shared, mark);
      const error = await failure(proxy.readImage(disk, `${proxy.directory}/gone/vda.qcow2`, {}));
      expect(error.message).toContain('vda');
      expect((await world.lab.host('px1').exec(['ls', `${proxy.directory}/gone`])).stdout).toBe('');
    });
  });

  describe('migration', () => {
    test('a VM that keeps writing loses nothing on the way there and back', async () => {
      const vm = vmOf(shared);
      await vm.startWriter();
      const there = await a.migration!.migrate(shared, to(b));
      const back = await b.migration!.migrate(shared, to(a));
      await sleep(500);
      const counters = await vm.writtenCounters();
      await vm.guestExec('killall writer; rm /data/seq');
      expect(counters.length).toBeGreaterThan(20);
      expect(counters).toEqual(counters.map((_, i) => i + 1));
      expect([there.storage, back.storage]).toEqual(['shared', 'shared']);
      expect(there.downtimeMs).toBeGreaterThan(0);
    });
    test('a VM that is off moves on shared storage', async () => {
      const off = await world.makeVm({ storage: 'shared', start: false });
      await a.migration!.migrate(off, to(b));
      expect(await b.vm(off)).toMatchObject({ state: 'shutoff', persistent: true });
      expect(await a.vm(off)).toBeUndefined();
      await vmOf(off).removeEverything();
    });
    test('the client dies in the middle of a copy: it stays here, and settling removes what was made there', async () => {
      const [a2, b2] = await Promise.all([world.connect('hv1'), world.connect('hv2')]);
      const moving = failure(
        a2.migration!.migrate(
          local,
          to(b2, { bandwidthMiBps: 1, onProgress: () => void Promise.all([a2.close(), b2.close()]) }),
        ),
      );
      expect(await moving).toMatchObject({ kind: 'unreachable', outcomeUnknown: true });
      expect(files('hv2', 'images')).not.toEqual([]);
      expect(await a.migration!.settle(local, to(b))).toBe('source');
      expect(files('hv2', 'images')).toEqual([]);
      expect((await a.vm(local))?.state).toBe('running');
      expect(await b.vm(local)).toBeUndefined();
      expect((await vmOf(local).guestExec('echo alive')).stdout).toBe('alive\n');
    });
    test.each([
      ['before the target took over', 'DOMAIN_MIGRATE_FINISH3_PARAMS', 'source'],
      ['before the source let go', 'DOMAIN_MIGRATE_CONFIRM3_PARAMS', 'target'],
    ] as const)(
      'the client dies at the switch-over, %s: settling leaves one VM running',
      async (_when, call, winner) => {
        const [a2, b2] = await Promise.all([world.connect('hv1'), world.connect('hv2')]);
        diesAt(call, a2, b2);
        expect(await failure(a2.migration!.migrate(shared, to(b2)))).toMatchObject({
          kind: 'unreachable',
          outcomeUnknown: true,
        });
        expect(await a.migration!.settle(shared, to(b))).toBe(winner);
        const [here, there] = await Promise.all([a.vm(shared), b.vm(shared)]);
        expect([here?.state, there?.state]).toEqual(
          winner === 'source' ? ['running', undefined] : [undefined, 'running'],
        );
        expect((await vmOf(shared).guestExec('echo alive')).stdout).toBe('alive\n');
        expect(await a.migration!.settle(shared, to(b))).toBe(winner);
        if (winner === 'target') await b.migration!.migrate(shared, to(a));
      },
    );
    test('the client dies after the move and before it dropped the old disk: settling drops it', async () => {
      const [a2, b2] = await Promise.all([world.connect('hv1'), world.connect('hv2')]);
      diesAt('STORAGE_VOL_DELETE', a2, b2, 'DOMAIN_MIGRATE_CONFIRM3_PARAMS');
      expect(await failure(a2.migration!.migrate(local, to(b2)))).toMatchObject({ outcomeUnknown: true });
      const disk = `${vmOf(local).name}.qcow2`;
      expect(files('hv1', 'images')).toEqual([disk]);
      expect(files('hv2', 'images')).toHaveLength(2);
      expect(await a.migration!.settle(local, to(b))).toBe('target');
      expect(files('hv1', 'images')).toEqual([]);
      expect(files('hv2', 'images')).toEqual([disk]);
      await b.migration!.migrate(local, to(a));
    });
    test('a file of somebody else on the target is a blocker, and is never touched', async () => {
      const name = vmOf(local).name;
      const there = world.lab.host('hv2');
      await there.exec(['sh', '-c', `echo precious > /var/lib/libvirt/images/${name}.qcow2`]);
      expect((await a.migration!.blockers(local, to(b))).join()).toContain(`${name}.qcow2`);
      expect(await failure(a.migration!.migrate(local, to(b)))).toMatchObject({ kind: 'refused' });
      expect(await a.migration!.settle(local, to(b))).toBe('source');
      expect((await there.exec(['cat', `/var/lib/libvirt/images/${name}.qcow2`])).stdout).toBe('precious\n');
      await there.exec(['rm', `/var/lib/libvirt/images/${name}.qcow2`]);
    });
    test('after a copy one disk is left, on the side where the VM runs', async () => {
      await a.migration!.migrate(local, to(b));
      expect(files('hv1', 'images')).toEqual([]);
      expect(files('hv2', 'images')).toEqual([`${vmOf(local).name}.qcow2`]);
      await b.migration!.migrate(local, to(a));
      expect(files('hv1', 'images')).toEqual([`${vmOf(local).name}.qcow2`]);
      expect(files('hv2', 'images')).toEqual([]);
    });
    test('the target host dies in the middle: the VM goes on here', async () => {
      const events: HypervisorEvent[] = [];
      await b.events.subscribe(event => events.push(event));
      let killing: Promise<void> | undefined;
      const error = await failure(
        a.migration!.migrate(
          local,
          to(b, {
            bandwidthMiBps: 1,
            onProgress: () => {
              killing ??= world.lab.host('hv2').kill();
            },
          }),
        ),
      );
      await killing;
      expect(error.kind).toBe('failed');
      expect(error.message).toContain('hv2 was lost');
      expect((await a.vm(local))?.state).toBe('running');
      expect((await vmOf(local).guestExec('echo alive')).stdout).toBe('alive\n');
      expect(await failure(b.state())).toMatchObject({ kind: 'unreachable' });
      expect(events.at(-1)?.type).toBe('closed');
      await world.lab.host('hv2').start();
      const b2 = await world.connect('hv2');
      expect(await a.migration!.settle(local, to(b2))).toBe('source');
      expect(files('hv2', 'images')).toEqual([]);
      expect(await a.migration!.blockers(local, to(b2))).toEqual([]);
      await b2.close();
    });
  });

  describe('a daemon that goes', () => {
    test('stopped, it is noticed by its silence', async () => {
      const other = await world.connect('hv1', { keepAliveMs: 100, keepAliveMisses: 3 });
      const host = world.lab.host('hv1');
      const closed = new Promise<HypervisorEvent>(resolve => {
        void other.events.subscribe(event => event.type === 'closed' && resolve(event));
      });
      await host.exec(['sh', '-c', 'kill -STOP $(cat /run/libvirt/libvirtd.pid)']);
      try {
        expect(await failure(other.state())).toMatchObject({ kind: 'unreachable', outcomeUnknown: true });
        expect(await closed).toMatchObject({ type: 'closed', error: expect.any(Error) });
      } finally {
        await host.exec(['sh', '-c', 'kill -CONT $(cat /run/libvirt/libvirtd.pid)']);
      }
    });
    test('killed during a backup, the backup is ended by its mark once it is back', async () => {
      const host = world.lab.host('hv1');
      await a.imageBackup!.begin(local, { quiesce: 'require', mark: 'edges/killed', transport: 'unix' });
      await host.killLibvirtd();
      expect(await failure(a.imageBackup!.isActive(local, 'edges/killed'))).toMatchObject({ kind: 'unreachable' });
      await host.startLibvirtd();
      const again = await world.connect('hv1');
      expect(await again.imageBackup!.isActive(local, 'edges/killed')).toBe(true);
      await again.imageBackup!.end(local, 'edges/killed');
      expect(await again.imageBackup!.isActive(local, 'edges/killed')).toBe(false);
      expect(files('hv1', 'images')).toEqual([`${vmOf(local).name}.qcow2`]);
      expect(await again.guestAgent!.isFrozen(local, { timeoutMs: 5_000 })).toBe(false);
      await again.close();
    });
  });
});
