import { describe, expect, it } from 'vitest';
import type { Claim, Guard } from '../../src/engine/world';
import type { Step } from '../../src/runbook/model';
import { assertThat, call, each, group, noReturn, parallel, set, type TestRun, testRun } from './harness';

const keysOf = (run: TestRun, type: string): string[] =>
  run.journal.records.flatMap(record => (record.type === type && 'key' in record ? [String(record.key)] : []));

describe('after the point of no return', () => {
  it('nothing before it is undone; what failed is taken back itself, and a person is asked', async () => {
    const run = testRun([
      set('a', { id: 'a' }),
      noReturn({ id: 'point' }),
      set('b', { id: 'b' }),
      set('c', { id: 'c', fault: 'fail-halfway' }),
      set('d', { id: 'd', value: 4 }),
    ]);
    const ended = await run.carry();
    expect(ended).toMatchObject({ status: 'needs-operator', forward: true, failedStep: 'c' });
    expect(run.world.snapshot()).toEqual({ a: 1, b: 1 });
    expect(run.world.undone).toEqual(['c']);
    expect(ended?.remaining).toMatchObject([
      { key: 'c', uses: 't.set', step: { uses: 't.set', with: { target: 'c', value: 1 } } },
      { key: 'd', uses: 't.set', step: { uses: 't.set', with: { target: 'd', value: 4 } } },
    ]);
  });

  it('the step is tried again when that person says so', async () => {
    const run = testRun([noReturn(), set('c', { id: 'c', fault: 'fail-halfway', failures: 2 }), set('d')], {
      forward: () => 'again',
    });
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.snapshot()).toEqual({ c: 1, d: 1 });
    expect(run.journal.records.filter(one => one.type === 'question.asked')).toMatchObject([
      { id: 'forward c#1' },
      { id: 'forward c#2' },
    ]);
  });

  it('resume tries the step again that it stopped at', async () => {
    const run = testRun([set('a'), noReturn(), set('c', { id: 'c', fault: 'fail-halfway', failures: 2 }), set('d')]);
    expect(await run.carry()).toMatchObject({ status: 'needs-operator', forward: true });
    expect(await run.carry()).toMatchObject({ status: 'needs-operator', forward: true });
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.snapshot()).toEqual({ a: 1, c: 1, d: 1 });
    expect(run.world.violations).toEqual([]);
  });

  it('does not undo on a resume what was tried again with success after its undo had failed', async () => {
    const run = testRun(
      [noReturn(), set('c', { id: 'c', fault: 'undo-fails', value: 7 }), assertThat(false, { id: 'no' })],
      { forward: id => (id.startsWith('forward c') ? 'again' : 'stop') },
    );
    let failed = false;
    run.world.onApply = key => {
      if (key !== 'c' || failed) return;
      failed = true;
      throw new Error('It failed.');
    };
    expect(await run.carry()).toMatchObject({ status: 'needs-operator', failedStep: 'no' });
    expect(run.world.snapshot()).toEqual({ c: 7 });
    expect(await run.carry()).toMatchObject({ status: 'needs-operator', failedStep: 'no' });
    expect(run.world.snapshot()).toEqual({ c: 7 });
  });

  it('what was kept for undos before it is removed when it is passed', async () => {
    const run = testRun([set('a', { id: 'a', uses: 't.kept' }), noReturn(), set('c', { fault: 'fail' })]);
    await run.carry();
    expect(run.world.committed).toEqual(['a']);
  });

  it('a cancel keeps what was done, whatever was asked for', async () => {
    const run = testRun([set('a', { id: 'a' }), noReturn(), set('b', { id: 'b' }), set('c')]);
    run.world.onApply = async key => {
      if (key === 'b') await run.durable!.cancel('rollback', 'test');
    };
    const ended = await run.carry();
    expect(ended).toMatchObject({
      status: 'stopped',
      failure: { message: expect.stringContaining('point of no return') },
    });
    expect(run.world.snapshot()).toMatchObject({ a: 1 });
    run.world.onApply = undefined;
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.snapshot()).toEqual({ a: 1, b: 1, c: 1 });
  });

  it('before it is passed, a failure rolls back as ever', async () => {
    const run = testRun([set('a'), set('b', { fault: 'fail' }), noReturn(), set('c')]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({});
  });

  it('items that may fail are rolled back as ever; the first that may not is asked about', async () => {
    const perItem = [
      {
        ...set('x', { id: 'x' }),
        with: { target: '${{ item }}', value: 1, fault: '${{ item != "i2" ? "fail-halfway" : "none" }}' },
      },
    ] as Step[];
    const run = testRun([
      noReturn(),
      each(['i1', 'i2', 'i3', 'i4'], perItem, { id: 'loop', maxFailures: 1 }),
      set('z', { id: 'z' }),
    ]);
    const ended = await run.carry();
    expect(ended).toMatchObject({ status: 'needs-operator', failedStep: 'loop[i3]/x', failedItems: ['loop[i1]'] });
    expect(ended?.remaining?.map(one => one.key)).toEqual(['loop[i3]/x', 'loop[i4]/x', 'z']);
    expect(run.world.snapshot()).toEqual({ i2: 1 });
  });

  it('a branch that fails waits for its person while the others come to their end', async () => {
    const run = testRun([
      noReturn(),
      parallel([set('a', { id: 'a', fault: 'fail' }), group([set('b'), set('c')])]),
      set('d', { id: 'd' }),
    ]);
    const ended = await run.carry();
    expect(ended).toMatchObject({ status: 'needs-operator', forward: true });
    expect(run.world.snapshot()).toEqual({ b: 1, c: 1 });
    expect(ended?.remaining?.map(one => one.key.split('/').at(-1))).toEqual(['a', 'd']);
  });
});

