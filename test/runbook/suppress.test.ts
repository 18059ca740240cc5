import { expect, test } from 'vitest';
import { rules } from '../../src/runbook/rules';
import { codes, runbook, squiggles } from './marked';

const bad = '  - uses: vm.start\n    with: { vm: "${{ inputs.a }}" }';

test('on the same line', () => {
  expect(codes(runbook(`${bad} # virtbook-ignore: unknown-input`))).toEqual([]);
});
test('on the line above', () => {
  expect(
    codes(
      runbook(
        '  - uses: vm.start\n    # virtbook-ignore: unknown-input, unknown-vm\n    with: { vm: "${{ inputs.a }}" }',
      ),
    ),
  ).toEqual(['unused-ignore']);
  expect(
    codes(runbook('  # virtbook-ignore: unknown-input\n  - uses: vm.start\n    with: { vm: "${{ inputs.a }}" }')),
  ).toEqual(['unused-ignore', 'unknown-input']);
});
test('in the whole file', () => {
  expect(codes(`# virtbook-ignore-file: unknown-input\n${runbook(bad)}`)).toEqual([]);
});
test('another code is not meant', () => {
  expect(codes(runbook(`${bad} # virtbook-ignore: unknown-step`)).sort()).toEqual(['unknown-input', 'unused-ignore']);
});
test('what suppresses nothing is said', () => {
  expect(
    squiggles(runbook('  - uses: vm.start # virtbook-ignore: unknown-vm, no-such-rule\n    with: { vm: a }')),
  ).toMatchInlineSnapshot(`
    "version: 1
    name: Sample
    steps:
      - uses: vm.start # virtbook-ignore: unknown-vm, no-such-rule
                                          ^^^^^^^^^^ unused-ignore: Nothing here breaks \`unknown-vm\`. Remove this.
                                                      ^^^^^^^^^^^^ unused-ignore: There is no rule \`no-such-rule\`. See docs/rules.md.
        with: { vm: a }"
  `);
});
test('every rule has a sentence and an explanation', () => {
  for (const [code, rule] of Object.entries(rules)) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(rule.summary).toMatch(/\.$/);
    expect(rule.docs).not.toBe('');
  }
});
