import { describe, expect, test } from 'vitest';
import { expressionCursorAt } from '../../src/editor/expression-cursor';

const receiver = (text: string) => expressionCursorAt(text).receiver;

describe('what stands before the dot', () => {
  test.each([
    ['inputs.', 'inputs'],
    ['steps.patch.outputs.', 'steps.patch.outputs'],
    ["steps['a-b'].outputs.", "steps['a-b'].outputs"],
    ['steps.a.outputs.?std', 'steps.a.outputs'],
    ['size(inputs.vms) > 1 && inputs.na', 'inputs'],
    ['inputs.vms.filter(x, x != "a").', 'inputs.vms.filter(x, x != "a")'],
    ['f(a)[0].', 'f(a)[0]'],
    ['(inputs.name + "!").', '(inputs.name + "!")'],
    ['["a", "b"].', '["a", "b"]'],
    ['"x" in ["a"].', '["a"]'],
    ['"te.xt".', '"te.xt"'],
    ['inputs.vms.exists(v, v.', 'v'],
    ['!inputs.', 'inputs'],
  ])('%s', (text, expected) => {
    expect(receiver(text)).toBe(expected);
  });
  test('nothing, where nothing could have members', () => {
    for (const text of ['', 'inputs', '.', 'a + .', '].', '(].', ').']) expect(receiver(text), text).toBeUndefined();
    expect(expressionCursorAt('1 + .').afterBareDot).toBe(true);
  });
});

test('variables of the loops around', () => {
  expect(expressionCursorAt('inputs.vms.filter(x, inputs.hosts.exists(h, h == x.').loops).toEqual([
    { variable: 'x', list: 'inputs.vms' },
    { variable: 'h', list: 'inputs.hosts' },
  ]);
  expect(expressionCursorAt('inputs.vms.filter(x, x == "a") && ').loops).toEqual([]);
  expect(expressionCursorAt('inputs.vms.filter(').loops).toEqual([]);
});

test('a string, and what it is compared with', () => {
  expect(expressionCursorAt('inputs.mode == "fa').string).toEqual({ start: 15, comparedWith: 'inputs.mode' });
  expect(expressionCursorAt("x && inputs.mode != '").string).toEqual({ start: 20, comparedWith: 'inputs.mode' });
  expect(expressionCursorAt('f("').string).toEqual({ start: 2 });
  expect(expressionCursorAt('"a\\"').string).toEqual({ start: 0 });
});