describe('finally', () => {
  it('comes after the steps and their commits', async () => {
    const run = testRun([set('a', { id: 'a', uses: 't.kept' })], { runbook: { finally: [set('f', { id: 'f' })] } });
    expect(await run.carry()).toMatchObject({ status: 'done' });
    const order = run.journal.records.map(one => one.type);
    expect(order.indexOf('commit.done')).toBeLessThan(order.indexOf('finally.started'));
    expect(keysOf(run, 'step.done')).toEqual(['a', '~finally/f']);
  });

  it('comes after the rollback, and is not undone', async () => {
    const run = testRun([set('a', { id: 'a' }), set('b', { fault: 'fail' })], { runbook: { finally: [set('f')] } });
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({ f: 1 });
  });

  it('tries every step; one that fails needs a person, and is what is left', async () => {
    const run = testRun([set('a', { id: 'a' })], {
      runbook: { finally: [set('f', { id: 'f', fault: 'fail' }), set('g', { id: 'g' })] },
    });
    expect(await run.carry()).toMatchObject({
      status: 'needs-operator',
      remaining: [{ key: '~finally/f', why: 'It failed.', step: { uses: 't.set', with: { target: 'f', value: 1 } } }],
    });
    expect(run.world.snapshot()).toEqual({ a: 1, g: 1 });
  });

  it('is not stopped by a cancel', async () => {
    const run = testRun([set('a', { id: 'a' })], { runbook: { finally: [set('f', { id: 'f' }), set('g')] } });
    run.world.onApply = async key => {
      if (key === '~finally/f') await run.durable!.cancel('rollback', 'test');
    };
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.snapshot()).toEqual({ a: 1, f: 1, g: 1 });
  });

  it('comes again when a run that was stopped goes on', async () => {
    const run = testRun([set('a', { id: 'a' }), set('b')], { runbook: { finally: [set('f', { id: 'f' })] } });
    run.world.onApply = async key => {
      if (key === 'a') await run.durable!.cancel('keep', 'test');
    };
    expect(await run.carry()).toMatchObject({ status: 'stopped' });
    run.world.onApply = undefined;
    run.world.violations = [];
    run.world.set('f', 0);
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.get('f')).toBe(1);
  });

  it('that was begun after a rollback does not make the run a success, when the runner dies there', async () => {
    const run = testRun([set('a', { id: 'a' })], { runbook: { finally: [set('f', { id: 'f' })] } });
    await run.carry();
    const before = run.journal.records.length;
    // cancel, started, rollback, intent, done, finally.
    expect(await run.rollback({ at: before + 5, when: 'after' })).toBeUndefined();
    expect(run.journal.records.at(-1)?.type).toBe('finally.started');
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({ f: 1 });
  });

  it('of a called runbook comes before that of its caller, if the call was reached', async () => {
    const sub = (id: string) => call([set(`${id}-a`)], { id, finally: [set(`${id}-f`, { id: 'f' })] });
    const run = testRun([sub('one'), set('b', { fault: 'fail' }), sub('two')], {
      runbook: { finally: [set('f', { id: 'f' })] },
    });
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(keysOf(run, 'step.done')).toEqual([expect.stringMatching(/^one\//), 'one/~finally/f', '~finally/f']);
  });
});

describe('limits', () => {
  it('are kept for steps, undos and commits, and left by every one', async () => {
    const steps: Step[] = [parallel([set('a', { uses: 't.kept' }), set('b'), set('c', { uses: 't.kept' }), set('d')])];
    const good = testRun(steps, { limit: 2, interleave: true });
    expect(await good.carry()).toMatchObject({ status: 'done' });
    const bad = testRun([...steps, set('e', { fault: 'fail' })], { limit: 1, interleave: true });
    expect(await bad.carry()).toMatchObject({ status: 'rolled-back' });
    for (const run of [good, bad]) expect(run.world.violations).toEqual([]);
  });
});

describe('guards', () => {
  const refuse = (target: string, phase: 'step' | 'undo'): Guard => ({
    check: async ({ targets }: Claim, now) =>
      now === phase && targets.changes.some(one => one.name === target)
        ? { class: 'locked', message: `${target} is held.` }
        : undefined,
  });

  it('keep a step from being begun', async () => {
    const run = testRun([set('a', { id: 'a' }), set('b', { id: 'b' })], { guards: [refuse('b', 'step')] });
    expect(await run.carry()).toMatchObject({
      status: 'rolled-back',
      failure: { class: 'locked', message: 'b is held.' },
    });
    expect(run.world.applied.get('b')).toBeUndefined();
    expect(keysOf(run, 'step.intent')).toEqual(['a']);
  });

  it('that can not tell for the moment are asked again before an undo is given up', async () => {
    let asked = 0;
    const unreachable: Guard = {
      check: async (_, phase) =>
        phase === 'undo' && ++asked === 1 ? { class: 'unreachable', message: 'no answer' } : undefined,
    };
    const run = testRun([set('a', { id: 'a' }), set('b', { id: 'b', fault: 'fail' })], { guards: [unreachable] });
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(asked).toBeGreaterThan(1);
    expect(run.world.snapshot()).toEqual({});
  });
  it('keep an undo from being begun: it is left, and what builds on it', async () => {
    const run = testRun(
      [set('a', { id: 'a1' }), set('a', { id: 'a2', value: 2 }), set('b', { id: 'b' }), set('c', { fault: 'fail' })],
      { guards: [refuse('a', 'undo')] },
    );
    const ended = await run.carry();
    expect(ended).toMatchObject({ status: 'needs-operator' });
    expect(ended?.remaining?.map(one => one.key)).toEqual(['a2', 'a1']);
    expect(run.world.snapshot()).toEqual({ a: 2 });
  });
});

describe('what is left', () => {
  it('is told as steps that take it back', async () => {
    const run = testRun([set('a', { id: 'a', value: 5, fault: 'undo-fails' }), set('b', { fault: 'fail' })]);
    expect((await run.carry())?.remaining).toMatchObject([
      {
        key: 'a',
        step: {
          uses: 'run.undo',
          with: {
            run: 'r1',
            step: 'a',
            action: 't.set',
            inputs: { target: 'a', value: 5 },
            before: { was: 0 },
            outputs: { was: 0, now: 5 },
          },
        },
      },
    ]);
  });

  it('of an undo with steps of its own are those steps', async () => {
    const own = [set('x', { id: 'x', fault: 'fail' }), set('y', { id: 'y' })];
    const run = testRun([set('a', { id: 'a', rollback: own }), set('b', { fault: 'fail' })]);
    expect((await run.carry())?.remaining).toMatchObject([
      { key: 'a', step: { uses: 't.set', with: { target: 'x' } } },
      { key: expect.stringContaining('/y'), step: { uses: 't.set', with: { target: 'y' } } },
    ]);
  });
});
