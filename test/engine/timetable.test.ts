import fc from 'fast-check';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { type ActionDefinition, defineAction, type Target } from '../../src/actions/action';
import { History } from '../../src/engine/history';
import { interpret } from '../../src/engine/interpret';
import type { JournalRecord, RunEvent } from '../../src/engine/journal';
import { JournalDurable } from '../../src/engine/journal-durable';
import { keysOf, makeGate, type Whereabouts } from '../../src/engine/limits';
import { makePlan } from '../../src/engine/make-plan';
import type { Plan } from '../../src/engine/plan';
import { reachableActions } from '../../src/engine/planned-steps';
import { type Timetable, timetableOf } from '../../src/engine/timetable';
import { peakText, tellsMore, timetableCells, windowText } from '../../src/engine/timetable-text';
import { SettledClock } from '../../src/hypervisors/simulated/settled-clock';
import type { Fleet } from '../../src/inventory/fleet';
import type { Limits, MaintenanceWindow, Runbook, Step } from '../../src/runbook/model';
import { approve, call, each, group, noReturn, parallel, wait, withPointers } from './harness';

/** Takes exactly as long as it says. */
const work: ActionDefinition = defineAction({
  name: 't.work',
  title: 'Work',
  summary: '',
  docs: '',
  example: '',
  inputs: Type.Object({
    vm: Type.String(),
    seconds: Type.Number(),
    to: Type.Optional(Type.String()),
    proxy: Type.Optional(Type.String()),
  }),
  outputs: Type.Object({}),
  before: Type.Null(),
  undoClass: 'reversible',
  idempotent: true,
  requires: () => [],
  targets: ({ vm, to, proxy }) => ({
    reads: [],
    changes: [
      { kind: 'vm', name: vm },
      ...(to === undefined ? [] : [{ kind: 'host' as const, name: to }]),
      ...(proxy === undefined ? [] : [{ kind: 'proxy' as const, name: proxy }]),
    ],
  }),
  describe: ({ vm }) => `work on ${vm}`,
  describeUndo: () => '',
  estimateSeconds: ({ seconds }) => seconds,
  preflight: async () => [],
  prepare: async () => null,
  apply: async ({ sleep }, { seconds }) => {
    await sleep(seconds * 1000);
    return {};
  },
  probe: async () => ({ outcome: 'not-done' }),
  undo: async () => undefined,
}) as unknown as ActionDefinition;

const places: Record<string, Whereabouts> = {
  a1: { connection: 'c1', host: 'a', datastores: ['nas'] },
  a2: { connection: 'c1', host: 'a', datastores: ['nas', 'local'] },
  b1: { connection: 'c1', host: 'b', datastores: ['nas'] },
  b2: { connection: 'c1', host: 'b', datastores: ['local'] },
  c1: { connection: 'c2', host: 'c', datastores: ['nas'] },
};
const hosts: Record<string, Whereabouts> = {
  a: { connection: 'c1', host: 'a' },
  b: { connection: 'c1', host: 'b' },
  c: { connection: 'c2', host: 'c' },
};
const whereIs = ({ kind, name }: Target): Whereabouts | undefined => (kind === 'vm' ? places[name] : hosts[name]);

const doing = (vm: string, seconds: number, more: { id?: string; proxy?: string; to?: string } = {}): Step => {
  const { id, ...rest } = more;
  return { kind: 'action', pointer: '', uses: 't.work', with: { vm, seconds, ...rest }, ...(id && { id }) };
};

const planOf = (steps: Step[], more: Partial<Runbook> = {}): Plan =>
  makePlan({
    runbook: { version: 1, name: 'test', inputs: {}, steps: withPointers(steps), ...more },
    action: () => work,
  }).plan;

