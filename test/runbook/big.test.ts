import { expect, test } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { checkRunbook } from '../../src/runbook/check';
import { parseRunbook } from '../../src/runbook/parse';
import { bigRunbook } from './big';

test('a runbook of 10,000 lines has no problem, and one mistake in it is found alone', () => {
  const text = bigRunbook(10_000);
  expect(text.split('\n').length).toBeGreaterThan(10_000);
  expect(checkRunbook(parseRunbook(text), { actions })).toEqual([]);
  const found = checkRunbook(parseRunbook(text.replace('to: ${{ inputs.target }}', 'to: ${{ inputs.targte }}')), {
    actions,
  });
  expect(found.map(({ code, suggestions }) => [code, suggestions])).toEqual([['unknown-input', ['target']]]);
});
