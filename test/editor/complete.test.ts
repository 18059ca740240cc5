import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { InsertTextFormat } from 'vscode-languageserver-types';
import { actions } from '../../src/actions/catalogue';
import { complete } from '../../src/editor/complete';
import type { EditorConfig } from '../../src/editor/config';
import { validate } from '../../src/editor/validate';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { parseRunbook } from '../../src/runbook/parse';
import { withCursor } from './cursor';

const { inventory } = parseInventory(`version: 1
connections: { hv1: { type: libvirt, uri: "qemu:///system", tags: [edge] }, hv2: { type: libvirt, uri: "qemu:///system" } }
groups: { web: { vms: [web1, web2] } }
proxies: { backup1: { ssh: root@b, directory: /srv } }
vms: { web1: { tags: [shop] }, web2: {} }
`);
const part = parseRunbook(`version: 1
name: Part
description: Does a part of it
inputs:
  vm: { type: vm, description: Which one }
  vms: { type: vms }
  mode: { type: string, enum: [fast, slow], default: fast }
  live: { type: boolean, default: true }
outputs: { moved: "\${{ steps.a.outputs.to }}", count: 3 }
steps:
  - id: a
    uses: vm.migrate
    with: { vm: "\${{ inputs.vm }}", to: hv2 }
`);
const config: EditorConfig = {
  actions,
  inventory: knownNames(inventory!),
  callable: ['part.runbook.yaml', '../other.runbook.yaml'],
  inventories: ['lab.inventory.yaml', '../prod.inventory.yaml'],
  snapshotsOf: vm => (vm === 'web1' ? ['before-upgrade'] : undefined),
  runbooks: path => (path === 'part.runbook.yaml' ? part : undefined),
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
    expect(labels('|').filter(label => !label.startsWith('runbook: '))).toEqual([
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
      'locks',
      'tags',
    ]);
    expect(labels('version: 1\nconnections:\n  a: { type: |', 'x.inventory.yaml')).toEqual(['libvirt', 'simulated']);
  });
});

