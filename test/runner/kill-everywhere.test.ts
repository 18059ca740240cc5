import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JournalRecord } from '../../src/engine/journal';
import { Workspace } from './built';
import { endRunners, labDifference, repeated, story, ThirtySteps } from './thirty-steps';

// Real runner processes, ended with SIGKILL at every record of the journal of a run of 30 steps; another then goes on.

let at: Workspace;
/** In memory where there is such a place: a killed process loses nothing of what it has written, synced or not. */
let folder: string;
beforeAll(async () => {
  at = await Workspace.create();
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'virtbook-kill-'));
}, 60_000);
afterAll(async () => {
  endRunners();
  if (folder) rmSync(folder, { recursive: true, force: true });
  await at?.remove();
});

const submit = (name: string, which: 'succeeds' | 'rollsBack') =>
  ThirtySteps.submit(join(folder, name), join(at.folder, 'dist', 'runner.js'), which);

/**
 * Where to kill, as kill-at.cjs takes it: after each record that is synced, and after each effect, before its end is whole on disk.
 * Progress is not synced: it is on disk with what comes after it, and may be lost.
 */
function points(records: readonly JournalRecord[], from: number): string[] {
  return records.slice(from).flatMap(({ n, type }) => {
    if (type === 'step.progress' || type === 'step.log') return [];
    return /[.](done|failed)$/.test(type) ? [`within ${n}`, `after ${n}`] : [`after ${n}`];
  });
}

describe.each([
  ['succeeds', 'done', 1],
  ['rollsBack', 'rolled-back', undefined],
] as const)('a run of 30 steps that %s', (which, status, first) => {
  it('killed at any record of its journal comes to the same end, and does nothing twice', async () => {
    const whole = await submit(which, which);
    const start = whole.lab();
    expect(await whole.carry()).toMatchObject({ code: 0 });
    const records = await whole.records();
    const told = story(records);
    const lab = whole.lab();
    expect(records.at(-1)).toMatchObject({ type: 'run.ended', status });
    expect(
      new Set(records.flatMap(record => (record.type === 'step.intent' ? [record.key] : []))).size,
    ).toBeGreaterThanOrEqual(30);
    if (status === 'rolled-back') expect(labDifference(start, lab)).toEqual([]);

    const from = first ?? records.findIndex(record => record.type === 'rollback.started');
    const limit = pLimit(2);
    const wrong: string[] = [];
    const all = points(records, from);
    await Promise.all(
      all.map(point =>
        limit(async () => {
          const run = await submit(`${which} ${point}`, which);
          const killed = await run.carry({ kill: point });
          const ended = await run.carry();
          const after = await run.records();
          const problems = [
            ...(killed.signal === 'SIGKILL' ? [] : [`was not killed: ${killed.stderr}`]),
            ...(ended.code === 0 ? [] : [`resume ended with ${ended.code ?? ended.signal}: ${ended.stderr}`]),
            ...labDifference(lab, run.lab()),
            ...repeated(after),
            ...(story(after).join('\n') === told.join('\n') ? [] : [`its journal tells: ${story(after).join(', ')}`]),
          ];
          wrong.push(
            ...problems.map(problem => `killed ${point} (${records[Number(point.split(' ')[1])]!.type}): ${problem}`),
          );
          run.remove();
        }),
      ),
    );
    expect(wrong).toEqual([]);
  }, 600_000);
});
