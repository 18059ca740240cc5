import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FrameScope, FrameView, JumpTarget, ThreadView } from '../../src/engine/debug-protocol';
import { debugRequest } from '../../src/engine/debug-request';
import { DebugRefused } from '../../src/engine/debugger';
import { fold } from '../../src/engine/view';
import type { Step } from '../../src/runbook/model';
import { DebuggedRun } from './debugging';
import { approve, assertThat, call, each, group, noReturn, parallel, StillClock, set, wait } from './harness';

// Stop points, steps, threads and frames of a run, without sockets and in virtual time.

/** A step whose value is an expression. */
const given = (target: string, value: string, id?: string): Step =>
  ({ ...set(target, id === undefined ? {} : { id }), with: { target, value } }) as Step;

const three = () => [set('a', { id: 'one' }), set('b', { id: 'two', value: 2 }), set('c', { id: 'three', value: 3 })];

describe('a held run', () => {
  it('stands before its first step with nothing done, and goes on when it is let go', async () => {
    const it = new DebuggedRun(three());
    void it.carry();
    expect(await it.stopped()).toMatchObject({
      reason: 'entry',
      phase: 'step',
      key: 'one',
      pointer: '/steps/0',
      thread: 1,
    });
    expect(it.run.world.applied.size).toBe(0);
    expect(fold(it.run.journal.records)).toMatchObject({ phase: 'waiting', paused: [{ key: 'one', reason: 'entry' }] });
    expect(await it.toTheEnd()).toMatchObject({ status: 'done' });
    expect(fold(it.run.journal.records)).toMatchObject({ phase: 'done', paused: [] });
  });

  it('is let go by a person without a debugger', async () => {
    const it = new DebuggedRun(three(), { attached: false });
    const ended = it.carry();
    for (let turns = 0; turns < 20; turns++) await undefined;
    expect(it.types('run.paused')).toEqual(['run.paused one']);
    expect(it.hub.goOn('ann')).toBe(true);
    expect(it.hub.goOn('ann')).toBe(false);
    expect(await ended).toMatchObject({ status: 'done' });
    expect(it.run.journal.records).toContainEqual(expect.objectContaining({ type: 'run.continued', by: 'ann' }));
  });
});

describe('stepping', () => {
  const nested = () => [
    group([set('a', { id: 'in1' }), set('b', { id: 'in2' })], { id: 'grp' }),
    each(['x', 'y'], [set('c', { id: 'item' }), set('d', { id: 'more' })], { id: 'loop' }),
    call([set('e', { id: 'called' })], { id: 'sub' }),
    set('f', { id: 'last' }),
  ];

  it('over stays in the list', async () => {
    const it = new DebuggedRun(nested());
    void it.carry();
    const keys = [(await it.stopped()).key];
    for (let steps = 0; steps < 3; steps++) keys.push((await it.go('over')).key);
    expect(keys).toEqual(['grp', 'loop', 'sub', 'last']);
    await it.toTheEnd();
  });

  it('into goes wherever the next step is; over goes on in what holds it; out leaves it', async () => {
    const it = new DebuggedRun(nested());
    void it.carry();
    await it.stopped();
    expect((await it.go('into')).key).toBe('grp/in1');
    expect((await it.go('over')).key).toBe('grp/in2');
    expect((await it.go('over')).key).toBe('loop');
    expect((await it.go('into')).key).toBe('loop[x]/item');
    expect(await it.ask<FrameView[]>({ do: 'stack', thread: 1 })).toEqual([
      { index: 0, name: 'item in loop[x]', pointer: '/steps/1/steps/0', key: 'loop[x]/item' },
      { index: 1, name: 'loop in test', pointer: '/steps/1', key: 'loop' },
    ]);
    expect((await it.go('over')).key).toBe('loop[x]/more');
    expect((await it.go('over')).key).toBe('loop[y]/item');
    expect((await it.go('out')).key).toBe('sub');
    expect((await it.go('into')).key).toBe('sub/called');
    expect(await it.ask<FrameView[]>({ do: 'stack', thread: 1 })).toMatchObject([
      { name: 'called in sub', pointer: 'called.runbook.yaml#/steps/0' },
      { name: 'sub in test' },
    ]);
    expect((await it.go('over')).key).toBe('last');
    expect(await it.toTheEnd()).toMatchObject({ status: 'done' });
  });

  it('pauses at the next step', async () => {
    const it = new DebuggedRun(three(), { held: false });
    it.run.world.onApply = key => {
      if (key === 'one') it.hub.pause('ann');
    };
    void it.carry();
    expect(await it.stopped()).toMatchObject({ reason: 'pause', key: 'two', said: 'Before two. Asked by ann.' });
    await it.toTheEnd();
  });
});

