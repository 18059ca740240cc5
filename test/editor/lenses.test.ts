import { expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { lenses } from '../../src/editor/lenses';

const document = (text: string, uri = 'file:///a.runbook.yaml') => TextDocument.create(uri, '', 1, text);

const text = `version: 1
name: x
steps:
  - id: a
    uses: vm.start
    with: { vm: web1 }
    rollback:
      - uses: vm.shutdown
        with: { vm: web1 }
  - forEach: { vm: [web1] }
    steps:
      - uses: vm.start
        with: { vm: web1 }
`;

test('Run, Debug, Plan and Rehearse on the file, Run step and Run from here on each step, none on a rollback', () => {
  expect(lenses(document(text)).map(({ range, title, pointer }) => `${range.start.line}: ${title} ${pointer}`)).toEqual(
    [
      '1: Run ',
      '1: Debug ',
      '1: Plan ',
      '1: Rehearse ',
      '3: Run step /steps/0',
      '3: Run from here /steps/0',
      '9: Run step /steps/1',
      '9: Run from here /steps/1',
      '11: Run step /steps/1/steps/0',
      '11: Run from here /steps/1/steps/0',
    ],
  );
});
test('while a file is half typed', () => {
  expect(lenses(document('steps:\n  - uses: vm.st')).map(lens => lens.title)).toEqual([
    'Run',
    'Debug',
    'Plan',
    'Rehearse',
    'Run step',
    'Run from here',
  ]);
  expect(lenses(document('version: 1'))).toEqual([]);
});
test('in every scheme, by path; never in other YAML', () => {
  for (const uri of [
    'git:/w/a.runbook.yaml?%7B%22ref%22%3A%22%22%7D',
    'vscode-vfs://github/o/r/a.runbook.yml',
    'pr:/a.runbook.yaml#x',
  ]) {
    expect(lenses(document(text, uri))).toHaveLength(10);
  }
  expect(lenses(document(text, 'file:///a.yaml'))).toEqual([]);
});
test('branches have them; single approvals, waits, assertions and points of no return are not run by themselves; finally never is', () => {
  const kinds = `version: 1
name: x
steps:
  - approve: {}
  - wait: 5m
  - assert: true
  - pointOfNoReturn: Why
  - uses: ./other.runbook.yaml
  - parallel:
      - wait: 1m
      - uses: vm.start
        with: { vm: web1 }
finally:
  - uses: vm.start
    with: { vm: web1 }
`;
  const found = lenses(document(kinds)).filter(lens => lens.kind === 'run-step' || lens.kind === 'run-from');
  expect(found.map(({ kind, pointer }) => `${kind} ${pointer}`)).toEqual([
    'run-from /steps/0',
    'run-from /steps/1',
    'run-from /steps/2',
    'run-from /steps/3',
    'run-step /steps/4',
    'run-from /steps/4',
    'run-step /steps/5',
    'run-from /steps/5',
    'run-from /steps/5/parallel/0',
    'run-step /steps/5/parallel/1',
    'run-from /steps/5/parallel/1',
  ]);
});