describe('values', () => {
  test('actions, with their required inputs as places to fill in', () => {
    expect(labels(`${head}steps:\n  - uses: vm.|`)).toEqual([
      ...actions.map(action => action.name),
      './part.runbook.yaml',
      '../other.runbook.yaml',
    ]);
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
  test('no uuids of VMs, which may be written all the same', () => {
    const uuid = '35173d55-dec5-8550-adc9-6e70b5a6c2e1';
    const seen = { ...config, inventory: knownNames(inventory!, { vms: ['web1', 'db1'], uuids: [uuid] }) };
    const { document, offset } = withCursor(`${head}steps:\n  - uses: vm.start\n    with: { vm: |`);
    expect(complete(document, offset, seen).map(({ label }) => label)).toEqual(['db1', 'web1', 'web2']);
    const written = withCursor(`${head}steps:\n  - uses: vm.start\n    with: { vm: ${uuid} }\n|`).document;
    expect(validate(written, seen)).toEqual([]);
  });
  test('inputs and loop variables that fit, before the names', () => {
    const given =
      'inputs:\n  vm: { type: vm }\n  host: { type: host }\n  vms: { type: vms }\n  live: { type: boolean }\n';
    const each = `${head}${given}steps:\n  - forEach: { one: "\${{ inputs.vms }}" }\n    steps:\n      - uses: vm.migrate\n        with:\n`;
    expect(labels(`${each}          vm: |`)).toEqual(['${{ one }}', '${{ inputs.vm }}', 'web1', 'web2']);
    expect(labels(`${each}          to: |`)).toEqual(['${{ one }}', '${{ inputs.host }}', 'hv1', 'hv2']);
    expect(labels(`${each}          live: |`)).toEqual(['true', 'false', '${{ inputs.live }}']);
    expect(labels(`${head}${given}steps:\n  - forEach: { one: | }`)).toEqual(['${{ inputs.vms }}']);
    expect(taken(`${each}          vm: |`, '${{ one }}')).toBe(`${each}          vm: "\${{ one }}"`);
    expect(taken(`${each}          vm: "|"`, '${{ one }}')).toBe(`${each}          vm: "\${{ one }}"`);
  });
  test('snapshots: those that the VM has, and those that earlier steps make', () => {
    const made = `${head}steps:\n  - id: safe\n    uses: vm.snapshot\n    with: { vm: web1 }\n`;
    expect(labels(`${made}  - uses: vm.snapshot.delete\n    with:\n      vm: web1\n      snapshot: |`)).toEqual([
      'before-upgrade',
      '${{ steps.safe.outputs.snapshot }}',
    ]);
    expect(labels(`${head}steps:\n  - uses: vm.revert\n    with: { vm: web2, snapshot: |`)).toEqual([]);
  });
  test('inventories beside the runbook', () => {
    expect(labels('version: 1\ninventory: |')).toEqual(['./lab.inventory.yaml', '../prod.inventory.yaml']);
  });
  test('durations', () => {
    expect(labels(`${head}steps:\n  - uses: vm.start\n    timeout: |`)).toContain('30m');
  });
  test('groups and tags, where an input selects', () => {
    expect(labels('inputs:\n  vms:\n    type: vms\n    default: |')).toEqual(['web1', 'web2', 'group:web', 'tag:shop']);
  });
  test('members of groups, and VMs to say more about, of an inventory', () => {
    const text = 'version: 1\nconnections: { hv1: { type: libvirt, uri: "qemu:///system" } }\nvms: { db1: {} }\n';
    expect(labels(`${text}groups:\n  web:\n    hosts: [|`, 'x.inventory.yaml')).toEqual(['hv1', 'hv2']);
    expect(labels(`${text}groups:\n  web:\n    vms:\n      - web1\n      - |`, 'x.inventory.yaml')).toEqual([
      'db1',
      'web2',
    ]);
    expect(labels('version: 1\nvms:\n  |', 'x.inventory.yaml')).toEqual(['web1', 'web2']);
  });
  test('nothing in a comment', () => {
    expect(labels(`${head}# ver|`)).toEqual([]);
  });
});

describe('where one is in the middle of something', () => {
  const step = (rest: string) => `${head}steps:\n  - uses: vm.migrate\n    ${rest}`;
  test('right behind a colon or a dash: the space comes with it', () => {
    expect(taken(step('with:\n      vm:|'), 'web1')).toBe(step('with:\n      vm: web1'));
    expect(taken(step('with: {vm:|}'), 'web1')).toBe(step('with: {vm: web1}'));
    expect(taken(`${head}steps:\n  -|`, 'wait')).toBe(`${head}steps:\n  - wait: ‹›`);
    expect(taken(`${head}steps:\n  -|`, 'uses: vm.start')).toBe(
      `${head}steps:\n  - uses: vm.start\n    with:\n      vm: ‹›`,
    );
    expect(taken(`${head}steps:\n  - uses:|`, 'vm.start')).toBe(
      `${head}steps:\n  - uses: vm.start\n    with:\n      vm: ‹›`,
    );
    expect(taken(`inputs:\n  v:\n    type: vms\n    default:\n      -|`, 'web1')).toBe(
      `inputs:\n  v:\n    type: vms\n    default:\n      - web1`,
    );
  });
  test('a key that is typed over keeps its colon and its value', () => {
    expect(taken(step('wi|th:\n      vm: web1'), 'with')).toBe(step('with:\n      vm: web1'));
    expect(taken(step('with: { v|m : web1 }'), 'vm')).toBe(step('with: { vm : web1 }'));
    expect(taken(`${head}ste|s: []`, 'steps')).toBe(`${head}steps: []`);
    expect(taken(`${head}steps:\n  - fo|r: { vm: [web1] }`, 'forEach')).toBe(
      `${head}steps:\n  - forEach: { vm: [web1] }`,
    );
    expect(labels(`${head}steps:\n  - u|ses: vm.start`)).not.toContain('uses: vm.start');
  });
  test('another action, when its inputs stand below', () => {
    expect(taken(`${head}steps:\n  - uses: vm.st|art\n    with:\n      vm: web1`, 'vm.shutdown')).toBe(
      `${head}steps:\n  - uses: vm.shutdown\n    with:\n      vm: web1`,
    );
    expect(taken(`${head}steps:\r\n  - uses: |\r\n    with: { vm: web1 }\r\n`, 'vm.start')).toBe(
      `${head}steps:\r\n  - uses: vm.start\r\n    with: { vm: web1 }\r\n`,
    );
  });
  test('the next of a list, whose dash is not there yet', () => {
    expect(taken(`${head}steps:\n  |`, 'uses: vm.start')).toBe(
      `${head}steps:\n  - uses: vm.start\n    with:\n      vm: ‹›`,
    );
    expect(taken(`${head}steps:\n  - wait: 1m\n  us|\n`, 'uses: vm.start')).toBe(
      `${head}steps:\n  - wait: 1m\n  - uses: vm.start\n    with:\n      vm: ‹›\n`,
    );
    expect(labels(`${head}steps:\n  - parallel:\n      |`)).toContain('uses: vm.start');
    expect(taken(`${head}steps:\n  - forEach:\n      it:\n        |`, 'web1')).toContain('\n        - web1');
    expect(labels('version: 1\ngroups:\n  a:\n    vms:\n      |', 'x.inventory.yaml')).toEqual(['web1', 'web2']);
  });
  test('an anchor stays; nothing is offered for one, or for an alias', () => {
    expect(taken(step('with: &it\n      vm: &one |'), 'web1')).toBe(step('with: &it\n      vm: &one web1'));
    expect(labels(step('with: { vm: &on|'))).toEqual([]);
    expect(labels(step('with: { vm: *|'))).toEqual([]);
  });
  test('VMs and hosts in the list of a loop', () => {
    expect(labels(`${head}steps:\n  - forEach: { it: [web1, |] }`)).toEqual(['web1', 'web2', 'hv1', 'hv2']);
    expect(labels(`${head}steps:\n  - forEach:\n      it:\n        - "|"`)).toContain('web1');
    expect(labels(`${head}steps:\n  - forEach: { batch: [|] }`)).toEqual([]);
  });
});

describe('in a text over several lines', () => {
  const lines = (sign: string, text: string) =>
    `${head}inputs:\n  vms: { type: vms }\n  name: { type: string }\nsteps:\n  - assert: ${sign}\n      ${text}`;
  test('a condition, on any of its lines', () => {
    for (const sign of ['¦', '>-', '¦+ # why']) {
      expect(labels(lines(sign, 'inputs.|'))).toEqual(['vms', 'name']);
      expect(taken(lines(sign, 'inputs.name == "a" &&\n\n      inputs.n|'), 'name')).toContain('      inputs.name');
    }
  });
  test('an expression, also one that goes on', () => {
    expect(
      labels(
        `${head}inputs: { a: { type: string } }\nsteps:\n  - name: >\n      On\n      \${{ true &&\n      inputs.|`,
      ),
    ).toEqual(['a']);
  });
  test('nothing that is no expression', () => {
    expect(labels(`description: ¦\n  uses: |`)).toEqual([]);
    expect(labels(`${head}steps:\n  - uses: guest.run\n    with:\n      argv:\n        - ¦\n          vm: |`)).toEqual(
      [],
    );
    expect(labels(`${head}steps:\n  - name: ¦\n      x\n    |`)).toContain('uses');
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
  test('members of whatever an expression gives', () => {
    const typed = (text: string) => labels(`${head}${inputs}steps:\n  - when: \${{ ${text}| }}`);
    expect(typed('inputs.vms.filter(v, v != "a").')).toEqual(expect.arrayContaining(['map', 'join', 'size']));
    expect(typed('inputs.vms.join(", ").')).toEqual(expect.arrayContaining(['contains', 'trim']));
    expect(typed('inputs.name.split(",")[0].')).toContain('startsWith');
    expect(typed('inputs.vms.exists(v, v.')).toContain('endsWith');
    expect(typed('inputs.vms.exists(v, ')[0]).toBe('v');
    expect(typed('timestamp("2026-01-01T00:00:00Z").')).toContain('getHours');
  });
  test('what an input that is compared may be', () => {
    const mode = 'inputs:\n  mode: { type: string, enum: [fast, slow] }\n  vm: { type: vm }\n';
    expect(labels(`${head}${mode}steps:\n  - when: \${{ inputs.mode == "|" }}`)).toEqual(['fast', 'slow']);
    expect(taken(`${head}${mode}steps:\n  - when: \${{ inputs.mode == "f|" }}`, 'fast')).toContain('== "fast" }}');
    expect(labels(`${head}${mode}steps:\n  - when: \${{ inputs.vm != '|' }}`)).toEqual(['web1', 'web2']);
  });
  test('outputs that may not be there', () => {
    const sample = `${head}steps:\n${run('one')}finally:\n  - wait: 1m\n    when: steps.one.outputs.?|`;
    expect(labels(sample)).toEqual(['code', 'stdout', 'stderr']);
    expect(taken(sample, 'stdout')).toContain('when: steps.one.outputs.?stdout');
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

describe('kinds of steps', () => {
  test('each with what it needs', () => {
    const found = (kind: string) => taken(`${head}steps:\n  - |`, kind).slice(`${head}steps:\n`.length);
    expect(found('forEach')).toBe('  - forEach: { ‹›: [‹›] }\n    steps:\n      - ‹›');
    expect(found('parallel')).toBe('  - parallel:\n      - ‹›\n      - ‹›');
    expect(found('approve')).toBe('  - approve: { message: "‹›" }');
    expect(found('wait')).toBe('  - wait: ‹›');
    expect(found('assert')).toBe('  - assert: ‹›');
    expect(found('pointOfNoReturn')).toBe('  - pointOfNoReturn: ‹›');
    expect(found('steps')).toBe('  - steps:\n      - ');
  });
  test('in branches and in finally as well', () => {
    expect(labels(`${head}steps:\n  - parallel:\n      - |`)).toContain('uses: vm.migrate');
    expect(labels(`${head}steps:\n  - wait: 5m\nfinally:\n  - |`)).toContain('uses: vm.migrate');
  });
  test('one that has its kind gets the keys of that kind', () => {
    expect(labels(`${head}steps:\n  - assert: true\n    |`)).toEqual(['id', 'name', 'when', 'message']);
    expect(labels(`${head}steps:\n  - uses: ./part.runbook.yaml\n    |`)).toEqual(['id', 'name', 'when', 'with']);
    expect(labels(`${head}steps:\n  - approve:\n      |`)).toEqual(['by', 'expires', 'message', 'self']);
    expect(labels(`${head}steps:\n  - approve: { self: |`)).toEqual(['true', 'false']);
    expect(labels(`${head}steps:\n  - forEach:\n      vm: [a]\n      |`)).toEqual(['batch', 'canary', 'maxFailures']);
  });
});

test('limits and windows', () => {
  expect(labels('limits:\n  |')).toEqual(['perHost', 'perDatastore', 'perProxy', 'perConnection', 'total']);
  expect(labels('window: { |')).toEqual(['allow', 'zone', 'outside', 'closing']);
  expect(labels('window:\n  closing: |')).toEqual(['drain', 'rollback', 'ignore']);
  expect(labels('window:\n  zone: Eur|')).toEqual(expect.arrayContaining(['UTC', 'Europe/London']));
  expect(labels('inputs:\n  token: { type: secret, |')).toEqual(
    expect.arrayContaining(['prompt', 'env', 'description']),
  );
});

describe('calls', () => {
  test('runbooks that are there, with the inputs they need', () => {
    expect(taken(`${head}steps:\n  - uses: ./p|`, './part.runbook.yaml')).toBe(
      `${head}steps:\n  - uses: ./part.runbook.yaml\n    with:\n      vm: ‹›\n      vms: ‹›`,
    );
    expect(taken(`${head}steps:\n  - us|`, 'uses: ../other.runbook.yaml')).toBe(
      `${head}steps:\n  - uses: ../other.runbook.yaml`,
    );
  });
  test('the inputs that are not given yet, and what they may be', () => {
    const call = `${head}steps:\n  - uses: ./part.runbook.yaml\n    with:\n`;
    expect(labels(`${call}      vm: web1\n      |`)).toEqual(['vms', 'mode', 'live']);
    expect(labels(`${head}steps:\n  - uses: ./part.runbook.yaml\n    with: { mode: fast, |`)).toEqual([
      'vm',
      'vms',
      'live',
    ]);
    expect(labels(`${call}      vm: |`)).toEqual(['web1', 'web2']);
    expect(labels(`${call}      vms: |`)).toEqual(['web1', 'web2', 'group:web', 'tag:shop']);
    expect(labels(`${call}      vms: [web1, |`)).toEqual(['web1', 'web2', 'group:web', 'tag:shop']);
    expect(labels(`${call}      mode: |`)).toEqual(['fast', 'slow']);
    expect(labels(`${call}      live: |`)).toEqual(['true', 'false']);
    expect(labels(`${head}steps:\n  - uses: ../other.runbook.yaml\n    with:\n      |`)).toEqual([]);
  });
  test('its outputs', () => {
    const sample = `${head}steps:\n  - id: part\n    uses: ./part.runbook.yaml\n  - assert: steps.part.outputs.|`;
    expect(items(sample).map(item => [item.label, item.detail])).toEqual([
      ['moved', 'string'],
      ['count', 'whole number'],
    ]);
  });
});

describe('names in scope', () => {
  const action = (id: string, pad: string) => `${pad}- id: ${id}\n${pad}  uses: vm.start\n${pad}  with: { vm: a }\n`;
  test('of a branch: what ran before, not what runs beside it', () => {
    const branches = `${head}steps:\n${action('before', '  ')}  - parallel:\n${action('left', '      ')}      - id: right\n        wait: \${{ steps.| }}\n`;
    expect(labels(branches)).toEqual(['before']);
    const group = `${head}steps:\n  - parallel:\n${action('left', '      ')}      - steps:\n${action('first', '          ')}          - wait: \${{ steps.| }}\n`;
    expect(labels(group)).toEqual(['first']);
    const after = `${head}steps:\n  - parallel:\n${action('left', '      ')}${action('right', '      ')}  - wait: \${{ steps.| }}\n`;
    expect(labels(after)).toEqual(['left', 'right']);
  });
  test('of outputs and finally: all steps', () => {
    const text = `${head}outputs: { a: "\${{ steps.| }}" }\nsteps:\n${action('one', '  ')}finally:\n${action('last', '  ')}`;
    expect(labels(text)).toEqual(['one']);
    expect(
      labels(`${head}steps:\n${action('one', '  ')}finally:\n${action('last', '  ')}  - wait: \${{ steps.| }}\n`),
    ).toEqual(['one', 'last']);
  });
});
