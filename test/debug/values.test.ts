import { describe, expect, it } from 'vitest';
import { attachArguments, launchArguments } from '../../src/debug/arguments';
import { completions } from '../../src/debug/completions';
import { expressionOf, memberOf, namesIn, replaced, typeText, valueText } from '../../src/debug/values';
import type { FrameScope } from '../../src/engine/debug-protocol';
import { evaluateExpression } from '../../src/runbook/expression';

const scope: FrameScope = {
  inputs: { vms: ['web1', 'web2'], count: 3, 'a-b': { 'c.d': 1 } },
  steps: { backup: { outputs: { path: '/srv/x' } }, 'a-b': { outputs: {} } },
  variables: { vm: 'web1', index: 0 },
  targets: [],
  editable: [],
};

describe('values', () => {
  it('are shown in one line, long ones cut, texts whole', () => {
    expect(valueText(['web1', 'web2'])).toBe('(2) ["web1","web2"]');
    expect(valueText({ a: null })).toBe('{"a":null}');
    expect(valueText('x'.repeat(500))).toHaveLength(502);
    expect(valueText(Array.from({ length: 1000 }, (_, at) => at))).toMatch(/^\(1000\) \[0,1,.*…$/);
    expect([1, 'x', true, null, [], {}].map(typeText)).toEqual(['number', 'string', 'boolean', 'null', 'list', 'map']);
  });

  it('have CEL that gives them, whatever they are called', () => {
    const odd = memberOf(memberOf('inputs', 'a-b', false), 'c.d', false);
    expect(odd).toBe('inputs["a-b"]["c.d"]');
    expect(evaluateExpression(odd, { inputs: scope.inputs, steps: {}, run: { id: '' } })).toBe(1);
    expect(memberOf('inputs.vms', '1', true)).toBe('inputs.vms[1]');
    expect(expressionOf(['steps', 'a-b', 'outputs'])).toBe('steps["a-b"].outputs');
    expect(expressionOf(['variables', 'vm'])).toBe('vm');
    for (const text of ['inputs.vms[1]', 'steps["a-b"].outputs.x', "steps['a-b']"])
      expect(namesIn(text), text).toBeDefined();
    expect(namesIn('inputs.vms[1]')).toEqual(['inputs', 'vms', '1']);
    for (const text of ['size(inputs.vms)', 'inputs.count + 1', '1', '']) expect(namesIn(text), text).toBeUndefined();
  });

  it('are changed inside without touching the rest', () => {
    const before = { a: [1, { b: 2 }], c: 3 };
    expect(replaced(before, ['a', '1', 'b'], 'x')).toEqual({ a: [1, { b: 'x' }], c: 3 });
    expect(before).toEqual({ a: [1, { b: 2 }], c: 3 });
  });
});

describe('completion in the console', () => {
  const labels = (typed: string) => completions(typed, scope).map(one => one.text ?? one.label);

  it('offers names, members and functions', () => {
    expect(labels('')).toEqual(expect.arrayContaining(['vm', 'index', 'inputs', 'steps', 'run', 'size']));
    expect(labels('inputs.')).toEqual(expect.arrayContaining(['vms', 'count', '["a-b"]']));
    expect(labels('steps.backup.outputs.')).toContain('path');
    expect(labels('steps["backup"].outputs.pa')).toContain('path');
    expect(labels('vm.')).toContain('startsWith');
    expect(labels('vm.')).not.toContain('filter');
    expect(labels('inputs.vms.')).toContain('filter');
    expect(labels('nothing.of.this.')).not.toContain('path');
  });

  it('replaces what is typed of the name, and the dot where none can stand', () => {
    const [path] = completions('steps.backup.outputs.pa', scope);
    expect(path).toMatchObject({ label: 'path', replaces: 2 });
    expect(completions('inputs.a', scope).find(one => one.label === 'a-b')).toMatchObject({
      replaces: 2,
      text: '["a-b"]',
    });
  });
});

describe('configurations', () => {
  it('are read with what is usual filled in', () => {
    expect(launchArguments({ runbook: '/x', type: 'virtbook' })).toEqual({
      runbook: '/x',
      inputs: {},
      target: 'inventory',
      stopOnEntry: false,
      noDebug: false,
      onStop: 'rollback',
    });
    expect(attachArguments({})).toEqual({ run: 'latest', onStop: 'rollback' });
  });

  it('are refused by the name of what is wrong', () => {
    expect(() => launchArguments({})).toThrow('`runbook` is missing');
    expect(() => launchArguments({ runbook: '/x', target: 'prod' })).toThrow(
      '`target` must be one of inventory, simulated',
    );
    expect(() => launchArguments({ runbook: '/x', inputs: ['a'] })).toThrow('`inputs` must be an object');
    expect(() => launchArguments({ runbook: '/x', only: 'a', from: 'b' })).toThrow('`only` or `from`');
    expect(() => launchArguments({ runbook: '/x', stopOnEntry: 'yes' })).toThrow('`stopOnEntry`');
    expect(() => attachArguments({ run: 3 })).toThrow('`run` must be text');
  });
});
