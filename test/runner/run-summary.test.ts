import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fold } from '../../src/engine/view';
import { encodeRecord } from '../../src/runner/journal-line';
import { takeLock } from '../../src/runner/run-lock';
import { summarize } from '../../src/runner/run-summary';
import { approve, set, TestClock, type TestRun, testRun } from '../engine/harness';

// A list of runs reads only the end of each journal. It says what the whole of it says.

let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'virtbook-summary-'));
  // This process is their runner, so that they count as alive.
  await takeLock(folder, join(folder, 'socket'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the list says after each record from this one on, beside what the view says. */
async function told(run: TestRun, from: number): Promise<{ type: string; list: string; view: string }[]> {
  const all: { type: string; list: string; view: string }[] = [];
  for (let end = from + 1; end <= run.journal.records.length; end++) {
    const records = run.journal.records.slice(0, end);
    writeFileSync(join(folder, 'journal.jsonl'), records.map(encodeRecord).join(''));
    const { status, waitsFor } = await summarize(folder);
    const { phase, window, approvals, questions } = fold(records)!;
    const waits = questions.length > 0 ? 'answer' : approvals.length > 0 ? 'approval' : window && 'window';
    all.push({ type: records.at(-1)!.type, list: `${status} ${waitsFor}`, view: `${phase} ${waits}` });
  }
  return all;
}

describe('a run whose new runner has just begun', () => {
  it.each([
    ['approval', approve({ id: 'gate' }), 'approval.asked'],
    ['answer', set('a', { id: 'a', fault: 'unclear-done' }), 'question.asked'],
  ])('waits for the %s that was waited for before', async (what, step, asked) => {
    const probe = testRun([step]);
    await probe.carry();
    const at = probe.journal.records.findIndex(record => record.type === asked);
    const run = testRun([step]);
    await run.carry({ at, when: 'after' });
    const before = run.journal.records.length;
    expect(await run.carry()).toMatchObject({ status: 'done' });
    const lines = await told(run, before);
    expect(lines[0]).toMatchObject({ type: 'run.started', list: `waiting ${what}` });
    // Whether an approval is enough, the list learns from what follows at once.
    for (const { type, list, view } of lines.filter(one => one.type !== 'approval.given'))
      expect(`${type}: ${list}`).toBe(`${type}: ${view}`);
  });

  const inWindow = () =>
    testRun([set('a', { id: 'a' })], {
      clock: new TestClock(),
      runbook: { window: { allow: ['01:00-02:00'], zone: 'UTC', outside: 'wait', closing: 'drain' } },
    });

  it('waits for its window, whether it was killed or stopped', async () => {
    const killed = inWindow();
    await killed.carry({ at: 4, when: 'after' });
    const stopped = inWindow();
    stopped.onAppend = event => {
      if (event.type === 'wait.started') queueMicrotask(() => void stopped.durable!.cancel('keep', 'me'));
    };
    await stopped.carry();
    stopped.onAppend = () => undefined;
    for (const run of [killed, stopped]) {
      expect(await run.carry()).toMatchObject({ status: 'done' });
      const lines = await told(run, 0);
      for (const { type, list, view } of lines) expect(`${type}: ${list}`).toBe(`${type}: ${view}`);
      const again = lines.slice(lines.findLastIndex(line => line.type === 'run.started'));
      expect(again.map(line => line.list)).toContain('waiting window');
    }
  });

  it('rolls back, when that was broken off', async () => {
    const run = testRun([set('a'), set('b', { fault: 'fail' })]);
    await run.carry();
    const at = run.journal.records.findIndex(record => record.type === 'rollback.started');
    const killed = testRun([set('a'), set('b', { fault: 'fail' })]);
    await killed.carry({ at, when: 'after' });
    await killed.carry();
    const lines = await told(killed, at + 1);
    expect(lines[0]).toMatchObject({ type: 'run.started', list: 'rolling-back undefined' });
    for (const { type, list, view } of lines) expect(`${type}: ${list}`).toBe(`${type}: ${view}`);
  });
});
