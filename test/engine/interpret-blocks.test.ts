import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/runbook/model';
import { call, each, group, parallel, set, type TestRun, testRun } from './harness';

const keysOf = (run: TestRun, type: string): string[] =>
  run.journal.records.flatMap(record => (record.type === type && 'key' in record ? [String(record.key)] : []));
const from = (expression: string, target = 'out'): Step =>
  ({ ...set(target, { id: target }), with: { target, value: `\${{ ${expression} }}` } }) as Step;

describe('parallel', () => {
  it('begins all branches before any has ended', async () => {
    const run = testRun([parallel([set('a', { id: 'a' }), set('b', { id: 'b' }), set('c', { id: 'c' })])], {
      interleave: true,
    });
    let begun = 0;
    run.world.onApply = async () => {
      begun++;
      for (let turn = 0; begun < 3 && turn < 1000; turn++) await undefined;
      if (begun < 3) throw new Error('The others were not begun.');
    };
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.snapshot()).toEqual({ a: 1, b: 1, c: 1 });
  });

  it('lets the other branches come to their end when one fails, and then takes each back on its own', async () => {
    const run = testRun(
      [
        set('z', { id: 'z' }),
        parallel([
          group([set('a', { id: 'a1' }), set('a', { id: 'a2', value: 2 })]),
          set('b', { id: 'b', fault: 'fail-halfway' }),
          group([set('c', { id: 'c1' }), set('c', { id: 'c2', value: 2 }), set('c', { id: 'c3', value: 3 })]),
        ]),
        set('d', { id: 'd' }),
      ],
      { interleave: true },
    );
    expect(await run.carry()).toMatchObject({ status: 'rolled-back', failedStep: expect.stringMatching(/\/b$/) });
    expect(run.world.snapshot()).toEqual({});
    expect(keysOf(run, 'step.done').some(key => key.endsWith('c3'))).toBe(true);
    const undone = run.world.undone.map(key => key.slice(key.lastIndexOf('/') + 1));
    const inOrder = (...keys: string[]) => expect(undone.filter(key => keys.includes(key))).toEqual(keys);
    inOrder('a2', 'a1', 'z');
    inOrder('c3', 'c2', 'c1', 'z');
    expect(undone).not.toContain('d');
  });

  it('says how many branches failed', async () => {
    const run = testRun([
      parallel([set('a', { id: 'a', fault: 'fail' }), set('b', { id: 'b', fault: 'fail' }), set('c')], { id: 'p' }),
    ]);
    expect(await run.carry()).toMatchObject({
      failedStep: 'p',
      failure: { class: 'failed', message: '2 of 3 branches failed. p/a: It failed.' },
    });
  });

  it('goes on with undos of a branch when the undo of another fails', async () => {
    const run = testRun([
      parallel([
        group([set('a', { id: 'a1' }), set('a', { id: 'a2', value: 2, fault: 'undo-fails' })]),
        group([set('b', { id: 'b1' }), set('b', { id: 'b2', value: 2 })]),
      ]),
      set('c', { fault: 'fail' }),
    ]);
    const ended = await run.carry();
    expect(ended).toMatchObject({ status: 'needs-operator' });
    expect(ended?.remaining?.map(one => one.key.slice(-2))).toEqual(['a2', 'a1']);
    expect(run.world.snapshot()).toEqual({ a: 2 });
  });

  it('shows what is in its branches to the steps after it, not to the other branches', async () => {
    const run = testRun([
      parallel([set('a', { id: 'a', value: 4 }), group([set('b', { id: 'b', value: 5 })], { id: 'g' })], { id: 'p' }),
      from('steps.a.outputs.now + steps.b.outputs.now + steps.p.outputs.g.b.now'),
    ]);
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.snapshot()).toMatchObject({ out: 14 });
    const other = testRun([
      group([parallel([set('a', { id: 'a' }), group([set('x', { id: 'x' }), from('steps.a.outputs.now')])])]),
    ]);
    expect(await other.carry()).toMatchObject({ status: 'rolled-back', failure: { class: 'failed' } });
  });

  it('is stopped by a cancel in all branches', async () => {
    const run = testRun([parallel([group([set('a', { id: 'a' }), set('a2')]), group([set('b'), set('b2')])])], {
      interleave: true,
    });
    run.world.onApply = async () => {
      run.world.onApply = undefined;
      await run.durable!.cancel('rollback', 'test');
    };
    expect(await run.carry()).toMatchObject({ status: 'rolled-back', failure: { class: 'cancelled' } });
    expect(run.world.snapshot()).toEqual({});
  });
});

