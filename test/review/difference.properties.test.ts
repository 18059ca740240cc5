import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Difference } from '../../src/review/model';
import { runbookDifferences } from '../../src/review/runbook-difference';
import { matchSteps } from '../../src/review/step-matching';
import type { Json, JsonObject } from '../../src/runbook/json';
import { everyStep, type Runbook } from '../../src/runbook/model';
import { parseRunbook } from '../../src/runbook/parse';
import { readRunbook } from '../../src/runbook/read-runbook';

const examples = readdirSync('examples')
  .filter(name => name.endsWith('.runbook.yaml'))
  .map(name => parseRunbook(readFileSync(`examples/${name}`, 'utf8')).data as JsonObject);

/** One change of the data of a runbook. Numbers choose where. */
type Mutation = (data: JsonObject, where: number, other: number) => void;

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every list of steps. */
function lists(data: JsonObject): JsonObject[][] {
  const found: JsonObject[][] = [];
  const visit = (value: Json | undefined): void => {
    if (!Array.isArray(value)) return;
    found.push(value as JsonObject[]);
    for (const step of value) if (isObject(step)) for (const key of ['steps', 'parallel', 'rollback']) visit(step[key]);
  };
  visit(data.steps);
  visit(data.finally);
  return found;
}

function pick<T>(values: readonly T[], where: number): T {
  return values[where % values.length]!;
}

const pieces: JsonObject[] = [
  { uses: 'vm.start', with: { vm: 'web1' } },
  { uses: 'check.guest', with: { vm: 'db1', agent: true } },
  { wait: '5s' },
  { approve: { message: 'Go?' } },
  { id: 'extra', uses: 'guest.patch', with: { vm: 'web2' }, rollback: 'none' },
  { pointOfNoReturn: 'No way back' },
];

const mutations: Mutation[] = [
  (data, where, other) => {
    const list = pick(lists(data), where);
    list.splice(other % (list.length + 1), 0, structuredClone(pick(pieces, where + other)));
  },
  (data, where, other) => {
    const list = pick(lists(data), where);
    if (list.length > 1) list.splice(other % list.length, 1);
  },
  (data, where, other) => {
    const list = pick(lists(data), where);
    const [step] = list.splice(where % list.length, 1);
    if (step) list.splice(other % (list.length + 1), 0, step);
  },
  (data, where, other) => {
    const from = pick(lists(data), where);
    if (from.length < 2) return;
    const [step] = from.splice(other % from.length, 1);
    if (step) pick(lists(data), other).push(step);
  },
  (data, where, other) => {
    const list = pick(lists(data), where);
    const steps = list.splice(other % list.length, 2);
    list.push(where % 2 === 0 ? { parallel: steps } : { forEach: { one: ['a', 'b'] }, steps });
  },
  (data, where, other) => {
    const list = pick(lists(data), where);
    const step = list[other % list.length];
    if (!step) return;
    if (where % 3 === 0) step.id = `other${other}`;
    else if (where % 3 === 1) step.when = 'inputs.quick';
    else if (typeof step.uses === 'string') step.with = { ...(isObject(step.with) ? step.with : {}), vm: `vm${other}` };
  },
  (data, where, other) => {
    const list = pick(lists(data), where);
    const step = list[other % list.length];
    if (!step) return;
    if (isObject(step.forEach)) step.forEach.batch = other;
    else if (isObject(step.approve)) step.approve.by = other;
    else if (typeof step.uses === 'string')
      step.rollback = other % 2 === 0 ? 'none' : [structuredClone(pick(pieces, other))];
  },
  (data, where, other) => {
    if (where % 4 === 0) data.limits = { perHost: other + 1 };
    else if (where % 4 === 1) data.window = { allow: [`0${other % 9}:00-12:00`], zone: 'UTC' };
    else if (where % 4 === 2) delete data.window;
    else data.inputs = { ...(isObject(data.inputs) ? data.inputs : {}), [`input${other}`]: { type: 'string' } };
  },
];

const changedRunbook = fc
  .tuple(
    fc.nat({ max: examples.length - 1 }),
    fc.array(fc.tuple(fc.nat({ max: mutations.length - 1 }), fc.nat({ max: 40 }), fc.nat({ max: 40 })), {
      maxLength: 5,
    }),
    fc.array(fc.tuple(fc.nat({ max: mutations.length - 1 }), fc.nat({ max: 40 }), fc.nat({ max: 40 })), {
      maxLength: 5,
    }),
  )
  .map(([example, ...both]) =>
    both.map(changes => {
      const data = structuredClone(examples[example]!);
      for (const [mutation, where, other] of changes) mutations[mutation]!(data, where, other);
      return readRunbook(data);
    }),
  ) as fc.Arbitrary<[Runbook, Runbook]>;

const nowhere = { base: () => undefined, head: () => undefined };

const turned = { added: 'removed', removed: 'added', changed: 'changed', moved: 'moved' } as const;
const opposite = { safer: 'riskier', riskier: 'safer', neutral: 'neutral' } as const;

/** A difference as it is the other way round, and without its words. */
function mirrored({ kind, change, step, field, before, after, effect }: Difference): unknown {
  return {
    kind,
    change: turned[change],
    step: { base: step?.head?.pointer, head: step?.base?.pointer },
    field,
    before: after,
    after: before,
    effect: opposite[effect],
  };
}

function plain({ kind, change, step, field, before, after, effect }: Difference): unknown {
  return { kind, change, step: { base: step?.base?.pointer, head: step?.head?.pointer }, field, before, after, effect };
}

function sorted(values: readonly unknown[]): string[] {
  return values.map(value => JSON.stringify(value)).sort();
}

test('the other way round, everything is told the other way round', () => {
  fc.assert(
    fc.property(changedRunbook, ([base, head]) => {
      const forth = runbookDifferences(base, head, nowhere);
      const back = runbookDifferences(head, base, nowhere);
      expect(sorted(back.map(plain))).toEqual(sorted(forth.map(mirrored)));
    }),
    { numRuns: 300 },
  );
});

test('a step is added, removed, or the same as one other; and only what is on both sides is moved', () => {
  fc.assert(
    fc.property(changedRunbook, ([base, head]) => {
      const matches = matchSteps(base, head);
      const partners = everyStep(base).flatMap(({ pointer }) => matches.headOf(pointer) ?? []);
      expect(new Set(partners).size).toBe(partners.length);
      for (const { pointer } of everyStep(base)) {
        const other = matches.headOf(pointer);
        if (other !== undefined) expect(matches.baseOf(other)).toBe(pointer);
      }
      for (const pointer of matches.moved) expect(matches.baseOf(pointer)).toBeDefined();
    }),
    { numRuns: 200 },
  );
});

test('the same twice has no difference, and whatever is not the same has one', () => {
  fc.assert(
    fc.property(changedRunbook, ([base, head]) => {
      expect(runbookDifferences(base, structuredClone(base), nowhere)).toEqual([]);
      const same = JSON.stringify(base) === JSON.stringify(head);
      if (!same) expect(runbookDifferences(base, head, nowhere)).not.toEqual([]);
    }),
    { numRuns: 200 },
  );
});
