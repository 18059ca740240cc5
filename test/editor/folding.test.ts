import { expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { foldingRanges } from '../../src/editor/folding';
import { config } from './workspace';

/** `first line … last line` of each, and its kind; lines from 1. */
function folds(text: string, name = 'a.runbook.yaml'): string[] {
  const document = TextDocument.create(`file:///${name}`, '', 1, text);
  const lines = text.split(/\r?\n/);
  return foldingRanges(document, config).map(
    ({ startLine, endLine, kind }) =>
      `${startLine + 1}-${endLine + 1} ${lines[startLine]!.trim()}${kind ? ` (${kind})` : ''}`,
  );
}

test('sections, steps and what is in them; a list may stand at the column of its key', () => {
  const text = `version: 1
name: x
inputs:
  vms:
    type: vms
steps:
- id: each
  forEach: { vm: [a] }
  steps:
    - uses: vm.start
      with:
        vm: a

    - wait: 1m
- wait: 2m
finally:
  - wait: 1m
`;
  expect(folds(text)).toEqual([
    '3-5 inputs:',
    '4-5 vms:',
    '6-15 steps:',
    '7-14 - id: each',
    '9-14 steps:',
    '10-12 - uses: vm.start',
    '11-12 with:',
    '16-17 finally:',
  ]);
});
test('block scalars and flow maps over several lines', () => {
  const text = 'description: |\n  one\n\n  # no comment\n  two\nwindow: {\n  allow: "x",\n  zone: UTC\n}\n';
  expect(folds(text)).toEqual(['1-5 description: |', '6-8 window: {']);
});
test('comments of several lines, and regions', () => {
  const text =
    '# one\n# two\nversion: 1\n# alone\nsteps:\n  # region Patching\n  - wait: 1m\n  #region inner\n  - wait: 2m\n  #endregion\n  # endregion\n';
  expect(folds(text)).toEqual([
    '1-2 # one (comment)',
    '5-9 steps:',
    '6-11 # region Patching (region)',
    '8-10 #region inner (region)',
  ]);
});
test('inventories, Windows line ends, half-typed files', () => {
  expect(folds('vms:\r\n  web1:\r\n    owner: me\r\n', 'a.inventory.yaml')).toEqual(['1-3 vms:', '2-3 web1:']);
  expect(folds('steps:\n  - uses: "vm.st\n    with: {\n      vm: a\n')).toEqual([
    '1-4 steps:',
    '2-4 - uses: "vm.st',
    '3-4 with: {',
  ]);
  expect(folds('# endregion\n#region\n')).toEqual([]);
  expect(folds('')).toEqual([]);
  expect(folds('a:\n  b: 1', 'a.yaml')).toEqual([]);
});
