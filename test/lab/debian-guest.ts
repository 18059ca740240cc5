import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { cached, labKey } from './guest-cache';
import { debianMirror } from './packages';
import { must } from './processes';
import { script, tinyGuest } from './tiny-guest';

const sources = [
  'debian-guest.ts',
  'guest/debian-boot.sh',
  'guest/debian-shutdown.sh',
  'guest/fsfreeze-hook.sh',
  'guest/writer.sh',
];

const packages = ['mount', 'qemu-guest-agent', 'dropbear-bin', 'busybox-static', 'iproute2', 'procps', 'psmisc'];

/**
 * The Debian 12 guest: apt, dpkg, agent and dropbear, started by busybox init (no systemd: emulated, it takes too long).
 * The folder holds disk.qcow2, its root file system. Booted by the tiny guest's kernel and initramfs.
 */
export async function debianGuest(): Promise<string> {
  const tiny = await tinyGuest();
  return cached('debian', sources, out => build(out, tiny));
}

async function build(out: string, tiny: string): Promise<void> {
  const root = join(out, 'root');
  const trimmed = ['doc', 'man', 'locale', 'info'].map(name => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  await must('mmdebstrap', [
    '--quiet',
    '--mode=root',
    '--variant=apt',
    `--include=${packages.join(',')}`,
    ...trimmed,
    '--dpkgopt=force-unsafe-io',
    'bookworm',
    root,
    `deb ${debianMirror()} bookworm main`,
  ]);
  const file = (path: string) => join(root, path);
  rmSync(file('var/lib/apt/lists'), { recursive: true });
  rmSync(file('var/cache/apt'), { recursive: true });
  for (const folder of [
    'var/lib/apt/lists/partial',
    'var/cache/apt/archives/partial',
    'data',
    'www',
    'root/.ssh',
    'etc/dropbear',
    'etc/qemu',
    'etc/acpi/PWRF',
  ])
    mkdirSync(file(folder), { recursive: true });

  await buildRepository(out, file('srv/repo'));
  await must('chroot', [root, 'sh', '-c', 'dpkg -i /srv/repo/v10/*.deb']);
  rmSync(file('etc/apt/sources.list.d'), { recursive: true, force: true });
  mkdirSync(file('etc/apt/sources.list.d'));
  writeFileSync(file('etc/apt/sources.list'), 'deb [trusted=yes] file:/srv/repo/current ./\n');

  writeFileSync(file('etc/apt/apt.conf.d/90lab'), 'Acquire::Languages "none";\n');

  copyFileSync(`${await labKey()}.pub`, file('root/.ssh/authorized_keys'));
  chmodSync(file('root/.ssh'), 0o700);
  copyFileSync(join(tiny, 'host_key'), file('etc/dropbear/dropbear_ed25519_host_key'));
  script('fsfreeze-hook.sh', file('etc/qemu/fsfreeze-hook'));
  script('writer.sh', file('usr/local/bin/writer'));
  script('debian-boot.sh', file('etc/rc.boot'));
  rmSync(file('sbin/shutdown'), { force: true });
  script('debian-shutdown.sh', file('sbin/shutdown'));
  writeFileSync(file('etc/acpi/PWRF/00000080'), '#!/bin/sh\nexec /sbin/shutdown -P\n', { mode: 0o755 });
  rmSync(file('sbin/init'), { force: true });
  symlinkSync('/bin/busybox', file('sbin/init'));
  const inittab = [
    '::sysinit:/etc/rc.boot',
    '::respawn:/bin/busybox getty -n -l /bin/sh 115200 ttyS0 vt100',
    '::ctrlaltdel:/sbin/shutdown -r',
  ];
  writeFileSync(file('etc/inittab'), `${inittab.join('\n')}\n`);
  writeFileSync(file('etc/hosts'), '127.0.0.1 localhost\n');
  writeFileSync(file('etc/resolv.conf'), '');
  writeFileSync(file('www/index.html'), 'ok\n');

  const raw = join(out, 'disk.raw');
  await must('mke2fs', [
    '-q',
    '-F',
    '-t',
    'ext4',
    '-E',
    'lazy_itable_init=1,lazy_journal_init=1',
    '-L',
    'root',
    '-d',
    root,
    raw,
    '1G',
  ]);
  await must('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, join(out, 'disk.qcow2')]);
  rmSync(raw);
  rmSync(root, { recursive: true });
}

/**
 * A repository per state of the world; `current` is a link that tests turn:
 * v10 has what is installed, v11 a good upgrade, v12 one whose postinst fails, vreboot one that asks for a reboot.
 */
async function buildRepository(work: string, target: string): Promise<void> {
  const says = (text: string) => `#!/bin/sh\nset -e\n[ "$1" = configure ] || exit 0\n${text}\n`;
  const failing = says('echo "labapp: cannot convert its data" >&2; exit 1');
  const asksForReboot = says('touch /run/reboot-required; echo labreboot >> /run/reboot-required.pkgs');
  const states: Record<string, { name: string; version: string; postinst?: string }[]> = {
    v10: [
      { name: 'labapp', version: '1.0' },
      { name: 'labreboot', version: '1.0' },
    ],
    v11: [{ name: 'labapp', version: '1.1' }],
    v12: [{ name: 'labapp', version: '1.2', postinst: failing }],
    vreboot: [{ name: 'labreboot', version: '1.1', postinst: asksForReboot }],
  };
  for (const [state, debs] of Object.entries(states)) {
    const folder = join(target, state);
    mkdirSync(folder, { recursive: true });
    for (const deb of debs) await addPackage(join(work, 'deb'), folder, deb);
    writeRelease(folder);
  }
  symlinkSync('v10', join(target, 'current'));
}

/** Without a Release file apt tries every compression of the index and calls each one missing an error. */
function writeRelease(folder: string): void {
  const index = readFileSync(join(folder, 'Packages'));
  const date = new Date().toUTCString().replace('GMT', 'UTC');
  const digest = createHash('sha256').update(index).digest('hex');
  writeFileSync(join(folder, 'Release'), `Origin: lab\nDate: ${date}\nSHA256:\n ${digest} ${index.length} Packages\n`);
}

async function addPackage(
  work: string,
  folder: string,
  deb: { name: string; version: string; postinst?: string },
): Promise<void> {
  const { name, version } = deb;
  mkdirSync(join(work, 'DEBIAN'), { recursive: true });
  mkdirSync(join(work, 'usr/bin'), { recursive: true });
  const control = `Package: ${name}
Version: ${version}
Architecture: all
Maintainer: the lab <lab@localhost>
Description: a package for patching in the lab
`;
  writeFileSync(join(work, 'DEBIAN/control'), control);
  if (deb.postinst) writeFileSync(join(work, 'DEBIAN/postinst'), deb.postinst, { mode: 0o755 });
  writeFileSync(join(work, 'usr/bin', name), `#!/bin/sh\necho ${name} ${version}\n`, { mode: 0o755 });
  const file = `${name}_${version}_all.deb`;
  await must('dpkg-deb', ['--root-owner-group', '--build', work, join(folder, file)]);
  const bytes = readFileSync(join(folder, file));
  const digest = createHash('sha256').update(bytes).digest('hex');
  appendFileSync(
    join(folder, 'Packages'),
    `${control}Filename: ./${file}\nSize: ${bytes.length}\nSHA256: ${digest}\n\n`,
  );
  rmSync(work, { recursive: true });
}
