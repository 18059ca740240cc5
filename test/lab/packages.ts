import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, run } from './processes';

/** Debian packages of a lab. libvirt-daemon-system is left out on purpose: it would start services on this machine. */
const needed = [
  'libvirt-daemon',
  'libvirt-daemon-driver-qemu',
  'libvirt-clients',
  'qemu-system-x86',
  'qemu-utils',
  'openssh-server',
  'openssh-client',
  'libnbd-bin',
  'nbdkit',
  'mmdebstrap',
  'busybox-static',
  'cpio',
  'e2fsprogs',
  'iptables',
  'iproute2',
  'xz-utils',
];

/** Installs what a lab needs and this machine lacks. */
export async function ensurePackages(say: (line: string) => void): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error(
      'The lab makes namespaces, mounts and control groups: run it as root (e.g. `sudo npm run lab -- up`).',
    );
  const known = await run('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\n', ...needed]);
  const installed = new Set(
    known.stdout
      .split('\n')
      .filter(line => line.endsWith(' installed'))
      .map(line => line.split(' ')[0]),
  );
  const missing = needed.filter(name => !installed.has(name));
  if (missing.length === 0) return;
  say(`installing ${missing.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['-o', 'DPkg::Lock::Timeout=400', 'install', '-y', '--no-install-recommends', ...missing];
  if ((await run('apt-get', install, { env })).code === 0) return;
  await must('apt-get', ['-o', 'DPkg::Lock::Timeout=400', 'update'], { env });
  await must('apt-get', install, { env });
}

/** Downloads packages by apt, without installing them, into `folder`. */
export async function downloadPackages(folder: string, names: readonly string[]): Promise<void> {
  // apt's own sandbox user may not write into a folder of root's: do it as root.
  const download = ['-o', 'APT::Sandbox::User=root', 'download', ...names];
  if ((await run('apt-get', download, { cwd: folder })).code === 0) return;
  await must('apt-get', ['-o', 'DPkg::Lock::Timeout=400', 'update']);
  await must('apt-get', download, { cwd: folder });
}

/** The name of the package that holds Debian's kernel for virtual machines, e.g. linux-image-6.1.0-9-cloud-amd64. */
export async function cloudKernelPackage(): Promise<string> {
  const ask = () => run('apt-cache', ['depends', '--important', 'linux-image-cloud-amd64']);
  const find = (text: string) => /Depends: (linux-image-\S+)/.exec(text)?.[1];
  const name = find((await ask()).stdout);
  if (name) return name;
  await must('apt-get', ['-o', 'DPkg::Lock::Timeout=400', 'update']);
  const again = find((await ask()).stdout);
  if (again) return again;
  throw new Error(
    'apt knows no linux-image-cloud-amd64: the lab needs Debian on amd64 with its main archive as a source.',
  );
}

/** The archive this machine itself installs Debian from: the URI of its first source that has `main` of a release. */
export function debianMirror(): string {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map(name => join(folder, name)) : []),
  ];
  for (const file of files.filter(existsSync)) {
    const text = readFileSync(file, 'utf8');
    const uri = file.endsWith('.sources')
      ? mirrorOfStanzas(text)
      : file.endsWith('.list')
        ? mirrorOfLines(text)
        : undefined;
    if (uri) return uri;
  }
  throw new Error(
    'No Debian archive in /etc/apt/sources.list or /etc/apt/sources.list.d: the Debian guest is built from it.',
  );
}

/** Release names only: security, updates and other companies' archives do not hold a whole Debian. */
const release = /^(stable|oldstable|testing|unstable|sid|[a-z]+)$/;

function mirrorOfLines(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const [, uri, suite, parts] = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    const archive = uri && suite ? debianArchive([uri], [suite], parts?.split(/\s+/) ?? []) : undefined;
    if (archive) return archive;
  }
  return undefined;
}

function mirrorOfStanzas(text: string): string | undefined {
  for (const stanza of text.replace(/^#.*\n/gm, '').split(/\n\s*\n/)) {
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'mi').exec(stanza)?.[1]?.split(/\s+/) ?? [];
    if (!field('Types').includes('deb') || field('Enabled').includes('no')) continue;
    const archive = debianArchive(field('URIs'), field('Suites'), field('Components'));
    if (archive) return archive;
  }
  return undefined;
}

function debianArchive(
  uris: readonly string[],
  suites: readonly string[],
  components: readonly string[],
): string | undefined {
  if (!components.includes('main') || !suites.some(suite => release.test(suite))) return undefined;
  // Debian's cloud images name a file with a list of mirrors.
  const plain = uris.map(uri =>
    uri.startsWith('mirror+file:') ? (readFileSync(uri.slice(12), 'utf8').split(/\s/)[0] ?? '') : uri,
  );
  return plain.find(uri => /\/debian\/?$/.test(uri));
}
