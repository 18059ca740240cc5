import { describe, expect, it } from 'vitest';
import type { MaintenanceWindow, Step } from '../../src/runbook/model';
import {
  type ApprovalAsked,
  approve,
  assertThat,
  each,
  group,
  parallel,
  set,
  TestClock,
  type TestRun,
  type TestRunOptions,
  testRun,
  wait,
} from './harness';

const types = (run: TestRun): string[] => run.journal.records.map(record => record.type);
const stepsOf = (run: TestRun): string[] => types(run).filter(type => !type.startsWith('run.'));

describe('wait', () => {
  it('lets the time pass', async () => {
    const clock = new TestClock();
    const begun = clock.now();
    const run = testRun([wait('1h30m'), set('a')], { clock });
    let at = 0;
    run.world.onApply = () => {
      at = clock.now();
    };
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(at - begun).toBe(5_400_000);
    expect(stepsOf(run).slice(0, 3)).toEqual(['control.started', 'wait.started', 'control.done']);
  });

  it('waits only for the rest after a restart', async () => {
    const clock = new TestClock();
    const run = testRun([wait('1h', { id: 'w' })], { clock });
    await run.carry({ at: 4, when: 'before' });
    expect(types(run).at(-1)).toBe('wait.started');
    clock.time -= 600_000;
    const resumed = clock.now();
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(clock.now() - resumed).toBe(600_000);
  });

  it('takes its duration from an expression, and fails when it is none', async () => {
    const clock = new TestClock();
    const begun = clock.now();
    const good = testRun([set('a', { id: 'a', value: 3 }), wait('${{ string(steps.a.outputs.now) + "m" }}')], {
      clock,
    });
    expect(await good.carry()).toMatchObject({ status: 'done' });
    expect(clock.now() - begun).toBe(180_000);
    const bad = testRun([set('a', { id: 'a' }), wait('${{ string(steps.a.outputs.now) + " weeks" }}')]);
    expect(await bad.carry()).toMatchObject({
      status: 'rolled-back',
      failure: { class: 'failed', message: expect.stringContaining('`1 weeks` is no duration') },
    });
  });

  it('ends at once when it is cancelled', async () => {
    const run = testRun([set('a', { id: 'a' }), wait('3h'), set('b')]);
    run.onAppend = event => {
      if (event.type === 'wait.started') setImmediate(() => void run.durable!.cancel('rollback', 'test'));
    };
    expect(await run.carry()).toMatchObject({ status: 'rolled-back', failure: { class: 'cancelled' } });
    expect(run.world.snapshot()).toEqual({});
  });
});

describe('assert', () => {
  it('goes on when it holds', async () => {
    const run = testRun([set('a', { id: 'a', value: 2 }), assertThat('steps.a.outputs.now == 2'), set('b')]);
    expect(await run.carry()).toMatchObject({ status: 'done' });
  });

  it('fails with its message, filled in', async () => {
    const run = testRun([
      set('a', { id: 'a', value: 2 }),
      assertThat('steps.a.outputs.now == 3', { id: 'check', message: 'It is ${{ steps.a.outputs.now }}.' }),
    ]);
    expect(await run.carry()).toMatchObject({
      status: 'rolled-back',
      failedStep: 'check',
      failure: { class: 'failed', message: 'It is 2.' },
    });
    expect(run.journal.records.find(one => one.type === 'step.failed')).toMatchObject({
      key: 'check',
      failure: { message: 'It is 2.' },
    });
  });

  it('fails with its condition when it has no message', async () => {
    const run = testRun([set('a', { id: 'a' }), assertThat('steps.a.outputs.now > 5')]);
    expect(await run.carry()).toMatchObject({ failure: { message: 'It does not hold: steps.a.outputs.now > 5' } });
  });
});

