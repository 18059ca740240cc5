import { describe, expect, it } from 'vitest';
import { each, group, set, TestClock, testRun } from './harness';

const types = (run: ReturnType<typeof testRun>) => run.journal.records.map(record => record.type);

describe('a run', () => {
  it('does its steps in order and ends done', async () => {
    const run = testRun([set('a', { value: 1 }), set('b', { value: 2 })]);
    expect(await run.carry()).toEqual({ type: 'run.ended', status: 'done' });
    expect(run.world.snapshot()).toEqual({ a: 1, b: 2 });
    expect(types(run)).toEqual([
      'run.submitted',
      'run.started',
      'step.intent',
      'step.done',
      'step.intent',
      'step.done',
      'run.ended',
    ]);
  });

  it('gives outputs of earlier steps to later ones', async () => {
    const run = testRun([
      set('a', { id: 'first', value: 7 }),
      { ...set('b'), with: { target: 'b', value: '${{ steps.first.outputs.now + 1 }}' } } as ReturnType<typeof set>,
    ]);
    await run.carry();
    expect(run.world.snapshot()).toEqual({ a: 7, b: 8 });
  });

  it('undoes everything, last first, when a step fails, the failed one included', async () => {
    const run = testRun([
      set('a', { id: 'a' }),
      set('a', { id: 'a2', value: 2 }),
      set('b', { id: 'b', fault: 'fail-halfway' }),
      set('c', { id: 'c' }),
    ]);
    expect(await run.carry()).toMatchObject({
      status: 'rolled-back',
      failedStep: 'b',
      failure: { class: 'failed', message: 'It failed halfway.' },
    });
    expect(run.world.undone).toEqual(['b', 'a2', 'a']);
    expect(run.world.snapshot()).toEqual({});
  });

  it('ends failed when nothing had been changed', async () => {
    const run = testRun([set('a', { uses: 't.look', value: 0 }), set('b', { fault: 'blocked' })]);
    expect(await run.carry()).toMatchObject({ status: 'failed', failure: { class: 'blocked' } });
    expect(types(run)).not.toContain('undo.intent');
  });

  it('skips what its condition leaves out, a group as a whole', async () => {
    const run = testRun([group([set('a')], { when: 'false', id: 'g' }), set('b', { when: '1 == 1' })]);
    await run.carry();
    expect(run.world.snapshot()).toEqual({ b: 1 });
    expect(run.journal.records.find(record => record.type === 'step.skipped')).toMatchObject({ key: 'g' });
  });

  it('has the state before and the undo on disk before the effect', async () => {
    const run = testRun([set('a', { value: 5 })]);
    let seen: unknown;
    run.world.onApply = () => {
      seen = run.journal.records.at(-1);
    };
    await run.carry();
    expect(seen).toMatchObject({ type: 'step.intent', before: { was: 0 }, undo: 'set a back to 0' });
  });
});

describe('retry', () => {
  it('repeats an idempotent step, and keeps the state before of the first attempt for the undo', async () => {
    const run = testRun([
      set('a', { id: 'a', fault: 'fail-halfway', failures: 1, idempotent: true, attempts: 3 }),
      set('b', { fault: 'fail' }),
    ]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.applied.get('a')).toBe(2);
    expect(run.world.snapshot()).toEqual({});
  });

  it('does not repeat a step that is not idempotent and may have happened halfway', async () => {
    const run = testRun([set('a', { id: 'a', fault: 'fail-halfway', failures: 1, attempts: 3 })]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.applied.get('a')).toBe(1);
  });

  it('repeats one that a probe found not done', async () => {
    const run = testRun([set('a', { id: 'a', fault: 'unknown-not', failures: 1, attempts: 2 })]);
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.applied.get('a')).toBe(2);
  });

  it('gives up after the last attempt', async () => {
    const run = testRun([set('a', { id: 'a', fault: 'fail', idempotent: true, attempts: 3 })]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back', failedStep: 'a' });
    expect(run.world.applied.get('a')).toBe(3);
  });
});

