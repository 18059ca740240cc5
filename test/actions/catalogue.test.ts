import { readdirSync } from 'node:fs';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { actionNamed, actions } from '../../src/actions/catalogue';
import { referenceKeyword, referenceKinds } from '../../src/actions/references';
import { capabilities } from '../../src/hypervisors/capability';

/** Every schema inside a schema, with its path. */
function* nested(schema: TSchema, path: string): Generator<[string, TSchema]> {
  const {
    properties = {},
    items,
    anyOf = [],
  } = schema as { properties?: Record<string, TSchema>; items?: TSchema; anyOf?: TSchema[] };
  for (const [name, property] of Object.entries(properties)) {
    yield [`${path}.${name}`, property];
    yield* nested(property, `${path}.${name}`);
  }
  if (items) yield* nested(items, `${path}[]`);
  for (const one of anyOf) yield* nested(one, path);
}

test('every action file is in the catalogue, under the name of the file', () => {
  const files = readdirSync('src/actions').filter(file => /^[a-z]+[.][a-z.]+[.]ts$/.test(file));
  const names = files.map(file => file.replace(/[.]ts$/, '')).sort();
  expect(actions.map(action => action.name).sort()).toEqual(names);
  for (const name of names) expect(actionNamed(name)?.name).toBe(name);
  expect(actionNamed('vm.fly')).toBeUndefined();
});

describe.each(actions.map(action => [action.name, action] as const))('%s', (name, action) => {
  const steps = parse(action.example) as { uses: string; with: Record<string, unknown> }[];
  const inputs = steps[0]!.with;
  test('its example is a step that its schema takes; a check may follow', () => {
    expect(steps.map(step => step.uses)).toEqual(steps.length === 1 ? [name] : [name, 'check.guest']);
    expect([...Value.Errors(action.inputs, inputs)]).toEqual([]);
  });
  test('a misspelt input is an error', () => {
    expect(Value.Check(action.inputs, { ...inputs, nonsense: true })).toBe(false);
  });
  test('everything in its schemas is described, and references are of a known kind', () => {
    for (const schema of [action.inputs, action.outputs, action.before]) {
      for (const [path, property] of nested(schema, '')) {
        const { description, [referenceKeyword]: kind } = property as Record<string, unknown>;
        expect(typeof description, `description of ${path}`).toBe('string');
        if (kind !== undefined) expect(referenceKinds, path).toContain(kind);
      }
    }
  });
  test('it says what it does, touches and needs, in one line each', () => {
    for (const text of [action.title, action.summary, action.describe(inputs), action.describeUndo(inputs)]) {
      expect(text).toMatch(/^\S.*$/);
      expect(text).not.toContain('undefined');
    }
    // An undo of another run's step acts on what that acted on.
    const { vm } = name === 'run.undo' ? (inputs.inputs as Record<string, unknown>) : inputs;
    expect(action.describe(inputs)).toContain(vm);
    const { reads, changes } = action.targets(inputs);
    expect([...reads, ...changes].map(target => target.name)).toContain(vm);
    for (const capability of action.requires(inputs)) expect(capabilities).toContain(capability);
    expect(action.estimateSeconds(inputs)).toBeGreaterThan(0);
  });
});
