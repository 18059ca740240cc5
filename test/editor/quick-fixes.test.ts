import { expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { actions } from '../../src/actions/catalogue';
import { quickFixes } from '../../src/editor/quick-fixes';
import { validate } from '../../src/editor/validate';

function fixed(text: string): Record<string, string> {
  const document = TextDocument.create('file:///a.runbook.yaml', '', 1, text);
  const fixes = quickFixes(document, validate(document, { actions }));
  return Object.fromEntries(
    fixes.map(fix => [fix.title, TextDocument.applyEdits(document, fix.edit!.changes![document.uri]!)]),
  );
}

const sample = (step: string) => `version: 1\nname: x\nsteps:\n${step}`;

test('did you mean', () => {
  const step = '  - uses: vm.migrat\n    with: { vm: a, to: b }\n';
  expect(fixed(sample(step))['Change to `vm.migrate`']).toBe(sample(step.replace('migrat', 'migrate')));
});
test('a runbook that is named without its path, a zone, and an output that may not be there', () => {
  expect(fixed(sample('  - uses: parts\\a.runbook.yaml\n'))['Change to `./parts/a.runbook.yaml`']).toBe(
    sample('  - uses: ./parts/a.runbook.yaml\n'),
  );
  const zoned = (zone: string) => sample(`  - wait: 1m\nwindow: { allow: 22:00-04:00, zone: ${zone} }\n`);
  expect(fixed(zoned('London'))['Change to `Europe/London`']).toBe(zoned('Europe/London'));
  const unsure = (member: string) =>
    sample(
      `  - id: a\n    uses: guest.patch\n    with: { vm: a }\nfinally:\n  - wait: 1m\n    when: size(steps.a.outputs.${member}) > 0\n`,
    );
  const repaired = unsure('?upgraded.orValue([])');
  expect(fixed(unsure('upgraded'))['Change to `?upgraded.orValue([])`']).toBe(repaired);
  expect(fixed(repaired)).toEqual({});
});
test('suppress, with the same indentation and line ends', () => {
  const text = sample('  - uses: vm.start\n    with: { vm: "${{ inputs.a }}" }\n');
  const quiet = sample(
    '  - uses: vm.start\n    # virtbook-ignore: unknown-input\n    with: { vm: "${{ inputs.a }}" }\n',
  );
  expect(fixed(text)['Ignore `unknown-input` on this line']).toBe(quiet);
  expect(fixed(quiet)).toEqual({});
  expect(fixed(text.replaceAll('\n', '\r\n'))['Ignore `unknown-input` on this line']).toBe(
    quiet.replaceAll('\n', '\r\n'),
  );
});
