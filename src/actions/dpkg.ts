import type { Exec } from '../hypervisors/ports';
import type { ActionContext } from './action';
import { ActionError } from './action-error';
import { lastWords, runInGuest } from './guest-command';

/** Package name (with architecture where dpkg shows it) to version. */
export type Versions = Record<string, string>;

export interface PackageList {
  versions: Versions;
  /** Packages that dpkg has not brought to an end: unpacked, half configured, … */
  broken: string[];
}

export interface Upgrade {
  name: string;
  /** Left out for a package that was not installed before. */
  from?: string;
  to: string;
}

const quick = { timeoutMs: 60_000, quiet: true };

/** What is installed. Throws `ActionError` when the guest has no dpkg. */
export async function installedPackages(context: ActionContext, guest: Exec, vm: string): Promise<PackageList> {
  const format = '${binary:Package}\\t${Version}\\t${db:Status-Abbrev}\\n';
  const result = await runInGuest(context, guest, ['dpkg-query', '-W', '-f', format], quick);
  if (result.code !== 0) {
    throw new ActionError(
      `The packages of ${vm} can't be listed: ${lastWords(context, result)}. Only guests with apt and dpkg can be patched.`,
      { vm },
    );
  }
  const versions: Versions = {};
  const broken: string[] = [];
  for (const line of result.stdout.split('\n')) {
    const [name, version, status = ''] = line.split('\t');
    // The second letter is the present state; n and c: not installed, only its configuration is left.
    if (!name || !version || /^.[nc]/.test(status)) continue;
    versions[name] = version;
    if (status[1] !== 'i') broken.push(name);
  }
  return { versions, broken };
}

/** What `after` has that `before` had not, or in another version. */
export function upgrades(before: Versions, after: Versions): Upgrade[] {
  return Object.entries(after)
    .filter(([name, to]) => before[name] !== to)
    .map(([name, to]) => (before[name] === undefined ? { name, to } : { name, from: before[name], to }));
}

/** Everything that differs, also what is gone, as words. */
export function differences(before: Versions, after: Versions): string[] {
  return [
    ...upgrades(before, after).map(({ name, from, to }) => `${name} is ${to}, was ${from ?? 'not installed'}`),
    ...Object.keys(before)
      .filter(name => after[name] === undefined)
      .map(name => `${name} is gone, was ${before[name]}`),
  ];
}

/** argv of apt-get that asks nothing and keeps changed configuration files. Its own exit status counts; nothing is piped. */
export function aptGet(...args: string[]): string[] {
  return [
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'LC_ALL=C.UTF-8',
    'apt-get',
    '-q',
    '-y',
    // Without a terminal of its own dpkg says on stderr what went wrong, so that an error can tell.
    '-o',
    'Dpkg::Use-Pty=0',
    '-o',
    'DPkg::Lock::Timeout=120',
    '-o',
    'Dpkg::Options::=--force-confdef',
    '-o',
    'Dpkg::Options::=--force-confold',
    ...args,
  ];
}

/** Waits until neither apt-get nor dpkg runs: a command that was started goes on when the runner is killed. */
export async function waitForIdleApt(
  context: ActionContext,
  guest: Exec,
  vm: string,
  timeoutMs: number,
): Promise<void> {
  const end = context.now() + timeoutMs;
  for (;;) {
    const { code } = await runInGuest(context, guest, ['pidof', 'apt-get', 'dpkg'], quick);
    // 1: neither runs; 127: no pidof to ask.
    if (code !== 0) return;
    if (context.now() >= end) {
      throw new ActionError(
        `apt is still running in ${vm} after ${timeoutMs / 1000} s; wait for it or stop it, then go on.`,
        {
          vm,
        },
      );
    }
    await context.sleep(2000);
  }
}