/** From when to when each step really ran, in seconds. */
async function carriedOut(plan: Plan): Promise<Map<string, [number, number]>> {
  const clock = new SettledClock(0);
  const times = new Map<string, [number, number]>();
  let n = 0;
  const journal = {
    append: async (event: RunEvent): Promise<JournalRecord> => {
      const t = clock.now();
      if (event.type === 'step.intent' || event.type === 'control.started')
        times.set(event.key, [t / 1000, Number.NaN]);
      if (event.type === 'step.done' || event.type === 'control.done') times.get(event.key)![1] = t / 1000;
      return { n: n++, t, ...event };
    },
  };
  const durable = new JournalDurable('r', new History(), journal, clock);
  const gate = plan.limits && { limits: makeGate(plan.limits, async target => whereIs(target) ?? {}) };
  const ended = await interpret(durable, plan, { action: () => work, clock, fleet: {} as Fleet, ...gate });
  expect(ended.status).toBe('done');
  return times;
}

function foretold(table: Timetable): Map<string, [number, number]> {
  return new Map(table.rows.map(({ key, fromSeconds, toSeconds }) => [key, [fromSeconds, toSeconds]]));
}

const rounded = (times: Map<string, [number, number]>): Map<string, number[]> =>
  new Map([...times].sort().map(([key, both]) => [key, both.map(seconds => Math.round(seconds * 1000))]));

/** At every moment, no key is used by more steps than its limit says. */
function expectWithin(limits: Limits, plan: Plan, table: Timetable): void {
  const steps = new Map(reachableActions(plan.steps).map(step => [step.key, step]));
  for (const { fromSeconds: moment } of table.rows) {
    const uses = new Map<string, number>();
    for (const { key, fromSeconds, toSeconds } of table.rows) {
      const step = steps.get(key);
      if (!step || fromSeconds > moment || toSeconds <= moment) continue;
      for (const name of keysOf(limits, [...step.reads, ...step.changes], target => whereIs(target) ?? {}))
        uses.set(name, (uses.get(name) ?? 0) + 1);
    }
    for (const [name, count] of uses) {
      const kind = name.split(' ')[0]!;
      const limit =
        limits[kind === 'total' ? 'total' : (`per${kind[0]!.toUpperCase()}${kind.slice(1)}` as keyof Limits)];
      expect(count, name).toBeLessThanOrEqual(limit!);
    }
  }
}

const limit = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });
const limits: fc.Arbitrary<Limits> = fc.record(
  { perHost: limit, perDatastore: limit, perProxy: limit, perConnection: limit, total: limit },
  { requiredKeys: [] },
);

/**
 * Any length in milliseconds, no two alike; and branches and items begin with a wait. Which of two comes first that come at the same moment
 * is a matter of how quickly the journal is written.
 */
const length = fc.noBias(fc.integer({ min: 1, max: 1_000_000_000 }));
const vm = fc.constantFrom(...Object.keys(places));
const step: fc.Arbitrary<Step> = fc
  .record({ vm, length, proxy: fc.constantFrom(undefined, undefined, 'p1', 'p2') })
  .map(({ vm, length, proxy }) => doing(vm, length / 1000, proxy ? { proxy } : {}));
const pause = length.map(ms => wait(`${ms}ms`));
const steps = (depth: number): fc.Arbitrary<Step[]> =>
  fc.array(
    depth === 0
      ? step
      : fc.oneof(
          { weight: 4, arbitrary: step },
          { weight: 1, arbitrary: pause },
          { weight: 1, arbitrary: steps(depth - 1).map(inner => group(inner)) },
          {
            weight: 2,
            arbitrary: fc
              .array(fc.tuple(pause, steps(depth - 1)), { minLength: 1, maxLength: 4 })
              .map(branches => parallel(branches.map(([first, rest]) => group([first, ...rest])))),
          },
          {
            weight: 3,
            arbitrary: fc
              .record({
                items: fc.array(fc.record({ pause: length, work: length }), { minLength: 1, maxLength: 6 }),
                vms: fc.array(vm, { minLength: 1, maxLength: 3 }),
                batch: fc.integer({ min: 1, max: 4 }),
                canary: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
              })
              .map(({ items, vms, batch, canary }) => {
                const values = items.map(({ pause, work }) => ({ pause: `${pause}ms`, seconds: work / 1000 }));
                const inner = vms.map(
                  vm => ({ ...doing(vm, 0), with: { vm, seconds: '${{ item.seconds }}' } }) as Step,
                );
                return {
                  ...each(values as never, [wait('${{ item.pause }}'), ...inner], { batch }),
                  ...(canary !== undefined && { canary }),
                } as Step;
              }),
          },
        ),
    { minLength: 1, maxLength: 5 },
  );

