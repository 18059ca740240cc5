import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ExecResult {
  /** Exit code; 128 + signal number when a signal ended it, as a shell says it. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string;
  cwd?: string;
  env?: Record<string, string>;
  timeoutMs?: number;
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Runs a command to its end. Throws only when it cannot be started or outlives `timeoutMs`. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    let late = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer = options.timeoutMs
      ? setTimeout(() => {
          late = true;
          child.kill('SIGKILL');
        }, options.timeoutMs)
      : undefined;
    // A command that does not read its input closes the pipe early; its exit code says the rest.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', error => {
      clearTimeout(timer);
      reject(new Error(`${command} cannot be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (late) reject(new Error(`${command} ${args.join(' ')}: no end after ${options.timeoutMs} ms`));
      else resolve({ code: code ?? 128 + (signalNumbers[signal ?? 'SIGTERM'] ?? 0), stdout, stderr });
    });
  });
}

/** Like `run`, but a non-zero exit code is an error that shows what the command said. Returns its stdout. */
export async function must(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(command, args, options);
  if (result.code === 0) return result.stdout;
  const said = (result.stderr.trim() || result.stdout.trim()).slice(-2000);
  throw new Error(`${command} ${args.join(' ')}: exit code ${result.code}\n${said}`);
}

/** Asks until the answer is not undefined; throws with `what` after `timeoutMs`. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined> | T | undefined,
  everyMs = 50,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`${what}: not seen within ${timeoutMs} ms`);
    await sleep(everyMs);
  }
}

/** The environment variable by which a lab knows its own processes; its value is `memberMark`. */
export const memberVariable = 'VIRTBOOK_LAB_MEMBER';

/** How one member (a host, the fan) of the lab in `directory` is marked. */
export function memberMark(directory: string, member: string): string {
  return `${directory}:${member}`;
}

interface MemberProcess {
  pid: number;
  member: string;
  /** Whether it is pid 1 of its member. */
  first: boolean;
}

/**
 * Finds a lab's processes by their mark, not by pid files: a recycled pid is never taken for a host's, and what a
 * half-started host has is found too.
 */
function memberProcesses(directory: string): MemberProcess[] {
  const found: MemberProcess[] = [];
  const prefix = `${memberVariable}=${memberMark(directory, '')}`;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const mark = readFileSync(`/proc/${entry}/environ`, 'latin1')
        .split('\0')
        .find(variable => variable.startsWith(prefix));
      if (!mark) continue;
      const inner = /^NSpid:.*\s(\d+)\s+(\d+)$/m.exec(readFileSync(`/proc/${entry}/status`, 'latin1'))?.[2];
      found.push({ pid: Number(entry), member: mark.slice(prefix.length), first: inner === '1' });
    } catch {
      // It ended while we looked, or belongs to someone else.
    }
  }
  return found;
}

/** The lab's members that are up, with the pid that each one's pid 1 has here. */
export function runningMembers(directory: string): Map<string, number> {
  const first = memberProcesses(directory).filter(one => one.first);
  return new Map(first.map(one => [one.member, one.pid]));
}

/** Ends every process of the lab, of members that are only just starting too. */
export async function killMembers(directory: string): Promise<void> {
  await until(
    `the end of the processes of ${directory}`,
    15_000,
    async () => {
      const all = memberProcesses(directory);
      if (all.length === 0) return true;
      // Their pid 1 takes the others along; without one, it is the parent that was about to make it.
      for (const one of all.some(process => process.first) ? all.filter(process => process.first) : all)
        await killMember(one.pid);
      return undefined;
    },
    0,
  );
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Kills the pid 1 of a member. The kernel ends everything in its pid namespace before that pid is gone. */
export async function killMember(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    return;
  }
  await until(`the end of process ${pid}`, 10_000, () => (alive(pid) ? undefined : true), 10);
}

export interface MemberStart {
  directory: string;
  name: string;
  /** Program that becomes pid 1, with its arguments. */
  command: readonly string[];
  env: Record<string, string>;
  /** File descriptor that takes what pid 1 prints. */
  output: number;
  /** Folders of control groups to enter first. */
  cgroups?: readonly string[];
}

/** Starts pid 1 of a member in mount, uts, ipc, cgroup and pid namespaces of its own, in a session of its own. */
export function startMember(start: MemberStart): ChildProcess {
  const enter = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@"';
  const unshare = ['unshare', '--mount', '--uts', '--ipc', '--cgroup', '--pid', '--fork', '--kill-child'];
  const child = spawn(
    'sh',
    [
      '-c',
      enter,
      'lab',
      ...(start.cgroups ?? []),
      '--',
      ...unshare,
      '--propagation',
      'private',
      '--',
      ...start.command,
    ],
    {
      detached: true,
      stdio: ['ignore', start.output, start.output],
      cwd: '/',
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LC_ALL: 'C.UTF-8',
        ...start.env,
        [memberVariable]: memberMark(start.directory, start.name),
      },
    },
  );
  child.unref();
  return child;
}