describe('breakpoints', () => {
  it('stop, also with a condition, a hit count, and one that can not be evaluated; logpoints only say something', async () => {
    const it = new DebuggedRun([
      each(['x', 'y', 'z'], [set('a', { id: 'first' }), set('b', { id: 'second' })], { id: 'loop' }),
      set('c', { id: 'last' }),
    ]);
    void it.carry();
    await it.stopped();
    const first = '/steps/0/steps/0';
    const second = '/steps/0/steps/1';
    expect(
      await it.ask({
        do: 'breakpoints',
        breakpoints: [
          { pointer: first, condition: 'item == "y"' },
          { pointer: first, logMessage: 'at {item}: {steps.nothing} {{}}' },
          { pointer: second, hitCondition: '>= 3' },
          { pointer: '/steps/1', condition: 'item == 1' },
          { pointer: first, condition: 'item ==' },
          { pointer: first, hitCondition: 'often' },
          { pointer: '/steps/7' },
        ],
      }),
    ).toMatchObject([
      { verified: true },
      { verified: true },
      { verified: true },
      { verified: true },
      { verified: false, message: expect.stringContaining('The condition is wrong') },
      { verified: false, message: expect.stringContaining('no hit count') },
      { verified: false, message: expect.stringContaining('no part of the run') },
    ]);
    expect(await it.go('continue')).toMatchObject({ reason: 'breakpoint', key: 'loop[y]/first', breakpoints: [0] });
    expect(await it.next('said')).toMatchObject({
      pointer: first,
      text: expect.stringMatching(/^at x: \{steps.nothing: .*\} \{\}$/),
    });
    expect(await it.go('continue')).toMatchObject({ reason: 'breakpoint', key: 'loop[z]/second', breakpoints: [2] });
    expect(await it.go('continue')).toMatchObject({
      key: 'last',
      text: expect.stringContaining('could not be evaluated'),
    });
    await it.toTheEnd();
  });
});

describe('threads', () => {
  it('are the items that go side by side and the branches of parallel; each stops for itself', async () => {
    const it = new DebuggedRun([
      each(['x', 'y'], [set('a', { id: 'first' }), set('b', { id: 'second' })], { id: 'loop', batch: 2 }),
      parallel([set('c', { id: 'left' }), group([set('d', { id: 'deep' })], { id: 'right' })], { id: 'both' }),
    ]);
    void it.carry();
    await it.stopped();
    await it.ask({
      do: 'breakpoints',
      breakpoints: [{ pointer: '/steps/0/steps/1' }, { pointer: '/steps/1/steps/1/steps/0' }],
    });
    await it.ask({ do: 'go', thread: 1, how: 'continue' });
    const stops = [await it.stopped(), await it.stopped()];
    expect(stops.map(stop => stop.key).sort()).toEqual(['loop[x]/second', 'loop[y]/second']);
    const threads = await it.ask<ThreadView[]>({ do: 'threads' });
    expect(threads.map(({ name, stopped }) => [name, stopped?.key])).toEqual([
      ['test', undefined],
      ['loop[x]', 'loop[x]/second'],
      ['loop[y]', 'loop[y]/second'],
    ]);
    expect(new Set(threads.map(({ id }) => id)).size).toBe(3);
    // Of two that stand, one has to be named.
    await expect(it.ask({ do: 'go', how: 'over' })).rejects.toThrow('Several threads stand: say which.');
    await it.ask({ do: 'go', thread: stops[0]!.thread, how: 'continue' });
    expect(await it.ask<FrameView[]>({ do: 'stack', thread: stops[1]!.thread })).toHaveLength(2);
    await it.ask({ do: 'go', how: 'continue' });
    const deep = await it.stopped();
    expect(deep.key).toBe('both/right/deep');
    expect((await it.ask<ThreadView[]>({ do: 'threads' })).find(({ id }) => id === deep.thread)!.name).toBe(
      'both/right',
    );
    // The end of a thread ends the step through it in what holds it.
    await it.toTheEnd();
    expect(it.events.filter(event => event.type === 'thread' && event.what === 'exited')).not.toHaveLength(0);
  });

  it('into a loop side by side stops in its first item', async () => {
    const it = new DebuggedRun([
      each(['x', 'y'], [set('a', { id: 'first' })], { id: 'loop', batch: 2 }),
      set('b', { id: 'last' }),
    ]);
    void it.carry();
    await it.stopped();
    const inside = await it.go('into');
    expect(inside).toMatchObject({ key: 'loop[x]/first', reason: 'step' });
    expect(inside.thread).not.toBe(1);
    expect(await it.go('over', inside.thread)).toMatchObject({ key: 'last', thread: 1 });
    await it.toTheEnd();
  });
});

