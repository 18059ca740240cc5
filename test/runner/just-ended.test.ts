import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from './built';

// A run has ended as soon as its journal says so; its runner may still have something to close.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
}, 60_000);
afterAll(() => at?.remove());
beforeEach(() => at.resetLab());

/** A run that has ended this moment, whose runner is still there. */
async function ended(steps: string): Promise<string> {
  const before = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `--require=${path.join(import.meta.dirname, 'linger.cjs')}`;
  try {
    const runId = await at.start(at.runbook('ends', steps));
    await at.waitFor(runId, record => record.type === 'run.ended');
    return runId;
  } finally {
    if (before === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = before;
  }
}

const snapshot = '- { id: save, uses: vm.snapshot, with: { vm: web1, name: before } }\n';

describe('a run that has just ended', () => {
  it('is rolled back at once', async () => {
    const runId = await ended(snapshot);
    await at.runs.rollback(runId);
    for await (const _ of at.runs.follow(runId));
    expect((await at.runs.read(runId)).status).toBe('rolled-back');
  });

  it('is removed at once', async () => {
    const runId = await ended(snapshot);
    await at.runs.remove(runId);
    expect(existsSync(path.join(at.runs.folder, runId))).toBe(false);
  });
});
