import { describe, expect, it } from 'vitest';
import { runRecord } from '../../src/engine/run-record';
import { approve, set, type TestRun, testRun } from './harness';

const head = (run: TestRun): string =>
  runRecord(run.journal.records, { records: run.journal.records.length, sha256: '' }, { logs: 'tail' }).split('\n')[0]!;

describe('the record of a run that was rolled back', () => {
  it('says that it failed when a step did', async () => {
    const run = testRun([set('a'), set('b', { fault: 'fail' })]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(head(run)).toBe('## Run of test: failed and rolled back');
  });

  it('does not say so when a person took it back, under way or done', async () => {
    const done = testRun([set('a')]);
    await done.carry();
    const underWay = testRun([set('a'), set('b')]);
    underWay.world.onApply = async () => underWay.durable!.cancel('rollback', 'me');
    await underWay.carry();
    await done.rollback();
    for (const run of [done, underWay]) {
      expect(run.journal.records.at(-1)).toMatchObject({ type: 'run.ended', status: 'rolled-back' });
      expect(head(run)).toBe('## Run of test: rolled back');
    }
  });

  it('nor when a person said no', async () => {
    const run = testRun([set('a'), approve({ message: 'no' })]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(head(run)).toBe('## Run of test: rejected and rolled back');
  });
});