describe('what is seen', () => {
  it('is inputs, outputs, loop variables and the inputs of the step, without secrets and not too much', async () => {
    const it = new DebuggedRun(
      [
        set('a', { id: 'one', value: 7 }),
        each(
          ['x'],
          [
            { ...set('${{ item }}', { id: 'two' }), name: 'say ${{ inputs.word }}' },
            assertThat('false', { message: 'It does not hold: ${{ inputs.word }}' }),
          ],
          { id: 'loop' },
        ),
      ],
      {
        secrets: { word: 'hunter2-hunter2' },
        runbook: {
          inputs: { word: { type: 'secret' }, long: { type: 'string', default: 'x'.repeat(50_000) } },
        },
      },
    );
    void it.carry();
    await it.stopped();
    await it.go('over');
    await it.go('into');
    const scope = await it.ask<FrameScope>({ do: 'scope', thread: 1, frame: 0 });
    expect(scope).toMatchObject({
      inputs: { word: '‹secret word›' },
      steps: { one: { outputs: { was: 0, now: 7 } } },
      variables: { item: 'x', index: 0 },
      with: { target: 'x' },
      targets: [{ kind: 'vm', name: 'x' }],
    });
    expect(String(scope.inputs.long).length).toBeLessThan(11_000);
    expect(scope.editable).toContainEqual(['variables', 'item']);
    expect(scope.editable).not.toContainEqual(['inputs', 'word']);
    const evaluate = (expression: string) => it.ask({ do: 'evaluate', thread: 1, frame: 0, expression });
    expect(await evaluate('steps.one.outputs.now + 1')).toBe(8);
    expect(await evaluate('${{ item }}-${{ index }}')).toBe('x-0');
    // Not even a part of a secret.
    expect(JSON.stringify(await evaluate('inputs.word.split("")'))).not.toContain('h');
    expect(await evaluate('inputs.word.startsWith("hunter")')).toBe(false);
    await expect(evaluate('nothing.at.all')).rejects.toThrow();
    await expect(it.ask({ do: 'evaluate', thread: 1, frame: 5, expression: '1' })).rejects.toThrow(
      'There is no frame 5.',
    );
    await it.ask({
      do: 'breakpoints',
      breakpoints: [
        { pointer: '/steps/1/steps/1', logMessage: 'it is {inputs.word}' },
        { pointer: '/steps/1/steps/1', condition: 'inputs.word' },
      ],
    });
    const wrong = await it.go('continue');
    expect(await it.next('said')).toMatchObject({ text: 'it is ‹secret word›' });
    expect(wrong.text).toContain('‹secret word›');
    await it.ask({ do: 'exceptions', on: ['failure'] });
    expect(await it.go('continue')).toMatchObject({ phase: 'failed', text: 'It does not hold: ‹secret word›' });
    await it.toTheEnd();
    const told = JSON.stringify(it.run.journal.records);
    expect(told).not.toContain('hunter2');
    expect(told).not.toContain('literally');
  });
});

