import { describe, expect, it } from 'vitest';
import type { CancelMode } from '../../src/engine/journal';
import { fold, RunModel, type RunView } from '../../src/engine/view';
import { approve, call, each, group, noReturn, parallel, set, TestClock, type TestRun, testRun, wait } from './harness';

/** What is to be seen after each record: the view itself goes on. */
function seen<T>(run: TestRun, look: (view: RunView, type: string) => T): T[] {
  const model = new RunModel();
  return run.journal.records.map(record => {
    model.apply(record);
    return look(model.view!, record.type);
  });
}

describe('the view of a run', () => {
  it('shows waits, asserts, approvals and the point of no return as steps', async () => {
    const run = testRun([
      wait('10s', { id: 'w' }),
      approve({ id: 'gate' }),
      noReturn({ id: 'point' }),
      set('a', { id: 'a' }),
    ]);
    await run.carry();
    expect(fold(run.journal.records)?.steps).toMatchObject([
      { key: 'w', uses: 'wait', state: 'done' },
      { key: 'gate', uses: 'approve', state: 'done' },
      { key: 'point', uses: 'pointOfNoReturn', state: 'done' },
      { key: 'a', uses: 't.set', state: 'done' },
    ]);
  });

  it('shows what waits for approval, who has given it, and that it waits', async () => {
    const run = testRun([approve({ id: 'gate', by: 2, message: 'Go?' }), set('a')]);
    await run.carry();
    const { planHash } = fold(run.journal.records)!;
    const told = seen(run, (view, type) => [type, view.phase, structuredClone(view.approvals)]);
    const at = told.findIndex(([type]) => type === 'approval.asked');
    const open = { key: 'gate', message: 'Go?', planHash, needed: 2, self: true };
    expect(told.slice(at, at + 3)).toMatchObject([
      ['approval.asked', 'waiting', [{ ...open, given: [] }]],
      ['approval.given', 'waiting', [{ ...open, given: [{ by: 'person 1' }] }]],
      ['approval.given', 'running', []],
    ]);
  });

  it('shows all open questions, the first one first', async () => {
    const run = testRun([
      parallel([set('a', { id: 'a', fault: 'unclear-done' }), set('b', { id: 'b', fault: 'unclear-done' })]),
    ]);
    await run.carry();
    const open = seen(run, view => {
      expect(view.question).toEqual(view.questions[0]);
      if (view.questions.length > 0) expect(view.phase).toBe('waiting');
      return view.questions.length;
    });
    expect(Math.max(...open)).toBe(2);
    expect(fold(run.journal.records)).toMatchObject({ phase: 'done', questions: [] });
  });

  it('keeps a question that is open when the runner dies', async () => {
    const run = testRun([set('a', { id: 'a', fault: 'unclear-done' })]);
    await run.carry({ at: 3, when: 'after' });
    expect(run.journal.records.at(-1)?.type).toBe('question.asked');
    const model = new RunModel();
    for (const record of run.journal.records) model.apply(record);
    model.apply({ n: 4, t: 0, type: 'run.started', pid: 1, machine: 'other', resumed: true });
    expect(model.view).toMatchObject({ phase: 'waiting', question: { id: 'a#1 outcome 1' } });
  });

  it('shows the window that it waits for', async () => {
    const clock = new TestClock();
    const run = testRun([set('a')], {
      clock,
      runbook: { window: { allow: ['01:00-02:00'], zone: 'UTC', outside: 'wait', closing: 'drain' } },
    });
    await run.carry();
    const told = seen(run, ({ phase, window }, type) => ({ type, phase, window }));
    expect(told.find(one => one.type === 'window.waiting')).toMatchObject({
      phase: 'waiting',
      window: expect.stringContaining('01:00 UTC'),
    });
    expect(fold(run.journal.records)?.window).toBeUndefined();
  });

  describe('that was stopped while it waited for its window', () => {
    const stopped = async (mode: CancelMode): Promise<TestRun> => {
      const run = testRun([set('a', { id: 'a' })], {
        clock: new TestClock(),
        runbook: { window: { allow: ['01:00-02:00'], zone: 'UTC', outside: 'wait', closing: 'drain' } },
      });
      run.onAppend = event => {
        if (event.type === 'wait.started') queueMicrotask(() => void run.durable!.cancel(mode, 'me'));
      };
      await run.carry();
      run.onAppend = () => undefined;
      return run;
    };
    const told = (run: TestRun): string[] =>
      seen(run, ({ phase, window }, type) => `${type} ${phase}${window === undefined ? '' : ' window'}`);

    it('waits for it no more, and again once it is resumed', async () => {
      const run = await stopped('keep');
      expect(told(run).slice(3)).toEqual([
        'window.waiting waiting window',
        'wait.started waiting window',
        'cancel.requested running',
        'run.ended stopped',
      ]);
      const before = run.journal.records.length;
      expect(await run.carry()).toMatchObject({ status: 'done' });
      expect(told(run).slice(before)).toEqual([
        'run.started running',
        'time.read running',
        'window.waiting waiting window',
        'wait.started waiting window',
        'time.read running',
        'step.intent running',
        'step.done running',
        'run.ended done',
      ]);
    });

    it('goes on at once when it is resumed while that is open', async () => {
      const run = await stopped('keep');
      (run.journal.clock as TestClock).time = Date.UTC(2023, 10, 16, 1, 30);
      const before = run.journal.records.length;
      expect(await run.carry()).toMatchObject({ status: 'done' });
      expect(
        told(run)
          .slice(before)
          .filter(line => line.includes('window')),
      ).toEqual([]);
    });

    it('does not wait for it to be rolled back', async () => {
      const run = await stopped('keep');
      const before = run.journal.records.length;
      expect(await run.rollback()).toMatchObject({ status: 'rolled-back' });
      expect(
        told(run)
          .slice(before)
          .filter(line => line.includes('window')),
      ).toEqual([]);
    });
  });

  it('tells of a step of finally that is run again how long it took this time', async () => {
    const clock = new TestClock();
    const run = testRun([set('a', { id: 'a' })], {
      clock,
      runbook: { finally: [set('f', { id: 'f' }), wait('10s', { id: 'w' })] },
    });
    const took = () =>
      fold(run.journal.records)!
        .steps.filter(step => step.key.startsWith('~finally'))
        .map(step => step.endedAt! - step.startedAt!);
    await run.carry();
    expect(took()).toEqual([0, 10_000]);
    clock.time += 3_600_000;
    expect(await run.rollback()).toMatchObject({ status: 'rolled-back' });
    expect(took()).toEqual([0, 10_000]);
  });

  it('tells of a step that is tried again how long it took in all', async () => {
    const clock = new TestClock();
    const run = testRun([set('a', { id: 'a', fault: 'fail', failures: 1, attempts: 2 })], { clock });
    await run.carry();
    const [step] = fold(run.journal.records)!.steps;
    expect(step).toMatchObject({ state: 'done', attempt: 2 });
    expect(step!.endedAt! - step!.startedAt!).toBe(1000);
  });

  it('lists what would be undone, last first, until nothing can be any more', async () => {
    const run = testRun([
      set('a', { id: 'a' }),
      set('b', { id: 'b' }),
      noReturn({ id: 'point' }),
      set('c', { id: 'c' }),
    ]);
    await run.carry();
    const lists = seen(run, view => view.undoList.join(' '));
    expect([...new Set(lists)]).toEqual(['', 'a', 'b a', 'c']);
    expect(fold(run.journal.records)?.noReturn).toBe('point');
  });

  it('takes all steps of a group, a loop or a call that is left out for skipped', async () => {
    const run = testRun([
      group([set('a', { id: 'a' }), parallel([set('b', { id: 'b' })], { id: 'p' })], { id: 'g', when: 'run.id == ""' }),
      set('g2', { id: 'g2' }),
      each(['x', 'y'], [set('c', { id: 'c', fault: 'fail' })], { id: 'loop' }),
    ]);
    await run.carry();
    expect(fold(run.journal.records)?.steps.map(step => `${step.key} ${step.state}`)).toEqual([
      'g/a skipped',
      'g/p/b skipped',
      'g2 undone',
      'loop[x]/c undone',
      'loop[y]/c skipped',
    ]);
  });

  it('shows the steps of finally and of called runbooks', async () => {
    const run = testRun([call([set('a', { id: 'a' })], { id: 'sub' })], {
      runbook: { finally: [set('f', { id: 'f' })] },
    });
    await run.carry();
    expect(fold(run.journal.records)?.steps.map(step => `${step.key} ${step.state}`)).toEqual([
      'sub/a done',
      '~finally/f done',
    ]);
  });
});
