import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Lab, startLab, type Vm } from './lab';
import { must, until } from './processes';
import { Virtbook } from './virtbook';

/**
 * The whole path on real libvirt, QEMU, sshd and Debian: the built command line runs runbooks, and what came of it is looked at by other
 * means (virsh, the agent, qemu-img).
 */

// Emulated guests on a busy machine are slow; what hangs is still told from what is slow.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let lab: Lab;
let virtbook: Virtbook;

beforeAll(async () => {
  lab = await startLab({ proxy: true });
  virtbook = new Virtbook(lab);
});

afterAll(async () => {
  await virtbook?.close();
  await lab?.destroy();
});

const snapshotsOf = async (vm: Vm) =>
  (await (await vm.host())!.virsh(['snapshot-list', vm.name, '--name'])).trim().split('\n').filter(Boolean);

describe('patching a guest', () => {
  let vm: Vm;
  const version = async () =>
    (await vm.guestExec("dpkg-query -W -f '${Version} ${db:Status-Status}' labapp")).stdout.trim();
  const offer = (state: string) => vm.guestExec(`ln -sfn ${state} /srv/repo/current; sync`);
  const patch = `
- id: patch
  uses: guest.patch
  with: { vm: app1, packages: [labapp] }
- uses: check.guest
  with: { vm: app1, command: [labapp] }
`;

  beforeAll(async () => {
    vm = await lab.makeVm({ name: 'app1', guest: 'debian', pool: 'shared', host: 'hv1' });
  });
  afterAll(async () => {
    await vm?.removeEverything();
  });

  it('rolls back to the version before when a package does not install', async () => {
    await offer('v12');
    const ended = await virtbook.run(virtbook.write('bad-patch', patch));
    expect(ended).toMatchObject({ code: 1 });
    expect(ended.stdout).toContain('labapp: cannot convert its data');
    await vm.waitAgent();
    expect(await version()).toBe('1.0 installed');
    expect((await vm.guestExec('dpkg --audit')).stdout).toBe('');
    expect(await snapshotsOf(vm)).toEqual([]);
  });

  /** The moments to kill the runner at: the first look at the run itself, the second into the guest. */
  const moments = {
    'while its snapshot is taken': (run: string) =>
      virtbook.waitFor(run, 'the snapshot', record => record.type === 'step.progress' && record.key === 'patch'),
    'while apt is at work': async (run: string) => {
      // Before that the guest is frozen for a moment, and its agent runs nothing.
      const upgrading = 'upgrading labapp';
      await virtbook.waitFor(run, upgrading, one => one.type === 'step.progress' && one.message === upgrading);
      await until('apt at work in app1', 60_000, async () => {
        const found = await vm.guestExec("grep -lz '[-]-only-upgrade' /proc/[0-9]*/cmdline");
        return found.stdout === '' ? undefined : true;
      });
    },
  };

  it.each(Object.entries(moments))('is taken back after a kill -9 of the runner %s', async (_, moment) => {
    const run = await virtbook.start(virtbook.write('bad-patch', patch));
    await moment(run);
    await virtbook.killRunner(run);
    expect(virtbook.end(run)).toBeUndefined();
    expect((await virtbook.command('rollback', run)).code).toBe(1);
    expect(virtbook.end(run)).toBe('rolled-back');
    await vm.waitAgent();
    expect(await version()).toBe('1.0 installed');
    expect(await snapshotsOf(vm)).toEqual([]);
  });

  it('upgrades once, also when the runner is killed while apt is at work, and leaves no snapshot', async () => {
    await offer('v11');
    const run = await virtbook.start(virtbook.write('patch', patch));
    await moments['while apt is at work'](run);
    await virtbook.killRunner(run);
    const resumed = await virtbook.command('resume', run);
    expect(resumed, resumed.stdout + resumed.stderr).toMatchObject({ code: 0 });
    expect(virtbook.end(run)).toBe('done');
    expect(await version()).toBe('1.1 installed');
    expect(await snapshotsOf(vm)).toEqual([]);
  });

  it('says which packages were upgraded and that a reboot is needed', async () => {
    await offer('vreboot');
    const file = virtbook.write('reboot', patch.replace('packages: [labapp]', 'packages: [labreboot]'));
    const ended = await virtbook.run(file);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    const done = virtbook.journal(virtbook.latest()!).find(r => r.type === 'step.done' && r.key === 'patch');
    expect(done).toMatchObject({
      outputs: { upgraded: [{ name: 'labreboot', from: '1.0', to: '1.1' }], rebootRequired: true },
    });
  });
});