describe('a step back', () => {
  it('undoes the last step and stands before it; done again it has a round in its key', async () => {
    const it = new DebuggedRun(three());
    void it.carry();
    await it.stopped();
    await expect(it.ask({ do: 'go', thread: 1, how: 'back' })).rejects.toThrow('It is the first step of its list');
    await it.go('over');
    await it.go('over');
    expect(await it.go('back')).toMatchObject({
      reason: 'back',
      key: 'two@2',
      pointer: '/steps/1',
      said: expect.stringContaining('two is taken back'),
    });
    expect(it.run.world.snapshot()).toEqual({ a: 1 });
    const scope = await it.ask<FrameScope>({ do: 'scope', thread: 1, frame: 0 });
    expect(Object.keys(scope.steps)).toEqual(['one']);
    expect(await it.toTheEnd()).toMatchObject({ status: 'done' });
    expect(it.run.world.snapshot()).toEqual({ a: 1, b: 2, c: 3 });
    expect(it.types('step.done', 'undo.done')).toEqual([
      'step.done one',
      'step.done two',
      'undo.done two',
      'step.done two@2',
      'step.done three',
    ]);
    expect(fold(it.run.journal.records)!.undoList).toEqual(['three', 'two@2', 'one']);
  });

  it('takes back a whole loop, group or call, goes over what was left out, and over an approval that stays given', async () => {
    const it = new DebuggedRun([
      set('z', { id: 'zero' }),
      each(['x', 'y'], [set('${{ item }}')], { id: 'loop', batch: 2 }),
      approve({ id: 'gate' }),
      set('n', { id: 'never', when: 'false' }),
      group([call([set('b')], { id: 'sub' })], { id: 'grp' }),
      set('c', { id: 'last' }),
    ]);
    void it.carry();
    await it.stopped();
    for (const key of ['loop', 'gate', 'never', 'grp', 'last']) expect((await it.go('over')).key).toBe(key);
    expect((await it.go('back')).key).toBe('grp@2');
    expect(it.run.world.snapshot()).toEqual({ z: 1, x: 1, y: 1 });
    expect((await it.go('back')).key).toBe('gate@2');
    expect((await it.go('back')).key).toBe('loop@2');
    expect(it.run.world.snapshot()).toEqual({ z: 1 });
    expect(await it.toTheEnd()).toMatchObject({ status: 'done' });
    expect(it.run.world.snapshot()).toEqual({ z: 1, x: 1, y: 1, b: 1, c: 1 });
    expect(it.types('approval.asked')).toEqual(['approval.asked gate']);
    expect(it.types('step.skipped')).toEqual(['step.skipped never', 'step.skipped never@2']);
  });

  it('is refused over what has no undo and a point of no return, and in finally', async () => {
    const it = new DebuggedRun(
      [
        set('a', { id: 'burn', uses: 't.burn' }),
        set('b', { id: 'own', rollback: 'none' }),
        set('b', { id: 'look', uses: 't.look', value: 0 }),
        noReturn({ id: 'point' }),
        set('c', { id: 'last' }),
      ],
      { runbook: { finally: [set('f', { id: 'close' })] } },
    );
    void it.carry();
    await it.stopped();
    const back = () => it.ask({ do: 'go', thread: 1, how: 'back' });
    await it.go('over');
    await expect(back()).rejects.toThrow('burn has no undo (irreversible). Jump to burn does it again');
    await it.go('over');
    await expect(back()).rejects.toThrow('own has `rollback: none`');
    await it.go('over');
    // It changes nothing, so there is nothing to undo.
    expect((await it.go('back')).key).toBe('look@2');
    await it.go('over');
    await it.go('over');
    await expect(back()).rejects.toThrow('point is a point of no return');
    expect((await it.go('over')).key).toBe('~finally/close');
    await expect(back()).rejects.toThrow('In `finally`');
    await it.toTheEnd();
  });

  it('whose undo fails leaves it standing where it was; the rollback tries again', async () => {
    const it = new DebuggedRun([
      set('a', { id: 'one' }),
      group([set('b', { id: 'kept' }), set('c', { id: 'bad', fault: 'undo-fails-once' })], { id: 'grp' }),
      set('d', { id: 'last', fault: 'fail' }),
    ]);
    void it.carry();
    await it.stopped();
    await it.go('over');
    await it.go('over');
    expect(await it.go('back')).toMatchObject({
      key: 'last',
      reason: 'back',
      text: 'grp is not taken back: the undo of grp/bad (set c back to 0) failed. The undo failed once.',
    });
    expect(it.run.world.snapshot()).toEqual({ a: 1, b: 1, c: 1 });
    expect(await it.toTheEnd()).toMatchObject({ status: 'rolled-back' });
    expect(it.run.world.snapshot()).toEqual({});
  });
});