describe('the timetable', () => {
  it('is what a run does in which every step takes as long as it is estimated to', async () => {
    await fc.assert(
      fc.asyncProperty(steps(2), limits, async (program, limits) => {
        const plan = planOf(program, { limits });
        const table = timetableOf(plan, { whereIs });
        expectWithin(plan.limits ?? {}, plan, table);
        expect(rounded(foretold(table))).toEqual(rounded(await carriedOut(plan)));
      }),
      { numRuns: 120 },
    );
  });

  it('lets work on one host go one after another, and different hosts side by side', () => {
    const vms = ['a1', 'a2', 'b1', 'b2'];
    const backups = each(vms, [{ ...doing('', 0), with: { vm: '${{ item }}', seconds: 120 } } as Step], {
      batch: 4,
      id: 'each',
    });
    const table = timetableOf(planOf([backups], { limits: { perHost: 1 } }), { whereIs });
    expect(timetableCells(table)).toEqual([
      ['from', 'to', 'step', 'on'],
      ['0:00', '2:00', 'work on a1', 'a, nas'],
      ['0:00', '2:00', 'work on b1', 'b, nas'],
      ['2:00', '4:00', 'work on a2', 'a, nas, local'],
      ['2:00', '4:00', 'work on b2', 'b, local'],
    ]);
    expect(table.seconds).toBe(240);
    expect(peakText(table)).toBe('At most 2 steps at once: a 1, b 1; datastore local 2, datastore nas 2.');
    expect(table.notes).toEqual([]);
  });

  it('follows a VM to the host that a step moves it to', () => {
    const plan = planOf([doing('a1', 5, { to: 'b' }), parallel([doing('a1', 10), doing('b1', 10)])], {
      limits: { perHost: 1 },
    });
    const table = timetableOf(plan, { whereIs });
    expect(table.rows.map(({ fromSeconds }) => fromSeconds)).toEqual([0, 5, 15]);
    expect(table.rows[1]!.on.hosts).toEqual(['b']);
  });

  it('says where it does not know a place, and only when that matters', () => {
    const two = [parallel([doing('x1', 5), doing('x2', 5)])];
    const [note] = timetableOf(planOf(two, { limits: { perHost: 1 } }), { whereIs }).notes;
    expect(note).toContain('Where x1, x2 are is not known');
    expect(timetableOf(planOf(two, { limits: { total: 1 } }), { whereIs }).notes).toEqual([]);
  });

  it('has waits, called runbooks and what runs at the end; steps that are left out are not in it', () => {
    const plan = planOf(
      [
        approve({ id: 'ok' }),
        wait('1m', { id: 'pause' }),
        call([doing('a1', 3, { id: 'in' })], { id: 'sub' }),
        { ...doing('b1', 50), when: 'false' } as Step,
        noReturn({ id: 'point' }),
      ],
      { finally: withPointers([doing('c1', 2, { id: 'last' })], '/finally') },
    );
    const table = timetableOf(plan);
    expect(foretold(table)).toEqual(
      new Map([
        ['ok', [0, 0]],
        ['pause', [0, 60]],
        ['sub/in', [60, 63]],
        ['point', [63, 63]],
        ['~finally/last', [63, 65]],
      ]),
    );
    expect(tellsMore(plan, table)).toBe(false);
  });

  it('is worth showing when something goes on side by side', () => {
    const plan = planOf([parallel([doing('a1', 5), doing('b1', 5)])]);
    expect(tellsMore(plan, timetableOf(plan))).toBe(true);
  });

  it('leaves out the middle of a long one', () => {
    const cells = timetableCells(timetableOf(planOf(Array.from({ length: 100 }, () => doing('a1', 1)))));
    expect(cells).toHaveLength(32);
    expect(cells[16]).toEqual(['…', '…', '70 more']);
  });
});

