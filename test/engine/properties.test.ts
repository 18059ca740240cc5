import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalRecord, RunEnded } from '../../src/engine/journal';
import { fold } from '../../src/engine/view';
import { anyRun, fault, type GeneratedRun } from './generated-runs';
import { approve, call, noReturn, set, type TestRun, testRun, wait } from './harness';
import { holds, type Outcome } from './run-holds';

// Any runbook, any fault, the process dying at any record: what was begun is finished, taken back or listed; nothing is done twice.

/** Faults that do not depend on how often a step is tried. */
const steady = fault.filter(one => one !== 'undo-fails-once' && one !== 'unclear-not');

type Crashes = { at: number; when: 'before' | 'after' }[];

async function toTheEnd({ steps, options }: GeneratedRun, crashes: Crashes): Promise<Outcome> {
  const run = testRun(steps, { interleave: true, ...options });
  for (const crash of crashes) {
    const ended = (await run.carry(crash)) ?? endOf(run);
    if (ended) return { ended, run };
  }
  const ended = await run.carry();
  if (!ended) throw new Error('It died without having been told to.');
  return { ended, run };
}

/** It died right after it had written its end. */
function endOf(run: TestRun): RunEnded | undefined {
  const last = run.journal.records.at(-1);
  return last?.type === 'run.ended' ? last : undefined;
}

/** What of a journal must be equal however often the process died. */
function essence(records: readonly JournalRecord[]): string[] {
  const kept = new Set(['step.done', 'step.skipped', 'undo.done', 'commit.done']);
  return records
    .filter(record => kept.has(record.type))
    .map(record => `${record.type} ${'key' in record ? record.key : ''}`);
}

describe('whatever the runbook and its faults', () => {
  it('rollback restores everything, or says what is left', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun(2), async program => holds(await toTheEnd(program, []))),
      { numRuns: 300 },
    );
  });

  it('dying anywhere, again and again, changes neither the end nor what has happened', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyRun(2),
        fc.array(fc.record({ at: fc.integer({ min: 2, max: 60 }), when: fc.constantFrom('before', 'after') }), {
          minLength: 1,
          maxLength: 5,
        }),
        async (program, crashes) => {
          const crashed = await toTheEnd(program, crashes);
          holds(crashed);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('dying at every single record comes to the same end as not dying', async () => {
    await fc.assert(
      fc.asyncProperty(
        // One after another, and without faults that depend on how often a step is tried: then the end is one and the same.
        fc.array(
          fc.oneof(
            {
              weight: 6,
              arbitrary: fc
                .record({
                  target: fc.constantFrom('a', 'b', 'c'),
                  value: fc.integer({ min: 1, max: 9 }),
                  fault: steady,
                })
                .map(({ target, ...options }) => set(target, options)),
            },
            { weight: 1, arbitrary: fc.constantFrom(wait('10s'), approve({ by: 2 }), approve({ message: 'no' })) },
            {
              weight: 1,
              arbitrary: steady.map(one =>
                call([set('a', { value: 3 }), set('b', { fault: one })], { finally: [set('l.finally')] }),
              ),
            },
            { weight: 1, arbitrary: fc.constant(noReturn()) },
          ),
          { minLength: 1, maxLength: 6 },
        ),
        async steps => {
          const program: GeneratedRun = { steps, options: { runbook: { finally: [set('f.finally')] } } };
          const whole = await toTheEnd(program, []);
          const count = whole.run.journal.records.length;
          for (let at = 2; at < count; at++) {
            for (const when of ['before', 'after'] as const) {
              const crashed = await toTheEnd(program, [{ at, when }]);
              holds(crashed);
              expect({ at, when, status: crashed.ended.status }).toEqual({ at, when, status: whole.ended.status });
              expect(crashed.run.world.snapshot()).toEqual(whole.run.world.snapshot());
              expect(essence(crashed.run.journal.records)).toEqual(essence(whole.run.journal.records));
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  it('a replay of the whole journal runs nothing and ends the same', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun(2), async program => {
        const { run, ended } = await toTheEnd(program, []);
        fc.pre(ended.status !== 'needs-operator');
        const live = fold(run.journal.records);
        const before = run.journal.records.length;
        const applied = [...run.world.applied.values()].reduce((sum, count) => sum + count, 0);
        // As if the end had not been written.
        run.journal.records.pop();
        expect(await run.carry()).toEqual(ended);
        expect([...run.world.applied.values()].reduce((sum, count) => sum + count, 0)).toBe(applied);
        // `run.started` and the end again.
        expect(run.journal.records.length).toBe(before + 1);
        expect(fold(run.journal.records)?.steps).toEqual(live?.steps);
      }),
      { numRuns: 100 },
    );
  });

  it('cancelled anywhere it comes back or stops at a step, and what was stopped goes on to its end', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyRun(2),
        fc.integer({ min: 2, max: 40 }),
        fc.constantFrom('keep', 'rollback'),
        async ({ steps, options }, at, mode) => {
          const run = testRun(steps, { interleave: true, ...options });
          run.onAppend = () => {
            if (run.journal.records.length !== at) return;
            run.onAppend = undefined;
            queueMicrotask(() => void run.durable!.cancel(mode, 'test'));
          };
          const ended = (await run.carry())!;
          holds({ ended, run });
          if (ended.status !== 'stopped') return;
          const resumed = (await run.carry())!;
          holds({ ended: resumed, run });
          expect(resumed.status).not.toBe('stopped');
        },
      ),
      { numRuns: 200 },
    );
  });

  it('a run that is done can be rolled back, dying on the way', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyRun(1),
        fc.array(fc.record({ at: fc.integer({ min: 2, max: 80 }), when: fc.constantFrom('before', 'after') }), {
          maxLength: 3,
        }),
        async (program, crashes) => {
          const { run, ended } = await toTheEnd(program, []);
          fc.pre(ended.status === 'done');
          let last = await run.rollback(crashes[0]);
          for (const crash of crashes.slice(1)) last ??= await run.carry(crash);
          last ??= await run.carry();
          holds({ run, ended: last! });
          const passed = run.journal.records.some(record => record.type === 'noreturn.passed');
          // There is no way back from there: what was done stays done.
          expect(passed ? ['done', 'stopped'] : ['rolled-back', 'needs-operator']).toContain(last!.status);
        },
      ),
      { numRuns: 100 },
    );
  });
});
