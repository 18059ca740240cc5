import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/runbook/duration';
import {
  ExpressionError,
  evaluateCondition,
  evaluateExpression,
  evaluateTemplate,
  type Scope,
} from '../../src/runbook/expression';
import type { Json } from '../../src/runbook/json';
import { isTemplate } from '../../src/runbook/template';

const scope: Scope = {
  inputs: { n: 3, half: 0.5, vms: ['web1', 'web2'], name: 'web1', nothing: null, deep: { a: [1, { b: true }] } },
  steps: {
    patch: { outputs: { count: 2, packages: [{ name: 'openssl' }] } },
    'each-vm': { outputs: { web1: { inner: { code: 0 } } } },
  },
  run: { id: 'r-1' },
  variables: { vm: 'web2' },
  index: 1,
};

describe('templates', () => {
  test.each<[Json, Json]>([
    ['plain', 'plain'],
    ['${{ inputs.vms }}', ['web1', 'web2']],
    ['  ${{ inputs.n }}  ', 3],
    ['${{ inputs.n }} VMs', '3 VMs'],
    ['${{ inputs.vms }}!', '["web1","web2"]!'],
    ['a${{ inputs.nothing }}b', 'ab'],
    ['$${{ inputs.n }}', '${{ inputs.n }}'],
    ['${{ vm }}-${{ index }} in ${{ run.id }}', 'web2-1 in r-1'],
    ["${{ steps['each-vm'].outputs.web1.inner.code }}", 0],
    ['${{ steps.patch.outputs.packages.map(p, p.name) }}', ['openssl']],
    ["${{ {'a': {'b': '}}'}} }}", { a: { b: '}}' } }],
    [
      { list: ['${{ inputs.n }}', true], same: 1 },
      { list: [3, true], same: 1 },
    ],
  ])('%j gives %j', (template, value) => expect(evaluateTemplate(template, scope)).toEqual(value));

  test('whole numbers and others mix, as JSON does not tell them apart', () => {
    expect(evaluateExpression('inputs.n + 1', scope)).toBe(4);
    expect(evaluateExpression('inputs.n + 0.5', scope)).toBe(3.5);
    expect(evaluateExpression('inputs.half * 4', scope)).toBe(2);
    expect(evaluateExpression('size(inputs.vms) == 2 && inputs.n > inputs.half', scope)).toBe(true);
  });
  test('JSON comes out as it went in', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), value => {
        const json = JSON.parse(JSON.stringify(value)) as Json;
        expect(evaluateExpression('inputs.x', { ...scope, inputs: { x: json } })).toEqual(json === 0 ? 0 : json);
      }),
    );
  });
});

describe('conditions', () => {
  test('with and without braces', () => {
    expect(evaluateCondition('inputs.n > 2', scope)).toBe(true);
    expect(evaluateCondition('${{ inputs.n > 4 }}', scope)).toBe(false);
    expect(evaluateCondition(false, scope)).toBe(false);
  });
  test('give true or false and nothing else', () => {
    expect(() => evaluateCondition('inputs.name', scope)).toThrow(
      'A condition must give true or false, but this gives "web1".',
    );
  });
});

describe('what can not be evaluated says so, and where', () => {
  test.each([
    ['inputs.nope', 'No such key: nope.'],
    ['inputs.n + "a"', 'No such overload'],
    ['1 +', 'Unexpected token'],
    ['', 'no expression'],
    ['steps.later.outputs.x', 'No such key: later.'],
    ['9223372036854775807', 'too large'],
    ['1 / 0', 'zero'],
    ['inputs.constructor', 'No such key'],
    ['type(1)', 'not data'],
  ])('%s', (source, message) => {
    expect(() => evaluateExpression(source, scope)).toThrow(ExpressionError);
    expect(() => evaluateExpression(source, scope)).toThrow(message);
  });
  test('loops that would not end in time are not begun', () => {
    const list = Array.from({ length: 500 }, (_, n) => n);
    const nested = 'inputs.l.all(a, inputs.l.all(b, inputs.l.all(c, a + b + c >= 0)))';
    expect(() => evaluateExpression(nested, { ...scope, inputs: { l: list } })).toThrow('too much');
  });
});

test('durations', () => {
  expect(['10s', '5m', '2h', '1d', '1h30m', '500ms', '0s'].map(parseDuration)).toEqual([
    10_000, 300_000, 7_200_000, 86_400_000, 5_400_000, 500, 0,
  ]);
  expect(['', '10', 's', '1.5h', '5m1h', '-1s', '10 s', '1h1h'].map(parseDuration)).toEqual(Array(8).fill(undefined));
});

test('what is a template', () => {
  expect([isTemplate('${{ a }}'), isTemplate('a'), isTemplate('$${{ a }}'), isTemplate(3)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
