import fc from 'fast-check';
import type { Guard } from '../../src/engine/world';
import type { Step } from '../../src/runbook/model';
import {
  approve,
  assertThat,
  call,
  each,
  type Fault,
  group,
  noReturn,
  parallel,
  set,
  type TestRunOptions,
  wait,
} from './harness';

/** Any runbook: every kind of step, with any fault. */

export const fault = fc.oneof(
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

interface Where {
  depth: number;
  /** What names the item of the loop around it: a target in a loop is the item's own, as in real runbooks. */
  item?: string;
  /** Of targets: what goes on side by side acts on different ones. */
  suffix: string;
}

const action = ({ item, suffix }: Where): fc.Arbitrary<Step> =>
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
    .map(({ target, ...options }) =>
      set(item === undefined ? target + suffix : `\${{ ${item} + "-${target}${suffix}" }}`, options),
    );

const control: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(wait('10s')) },
  { weight: 3, arbitrary: fc.constant(assertThat('1 + 1 == 2')) },
  { weight: 1, arbitrary: fc.constant(assertThat(false)) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 2 }).map(by => approve({ by })) },
  { weight: 1, arbitrary: fc.constant(approve({ message: 'no' })) },
);

const block = (where: Where): fc.Arbitrary<Step> => {
  const inner: Where = { ...where, depth: where.depth - 1 };
  const loop = fc
    .record({
      items: fc.uniqueArray(fc.constantFrom('i1', 'i2', 'i3', 'i4'), { minLength: 1 }),
      steps: stepsOf({ ...inner, item: 'item' }),
      batch: fc.integer({ min: 1, max: 3 }),
      maxFailures: fc.integer({ min: 0, max: 2 }),
      canary: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
    })
    .map(({ items, steps, ...options }) => each(items, steps, options));
  const branches = fc
    .integer({ min: 1, max: 3 })
    .chain(count =>
      fc.tuple(
        ...Array.from({ length: count }, (_, at) =>
          stepsOf({ ...inner, suffix: `${where.suffix}.${at}` }).map(steps =>
            steps.length === 1 ? steps[0]! : group(steps),
          ),
        ),
      ),
    )
    .map(steps => parallel(steps));
  const called = stepsOf({ ...inner, ...(where.item !== undefined && { item: 'inputs.item' }) }).chain(steps =>
    fc.option(closing(`${where.suffix}.called`), { nil: [] }).map(last =>
      call(steps, {
        finally: where.item === undefined ? last : [],
        ...(where.item !== undefined && {
          inputs: { item: { type: 'string' as const } },
          with: { item: `\${{ ${where.item} }}` },
        }),
      }),
    ),
  );
  return fc.oneof(
    { weight: 1, arbitrary: stepsOf(inner).map(steps => group(steps)) },
    { weight: where.item === undefined ? 3 : 0, arbitrary: loop },
    { weight: 2, arbitrary: branches },
    { weight: 2, arbitrary: called },
  );
};

const stepsOf = (where: Where): fc.Arbitrary<Step[]> => {
  const plain: fc.WeightedArbitrary<Step>[] = [
    { weight: 6, arbitrary: action(where) },
    { weight: 1, arbitrary: control },
  ];
  const any = where.depth === 0 ? plain : [...plain, { weight: 4, arbitrary: block(where) }];
  return fc.array(fc.oneof(...any), { minLength: 1, maxLength: 4 });
};

/** Steps of `finally`, on targets that nothing else acts on. */
const closing = (suffix: string): fc.Arbitrary<Step[]> =>
  fc
    .array(action({ depth: 0, suffix: `.finally${suffix}` }), { minLength: 1, maxLength: 2 })
    .map(steps => steps.map((step, at) => ({ ...step, id: `last${at}` })));

export interface GeneratedRun {
  steps: Step[];
  options: TestRunOptions;
}

/** Refuses one target for ever. */
const guard = fc.record({ target: fc.constantFrom('a', 'b', 'i1-a'), phase: fc.constantFrom('step', 'undo') }).map(
  ({ target, phase }): Guard => ({
    check: async ({ targets }, now) =>
      now === phase && targets.changes.some(one => one.name === target)
        ? { class: 'locked', message: `${target} is held by somebody else.` }
        : undefined,
  }),
);

export const anyRun = (depth: number): fc.Arbitrary<GeneratedRun> =>
  fc
    .record({
      steps: stepsOf({ depth, suffix: '' }),
      /** Where the point of no return stands; often nowhere. */
      point: fc.option(fc.nat({ max: 4 }), { nil: undefined, freq: 2 }),
      last: fc.option(closing(''), { nil: undefined, freq: 1 }),
      limit: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined, freq: 1 }),
      guard: fc.option(guard, { nil: undefined, freq: 1 }),
      says: fc.constantFrom('not-done', undefined, undefined),
    })
    .map(({ steps, point, last, limit, guard: refusing, says }) => ({
      steps: point === undefined ? steps : [...steps.slice(0, point), noReturn(), ...steps.slice(point)],
      options: {
        interleave: true,
        // A person tries three times, and may take what did not happen for a failure.
        forward: (id: string) => (Number(id.slice(id.lastIndexOf('#') + 1)) < 4 ? 'again' : 'stop'),
        answer: (_key: string, truth: string) => (truth === 'retry' && says ? says : truth),
        ...(last && { runbook: { finally: last } }),
        ...(limit !== undefined && { limit }),
        ...(refusing && { guards: [refusing] }),
      },
    }));