describe('approve', () => {
  const asks = (
    step: Step,
    decide: (run: TestRun, asked: ApprovalAsked) => Promise<void>,
    options: TestRunOptions = {},
  ) => {
    const run: TestRun = testRun([set('a', { id: 'a' }), step, set('b', { id: 'b' })], {
      ...options,
      approve: (_durable, asked) => decide(run, asked),
    });
    return run;
  };

  it('goes on when enough different people have approved this plan', async () => {
    const said: (string | undefined)[] = [];
    const run = asks(approve({ by: 2, id: 'gate', message: 'Patch?' }), async ({ durable }, asked) => {
      for (const by of ['ann', 'Ann ', 'bob']) said.push(await durable!.approve(asked.key, 'approve', by));
      said.push(await durable!.approve(asked.key, 'approve', 'eve'));
    });
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(said).toEqual([
      undefined,
      expect.stringContaining('approved gate already'),
      undefined,
      expect.stringContaining('not waiting'),
    ]);
    const asked = run.journal.records.find(one => one.type === 'approval.asked');
    const { planHash } = run.journal.records.find(one => one.type === 'run.submitted')!;
    expect(asked).toMatchObject({ key: 'gate', message: 'Patch?', by: 2, self: true, planHash });
    expect(run.journal.records.filter(one => one.type === 'approval.given')).toMatchObject([
      { by: 'ann', planHash },
      { by: 'bob', planHash },
    ]);
  });

  it('does not count who submitted the run, when it says so', async () => {
    const run = asks(approve({ self: false, id: 'gate' }), async ({ durable }, asked) => {
      expect(await durable!.approve(asked.key, 'approve', 'test')).toContain('test submitted this run');
      expect(await durable!.approve(asked.key, 'approve', 'ann')).toBeUndefined();
    });
    expect(await run.carry()).toMatchObject({ status: 'done' });
  });

  it('that one person rejects fails, with what they said', async () => {
    const run = asks(approve({ by: 2, id: 'gate' }), async ({ durable }, asked) => {
      await durable!.approve(asked.key, 'approve', 'ann');
      await durable!.approve(asked.key, 'reject', 'bob', 'not today');
    });
    expect(await run.carry()).toMatchObject({
      status: 'rolled-back',
      failedStep: 'gate',
      failure: { class: 'rejected', message: 'bob rejected it. "not today"' },
    });
    expect(run.world.snapshot()).toEqual({});
  });

  it('expires, counted from when it was asked', async () => {
    const clock = new TestClock();
    const run = asks(approve({ expires: '24h', id: 'gate' }), async () => undefined, { clock });
    const begun = clock.now();
    expect(await run.carry()).toMatchObject({
      status: 'rolled-back',
      failure: { class: 'timeout', message: 'Nobody approved it in time.' },
    });
    expect(clock.now() - begun).toBe(86_400_000);
  });

  it('keeps what people said over a restart', async () => {
    let turn = 0;
    const run = asks(approve({ by: 2, id: 'gate' }), async ({ durable }, asked) => {
      await durable!.approve(asked.key, 'approve', ['ann', 'bob'][turn++]!);
    });
    expect(await run.carry({ at: 6, when: 'after' })).toBeUndefined();
    expect(types(run).filter(type => type.startsWith('approval'))).toEqual(['approval.asked', 'approval.given']);
    const ended = await run.carry();
    expect(types(run).filter(type => type === 'approval.asked')).toHaveLength(1);
    expect(ended).toMatchObject({ status: 'done' });
  });

  it('is asked again when a run that was stopped there goes on', async () => {
    let turn = 0;
    const run = asks(approve({ by: 2, id: 'gate' }), async ({ durable }, asked) => {
      if (turn++ > 0) return void (await durable!.approve(asked.key, 'approve', 'bob'));
      await durable!.approve(asked.key, 'approve', 'ann');
      await durable!.cancel('keep', 'test');
    });
    expect(await run.carry()).toMatchObject({ status: 'stopped' });
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(types(run).filter(type => type === 'approval.given')).toHaveLength(2);
  });

  it('holds up only its own branch', async () => {
    const run: TestRun = testRun([parallel([group([approve({ id: 'gate' }), set('a')]), set('b', { id: 'b' })])], {
      approve: async (durable, asked) => {
        while (run.world.get('b') === 0) await new Promise(resolve => setImmediate(resolve));
        await durable.approve(asked.key, 'approve', 'ann');
      },
    });
    expect(await run.carry()).toMatchObject({ status: 'done' });
  });
});

