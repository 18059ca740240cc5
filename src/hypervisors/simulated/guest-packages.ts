import { failed, type GuestEffect, type GuestMachine, ok } from './guest-machine';
import type { LabGuest, LabPackageVersion } from './state';

/** apt and dpkg of the simulated guest: enough to patch, to fail in a package's own script, to look and to go back. */

interface Change {
  name: string;
  from?: string;
  to: LabPackageVersion;
}

const aptSeconds = 4;

export function runAptGet(machine: GuestMachine, args: string[]): GuestEffect {
  const flags = new Set<string>();
  const names: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === '-o' || arg === '-t') at++;
    else if (arg.startsWith('-')) flags.add(arg);
    else names.push(arg);
  }
  const verb = names.shift();
  const { repository } = machine;
  if (verb === 'update') {
    return repository
      ? ok(machine, 'Reading package lists...\n', machine.guest, 2)
      : failed(machine, 100, 'E: The repository is not reachable.\n', machine.guest, 2);
  }
  if (verb === 'upgrade' || verb === 'dist-upgrade' || verb === 'install' || verb === 'remove') {
    const broken = Object.entries(machine.guest.packages).find(([, entry]) => entry.status !== 'installed')?.[0];
    if (broken !== undefined && verb !== 'install') {
      return failed(
        machine,
        100,
        `E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem (${broken}).\n`,
      );
    }
  }
  if (verb === 'remove') return remove(machine, names, flags);
  const changes: Change[] = [];
  if (verb === 'upgrade' || verb === 'dist-upgrade') {
    for (const [name, entry] of Object.entries(machine.guest.packages)) {
      const candidate = repository?.[name]?.at(-1);
      if (candidate && candidate.version !== entry.version) changes.push({ name, from: entry.version, to: candidate });
    }
  } else if (verb === 'install') {
    for (const wanted of names) {
      const [name = '', version] = wanted.split('=');
      const installed = machine.guest.packages[name];
      const known = repository?.[name];
      if (!known && !installed) return failed(machine, 100, `E: Unable to locate package ${name}\n`);
      if (!installed && flags.has('--only-upgrade')) continue;
      const to = version === undefined ? known?.at(-1) : known?.find(entry => entry.version === version);
      if (version !== undefined && !to && installed?.version !== version) {
        return failed(machine, 100, `E: Version '${version}' for '${name}' was not found\n`);
      }
      if (!to || (installed?.version === to.version && installed.status === 'installed')) continue;
      if (isDowngrade(known, installed?.version, to) && !flags.has('--allow-downgrades')) {
        return failed(machine, 100, 'E: Packages were downgraded and -y was used without --allow-downgrades.\n');
      }
      changes.push({ name, ...(installed ? { from: installed.version } : {}), to });
    }
  } else {
    return failed(machine, 100, `E: Invalid operation ${verb ?? ''}\n`);
  }
  if (flags.has('-s') || flags.has('--simulate') || flags.has('--dry-run')) {
    const lines = changes.map(({ name, from, to }) => `Inst ${name}${from ? ` [${from}]` : ''} (${to.version})\n`);
    return ok(machine, lines.join('') + summary(changes));
  }
  return setUp(machine, changes);
}

function isDowngrade(known: LabPackageVersion[] | undefined, from: string | undefined, to: LabPackageVersion): boolean {
  const at = known?.findIndex(entry => entry.version === from) ?? -1;
  return at >= 0 && (known?.indexOf(to) ?? 0) < at;
}

function summary(changes: Change[]): string {
  const upgraded = changes.filter(change => change.from !== undefined).length;
  return `${upgraded} upgraded, ${changes.length - upgraded} newly installed, 0 to remove and 0 not upgraded.\n`;
}

