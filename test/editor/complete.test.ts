import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { InsertTextFormat } from 'vscode-languageserver-types';
import { actions } from '../../src/actions/catalogue';
import { complete } from '../../src/editor/complete';
import type { EditorConfig } from '../../src/editor/config';
import { validate } from '../../src/editor/validate';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { withCursor } from './cursor';

const { inventory } = parseInventory(`version: 1
connections: { hv1: { type: libvirt, uri: "qemu:///system", tags: [edge] }, hv2: { type: libvirt, uri: "qemu:///system" } }
groups: { web: { vms: [web1, web2] } }
proxies: { backup1: { ssh: root@b, directory: /srv } }
vms: { web1: { tags: [shop] }, web2: {} }
`);
const config: EditorConfig = {
  actions,
  inventory: knownNames(inventory!),
  liveState: (_, name) => (name === 'web1' ? 'running on hv1' : undefined),
};

function items(sample: string, name?: string) {
  const { document, offset } = withCursor(sample, name);
  return complete(document, offset, config);
}
const labels = (sample: string, name?: string) => items(sample, name).map(item => item.label);

/** The text after the item was taken; places of a snippet are shown as `‹›`. */
function taken(sample: string, label: string): string {
  const { document, offset } = withCursor(sample);
  const item = complete(document, offset, config).find(candidate => candidate.label === label);
  if (!item?.textEdit || !('range' in item.textEdit)) throw new Error(`${label} is not offered`);
  const text =
    item.insertTextFormat === InsertTextFormat.Snippet
      ? item.textEdit.newText.replace(/\$\{\d+[^}]*\}/g, '‹›')
      : item.textEdit.newText;
  return TextDocument.applyEdits(document, [{ range: item.textEdit.range, newText: text }]);
}

const head = 'version: 1\nname: x\n';

describe('keys', () => {
  test('of an empty file, those that are needed first', () => {
    expect(labels('|')).toEqual([
      'version',
      'name',
      'description',
      'inventory',
      'inputs',
      'outputs',
      'limits',
      'window',
      'steps',
      'finally',
    ]);
    expect(
      items('|')
        .filter(item => item.labelDetails)
        .map(item => item.label),
    ).toEqual(['version', 'name', 'steps']);
  });
  test('not those that are there, above or below', () => {
    expect(labels('version: 1\n|\nname: x\nsteps:\n  - uses: vm.start')).toEqual([
      'description',
      'inventory',
      'inputs',
      'outputs',
      'limits',
      'window',
      'finally',
    ]);
  });
  test('of a step with an action', () => {
    expect(labels(`${head}steps:\n  - uses: vm.start\n    |`)).toEqual([
      'id',
      'name',
      'when',
      'with',
      'retry',
      'timeout',
      'rollback',
    ]);
    expect(labels(`${head}steps:\n  - id: a\n    |\n    uses: vm.start`)).not.toContain('id');
  });
  test('of a new step: keys and whole actions', () => {
    const found = labels(`${head}steps:\n  - |`);
    expect(found).toEqual(expect.arrayContaining(['uses', 'forEach', 'id', 'uses: vm.migrate']));
    expect(found).not.toContain('version');
  });
  test('of `with`: the inputs of the action that are not given yet', () => {
    expect(labels(`${head}steps:\n  - uses: vm.migrate\n    with:\n      vm: web1\n      |`)).toEqual([
      'to',
      'storage',
      'live',
      'autoConverge',
      'bandwidth',
    ]);
    expect(labels(`${head}steps:\n  - uses: vm.migrate\n    with: { vm: web1, |`)).toEqual([
      'to',
      'storage',
      'live',
      'autoConverge',
      'bandwidth',
    ]);
    expect(
      labels(
        `${head}steps:\n  - forEach: { a: [b] }\n    steps:\n      - id: x\n        uses: vm.shutdown\n        with:\n          |`,
      ),
    ).toEqual(['vm', 'mode', 'timeout', 'force']);
  });
  test('of an inventory', () => {
    expect(labels('version: 1\nconnections:\n  a:\n    type: libvirt\n    |', 'x.inventory.yaml')).toEqual([
      'uri',
      'sshConfig',
      'tags',
    ]);
    expect(labels('version: 1\nconnections:\n  a: { type: |', 'x.inventory.yaml')).toEqual(['libvirt', 'simulated']);
  });
});