describe('migrating a VM that keeps writing', () => {
  let vm: Vm;
  const move = (to: string) => `
- id: move
  uses: vm.migrate
  with: { vm: web1, to: ${to} }
`;
  /** Every counter from 1 on, none missing, none twice: the guest never stopped and no write was lost. */
  const nothingLost = async () => {
    const counters = await vm.writtenCounters();
    expect(counters.length).toBeGreaterThan(10);
    expect(counters).toEqual(counters.map((_, index) => index + 1));
  };

  beforeAll(async () => {
    vm = await lab.makeVm({ name: 'web1', guest: 'tiny', pool: 'shared', host: 'hv1' });
    await vm.startWriter();
  });
  afterAll(async () => {
    await vm?.removeEverything();
  });

  it('moves it live over shared storage', async () => {
    const ended = await virtbook.run(virtbook.write('move', move('hv2')));
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    expect((await vm.host())?.name).toBe('hv2');
    expect(await vm.stateOn(lab.host('hv1'))).toBeUndefined();
    await nothingLost();
  });

  it('moves it back when a later step fails', async () => {
    const file = virtbook.write(
      'move-and-fail',
      `${move('hv1')}- uses: guest.run\n  with: { vm: web1, argv: ["false"] }\n`,
    );
    const ended = await virtbook.run(file);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 1 });
    expect((await vm.host())?.name).toBe('hv2');
    await nothingLost();
  });

  it('arrives once after a kill -9 of the runner in the middle', async () => {
    // Slow enough to be caught in the middle.
    await lab.host('hv2').virsh(['migrate-setspeed', 'web1', '8']);
    const run = await virtbook.start(virtbook.write('move', move('hv1')));
    await virtbook.waitFor(run, 'the move', record => record.type === 'step.intent' && record.key === 'move');
    await virtbook.waitFor(run, 'its progress', record => record.type === 'step.progress' && record.key === 'move');
    await virtbook.killRunner(run);
    const resumed = await virtbook.command('resume', run);
    expect(resumed, resumed.stdout + resumed.stderr).toMatchObject({ code: 0 });
    expect((await vm.host())?.name).toBe('hv1');
    expect(await vm.stateOn(lab.host('hv2'))).toBeUndefined();
    await nothingLost();
  });
});

describe('migrating a VM with disks of its own host', () => {
  it('copies the disk, leaves none behind, and brings it back when a later step fails', async () => {
    const vm = await lab.makeVm({ name: 'db1', guest: 'tiny', pool: 'images', host: 'hv1' });
    try {
      await vm.startWriter();
      const move = '- uses: vm.migrate\n  with: { vm: db1, to: hv2 }\n';
      const failed = await virtbook.run(
        virtbook.write('copy-and-fail', `${move}- uses: guest.run\n  with: { vm: db1, argv: ["false"] }\n`),
      );
      expect(failed, failed.stdout + failed.stderr).toMatchObject({ code: 1 });
      expect((await vm.host())?.name).toBe('hv1');
      const ended = await virtbook.run(virtbook.write('copy', move));
      expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
      expect((await vm.host())?.name).toBe('hv2');
      const counters = await vm.writtenCounters();
      expect(counters).toEqual(counters.map((_, index) => index + 1));
    } finally {
      await vm.removeEverything();
    }
  });
});

