import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalRecord, RunEnded } from '../../src/engine/journal';
import { fold } from '../../src/engine/view';
import type { Step } from '../../src/runbook/model';
import { each, type Fault, group, set, type TestRun, testRun } from './harness';

// Any runbook, any fault, the process dying at any record: what was begun is finished, taken back or listed; nothing is done twice.

const fault = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Fault>('none') },
  {
    weight: 5,
    arbitrary: fc.constantFrom<Fault>(
      'blocked',
      'fail',
      'fail-halfway',
      'unknown-done',
      'unknown-not',
      'unclear-done',
      'unclear-not',
      'undo-fails',
      'undo-fails-once',
    ),
  },
);

/** Targets of steps in a loop are the item's own, as real runbooks' are. */
const step = (inLoop: boolean): fc.Arbitrary<Step> =>
  fc
    .record({
      target: fc.constantFrom('a', 'b', 'c'),
      value: fc.integer({ min: 1, max: 9 }),
      fault,
      idempotent: fc.boolean(),
      failures: fc.integer({ min: 1, max: 3 }),
      attempts: fc.constantFrom(1, 1, 2, 3),
      uses: fc.constantFrom('t.set', 't.set', 't.kept'),
    })
    .map(({ target, ...options }) => {
      const made = set(inLoop ? `\${{ item + "-${target}" }}` : target, options);
      return made;
    });

const steps = (depth: number, inLoop: boolean): fc.Arbitrary<Step[]> =>
  fc.array(
    depth === 0
      ? step(inLoop)
      : fc.oneof(
          { weight: 5, arbitrary: step(inLoop) },
          { weight: 1, arbitrary: steps(depth - 1, inLoop).map(inner => group(inner)) },
          {
            weight: inLoop ? 0 : 3,
            arbitrary: fc
              .record({
                items: fc.uniqueArray(fc.constantFrom('i1', 'i2', 'i3', 'i4'), { minLength: 1 }),
                inner: steps(depth - 1, true),
                batch: fc.integer({ min: 1, max: 3 }),
                maxFailures: fc.integer({ min: 0, max: 2 }),
              })
              .map(({ items, inner, batch, maxFailures }) => each(items, inner, { batch, maxFailures })),
          },
        ),
    { minLength: 1, maxLength: 4 },
  );

/** Of one process, so that only what is recorded survives it. */
interface Outcome {
  ended: RunEnded;
  run: TestRun;
}

async function toTheEnd(program: Step[], crashes: { at: number; when: 'before' | 'after' }[]): Promise<Outcome> {
  const run = testRun(program, { interleave: true });
  for (const crash of crashes) {
    const ended = await run.carry(crash);
    if (ended) return { ended, run };
  }
  const ended = await run.carry();
  if (!ended) throw new Error('It died without having been told to.');
  return { ended, run };
}

function holds({ ended, run }: Outcome): void {
  expect(run.world.violations).toEqual([]);
  const { values } = run.world;
  const changed = new Set([...values].filter(([, value]) => value !== 0).map(([name]) => name));
  if (ended.status === 'rolled-back' || ended.status === 'failed') expect([...changed]).toEqual([]);
  if (ended.status === 'needs-operator') {
    // Whatever is not as it was is named by what is left.
    const named = new Set(ended.remaining!.map(one => targetOf(run, one.key)));
    for (const name of changed) expect(named).toContain(name);
    expect(ended.remaining!.length).toBeGreaterThan(0);
  }
}

function targetOf(run: TestRun, key: string): string {
  const intent = run.journal.records.find(record => record.type === 'step.intent' && record.key === key);
  return intent?.type === 'step.intent' ? String(intent.inputs.target) : '';
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
      fc.asyncProperty(steps(2, false), async program => holds(await toTheEnd(program, []))),
      { numRuns: 300 },
    );
  });

  it('dying anywhere, again and again, changes neither the end nor what has happened', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps(2, false),
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
          fc
            .record({
              target: fc.constantFrom('a', 'b', 'c'),
              value: fc.integer({ min: 1, max: 9 }),
              fault: fault.filter(one => one !== 'undo-fails-once' && one !== 'unclear-not'),
            })
            .map(({ target, ...options }) => set(target, options)),
          { minLength: 1, maxLength: 6 },
        ),
        async program => {
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
      fc.asyncProperty(steps(2, false), async program => {
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

  it('a run that is done can be rolled back, dying on the way', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps(1, false),
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
          expect(['rolled-back', 'needs-operator']).toContain(last!.status);
        },
      ),
      { numRuns: 100 },
    );
  });
});
