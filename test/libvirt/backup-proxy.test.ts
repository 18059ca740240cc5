import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { DiskExport } from '../../src/hypervisors/ports';
import { QemuImgProxy } from '../../src/hypervisors/proxy/backup-proxy';
import type { Machine, MachineExecOptions } from '../../src/hypervisors/proxy/machine';

type Answer = { code?: number; stdout?: string; stderr?: string } | Error;

/** Records what is run, and answers by the command's name. */
class FakeMachine implements Machine {
  readonly name = 'px1';
  readonly ran: string[][] = [];
  relays = 0;
  answers: Record<string, (argv: readonly string[], options: MachineExecOptions) => Answer> = {};

  async exec(argv: readonly string[], options: MachineExecOptions = {}) {
    this.ran.push([...argv]);
    const command = argv[0] === 'qemu-img' ? `qemu-img ${argv[1]}` : argv[0] === 'env' ? argv[2]! : argv[0]!;
    const answer = this.answers[command]?.(argv, options) ?? {};
    if (answer instanceof Error) throw answer;
    if (answer.stdout) options.onStdout?.(answer.stdout);
    return { code: 0, stdout: '', stderr: '', ...answer };
  }
  async relay(socket: string) {
    this.relays++;
    this.ran.push(['relay', socket]);
    return {
      close: async () => {
        this.relays--;
      },
    };
  }
  commands() {
    return this.ran.map(argv => argv.join(' '));
  }
}

const viaSocket: DiskExport = {
  target: 'vda',
  virtualSizeBytes: 1024,
  exportName: 'vda',
  unix: { path: '/run/x.nbd', host: 'hv1', open: async () => new PassThrough() },
};
const viaTcp: DiskExport = {
  target: 'vda',
  virtualSizeBytes: 1024,
  exportName: 'vda',
  tcp: { host: '10.0.0.1', port: 10_809 },
};
const good = (machine: FakeMachine) => {
  machine.answers['qemu-img info'] = () => ({ stdout: '{"virtual-size": 1024}' });
  machine.answers.stat = () => ({ stdout: '777\n' });
};

