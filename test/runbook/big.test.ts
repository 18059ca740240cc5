import { expect, test } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { checkRunbookText } from '../../src/runbook/check';
import { bigRunbook } from './big';

test('a runbook of 10,000 lines has no problem, and one mistake in it is found alone', () => {
  const text = bigRunbook(10_000);
  expect(text.split('\n').length).toBeGreaterThan(10_000);
  expect(checkRunbookText(text, { actions })).toEqual([]);
  const found = checkRunbookText(text.replace('to: ${{ inputs.target }}', 'to: ${{ inputs.targte }}'), { actions });
  expect(found.map(({ code, suggestions }) => [code, suggestions])).toEqual([['unknown-input', ['target']]]);
});