describe('a canary', () => {
  const perItem = (bad: string[]): Step[] =>
    [
      {
        ...set('x', { id: 'x' }),
        with: { target: '${{ item }}', value: 1, fault: `\${{ item in ${JSON.stringify(bad)} ? "fail" : "none" }}` },
      },
    ] as Step[];

  it('goes first, alone', async () => {
    const run = testRun([each(['i1', 'i2', 'i3', 'i4'], perItem([]), { canary: 1, batch: 4 })], { interleave: true });
    expect(await run.carry()).toMatchObject({ status: 'done' });
    const ended = run.journal.records.findIndex(one => one.type === 'item.ended');
    const begun = run.journal.records.flatMap((one, at) =>
      one.type === 'item.started' && at < ended ? [one.key] : [],
    );
    expect(begun).toEqual([expect.stringContaining('[i1]')]);
  });

  it('that fails keeps every other item from being begun, whatever may fail', async () => {
    const run = testRun([
      set('z'),
      each(['i1', 'i2', 'i3', 'i4'], perItem(['i1']), { id: 'loop', canary: 2, batch: 1, maxFailures: 3 }),
    ]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back', failedStep: 'loop' });
    expect(run.world.snapshot()).toEqual({});
    expect(keysOf(run, 'item.started')).toEqual(['loop[i1]']);
    expect(keysOf(run, 'item.skipped')).toEqual(['loop[i2]', 'loop[i3]', 'loop[i4]']);
  });

  it('lets items after it fail as far as they may', async () => {
    const run = testRun([
      each(['i1', 'i2', 'i3'], perItem(['i2']), { id: 'loop', canary: 1, batch: 1, maxFailures: 1 }),
    ]);
    expect(await run.carry()).toMatchObject({ status: 'done', failedItems: ['loop[i2]'] });
    expect(run.world.snapshot()).toEqual({ i1: 1, i3: 1 });
  });
});

describe('maxFailures', () => {
  const perItem = (bad: string[], fault: string): Step[] =>
    [
      {
        ...set('x', { id: 'x' }),
        with: {
          target: '${{ item }}',
          value: 1,
          fault: `\${{ item in ${JSON.stringify(bad)} ? "${fault}" : "none" }}`,
        },
      },
    ] as Step[];

  it('begins no further item once one more has failed than may', async () => {
    const run = testRun([
      each(['i1', 'i2', 'i3', 'i4', 'i5'], perItem(['i1', 'i3'], 'fail'), { id: 'loop', maxFailures: 1 }),
    ]);
    expect(await run.carry()).toMatchObject({
      status: 'rolled-back',
      failure: { message: expect.stringContaining('2 of 5') },
    });
    expect(keysOf(run, 'item.started')).toEqual(['loop[i1]', 'loop[i2]', 'loop[i3]']);
    expect(run.world.snapshot()).toEqual({});
  });

  it.each(['unknown-not', 'unclear-done', 'blocked'])('counts %s like failed', async fault => {
    const run = testRun([each(['i1', 'i2', 'i3'], perItem(['i1', 'i2'], fault), { id: 'loop', maxFailures: 1 })], {
      answer: () => 'rollback',
    });
    expect(await run.carry()).toMatchObject({ failure: { message: expect.stringContaining('2 of 3') } });
    expect(keysOf(run, 'item.started')).toEqual(['loop[i1]', 'loop[i2]']);
    expect(run.world.snapshot()).toEqual({});
  });

  it('is exact after a restart, too: what had failed before counts', async () => {
    const run = testRun([
      each(['i1', 'i2', 'i3', 'i4'], perItem(['i1', 'i2'], 'fail'), { id: 'loop', maxFailures: 1 }),
    ]);
    const second = () => keysOf(run, 'item.ended').length;
    for (let at = 3; second() < 2; at += 2) await run.carry({ at, when: 'after' });
    await run.carry();
    expect(keysOf(run, 'item.started')).toEqual(['loop[i1]', 'loop[i2]']);
    expect(run.world.snapshot()).toEqual({});
  });
});

describe('a call', () => {
  it('has inputs of its own, and gives its outputs', async () => {
    const run = testRun(
      [
        set('a', { id: 'a', value: 3 }),
        call([from('inputs.much + 1', 'b'), from('steps.b.outputs.now + inputs.more', 'c')], {
          id: 'sub',
          inputs: { much: { type: 'number' }, more: { type: 'number', default: 10 } },
          with: { much: '${{ steps.a.outputs.now }}' },
          outputs: { sum: '${{ steps.c.outputs.now }}' },
        }),
        from('steps.sub.outputs.sum + 1'),
      ],
      {},
    );
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.snapshot()).toEqual({ a: 3, b: 4, c: 14, out: 15 });
    expect(keysOf(run, 'step.done')).toEqual(['a', 'sub/b', 'sub/c', 'out']);
  });

  it('does not see the steps around it', async () => {
    const run = testRun([
      set('a', { id: 'a' }),
      group([call([from('steps.a.outputs.now')], { id: 'sub' })], { when: 'run.id != ""' }),
    ]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
  });

  it('is undone with what called it', async () => {
    const run = testRun([
      set('a', { id: 'a' }),
      call([set('a', { id: 'b', value: 2 }), set('c', { id: 'c' })], { id: 'sub' }),
      set('d', { fault: 'fail' }),
    ]);
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.undone.slice(-3)).toEqual(['sub/c', 'sub/b', 'a']);
    expect(run.world.snapshot()).toEqual({});
  });

  it('fails when its inputs do not fit', async () => {
    const run = testRun([
      set('z', { id: 'z' }),
      call([set('a')], {
        id: 'sub',
        inputs: { much: { type: 'number' } },
        with: { much: '${{ string(steps.z.outputs.now) }}' },
      }),
    ]);
    expect(await run.carry()).toMatchObject({
      status: 'rolled-back',
      failedStep: 'sub',
      failure: { message: expect.stringContaining('much must be a number') },
    });
  });
});