describe('backing up through a proxy', () => {
  let vm: Vm;
  const backup = `
- id: backup
  uses: backup.image
  with: { vm: data1, proxy: px1, quiesce: require }
`;
  const files = '/data/blob /data/seed';

  beforeAll(async () => {
    vm = await lab.makeVm({ name: 'data1', guest: 'tiny', pool: 'images', host: 'hv2' });
    const seed = randomBytes(8).toString('hex');
    await vm.guestExec(`dd if=/dev/urandom of=/data/blob bs=1M count=40 2>/dev/null; echo ${seed} > /data/seed; sync`);
  });
  afterAll(async () => {
    await vm?.removeEverything();
  });

  /** Images that the run says it made, as paths on the proxy. */
  const imagesOf = (run: string): string[] => {
    const done = virtbook.journal(run).find(record => record.type === 'step.done' && record.key === 'backup');
    const outputs = done?.type === 'step.done' ? (done.outputs as { disks?: { path: string }[] }) : {};
    return (outputs.disks ?? []).map(disk => disk.path);
  };
  const sumsOf = async (one: Vm) => (await one.guestExec(`sha256sum ${files}`)).stdout;

  /** Boots the image as a VM of its own and compares what is in it. */
  const restoreAndCompare = async (image: string) => {
    const restored = await lab.makeVm({ name: 'copy1', guest: 'tiny', pool: 'images', host: 'hv1', start: false });
    try {
      const target = `${lab.host('hv1').poolDirectory('images')}/copy1.qcow2`;
      const bytes = await lab.host('px1').exec(['qemu-img', 'info', '--output=json', image]);
      expect(JSON.parse(bytes.stdout)).toMatchObject({ format: 'qcow2' });
      expect(JSON.parse(bytes.stdout)['backing-filename']).toBeUndefined();
      await must('scp', ['-q', '-F', lab.sshConfig, `px1:${image}`, target]);
      await restored.start();
      await restored.waitAgent();
      expect(await sumsOf(restored)).toBe(await sumsOf(vm));
    } finally {
      await restored.removeEverything();
    }
  };

  const leftNothing = async () => {
    const host = lab.host('hv2');
    expect((await host.virsh(['domjobinfo', 'data1'])).trim()).toMatch(/^Job type:\s+None/);
    expect((await vm.guestExec('echo thawed > /data/state && sync && echo ok')).stdout).toBe('ok\n');
    const files = await host.exec(['find', '/var/lib/libvirt/images', '/run/libvirt', '-name', '*virtbook*']);
    expect(files.stdout).toBe('');
  };

  it('makes an image that boots with the same content', async () => {
    const ended = await virtbook.run(virtbook.write('backup', backup));
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    const [image] = imagesOf(virtbook.latest()!);
    await restoreAndCompare(image!);
    await leftNothing();
  });

  it('is whole after a kill -9 of the runner in the middle', async () => {
    const run = await virtbook.start(virtbook.write('backup', backup));
    await virtbook.waitFor(run, 'the backup', record => record.type === 'step.intent' && record.key === 'backup');
    await virtbook.waitFor(run, 'its progress', record => record.type === 'step.progress' && record.key === 'backup');
    await virtbook.killRunner(run);
    const resumed = await virtbook.command('resume', run);
    expect(resumed, resumed.stdout + resumed.stderr).toMatchObject({ code: 0 });
    await restoreAndCompare(imagesOf(run)[0]!);
    await leftNothing();
  });

  it('leaves nothing on proxy and host when it is rolled back', async () => {
    const before = await lab.host('px1').exec(['find', '/var/lib/virtbook/backups', '-type', 'f']);
    const file = virtbook.write(
      'backup-and-fail',
      `${backup}- uses: guest.run\n  with: { vm: data1, argv: ["false"] }\n`,
    );
    const ended = await virtbook.run(file);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 1 });
    const after = await lab.host('px1').exec(['find', '/var/lib/virtbook/backups', '-type', 'f']);
    expect(after.stdout.split('\n').sort()).toEqual(before.stdout.split('\n').sort());
    await leftNothing();
  });
});