describe('a jump', () => {
  it('forward leaves steps out; backward does them again without undoing', async () => {
    const it = new DebuggedRun([...three(), approve({ id: 'gate' }), set('d', { id: 'last' })]);
    void it.carry();
    await it.stopped();
    expect(await it.ask<JumpTarget[]>({ do: 'targets', thread: 1 })).toEqual([
      { pointer: '/steps/1', title: 'two', warning: 'Leaves out one: what needs them may fail.' },
      { pointer: '/steps/2', title: 'three', warning: 'Leaves out one, two: what needs them may fail.' },
      { pointer: '/steps/3', title: 'gate', warning: 'Leaves out one, two, three: what needs them may fail.' },
    ]);
    expect(await it.jump('/steps/1')).toMatchObject({ reason: 'jump', key: 'two' });
    expect((await it.go('over')).key).toBe('three');
    await expect(it.ask({ do: 'jump', thread: 1, pointer: '/steps/4' })).rejects.toThrow('gate is an approval');
    await expect(it.ask({ do: 'jump', thread: 1, pointer: '/steps/9' })).rejects.toThrow('not in the list');
    expect(await it.jump('/steps/0')).toMatchObject({ key: 'one@2' });
    const view = fold(it.run.journal.records)!;
    expect(view.steps.find(step => step.key === 'one')).toMatchObject({
      state: 'skipped',
      reason: 'tester went on at two',
    });
    expect(await it.toTheEnd()).toMatchObject({ status: 'done' });
    expect(it.types('step.done')).toEqual(['two', 'one@2', 'two@2', 'three', 'last'].map(key => `step.done ${key}`));
  });
});

describe('a value that is set', () => {
  const program = () => [
    set('a', { id: 'one', value: 5 }),
    each(['x', 'y'], [given('${{ item }}', '${{ inputs.count }}')], {
      id: 'loop',
    }),
    given('b', '${{ steps.one.outputs.now }}', 'last'),
  ];
  const runbook = { inputs: { count: { type: 'number' as const, default: 1 }, word: { type: 'secret' as const } } };

  it('counts for all steps from there on, is checked against its type, and is recorded', async () => {
    const it = new DebuggedRun(program(), { runbook, secrets: { word: 'hunter2' } });
    void it.carry();
    await it.stopped();
    const put = (frame: number, path: string[], value: string) => it.ask({ do: 'set', thread: 1, frame, path, value });
    await expect(put(0, ['inputs', 'count'], 'many')).rejects.toThrow('The input count must be a number, not "many".');
    await expect(put(0, ['inputs', 'word'], 'other')).rejects.toThrow('is a secret');
    await expect(put(0, ['inputs', 'none'], '1')).rejects.toThrow('There is no inputs.none here.');
    expect(await put(0, ['inputs', 'count'], '2')).toBe(2);
    await it.go('over');
    await it.go('into');
    expect(await put(0, ['variables', 'item'], 'w')).toBe('w');
    // Of the run, so it counts in this item and in those after it.
    expect(await put(1, ['inputs', 'count'], '3')).toBe(3);
    await expect(put(0, ['steps', 'one', 'outputs', 'now'], 'many')).rejects.toThrow(
      `The output now of one can't be "many"`,
    );
    expect(await put(1, ['steps', 'one', 'outputs', 'now'], '9')).toBe(9);
    expect(await it.toTheEnd()).toMatchObject({ status: 'done' });
    expect(it.run.world.snapshot()).toEqual({ a: 5, w: 3, y: 3, b: 9 });
    expect(fold(it.run.journal.records)!.changed).toMatchObject([
      { name: 'inputs.count', was: 1, value: 2, by: 'tester', key: 'one' },
      { name: 'variables.item', was: 'x', value: 'w' },
      { name: 'inputs.count', was: 2, value: 3 },
      { name: 'steps.one.outputs.now', was: 5, value: 9 },
    ]);
  });

  it('is refused where people approve, and where others see it side by side', async () => {
    const asked = new DebuggedRun([set('a', { id: 'one' }), approve()], { runbook, secrets: { word: 'hunter2' } });
    void asked.carry();
    await asked.stopped();
    const count = ['inputs', 'count'];
    await expect(asked.ask({ do: 'set', thread: 1, frame: 0, path: count, value: '2' })).rejects.toThrow(
      'People approve',
    );
    await asked.toTheEnd();

    const beside = new DebuggedRun(
      [
        each(['x', 'y'], [given('${{ item }}', '${{ inputs.count }}')], {
          batch: 2,
        }),
      ],
      { runbook, secrets: { word: 'hunter2' } },
    );
    void beside.carry();
    await beside.stopped();
    const { thread } = await beside.go('into');
    await expect(beside.ask({ do: 'set', thread, frame: 1, path: count, value: '2' })).rejects.toThrow('side by side');
    await beside.ask({ do: 'set', thread, frame: 0, path: count, value: '2' });
    await beside.toTheEnd();
    expect(beside.run.world.snapshot()).toEqual({ x: 2, y: 1 });
  });
});