describe('an unknown outcome', () => {
  it('that a probe finds done goes on', async () => {
    const run = testRun([set('a', { fault: 'unknown-done' }), set('b')]);
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.journal.records.find(record => record.type === 'step.done')).toMatchObject({ probed: true });
  });

  it('that a probe finds not done fails without repeating it', async () => {
    const run = testRun([set('z'), set('a', { id: 'a', fault: 'unknown-not' })]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back', failure: { class: 'unreachable' } });
    expect(run.world.applied.get('a')).toBe(1);
  });

  it('that nobody can tell is asked, and the answer is heeded', async () => {
    const done = testRun([set('a', { id: 'a', fault: 'unclear-done' })]);
    expect(await done.carry()).toMatchObject({ status: 'done' });
    const again = testRun([set('a', { id: 'a', fault: 'unclear-not', failures: 1 })]);
    expect(await again.carry()).toMatchObject({ status: 'done' });
    expect(again.world.applied.get('a')).toBe(2);
    const back = testRun([set('z'), set('a', { id: 'a', fault: 'unclear-done' })], { answer: () => 'rollback' });
    expect(await back.carry()).toMatchObject({ status: 'rolled-back', failure: { class: 'unknown' } });
    expect(back.world.snapshot()).toEqual({});
  });
});

describe('timeout', () => {
  it('stops the step, which is then looked at', async () => {
    const run = testRun([set('z'), set('a', { id: 'a', timeoutMs: 5000 })], { clock: new TestClock() });
    run.world.onApply = (key, signal) =>
      key === 'a'
        ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('Stopped.'))))
        : undefined;
    expect(await run.carry()).toMatchObject({ status: 'rolled-back', failure: { class: 'timeout' } });
    expect(run.world.snapshot()).toEqual({});
  });

  it('of an action that does not stop ends in an unknown outcome, not in waiting for ever', async () => {
    const run = testRun([set('a', { id: 'a', timeoutMs: 5000 })], { clock: new TestClock() });
    run.world.onApply = key => (key === 'a' ? new Promise(() => undefined) : undefined);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back', failure: { class: 'timeout' } });
  });
});

