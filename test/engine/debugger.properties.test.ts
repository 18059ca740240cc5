import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DebugEvent, FrameScope, JumpTarget } from '../../src/engine/debug-protocol';
import { Debugger, DebugRefused } from '../../src/engine/debugger';
import type { RunEnded } from '../../src/engine/journal';
import { fold } from '../../src/engine/view';
import { anyRun, type GeneratedRun } from './generated-runs';
import { type Crash, type TestRun, testRun } from './harness';
import { holds } from './run-holds';

// Any runbook, any fault, any way in which people steer it, dying at any record: a replay goes the same way.

type Action = { how: 'over' | 'into' | 'out' | 'continue' | 'back' | 'jump' | 'set' | 'pause'; at: number };

const action: fc.Arbitrary<Action> = fc.record({
  how: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('over', 'into') },
    { weight: 1, arbitrary: fc.constantFrom('out', 'continue', 'pause') },
    { weight: 5, arbitrary: fc.constantFrom('back', 'jump', 'set') },
  ),
  at: fc.nat({ max: 20 }),
});

interface Steered {
  run: TestRun;
  /** What was done where it stood; shared by all processes. */
  carry(crash?: Crash): Promise<RunEnded | undefined>;
  /** As it would be without anybody at it. */
  alone(): Promise<RunEnded | undefined>;
}

/** Does these, one at each stop, and lets go when there are no more. */
function steered({ steps, options }: GeneratedRun, actions: readonly Action[]): Steered {
  const left = [...actions];
  let attached = true;
  const run = testRun(steps, {
    ...options,
    runbook: { ...options.runbook, inputs: { count: { type: 'number', default: 1 } } },
    interleave: true,
    debug: plan => {
      const hub = new Debugger(plan, attached);
      if (!attached) return hub;
      hub.attach('tester', event => {
        if (event.type === 'stopped') setImmediate(() => void act(hub, event, left));
      });
      void hub.request({ do: 'exceptions', on: ['failure', 'rollback'] });
      return hub;
    },
  });
  return {
    run,
    carry: crash => run.carry(crash),
    alone: () => {
      attached = false;
      return run.carry();
    },
  };
}

async function act(hub: Debugger, event: Extract<DebugEvent, { type: 'stopped' }>, left: Action[]): Promise<void> {
  const { thread } = event;
  const next = left.shift();
  try {
    if (!next) hub.detach();
    else await steer(hub, thread, next);
  } catch (error) {
    if (!(error instanceof DebugRefused)) throw error;
    // Refused here: on to the next stop. Where that is refused too, somebody else let it go.
    await hub.request({ do: 'go', thread, how: 'into' }).catch(() => undefined);
  }
}

async function steer(hub: Debugger, thread: number, { how, at }: Action): Promise<void> {
  switch (how) {
    case 'pause':
      await hub.request({ do: 'pause' });
      await hub.request({ do: 'go', thread, how: 'over' });
      return;
    case 'jump': {
      const targets = (await hub.request({ do: 'targets', thread })) as unknown as JumpTarget[];
      const target = targets[at % Math.max(1, targets.length)];
      await hub.request(target ? { do: 'jump', thread, pointer: target.pointer } : { do: 'go', thread, how: 'into' });
      return;
    }
    case 'set': {
      const scope = (await hub.request({ do: 'scope', thread, frame: 0 })) as unknown as FrameScope;
      const path = scope.editable[at % Math.max(1, scope.editable.length)];
      if (path) {
        const [kind, name = '', , output = ''] = path;
        const was =
          kind === 'inputs'
            ? scope.inputs[name]
            : kind === 'variables'
              ? scope.variables[name]
              : scope.steps[name]!.outputs[output];
        // A target of its own: another's would be undone in an order that no runbook has.
        await hub.request({
          do: 'set',
          thread,
          frame: 0,
          path,
          value: typeof was === 'string' ? `${was}z` : String(at),
        });
      }
      await hub.request({ do: 'go', thread, how: 'over' });
      return;
    }
    default:
      await hub.request({ do: 'go', thread, how });
  }
}

const crashes = fc.array(fc.record({ at: fc.integer({ min: 2, max: 80 }), when: fc.constantFrom('before', 'after') }), {
  minLength: 1,
  maxLength: 3,
});

/** Of what goes on side by side, which failed first is a matter of time. */
function inOrder(ended: RunEnded): RunEnded {
  const { failedItems, warnings } = ended;
  return {
    ...ended,
    ...(failedItems && { failedItems: [...failedItems].sort() }),
    ...(warnings && { warnings: [...warnings].sort() }),
  };
}

function applied(run: TestRun): number {
  return [...run.world.applied.values()].reduce((sum, count) => sum + count, 0);
}

describe('however it is steered', () => {
  it('it is undone or says what is left, and no finished step runs twice', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun(2), fc.array(action, { maxLength: 25 }), async (program, actions) => {
        const { run, carry } = steered(program, actions);
        const ended = (await carry())!;
        holds({ ended, run });
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('a replay of its journal runs nothing, and ends in the same state', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun(2), fc.array(action, { minLength: 3, maxLength: 25 }), async (program, actions) => {
        const { run, carry, alone } = steered(program, actions);
        const ended = (await carry())!;
        fc.pre(ended.status !== 'needs-operator');
        const live = fold(run.journal.records);
        const [before, count] = [run.journal.records.length, applied(run)];
        // As if the end had not been written.
        run.journal.records.pop();
        expect(inOrder((await alone())!)).toEqual(inOrder(ended));
        expect(applied(run)).toBe(count);
        expect(run.journal.records.length).toBe(before + 1);
        expect(fold(run.journal.records)?.steps).toEqual(live?.steps);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('dying anywhere on the way, steered on or left alone, changes neither', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyRun(2),
        fc.array(action, { minLength: 3, maxLength: 25 }),
        crashes,
        fc.boolean(),
        async (program, actions, deaths, on) => {
          const { run, carry, alone } = steered(program, actions);
          let ended: RunEnded | undefined;
          for (const crash of deaths) {
            ended ??= await carry(crash);
            const last = run.journal.records.at(-1);
            if (last?.type === 'run.ended') ended ??= last;
            if (ended) break;
          }
          ended ??= (await (on ? carry() : alone()))!;
          holds({ ended, run });
          if (ended.status === 'needs-operator' || run.journal.records.at(-1)?.type !== 'run.ended') return;
          const count = applied(run);
          const live = fold(run.journal.records);
          run.journal.records.pop();
          expect((await alone())?.status).toBe(ended.status);
          expect(applied(run)).toBe(count);
          expect(fold(run.journal.records)?.steps).toEqual(live?.steps);
        },
      ),
      { numRuns: 300 },
    );
  }, 120_000);
});
