import { describe, expect, test } from 'vitest';
import { expressionFunctions, functionNamed } from '../../src/editor/expression-functions';
import { createEnvironment } from '../../src/runbook/expression';

const kinds: Record<string, string> = {
  string: 'string',
  'list<dyn>': 'list',
  'list<string>': 'list',
  'map<dyn, dyn>': 'map',
  'google.protobuf.Timestamp': 'timestamp',
  'google.protobuf.Duration': 'duration',
};
const defined = createEnvironment({ unlistedVariablesAreDyn: true }).getDefinitions().functions;

describe('functions that are offered', () => {
  test('are those that the evaluator has', () => {
    const has = new Set(defined.map(one => `${one.receiverType === null ? '' : kinds[one.receiverType]}.${one.name}`));
    for (const { name, of } of expressionFunctions)
      for (const kind of of ?? ['']) expect(has, `${kind}.${name}`).toContain(`${kind}.${name}`);
  });
  test('are all that a text or a list has', () => {
    const offered = (kind: string) =>
      expressionFunctions.flatMap(one => (one.of?.some(of => of === kind) ? [one.name] : []));
    for (const type of ['string', 'list<dyn>', 'list<string>']) {
      const names = defined.filter(one => one.receiverType === type).map(one => one.name);
      expect(offered(kinds[type]!)).toEqual(expect.arrayContaining(names));
    }
  });
  test('are found by how they are called', () => {
    expect(functionNamed('size', true)?.signature).toBe('value.size()');
    expect(functionNamed('size', false)?.signature).toBe('size(value)');
    expect(functionNamed('filter', false)).toBeUndefined();
  });
});