describe('forEach', () => {
  const perItem = (fault?: 'fail-halfway') =>
    [
      { ...set('x'), with: { target: '${{ "a-" + item }}', value: 1 } },
      {
        ...set('x'),
        with: {
          target: '${{ "b-" + item }}',
          value: 2,
          fault: fault ? `\${{ item == "i2" ? "${fault}" : "none" }}` : 'none',
        },
      },
    ] as ReturnType<typeof set>[];

  it('runs all items', async () => {
    const run = testRun([each(['i1', 'i2', 'i3'], perItem(), { batch: 2 })]);
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(Object.keys(run.world.snapshot())).toHaveLength(6);
  });

  it('rolls back everything and starts no further item when more fail than may', async () => {
    const run = testRun([set('z'), each(['i1', 'i2', 'i3'], perItem('fail-halfway'), { id: 'loop' })]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({});
    expect(run.journal.records.find(record => record.type === 'item.skipped')).toMatchObject({ key: 'loop[i3]' });
  });

  it('rolls back a failed item alone when it may fail; the others go on', async () => {
    const run = testRun([each(['i1', 'i2', 'i3'], perItem('fail-halfway'), { id: 'loop', maxFailures: 1 })]);
    expect(await run.carry()).toMatchObject({ status: 'done', failedItems: ['loop[i2]'] });
    expect(run.world.snapshot()).toEqual({ 'a-i1': 1, 'b-i1': 2, 'a-i3': 1, 'b-i3': 2 });
  });

  it('refuses what is not a list', async () => {
    const run = testRun([
      set('z', { id: 'z' }),
      { ...(each([], [set('a')]) as { kind: 'forEach' }), in: '${{ steps.z.outputs.now }}' } as ReturnType<typeof set>,
    ]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
  });
});

describe('rollback', () => {
  it('goes on past an undo that fails, leaves alone what builds on it, and lists what is left', async () => {
    const run = testRun([
      set('a', { id: 'a1' }),
      set('b', { id: 'b1' }),
      set('a', { id: 'a2', value: 2, fault: 'undo-fails' }),
      set('c', { fault: 'fail' }),
    ]);
    const ended = await run.carry();
    expect(ended).toMatchObject({ status: 'needs-operator' });
    expect(ended?.remaining?.map(one => one.key)).toEqual(['a2', 'a1']);
    expect(ended?.remaining?.[1]?.why).toContain('a2');
    expect(run.world.snapshot()).toEqual({ a: 2 });
  });

  it('that left something can be tried again', async () => {
    const run = testRun([set('a', { fault: 'undo-fails-once' }), set('b', { fault: 'fail' })]);
    expect(await run.carry()).toMatchObject({ status: 'needs-operator' });
    expect(await run.rollback()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({});
  });

  it('of a run that is done undoes it', async () => {
    const run = testRun([set('a'), each(['x', 'y'], [set('b', { value: 3 })])]);
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(await run.rollback()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({});
  });

  it('runs the steps that replace an undo, with the outputs of the step', async () => {
    const own = [{ ...set('log'), with: { target: 'log', value: '${{ steps.a.outputs.now + 40 }}' } }] as ReturnType<
      typeof set
    >[];
    const run = testRun([set('a', { id: 'a', value: 2, rollback: own }), set('b', { fault: 'fail' })]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({ a: 2, log: 42 });
    expect(run.world.undone).not.toContain('a');
  });

  it('lists a replaced undo that fails', async () => {
    const run = testRun([set('a', { id: 'a', rollback: [set('x', { fault: 'fail' })] }), set('b', { fault: 'fail' })]);
    expect(await run.carry()).toMatchObject({ status: 'needs-operator', remaining: [{ key: 'a' }] });
  });

  it('takes `none` for what it says', async () => {
    const run = testRun([set('a', { rollback: 'none' }), set('b'), set('c', { fault: 'fail' })]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({ a: 1 });
  });

  it('lists what has no undo when it was done, and only warns of it when it failed', async () => {
    const done = testRun([set('a', { id: 'a', uses: 't.burn' }), set('b', { fault: 'fail' })]);
    expect(await done.carry()).toMatchObject({ status: 'needs-operator', remaining: [{ key: 'a' }] });
    const failed = testRun([set('z'), set('a', { id: 'a', uses: 't.burn', fault: 'fail-halfway' })]);
    const ended = await failed.carry();
    expect(ended).toMatchObject({ status: 'rolled-back' });
    expect(ended?.warnings?.[0]).toContain('a');
    const never = testRun([set('z'), set('a', { id: 'a', uses: 't.burn', fault: 'unknown-not' })]);
    expect(await never.carry()).toEqual(
      expect.not.objectContaining({ remaining: expect.anything(), warnings: expect.anything() }),
    );
    const perhaps = testRun([set('a', { id: 'a', uses: 't.burn', fault: 'unclear-done' })], {
      answer: () => 'rollback',
    });
    expect(await perhaps.carry()).toMatchObject({ status: 'needs-operator', remaining: [{ key: 'a', final: true }] });
  });
});

describe('commit', () => {
  it('comes when all steps are done, in order', async () => {
    const run = testRun([set('a', { id: 'a', uses: 't.kept' }), set('b', { id: 'b', uses: 't.kept' })]);
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.committed).toEqual(['a', 'b']);
  });

  it('does not come when a step fails', async () => {
    const run = testRun([set('a', { uses: 't.kept' }), set('b', { fault: 'fail' })]);
    await run.carry();
    expect(run.world.committed).toEqual([]);
  });

  it('makes the step one that a later rollback can only list', async () => {
    const run = testRun([set('a', { id: 'a', uses: 't.kept' }), set('b', { id: 'b' })]);
    await run.carry();
    expect(await run.rollback()).toMatchObject({ status: 'needs-operator', remaining: [{ key: 'a' }] });
    expect(run.world.snapshot()).toEqual({ a: 1 });
  });
});

describe('cancel', () => {
  const cancelAt = (run: ReturnType<typeof testRun>, at: string, mode: 'keep' | 'rollback') => {
    run.world.onApply = async (key, signal) => {
      if (key !== at || signal.aborted) return;
      run.world.onApply = undefined;
      await run.durable!.cancel(mode, 'test');
    };
  };

  it('and keep undoes the step under way, keeps the rest, and can be resumed', async () => {
    const run = testRun([
      set('a', { id: 'a' }),
      set('b', { id: 'b', fault: 'fail-halfway', failures: 1 }),
      set('c', { id: 'c' }),
    ]);
    cancelAt(run, 'b', 'keep');
    expect(await run.carry()).toMatchObject({ status: 'stopped', failure: { class: 'cancelled' } });
    expect(run.world.snapshot()).toEqual({ a: 1 });
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.snapshot()).toEqual({ a: 1, b: 1, c: 1 });
    expect(run.world.violations).toEqual([]);
    expect(await run.rollback()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({});
  });

  it('and roll back undoes everything', async () => {
    const run = testRun([set('a'), set('b', { id: 'b' }), set('c')]);
    cancelAt(run, 'b', 'rollback');
    expect(await run.carry()).toMatchObject({ status: 'rolled-back', failure: { class: 'cancelled' } });
    expect(run.world.snapshot()).toEqual({});
  });

  it('during a rollback does not interrupt it', async () => {
    const run = testRun([set('a'), set('b', { id: 'b', fault: 'fail-halfway' })]);
    let cancelled = false;
    run.onAppend = event => {
      if (event.type !== 'undo.intent' || cancelled) return;
      cancelled = true;
      void run.durable!.cancel('keep', 'test');
    };
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({});
  });
});
