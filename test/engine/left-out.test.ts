import { expect, it } from 'vitest';
import { set, testRun } from './harness';

const steps = [
  set('a', { id: 'a' }),
  {
    kind: 'steps' as const,
    pointer: '',
    when: false,
    steps: [set('b', { id: 'b' })],
  },
];

it('a step inside a group that was left out has given nothing', async () => {
  const run = testRun([...steps, set('c', { when: 'steps.b.outputs.?now.orValue(7) == 7' })]);
  expect(await run.carry()).toMatchObject({ status: 'done' });
  expect(run.world.snapshot()).toEqual({ a: 1, c: 1 });
});

it('in finally, a step that was not reached has given nothing; one that was has what it gave', async () => {
  const run = testRun([set('a', { id: 'a' }), set('b', { id: 'b', fault: 'fail' }), set('c', { id: 'c' })], {
    runbook: {
      finally: [
        set('f', { when: 'steps.a.outputs.now == 1' }),
        set('g', { when: 'steps.b.outputs == {} && steps.c.outputs.?now.orValue(0) == 0' }),
      ],
    },
  });
  expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
  expect(run.world.snapshot()).toEqual({ f: 1, g: 1 });
});