describe('a backup proxy', () => {
  test('reads into a partial file that gets its name only when it is on disk', async () => {
    const machine = new FakeMachine();
    good(machine);
    const proxy = new QemuImgProxy(machine, '/backups', 'tcp');
    expect(await proxy.readImage(viaTcp, '/backups/web1/vda.qcow2', {})).toEqual({
      path: '/backups/web1/vda.qcow2',
      sizeBytes: 777,
      virtualSizeBytes: 1024,
    });
    expect(machine.commands().slice(0, 5)).toEqual([
      'mkdir -p -- /backups/web1',
      'qemu-img convert -p -f raw -O qcow2 nbd://10.0.0.1:10809/vda /backups/web1/vda.qcow2.partial',
      'sync -- /backups/web1/vda.qcow2.partial',
      'mv -T -- /backups/web1/vda.qcow2.partial /backups/web1/vda.qcow2',
      'sync -- /backups/web1',
    ]);
  });
  test('relays a socket of the host, tells progress, and closes the relay', async () => {
    const machine = new FakeMachine();
    good(machine);
    machine.answers['qemu-img convert'] = () => ({
      stdout: '    (0.00/100%)\r    (50.5' + '0/100%)\r    (100.00/100%)\r',
    });
    const fractions: (number | undefined)[] = [];
    const proxy = new QemuImgProxy(machine, '/backups', 'unix');
    await proxy.readImage(viaSocket, '/backups/a.qcow2', { onProgress: ({ fraction }) => fractions.push(fraction) });
    const [, swept, relayed, convert] = machine.commands();
    const socket = relayed!.split(' ')[1]!;
    expect(socket).toMatch(/^\/backups\/\.[0-9a-f]+\.nbd$/);
    expect(swept).toBe(`rm -f -- ${socket}`);
    expect(convert).toBe(
      `qemu-img convert -p -f raw -O qcow2 nbd+unix:///vda?socket=${encodeURIComponent(socket)} /backups/a.qcow2.partial`,
    );
    expect(fractions).toEqual([1]);
    expect(machine.relays).toBe(0);
  });
  test('leaves nothing when reading fails', async () => {
    const machine = new FakeMachine();
    machine.answers['qemu-img convert'] = () => ({
      code: 1,
      stderr: 'qemu-img: error while writing: No space left on device\n',
    });
    const proxy = new QemuImgProxy(machine, '/backups', 'unix');
    await expect(proxy.readImage(viaSocket, '/backups/a.qcow2', {})).rejects.toMatchObject({ kind: 'no-space' });
    expect(machine.commands().at(-1)).toBe('rm -f -- /backups/a.qcow2.partial');
    expect(machine.commands().some(command => command.startsWith('mv'))).toBe(false);
    expect(machine.relays).toBe(0);
  });
  test('leaves nothing when it is cancelled', async () => {
    const machine = new FakeMachine();
    const controller = new AbortController();
    machine.answers['qemu-img convert'] = () => {
      controller.abort();
      return new Error('aborted');
    };
    const proxy = new QemuImgProxy(machine, '/backups', 'unix');
    await expect(proxy.readImage(viaSocket, '/backups/a.qcow2', { signal: controller.signal })).rejects.toMatchObject({
      kind: 'cancelled',
    });
    expect(machine.commands().at(-1)).toBe('rm -f -- /backups/a.qcow2.partial');
    const before = machine.ran.length;
    await expect(proxy.readImage(viaSocket, '/backups/a.qcow2', { signal: controller.signal })).rejects.toMatchObject({
      kind: 'cancelled',
    });
    expect(machine.ran).toHaveLength(before);
  });
  test('refuses an image of another size than its disk', async () => {
    const machine = new FakeMachine();
    good(machine);
    machine.answers['qemu-img info'] = () => ({ stdout: '{"virtual-size": 512}' });
    await expect(
      new QemuImgProxy(machine, '/backups', 'tcp').readImage(viaTcp, '/backups/a', {}),
    ).rejects.toMatchObject({ kind: 'failed' });
  });
  test.each([
    '/backups',
    '/backups/',
    '/backups/..',
    '/backups/../etc/passwd',
    '/etc/passwd',
    '/backups2/a',
    'a',
    '/backups/a\0b',
  ])('does not touch %j', async path => {
    const machine = new FakeMachine();
    const proxy = new QemuImgProxy(machine, '/backups/', 'tcp');
    await expect(proxy.remove(path)).rejects.toMatchObject({ kind: 'refused' });
    await expect(proxy.writeFile(path, 'x')).rejects.toMatchObject({ kind: 'refused' });
    await expect(proxy.readImage(viaTcp, path, {})).rejects.toMatchObject({ kind: 'refused' });
    expect(machine.ran).toEqual([]);
  });
  test('does not follow a link out of its folder to remove', async () => {
    const machine = new FakeMachine();
    machine.answers.realpath = argv => ({ stdout: argv.at(-1) === '/backups/link' ? '/etc\n' : '/backups\n' });
    await expect(new QemuImgProxy(machine, '/backups', 'tcp').remove('/backups/link/passwd')).rejects.toMatchObject({
      kind: 'refused',
    });
    expect(machine.commands().some(command => command.startsWith('rm'))).toBe(false);
  });
  test('has a folder of its own, never the whole machine', () => {
    expect(() => new QemuImgProxy(new FakeMachine(), '/', 'tcp')).toThrow(/folder/);
    expect(() => new QemuImgProxy(new FakeMachine(), 'backups', 'tcp')).toThrow(/folder/);
  });
  test('what is not there is no error to look at, and everything else is', async () => {
    const machine = new FakeMachine();
    const proxy = new QemuImgProxy(machine, '/backups', 'tcp');
    machine.answers.stat = () => ({ code: 1, stderr: "stat: cannot statx '/backups/a': No such file or directory" });
    expect(await proxy.stat('/backups/a')).toBeUndefined();
    expect(await proxy.readFile('/backups/a')).toBeUndefined();
    machine.answers.stat = () => ({ code: 1, stderr: "stat: cannot statx '/backups/a': Permission denied" });
    await expect(proxy.stat('/backups/a')).rejects.toMatchObject({ kind: 'failed' });
    machine.answers.df = () => ({ stdout: '      Avail\n1000000\n' });
    expect(await proxy.freeBytes()).toBe(1_000_000);
  });
});