describe('a failure', () => {
  const failing = () => [set('a', { id: 'one' }), set('b', { id: 'two' }), set('c', { id: 'bad', fault: 'fail' })];

  it('stops before anything is undone, then before the rollback, then before each undo', async () => {
    const it = new DebuggedRun(failing());
    void it.carry();
    await it.stopped();
    await it.ask({ do: 'exceptions', on: ['failure', 'rollback'] });
    expect(await it.go('continue')).toMatchObject({
      reason: 'failure',
      phase: 'failed',
      key: 'bad',
      failure: { message: 'It failed.' },
    });
    await expect(it.ask({ do: 'go', thread: 1, how: 'back' })).rejects.toThrow('not steered');
    expect(await it.ask<FrameScope>({ do: 'scope', thread: 1, frame: 0 })).toMatchObject({ editable: [] });
    expect(await it.go('continue')).toMatchObject({
      reason: 'rollback',
      phase: 'rollback',
      text: 'bad failed: It failed.',
    });
    expect(await it.ask<FrameView[]>({ do: 'stack', thread: 1 })).toMatchObject([
      { index: 0, name: 'rollback of test' },
    ]);
    expect(it.run.world.undone).toEqual([]);
    expect(await it.go('over')).toMatchObject({ reason: 'step', phase: 'undo', key: 'bad' });
    expect(await it.go('over')).toMatchObject({ phase: 'undo', key: 'two', text: 'set b back to 0' });
    expect(it.run.world.snapshot()).toEqual({ a: 1, b: 1 });
    await it.ask({ do: 'go', thread: 1, how: 'continue' });
    expect(await it.next('thread')).toMatchObject({ what: 'exited', thread: 1 });
    expect(it.run.world.snapshot()).toEqual({});
  });

  it('is reached by stepping, too', async () => {
    const it = new DebuggedRun(failing());
    void it.carry();
    await it.stopped();
    await it.go('over');
    await it.go('over');
    expect(await it.go('over')).toMatchObject({ reason: 'step', phase: 'rollback' });
    await it.toTheEnd();
  });
});

describe('a cancel', () => {
  it('reaches a run that stands at once', async () => {
    for (const [mode, status] of [
      ['keep', 'stopped'],
      ['rollback', 'rolled-back'],
    ] as const) {
      const it = new DebuggedRun(three());
      const ended = it.carry();
      await it.stopped();
      await it.go('over');
      await it.run.durable!.cancel(mode, 'ann');
      it.hub.cancelled(mode);
      expect(await ended).toMatchObject({ status });
    }
  });
});