function setUp(machine: GuestMachine, changes: Change[]): GuestEffect {
  let guest: LabGuest = machine.guest;
  let stdout = summary(changes);
  for (const { name, from, to } of changes) {
    const fails = to.postinst === 'fails';
    stdout += `Unpacking ${name} (${to.version})${from ? ` over (${from})` : ''} ...\nSetting up ${name} (${to.version}) ...\n`;
    guest = {
      ...guest,
      packages: { ...guest.packages, [name]: { version: to.version, status: fails ? 'half-configured' : 'installed' } },
    };
    if (fails) {
      const stderr =
        `dpkg: error processing package ${name} (--configure):\n` +
        ` installed ${name} package post-installation script subprocess returned error exit status 1\n` +
        `Errors were encountered while processing:\n ${name}\n` +
        'E: Sub-process /usr/bin/dpkg returned an error code (1)\n';
      return { result: { code: 100, stdout, stderr }, guest, seconds: aptSeconds };
    }
    if (to.breaksService !== undefined && to.breaksService in guest.services) {
      guest = { ...guest, services: { ...guest.services, [to.breaksService]: 'failed' } };
    }
    if (to.rebootRequired) {
      const file = '/run/reboot-required';
      guest = { ...guest, files: { ...guest.files, [file]: '*** System restart required ***\n' } };
    }
  }
  return ok(machine, stdout, guest, changes.length === 0 ? 1 : aptSeconds);
}

function remove(machine: GuestMachine, names: string[], flags: Set<string>): GuestEffect {
  const packages = { ...machine.guest.packages };
  for (const name of names) {
    if (!(name in packages)) return failed(machine, 100, `E: Unable to locate package ${name}\n`);
    delete packages[name];
  }
  if (flags.has('-s')) return ok(machine);
  return ok(machine, `${names.length} to remove.\n`, { ...machine.guest, packages }, aptSeconds);
}

export function runDpkg(machine: GuestMachine, args: string[]): GuestEffect {
  const broken = Object.entries(machine.guest.packages).filter(([, entry]) => entry.status !== 'installed');
  if (args[0] === '--audit' || args[0] === '-C') {
    const list = broken.map(([name]) => ` ${name}\n`).join('');
    return ok(machine, list && `The following packages are only half configured:\n${list}`);
  }
  if (args[0] === '--configure' && args[1] === '-a') {
    const stuck = broken.find(
      ([name, entry]) =>
        machine.repository?.[name]?.find(version => version.version === entry.version)?.postinst === 'fails',
    );
    if (stuck) return failed(machine, 1, `dpkg: error processing package ${stuck[0]} (--configure)\n`);
    const healed = Object.fromEntries(
      broken.map(([name, entry]) => [name, { ...entry, status: 'installed' as const }]),
    );
    return ok(machine, '', { ...machine.guest, packages: { ...machine.guest.packages, ...healed } });
  }
  return failed(machine, 2, `dpkg: ${args[0] ?? ''}: not known in the simulated guest\n`);
}

export function runDpkgQuery(machine: GuestMachine, args: string[]): GuestEffect {
  let format = '${binary:Package}\\t${Version}\\n';
  const wanted: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === '-W' || arg === '--show') continue;
    if (arg === '-f') format = args[++at] ?? '';
    else if (arg.startsWith('-f=')) format = arg.slice(3);
    else if (arg.startsWith('--showformat=')) format = arg.slice('--showformat='.length);
    else if (arg.startsWith('-')) return failed(machine, 2, `dpkg-query: ${arg}: not known in the simulated guest\n`);
    else wanted.push(arg);
  }
  const { packages } = machine.guest;
  let stdout = '';
  let stderr = '';
  for (const name of wanted.length > 0 ? wanted : Object.keys(packages).sort()) {
    const entry = packages[name];
    if (!entry) {
      stderr += `dpkg-query: no packages found matching ${name}\n`;
      continue;
    }
    const installed = entry.status === 'installed';
    const fields: Record<string, string> = {
      Package: name,
      'binary:Package': name,
      Version: entry.version,
      Architecture: 'amd64',
      Status: installed ? 'install ok installed' : 'install ok half-configured',
      'db:Status-Abbrev': installed ? 'ii ' : 'iF ',
      'db:Status-Status': entry.status,
    };
    stdout += format
      .replace(/\$\{([^}]+)\}/g, (_, field: string) => fields[field] ?? '')
      .replace(/\\([tn\\])/g, (_, char: string) => (char === 't' ? '\t' : char === 'n' ? '\n' : '\\'));
  }
  return { result: { code: stderr ? 1 : 0, stdout, stderr }, guest: machine.guest, seconds: 0.1 };
}