describe('a maintenance window', () => {
  // 1_700_000_000_000 is Tue 2023-11-14 22:13:20 UTC.
  const window = (allow: string, more: Partial<MaintenanceWindow> = {}): TestRunOptions['runbook'] => ({
    window: { allow: [allow], zone: 'UTC', outside: 'wait', closing: 'drain', ...more },
  });
  const hour = 3_600_000;

  it('that is open changes nothing', async () => {
    const run = testRun([set('a'), each(['x', 'y'], [set('b')])], { runbook: window('22:00-23:00') });
    expect(await run.carry()).toMatchObject({ status: 'done' });
  });

  it('is waited for', async () => {
    const clock = new TestClock();
    const run = testRun([set('a', { id: 'a' })], { clock, runbook: window('Wed 01:00-02:00') });
    let at = 0;
    run.world.onApply = () => {
      at = clock.now();
    };
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(new Date(at).toISOString()).toBe('2023-11-15T01:00:00.000Z');
    expect(run.journal.records.find(one => one.type === 'window.waiting')).toMatchObject({
      text: expect.stringContaining('2023-11-15 01:00 UTC'),
    });
  });

  it('refuses a run that begins outside and may not wait; nothing is changed', async () => {
    const run = testRun([set('a')], { runbook: window('01:00-02:00', { outside: 'refuse' }) });
    expect(await run.carry()).toMatchObject({ status: 'failed', failure: { class: 'blocked' } });
    expect(run.world.applied.size).toBe(0);
  });

  it('that closes lets items under way end, begins no other, and the run can be resumed in the next', async () => {
    const clock = new TestClock();
    const run = testRun(
      [
        each(['i1', 'i2', 'i3'], [{ ...set('x', { id: 'x' }), with: { target: '${{ item }}', value: 1 } } as Step], {
          id: 'loop',
        }),
        set('z'),
      ],
      { clock, runbook: window('22:00-23:00') },
    );
    run.world.onApply = key => {
      if (key === 'loop[i2]/x') clock.time += hour;
    };
    expect(await run.carry()).toMatchObject({ status: 'stopped', failure: { class: 'blocked' } });
    expect(run.world.snapshot()).toEqual({ i1: 1, i2: 1 });
    run.world.onApply = undefined;
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.snapshot()).toEqual({ i1: 1, i2: 1, i3: 1, z: 1 });
    expect(run.world.violations).toEqual([]);
    expect(clock.now()).toBeGreaterThanOrEqual(Date.UTC(2023, 10, 15, 22));
  });

  it('that closes rolls everything back when it says so, also after a restart in the middle of that', async () => {
    const steps = [set('a', { id: 'a' }), set('b', { id: 'b' }), set('c', { id: 'c' })];
    let closed = 0;
    for (let at = 6; at < 20; at++) {
      const clock = new TestClock();
      const run = testRun(steps, { clock, runbook: window('22:00-23:00', { closing: 'rollback' }) });
      run.world.onApply = key => {
        if (key === 'b') clock.time += hour;
      };
      const whole = await run.carry({ at, when: 'after' });
      if (types(run).includes('window.closed')) closed++;
      else continue;
      expect(whole ?? (await run.carry())).toMatchObject({ status: 'rolled-back', failure: { class: 'blocked' } });
      expect(run.world.snapshot()).toEqual({});
    }
    expect(closed).toBeGreaterThan(3);
  });

  it('that closes is ignored when it says so', async () => {
    const clock = new TestClock();
    const run = testRun([set('a', { id: 'a' }), set('b')], {
      clock,
      runbook: window('22:00-23:00', { closing: 'ignore' }),
    });
    run.world.onApply = () => {
      clock.time += hour;
    };
    expect(await run.carry()).toMatchObject({ status: 'done' });
  });

  it('does not stop a rollback or finally', async () => {
    const clock = new TestClock();
    const run = testRun([set('a', { id: 'a' }), set('b', { id: 'b', fault: 'fail' })], {
      clock,
      runbook: { ...window('22:00-23:00'), finally: [set('f')] },
    });
    run.world.onApply = key => {
      if (key === 'b') clock.time += hour;
    };
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.snapshot()).toEqual({ f: 1 });
  });
});
