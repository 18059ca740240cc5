import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunEnded } from '../engine/journal';
import { unlockedText } from '../engine/lock-text';
import type { Changes, RunLocks } from '../engine/run-locks';
import type { LockRecord } from '../hypervisors/ports';
import { summarize } from './run-summary';

export interface HeldRun {
  locks: RunLocks;
  wanted: Iterable<Changes>;
  /** An earlier runner has had the run. */
  resumed: boolean;
  /** How it had ended before; undefined for a new one, and for one whose runner died. */
  before: RunEnded | undefined;
}

/** Carries a run while it holds its locks. When somebody else has one, it ends at once: with nothing changed, or as it was before. */
export async function holdLocks(run: HeldRun, carry: () => Promise<RunEnded>): Promise<RunEnded> {
  const { locks, before, resumed } = run;
  try {
    const failure = await locks.take(run.wanted, resumed);
    if (failure && !resumed) return { type: 'run.ended', status: 'failed', failure };
    if (failure) {
      const { failedStep: _, ...left } = before?.status === 'needs-operator' ? before : { ...stopped };
      // What it held before, because it was not finished, stays its own.
      const finished = before !== undefined && before.status !== 'needs-operator';
      const told = finished ? await locks.release() : await locks.keep(left.remaining ?? []);
      return warned({ ...left, failure }, told);
    }
    const ended = await carry();
    const unlocked = unlockedText(locks.unlocked);
    const told = ended.status === 'needs-operator' ? await locks.keep(ended.remaining ?? []) : await locks.release();
    return warned(ended, [...(unlocked === undefined ? [] : [unlocked]), ...told]);
  } finally {
    await locks.stop();
  }
}

const stopped: RunEnded = { type: 'run.ended', status: 'stopped' };

function warned(ended: RunEnded, more: string[]): RunEnded {
  return more.length === 0 ? ended : { ...ended, warnings: [...(ended.warnings ?? []), ...more] };
}

/** What to do about a lock of a run that this computer has. `runs`: the folder of all runs here. */
export async function knownHere(runs: string, { runId }: LockRecord): Promise<string | undefined> {
  // It was written by somebody else, who knows where: only a folder's name is one.
  if (!/^[\w-]+$/.test(runId) || !existsSync(join(runs, runId))) return undefined;
  const { status } = await summarize(join(runs, runId));
  switch (status) {
    case 'crashed':
      return `That run was started here and its runner has died: \`virtbook resume ${runId}\` goes on with it, \`virtbook rollback ${runId}\` undoes it, and its locks are given back at its end.`;
    case 'needs-operator':
      return `That run was started here and needs a person: \`virtbook show ${runId}\` tells what is left, \`virtbook release ${runId}\` gives up its locks.`;
    case 'done':
    case 'rolled-back':
    case 'stopped':
    case 'failed':
      return `That run was started here and has ended without giving it back: \`virtbook release ${runId}\` does it.`;
    default:
      return `That run goes on here: wait for it (\`virtbook show ${runId} --follow\`), or stop it with \`virtbook cancel ${runId}\`.`;
  }
}
