import { expect, test } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { checkRunbook } from '../../src/runbook/check';
import { parseRunbook } from '../../src/runbook/parse';

test.each(actions.map(action => action.name))('%s with inputs that are missing or no text', name => {
  for (const inputs of [
    '{}',
    '{ vm: a }',
    '{ vm: a, snapshot: 5, name: 5 }',
    '{ vm: [a], snapshot: { a: b }, name: null }',
  ]) {
    const snapshot = '  - id: s\n    uses: vm.snapshot\n    with: { vm: a, name: b }\n';
    const parsed = parseRunbook(
      `version: 1\nname: x\nsteps:\n${snapshot}  - uses: ${name}\n    with: ${inputs}\n${snapshot}`,
    );
    expect(checkRunbook(parsed, { actions }).map(found => found.code)).toContain('duplicate-id');
  }
});
