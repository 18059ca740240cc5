import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { cached, labKey, labSources } from './guest-cache';
import { cloudKernelPackage, downloadPackages } from './packages';
import { must } from './processes';

/** Modules in the order they are loaded: virtio_ring before virtio, or the kernel refuses the second. */
const modules = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci',
  'drivers/virtio/virtio_balloon',
  'drivers/block/virtio_blk',
  'net/core/failover',
  'drivers/net/net_failover',
  'drivers/net/virtio_net',
  'drivers/char/virtio_console',
  'drivers/char/hw_random/virtio-rng',
  'drivers/acpi/button',
  'drivers/input/evdev',
];

const sources = [
  'tiny-guest.ts',
  'guest/tiny-init.sh',
  'guest/tiny-shutdown.sh',
  'guest/fsfreeze-hook.sh',
  'guest/writer.sh',
];

/**
 * The tiny guest: busybox, agent and dropbear in an initramfs, from Debian packages that are unpacked, not installed.
 * The folder holds vmlinuz, tiny.cpio (also the first stage of other guests), disk.qcow2 (ext4, the guest's /data)
 * and host_key, dropbear's own key with its public half in host_key.pub.
 */
export function tinyGuest(): Promise<string> {
  return cached('tiny', sources, build);
}

async function build(out: string): Promise<void> {
  const work = join(out, 'work');
  const unpacked = join(work, 'packages');
  const root = join(work, 'root');
  mkdirSync(unpacked, { recursive: true });
  const kernel = await cloudKernelPackage();
  const names = ['busybox-static', 'dropbear-bin', 'qemu-guest-agent', 'libtomcrypt1', 'libtommath1', kernel];
  await downloadPackages(work, names);
  for (const deb of readdirSync(work).filter(name => name.endsWith('.deb')))
    await must('dpkg-deb', ['-x', join(work, deb), unpacked]);

  for (const folder of 'bin sbin dev proc sys run tmp data newroot www etc/dropbear etc/qemu root/.ssh lib/modules usr/bin usr/sbin var/run var/log etc/acpi/PWRF'.split(
    ' ',
  ))
    mkdirSync(join(root, folder), { recursive: true });
  const busybox = firstOf(unpacked, ['bin/busybox', 'usr/bin/busybox']);
  copyFileSync(busybox, join(root, 'bin/busybox'));
  for (const applet of (await must(busybox, ['--list'])).trim().split('\n'))
    if (applet !== 'busybox') symlinkSync('/bin/busybox', join(root, 'bin', applet));
  for (const program of ['usr/sbin/qemu-ga', 'usr/sbin/dropbear']) {
    copyFileSync(join(unpacked, program), join(root, program));
    await copyLibraries(join(unpacked, program), unpacked, root);
  }
  await copyModules(firstOf(unpacked, ['lib/modules', 'usr/lib/modules']), join(root, 'lib/modules'));

  script('tiny-init.sh', join(root, 'init'));
  script('tiny-shutdown.sh', join(root, 'sbin/shutdown'));
  script('fsfreeze-hook.sh', join(root, 'etc/qemu/fsfreeze-hook'));
  script('writer.sh', join(root, 'bin/writer'));
  writeFileSync(join(root, 'etc/acpi/PWRF/00000080'), '#!/bin/sh\nexec /sbin/shutdown -P\n', { mode: 0o755 });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(root, 'etc/shells'), '/bin/sh\n');
  writeFileSync(join(root, 'www/index.html'), 'ok\n');
  copyFileSync(`${await labKey()}.pub`, join(root, 'root/.ssh/authorized_keys'));
  for (const folder of ['root', 'root/.ssh']) chmodSync(join(root, folder), 0o700);

  const libraries = { LD_LIBRARY_PATH: join(unpacked, 'usr/lib/x86_64-linux-gnu') };
  const said = await must(join(unpacked, 'usr/bin/dropbearkey'), ['-t', 'ed25519', '-f', join(out, 'host_key')], {
    env: libraries,
  });
  const publicKey = /^ssh-ed25519 \S+/m.exec(said)?.[0];
  if (!publicKey) throw new Error(`dropbearkey printed no public key: ${said}`);
  writeFileSync(join(out, 'host_key.pub'), `${publicKey}\n`);
  copyFileSync(join(out, 'host_key'), join(root, 'etc/dropbear/dropbear_ed25519_host_key'));

  const list = await must('find', ['.'], { cwd: root });
  await must('sh', ['-c', 'cpio -o -H newc --quiet --owner 0:0 > "$1"', 'cpio', join(out, 'tiny.cpio')], {
    cwd: root,
    input: list,
  });
  const boot = join(unpacked, 'boot');
  const vmlinuz = readdirSync(boot).find(name => name.startsWith('vmlinuz-'));
  if (!vmlinuz) throw new Error(`${kernel} holds no /boot/vmlinuz`);
  copyFileSync(join(boot, vmlinuz), join(out, 'vmlinuz'));

  const seed = join(work, 'seed');
  mkdirSync(seed);
  writeFileSync(join(seed, 'hello'), 'hello from the seed disk\n');
  await must('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', seed, '-L', 'data', join(work, 'disk.raw'), '256M']);
  await must('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', join(work, 'disk.raw'), join(out, 'disk.qcow2')]);
  rmSync(work, { recursive: true });
}

/** Copies a script of `guest/` to where the guest runs it. */
export function script(name: string, target: string): void {
  copyFileSync(join(labSources, 'guest', name), target);
  chmodSync(target, 0o755);
}

/** Shared libraries: from this machine where it has them, else from the packages unpacked beside. */
async function copyLibraries(program: string, unpacked: string, root: string): Promise<void> {
  const search = join(unpacked, 'usr/lib/x86_64-linux-gnu');
  const text = await must('ldd', [program], { env: { LD_LIBRARY_PATH: search } });
  const lost = /^\s*(\S+) => not found$/m.exec(text)?.[1];
  if (lost)
    throw new Error(`${program} needs ${lost}, which is neither on this machine nor in the packages of the tiny guest`);
  for (const match of text.matchAll(/(?:=> |^\s+)(\/\S+) \(/gm)) {
    const library = match[1]!;
    const target = join(root, library.startsWith(unpacked) ? library.slice(unpacked.length) : library);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(library, target);
  }
}

async function copyModules(all: string, target: string): Promise<void> {
  const version = readdirSync(all)[0];
  if (!version) throw new Error(`no kernel modules in ${all}`);
  const order: string[] = [];
  for (const name of modules) {
    const file = join(all, version, 'kernel', `${name}.ko`);
    const short = `${name.split('/').pop()}.ko`;
    // Newer kernels keep modules compressed, which busybox cannot load, and build some in.
    if (existsSync(file)) copyFileSync(file, join(target, short));
    else if (existsSync(`${file}.xz`))
      await must('sh', ['-c', 'xz -dc "$1" > "$2"', 'xz', `${file}.xz`, join(target, short)]);
    else continue;
    order.push(short);
  }
  writeFileSync(join(target, 'order'), `${order.join('\n')}\n`);
}

function firstOf(base: string, paths: readonly string[]): string {
  const found = paths.map(path => join(base, path)).find(existsSync);
  if (!found) throw new Error(`none of ${paths.join(', ')} in the packages of the tiny guest`);
  return found;
}
