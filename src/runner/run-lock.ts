import { randomBytes } from 'node:crypto';
import { appendFileSync, linkSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ping } from './control-client';

/** Who has a run: a process, told apart from a later one of the same number by when it started. */
export interface LockOwner {
  pid: number;
  machine: string;
  /** Boot and start of the process, where the system tells; else empty. */
  started: string;
  /** Its control socket. */
  socket: string;
}

/** So that a lock stays within one block of a disk. */
const longestWord = 2_000;

const lockName = /^lock\.(\d+)$/;

/** The one who has, or last had, a run. */
export function lockOwner(runFolder: string): LockOwner | undefined {
  const [owner] = lockLines(runFolder);
  return owner === undefined ? undefined : (JSON.parse(owner) as LockOwner);
}

/** What the one who last had a run said when it broke down; undefined when it said nothing: it was killed, or the run is over. */
export function lastWord(runFolder: string): string | undefined {
  const [, ...word] = lockLines(runFolder);
  return word.join('\n').trim() || undefined;
}

/**
 * Leaves in this process's own lock why it breaks down. There, and not in a file of its own, because the block that holds the lock has
 * room for it even on a full disk.
 */
export function leaveWord(runFolder: string, why: string): void {
  try {
    if (lockOwner(runFolder)?.pid !== process.pid) return;
    appendFileSync(join(runFolder, `lock.${lockNumbers(runFolder).at(-1)}`), `\n${why.slice(0, longestWord)}`);
  } catch {
    // It breaks down for a reason of its own, which must not be lost for this one.
  }
}

/** The first is the owner, what follows is why it broke down; none: nobody has had it. */
function lockLines(runFolder: string): string[] {
  // The highest may vanish between listing and reading only when a higher one has been made.
  for (let tries = 0; tries < 5; tries++) {
    const highest = lockNumbers(runFolder).at(-1);
    if (highest === undefined) return [];
    try {
      return readFileSync(join(runFolder, `lock.${highest}`), 'utf8').split('\n');
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error;
    }
  }
  return [];
}

/** The owner, when it is alive. A process of another machine counts as alive: from here it can't be told. */
export async function liveOwner(runFolder: string): Promise<LockOwner | undefined> {
  const owner = lockOwner(runFolder);
  return owner && (await isAlive(owner)) ? owner : undefined;
}

/**
 * Makes this process the only runner of a run, for as long as it lives. Locks are numbered and each is made atomically; the highest counts
 * and is never deleted, so of two processes that both find a dead owner only one can come after it.
 * Gives the living owner instead when there is one.
 */
export async function takeLock(
  runFolder: string,
  socket: string,
): Promise<{ taken: true } | { taken: false; owner: LockOwner }> {
  const me: LockOwner = { pid: process.pid, machine: hostname(), started: startOf(process.pid) ?? '', socket };
  const draft = join(runFolder, `draft.${process.pid}.${randomBytes(4).toString('hex')}`);
  try {
    writeFileSync(draft, JSON.stringify(me), { mode: 0o600, flush: true });
    for (;;) {
      const numbers = lockNumbers(runFolder);
      const highest = numbers.at(-1) ?? 0;
      const owner = highest > 0 ? lockOwner(runFolder) : undefined;
      if (owner && (await isAlive(owner))) return { taken: false, owner };
      const mine = highest + 1;
      try {
        // A link appears whole or not at all, and fails when the name is there.
        linkSync(draft, join(runFolder, `lock.${mine}`));
      } catch (error) {
        if (isCode(error, 'EEXIST')) continue;
        throw error;
      }
      if ((lockNumbers(runFolder).at(-1) ?? 0) > mine) {
        // Lower ones had been cleared away already when this one was made: somebody else came first.
        unlinkSync(join(runFolder, `lock.${mine}`));
        continue;
      }
      for (const number of numbers) rmSync(join(runFolder, `lock.${number}`), { force: true });
      return { taken: true };
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

function lockNumbers(runFolder: string): number[] {
  return readdirSync(runFolder)
    .flatMap(name => lockName.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((left, right) => left - right);
}

async function isAlive(owner: LockOwner): Promise<boolean> {
  if (owner.machine !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return !isCode(error, 'ESRCH');
  }
  const started = startOf(owner.pid);
  if (started !== undefined) return started === owner.started;
  // Where the start of a process can't be told, only its answer shows that the number was not given to another.
  return ping(owner.socket);
}

/** Boot and start time of a process; undefined where the system doesn't tell, '' for one that has ended. */
function startOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in brackets may hold anything; the fields that count come after the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return '';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
  } catch {
    return '';
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