describe('a maintenance window', () => {
  const window: MaintenanceWindow = { allow: ['Sat 22:00-23:00'], zone: 'UTC', outside: 'wait', closing: 'drain' };
  const saturday = (time: string) => Date.parse(`2026-11-28T${time}:00Z`);
  const hour = [doing('a1', 1800, { id: 'one' }), doing('a1', 1800, { id: 'two' }), doing('a1', 60, { id: 'three' })];
  const table = (startAt: number, more: Partial<MaintenanceWindow> = {}) =>
    timetableOf(planOf(hour, { window: { ...window, ...more } }), { startAt });

  it('is waited for', () => {
    const { rows, notes } = table(saturday('21:30'));
    expect(rows[0]!.fromSeconds).toBe(1800);
    expect(notes[0]).toContain('would wait for its maintenance window, which opens Sat 2026-11-28 22:00 UTC');
  });

  it('or refuses', () => {
    expect(table(saturday('21:30'), { outside: 'refuse' }).notes[0]).toContain('would be refused');
  });

  it('closes before a step, which waits for the next one, is undone, or goes on', () => {
    const week = 7 * 24 * 3600;
    const drained = table(saturday('22:00'));
    expect(drained.rows.map(({ fromSeconds }) => fromSeconds)).toEqual([0, 1800, week]);
    expect(drained.notes[0]).toContain('closes before three: it would stop there');
    const undone = table(saturday('22:00'), { closing: 'rollback' });
    expect(undone.rows.map(({ key }) => key)).toEqual(['one', 'two']);
    expect(undone.notes[0]).toContain('everything would be undone');
    expect(table(saturday('22:00'), { closing: 'ignore' }).seconds).toBe(3660);
  });

  it('holds back items of a loop, not steps within an item', () => {
    const items = each(['a1', 'b1'], [doing('a1', 3000), doing('a1', 3000)], { id: 'each' });
    const plan = planOf([items], { window });
    const { rows, notes } = timetableOf(plan, { startAt: saturday('22:00') });
    expect(rows.map(({ fromSeconds }) => fromSeconds).slice(0, 2)).toEqual([0, 3000]);
    expect(notes[0]).toContain('before each[b1]');
  });

  it('is told in words', () => {
    expect(windowText(window)).toBe(
      'Sat 22:00-23:00 UTC; started outside it waits; when it closes, what is under way is finished and the run stops',
    );
  });
});

describe('foretelling', () => {
  it('a hundred times as many items is a hundred times the work', () => {
    const looks = (count: number): number => {
      const items = Array.from({ length: count }, (_, at) => `v${at}`);
      const inner = { ...doing('', 0), with: { vm: '${{ item }}', seconds: 1 } } as Step;
      const plan = planOf([each(items, [inner, inner], { batch: 50 })], {
        limits: { perHost: 2, perDatastore: 3, total: 20 },
      });
      let asked = 0;
      timetableOf(plan, {
        whereIs: ({ name }) => {
          asked++;
          return { host: `h${name.length}`, datastores: ['nas'] };
        },
      });
      return asked;
    };
    expect(looks(2000)).toBe(100 * looks(20));
  });

  it('goes through thousands of steps that take no time', () => {
    const items = Array.from({ length: 5_000 }, (_, at) => `v${at}`);
    const inner = { ...doing('', 0), with: { vm: '${{ item }}', seconds: 0 } } as Step;
    const plan = planOf([each(items, [inner]), ...Array.from({ length: 5_000 }, () => doing('a1', 0))]);
    expect(timetableOf(plan).rows).toHaveLength(10_000);
  });
});
