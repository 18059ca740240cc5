import { expect, test } from 'vitest';
import type { SelectionRange } from 'vscode-languageserver-types';
import { selectionRanges } from '../../src/editor/selection';
import { config, workspace } from './workspace';

/** What is selected, from the innermost on; of several lines the first and how many. */
function grows(sample: string, name = 'a.runbook.yaml'): string[] {
  const { document, offset } = workspace({ [name]: sample });
  const found: string[] = [];
  let range: SelectionRange | undefined = selectionRanges(document, [offset], config)[0];
  for (; range; range = range.parent) {
    const lines = document.getText(range.range).split('\n');
    found.push(lines.length === 1 ? lines[0]! : `${lines[0]} (${lines.length} lines)`);
  }
  return found;
}

const text = `version: 1
name: x
steps:
  - id: one
    uses: vm.start
    with:
      vm: "\${{ inputs.vms[0] }}"
      waitForGuest: 60
  - wait: 1m
`;

test('from a word in an expression to the file', () => {
  expect(grows(text.replace('inputs.vms', 'inputs.v|ms'))).toEqual([
    'vms',
    'inputs.vms',
    'inputs.vms[0]',
    '${{ inputs.vms[0] }}',
    '"${{ inputs.vms[0] }}"',
    'vm: "${{ inputs.vms[0] }}"',
    'vm: "${{ inputs.vms[0] }}" (2 lines)',
    'with: (3 lines)',
    'id: one (5 lines)',
    '- id: one (5 lines)',
    '- id: one (6 lines)',
    'steps: (7 lines)',
    'version: 1 (9 lines)',
    'version: 1 (10 lines)',
  ]);
});
test('from a key', () => {
  expect(grows(text.replace('waitForGuest', 'wait|ForGuest')).slice(0, 3)).toEqual([
    'waitForGuest',
    'waitForGuest: 60',
    'vm: "${{ inputs.vms[0] }}" (2 lines)',
  ]);
});
test('in a flow map, in quotes with escapes, and in a folded scalar', () => {
  expect(grows('steps:\n  - { id: one, name: "\\u00e4 and w|ord" }\n').slice(0, 6)).toEqual([
    'word',
    '\\u00e4 and word',
    '"\\u00e4 and word"',
    'name: "\\u00e4 and word"',
    '{ id: one, name: "\\u00e4 and word" }',
    '- { id: one, name: "\\u00e4 and word" }',
  ]);
  expect(grows('name: >-\n  some wo|rds\n  ${{ a }}\n').slice(0, 4)).toEqual([
    'words',
    'some words (2 lines)',
    '>- (3 lines)',
    'name: >- (3 lines)',
  ]);
});
test('a condition without braces', () => {
  expect(grows('steps:\n  - when: a && (inputs.b && c|c)\n    wait: 1m\n').slice(0, 5)).toEqual([
    'cc',
    'inputs.b && cc',
    'a && (inputs.b && cc)',
    'when: a && (inputs.b && cc)',
    'when: a && (inputs.b && cc) (2 lines)',
  ]);
});
test('inventories, broken and empty text', () => {
  expect(grows('vms:\n  w|eb1: {}\n', 'a.inventory.yaml')).toEqual([
    'web1',
    'web1: {}',
    'vms: (2 lines)',
    'vms: (3 lines)',
  ]);
  expect(grows('|')).toEqual(['']);
  expect(grows('a: [|')).toContain('a: [');
  expect(grows('w|ord here', 'a.yaml')).toEqual(['word', 'word here']);
});