describe('the connection', () => {
  it('is for one debugger; the second is told who has it', async () => {
    const it = new DebuggedRun(three());
    void it.carry();
    await it.stopped();
    expect(() => it.hub.attach('other', () => undefined)).toThrow('tester debugs this run already');
    await it.toTheEnd();
  });

  it('lost, leaves standing what stands, and what was stepped stops where it comes to; the next one finds it', async () => {
    const it = new DebuggedRun([wait('10s', { id: 'wait' }), ...three()]);
    const ended = it.carry();
    await it.stopped();
    await it.ask({ do: 'breakpoints', breakpoints: [{ pointer: '/steps/3' }] });
    await it.ask({ do: 'go', thread: 1, how: 'over' });
    it.hub.lost();
    for (let turns = 0; turns < 200; turns++) await undefined;
    expect(it.types('run.paused')).toEqual(['run.paused wait', 'run.paused one']);
    it.attach('second');
    expect(await it.ask<ThreadView[]>({ do: 'threads' })).toMatchObject([{ stopped: { key: 'one', reason: 'pause' } }]);
    // Its breakpoints were the lost one's.
    await it.ask({ do: 'go', thread: 1, how: 'continue' });
    expect(await ended).toMatchObject({ status: 'done' });
  });
});

describe('while it stands', () => {
  it('it holds no limit: what goes on beside it comes to its end', async () => {
    const it = new DebuggedRun(
      [each(['x', 'y'], [set('${{ item }}'), set('${{ item }}2')], { id: 'loop', batch: 2 })],
      {
        limit: 1,
      },
    );
    void it.carry();
    await it.stopped();
    await it.ask({ do: 'breakpoints', breakpoints: [{ pointer: '/steps/0/steps/1', condition: 'item == "x"' }] });
    await it.ask({ do: 'go', thread: 1, how: 'continue' });
    await it.stopped();
    await it.next('thread');
    for (let turns = 0; turns < 200; turns++) await undefined;
    expect(it.run.world.snapshot()).toEqual({ x: 1, y: 1, y2: 1 });
    expect(await it.toTheEnd()).toMatchObject({ status: 'done' });
    expect(it.run.world.violations).toEqual([]);
  });

  it('its maintenance window may close: that is looked at when it goes on', async () => {
    const clock = new StillClock();
    const hour = 3_600_000;
    clock.time = Date.UTC(2026, 0, 3, 22);
    const it = new DebuggedRun(three(), {
      clock,
      runbook: { window: { allow: ['Sat 22:00-23:00'], zone: 'UTC', outside: 'refuse', closing: 'drain' } },
    });
    const ended = it.carry();
    await it.stopped();
    await it.go('over');
    clock.time += 2 * hour;
    await it.ask({ do: 'go', thread: 1, how: 'over' });
    expect(await ended).toMatchObject({ status: 'stopped', failure: { class: 'blocked' } });
    expect(it.run.world.snapshot()).toEqual({ a: 1 });
  });

  it('a debugger that comes late takes back what was done before', async () => {
    const it = new DebuggedRun([set('n', { id: 'never', when: 'false' }), ...three()], {
      held: false,
      attached: false,
    });
    it.run.world.onApply = key => {
      if (key !== 'two') return;
      it.attach('late');
      void it.ask({ do: 'pause' });
    };
    void it.carry();
    expect((await it.stopped()).key).toBe('three');
    expect((await it.go('back')).key).toBe('two@2');
    it.run.world.onApply = undefined;
    expect((await it.go('back')).key).toBe('one@2');
    await expect(it.ask({ do: 'go', thread: 1, how: 'back' })).rejects.toThrow('first step of its list');
    expect(it.run.world.snapshot()).toEqual({});
    expect(await it.toTheEnd()).toMatchObject({ status: 'done' });
  });

  it('a rollback that is asked for does not stop for a pause', async () => {
    const it = new DebuggedRun(three(), { held: false, attached: false });
    it.run.world.onApply = async key => {
      if (key !== 'two') return;
      it.hub.pause('ann');
      await it.run.durable!.cancel('rollback', 'bob');
      it.hub.cancelled('rollback');
    };
    expect(await it.carry()).toMatchObject({ status: 'rolled-back' });
    expect(it.types('run.paused')).toEqual([]);
  });
});

describe('a request', () => {
  it('that is none is refused in a sentence, whatever it is', () => {
    const kinds = fc.constantFrom(
      'breakpoints',
      'go',
      'jump',
      'set',
      'scope',
      'live',
      'threads',
      'constructor',
      'none',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.record({ do: kinds, thread: fc.anything(), value: fc.anything(), path: fc.anything() }),
        ),
        given => {
          try {
            expect(debugRequest(given)).toHaveProperty('do');
          } catch (error) {
            expect(error).toBeInstanceOf(DebugRefused);
          }
        },
      ),
    );
  });
});
