import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from './built';

// Runs of the built runner on a simulated lab in a file.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
}, 60_000);
afterAll(() => at?.remove());
beforeEach(() => at.resetLab());

const start = '- { id: start, uses: vm.snapshot, with: { vm: web1, name: before } }\n';
const asked = `${start}- { id: gate, approve: { message: Go on? } }\n`;
const folderOf = (runId: string) => path.join(at.runs.folder, runId);

describe('a run is removed', () => {
  it('with its journal, when it has ended', async () => {
    const kept = await at.start(at.runbook('kept', start));
    await at.waitFor(kept, record => record.type === 'run.ended');
    at.resetLab();
    const runId = await at.start(at.runbook('gone', start));
    await at.waitFor(runId, record => record.type === 'run.ended');
    await expect.poll(async () => (await at.runs.read(runId)).status).toBe('done');
    await expect.poll(() => at.runs.remove(runId).then(() => 'removed', String)).toBe('removed');
    expect([existsSync(folderOf(runId)), existsSync(folderOf(kept))]).toEqual([false, true]);
    expect((await at.runs.list()).map(run => run.runId)).not.toContain(runId);
  });

  it('never while it is under way', async () => {
    const runId = await at.start(at.runbook('waits', asked));
    await at.waitFor(runId, record => record.type === 'approval.asked');
    await expect(at.runs.remove(runId, { force: true })).rejects.toThrow(`${runId} is under way.`);
    await at.runs.cancel(runId, 'rollback');
    await at.waitFor(runId, record => record.type === 'run.ended');
  });

  it('only on purpose, when something of it is left to do', async () => {
    const runId = await at.start(at.runbook('killed', asked));
    await at.waitFor(runId, record => record.type === 'approval.asked');
    await at.kill(runId);
    await expect(at.runs.remove(runId)).rejects.toThrow(/is crashed: something of it is left to do.*virtbook resume/);
    const refused = await at.run(['runs', '--remove', runId]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('remove it with --force');
    expect(existsSync(folderOf(runId))).toBe(true);
    const done = await at.run(['runs', '--remove', runId, '--force']);
    expect([done.code, done.stdout]).toEqual([0, `Removed ${runId}.\n`]);
    expect(existsSync(folderOf(runId))).toBe(false);
  });

  it('not at all, when one of several is not there', async () => {
    const runId = await at.start(at.runbook('stays', start));
    await at.waitFor(runId, record => record.type === 'run.ended');
    const { code, stderr } = await at.run(['runs', '--remove', runId, 'nothing']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('There is no run nothing');
    expect(existsSync(folderOf(runId))).toBe(true);
  });
});