describe('values', () => {
  test('actions, with their required inputs as places to fill in', () => {
    expect(labels(`${head}steps:\n  - uses: vm.|`)).toEqual(actions.map(action => action.name));
    expect(taken(`${head}steps:\n  - uses: vm.mi|`, 'vm.migrate')).toBe(
      `${head}steps:\n  - uses: vm.migrate\n    with:\n      vm: ‹›\n      to: ‹›`,
    );
    expect(taken(`${head}steps:\n  - us|`, 'uses: guest.run')).toBe(
      `${head}steps:\n  - uses: guest.run\n    with:\n      vm: ‹›\n      argv: [‹›]`,
    );
  });
  test('an action whose inputs are there already is only named', () => {
    expect(taken(`${head}steps:\n  - with: { vm: a }\n    uses: vm.st|`, 'vm.start')).toBe(
      `${head}steps:\n  - with: { vm: a }\n    uses: vm.start`,
    );
  });
  test('what an input may be', () => {
    expect(labels(`${head}steps:\n  - uses: vm.snapshot\n    with: { vm: a, quiesce: |`)).toEqual([
      'require',
      'prefer',
      'no',
    ]);
    expect(labels(`${head}steps:\n  - uses: vm.snapshot\n    with:\n      memory: |`)).toEqual(['true', 'false']);
    expect(labels('inputs:\n  a: { type: |')).toContain('hosts');
  });
  test('names of the inventory, with their state', () => {
    expect(labels(`${head}steps:\n  - uses: vm.migrate\n    with:\n      to: |`)).toEqual(['hv1', 'hv2']);
    expect(
      items(`${head}steps:\n  - uses: vm.start\n    with: { vm: w|`).map(item => [item.label, item.detail]),
    ).toEqual([
      ['web1', 'running on hv1'],
      ['web2', 'vm'],
    ]);
    expect(labels(`${head}steps:\n  - uses: backup.image\n    with:\n      proxy: |`)).toEqual(['backup1']);
  });
  test('groups and tags, where an input selects', () => {
    expect(labels('inputs:\n  vms:\n    type: vms\n    default: |')).toEqual(['web1', 'web2', 'group:web', 'tag:shop']);
  });
  test('nothing in a comment', () => {
    expect(labels(`${head}# ver|`)).toEqual([]);
  });
});

describe('expressions', () => {
  const inputs = 'inputs:\n  vms: { type: vms }\n  name: { type: string }\n';
  const run = (id: string, indent = '  ') =>
    `${indent}- id: ${id}\n${indent}  uses: guest.run\n${indent}  with: { vm: a, argv: [b] }\n`;
  test('names in scope', () => {
    expect(labels(`${head}${inputs}steps:\n  - uses: vm.start\n    with: { vm: "\${{ |`)).toEqual(
      expect.arrayContaining(['inputs', 'run', 'inputs.vms', 'size']),
    );
    expect(labels(`${head}${inputs}steps:\n  - uses: vm.start\n    with: { vm: "\${{ inputs.|`)).toEqual([
      'vms',
      'name',
    ]);
  });
  test('steps that have run, and no others', () => {
    const sample = `${head}steps:\n${run('one')}${run('two-b')}  - uses: vm.start\n    with: { vm: "\${{ steps.|" }\n${run('later')}`;
    expect(labels(sample)).toEqual(['one', 'two-b']);
    expect(taken(sample, 'two-b')).toContain('"${{ steps[\'two-b\']"');
  });
  test('outputs of a step, members by type', () => {
    expect(labels(`${head}steps:\n${run('one')}  - when: \${{ steps.one.outputs.| }}\n    uses: vm.start`)).toEqual([
      'code',
      'stdout',
      'stderr',
    ]);
    expect(labels(`${head}steps:\n${run('one')}  - when: steps.one.outputs.stdout.|\n    uses: vm.start`)).toContain(
      'startsWith',
    );
    expect(labels(`${head}${inputs}steps:\n  - when: \${{ inputs.vms.| }}`)).toContain('filter');
  });
  test('loop variables', () => {
    const sample = `${head}${inputs}steps:\n  - id: each\n    forEach: { vm: "\${{ inputs.vms }}" }\n    steps:\n${run('inner', '      ')}      - uses: vm.start\n        with: { vm: "\${{ |" }\n`;
    expect(labels(sample).slice(0, 2)).toEqual(['vm', 'index']);
    expect(labels(sample.replace('{{ |', '{{ steps.|'))).toEqual(['inner']);
  });
});

test('a runbook by completion alone', () => {
  let text = '|';
  const take = (label: string, then: string) => {
    text = taken(text, label).replaceAll('‹›', '') + then;
  };
  take('version', '1\n|');
  take('name', 'Move\n|');
  take('steps', '|');
  take('uses: vm.start', '');
  text = text.replace(/vm: $/, 'vm: |');
  take('web1', '\n');
  expect(text).toBe('version: 1\nname: Move\nsteps:\n  - uses: vm.start\n    with:\n      vm: web1\n');
  expect(validate(TextDocument.create('file:///a.runbook.yaml', '', 1, text), config)).toEqual([]);
});
