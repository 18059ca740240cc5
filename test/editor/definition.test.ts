import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { definition } from '../../src/editor/definition';
import { parseRunbook } from '../../src/runbook/parse';
import { config, shown, workspace } from './workspace';

const inventory = `version: 1
connections:
  hv1: { type: libvirt, uri: "qemu:///system", tags: [rack-a] }
  lab: { type: simulated, lab: ./demo.lab.yaml, hosts: [sim1] }
groups:
  edge: { hosts: [hv1, sim1], vms: [web2] }
proxies:
  backup1: { ssh: local, directory: /srv }
vms:
  web1: { tags: [prod] }
`;
const part = `version: 1
name: Part
inputs:
  vm: { type: vm }
  others: { type: vms, default: [] }
outputs:
  count: 3
steps:
  - wait: 1m
`;

/** Where it leads from the cursor in a.runbook.yaml. */
function leadsTo(sample: string, folder?: string): string[] {
  const files = { 'a.runbook.yaml': sample, 'lab.inventory.yaml': inventory, 'part.runbook.yaml': part };
  const at = workspace(files, folder);
  const around = {
    ...config,
    seenHosts: { lab: ['sim1', 'sim2'] },
    runbooks: (path: string) => (path === 'part.runbook.yaml' ? parseRunbook(part) : null),
  };
  return shown(at, definition(at.document, at.offset, around, at.files));
}

const head = `version: 1
name: x
inventory: ./lab.inventory.yaml
inputs:
  target: { type: host, default: hv1 }
  some: { type: vms, default: [web1] }
steps:
`;

describe('in expressions', () => {
  test.each([
    ['an input', '  - name: To ${{ inputs.tar|get }}', ['a.runbook.yaml: «target»: { type: host, default: hv1 }']],
    [
      'an input in brackets',
      "  - name: To ${{ inputs['tar|get'] }}",
      ['a.runbook.yaml: «target»: { type: host, default: hv1 }'],
    ],
    [
      'a step',
      '  - id: patch\n    uses: guest.patch\n  - when: steps.pa|tch.outputs.rebootRequired\n    wait: 1m',
      ['a.runbook.yaml: - id: «patch»'],
    ],
    [
      'a step with a dash in its id, in a flow map',
      '  - { id: to-do, wait: 1m }\n  - { when: "size(steps[\'to|-do\'].outputs) == 0", wait: 1m }',
      ['a.runbook.yaml: - { id: «to-do», wait: 1m }'],
    ],
    [
      'a step in a group',
      '  - id: group\n    steps:\n      - { id: inner, uses: vm.start }\n  - name: ${{ steps.group.outputs.in|ner.host }}',
      ['a.runbook.yaml: - { id: «inner», uses: vm.start }'],
    ],
    [
      'a step in a loop, by item',
      '  - id: each\n    forEach: { vm: [a] }\n    steps:\n      - { id: inner, uses: vm.start }\n  - name: ${{ steps.each.outputs["a"].in|ner.host }}',
      ['a.runbook.yaml: - { id: «inner», uses: vm.start }'],
    ],
    [
      'a loop variable: the innermost of that name',
      '  - forEach: { vm: [a] }\n    steps:\n      - forEach: { other: [b] }\n        steps:\n          - name: ${{ v|m }}',
      ['a.runbook.yaml: - forEach: { «vm»: [a] }'],
    ],
    [
      'a variable of a macro, before the loop variable of that name',
      '  - forEach: { vm: [a] }\n    steps:\n      - when: inputs.some.all(vm, v|m != "")\n        wait: 1m',
      ['a.runbook.yaml: - when: inputs.some.all(«vm», vm != "")'],
    ],
    [
      'an output of a called runbook',
      '  - id: one\n    uses: ./part.runbook.yaml\n    with: { vm: web1 }\n  - name: ${{ steps.one.outputs.co|unt }}',
      ['part.runbook.yaml: «count»: 3'],
    ],
    [
      'an output of an action: it stands in no file',
      '  - id: one\n    uses: vm.start\n  - name: ${{ steps.one.outputs.ho|st }}',
      [],
    ],
    [
      'in a folded scalar',
      '  - name: >-\n      It goes\n      to ${{ inputs.tar|get }}',
      ['a.runbook.yaml: «target»: { type: host, default: hv1 }'],
    ],
    [
      'in single quotes with quotes in them',
      "  - name: 'it''s ${{ inputs.tar|get }}'",
      ['a.runbook.yaml: «target»: { type: host, default: hv1 }'],
    ],
    [
      'behind an emoji and escapes',
      '  - name: "🖥 \\u00e4 ${{ inputs.tar|get }}"',
      ['a.runbook.yaml: «target»: { type: host, default: hv1 }'],
    ],
    ['nothing for what there is not', '  - name: ${{ inputs.tar|gett }}', []],
  ])('%s', (_, sample, expected) => {
    expect(leadsTo(`${head}${sample}\n`)).toEqual(expected);
  });
});

describe('names of the inventory', () => {
  test.each([
    ['a VM', '  - uses: vm.start\n    with: { vm: we|b1 }', ['lab.inventory.yaml: «web1»: { tags: [prod] }']],
    [
      'a host',
      '  - uses: vm.migrate\n    with:\n      vm: x\n      to: "h|v1"',
      ['lab.inventory.yaml: «hv1»: { type: libvirt, uri: "qemu:///system", tags: [rack-a] }'],
    ],
    [
      'a proxy',
      '  - uses: backup.image\n    with: { vm: x, proxy: back|up1 }',
      ['lab.inventory.yaml: «backup1»: { ssh: local, directory: /srv }'],
    ],
    [
      'a VM that only a group lists',
      '  - uses: vm.start\n    with: { vm: we|b2 }',
      ['lab.inventory.yaml: edge: { hosts: [hv1, sim1], vms: [«web2»] }'],
    ],
    [
      'a host of a simulated lab',
      '  - uses: vm.migrate\n    with: { vm: x, to: si|m1 }',
      ['lab.inventory.yaml: lab: { type: simulated, lab: ./demo.lab.yaml, hosts: [«sim1»] }'],
    ],
    [
      'a group given to a called runbook',
      '  - uses: ./part.runbook.yaml\n    with: { vm: web1, others: group:ed|ge }',
      ['lab.inventory.yaml: «edge»: { hosts: [hv1, sim1], vms: [web2] }'],
    ],
    [
      'a tag',
      '  - uses: ./part.runbook.yaml\n    with: { vm: web1, others: [web2, "tag:pr|od"] }',
      ['lab.inventory.yaml: web1: { tags: [«prod»] }'],
    ],
    [
      'a host that a simulated lab was seen to have',
      '  - uses: vm.migrate\n    with: { vm: x, to: si|m2 }',
      ['lab.inventory.yaml: «lab»: { type: simulated, lab: ./demo.lab.yaml, hosts: [sim1] }'],
    ],
    [
      'an item of a loop, told by what it is given to',
      '  - forEach: { x: [we|b1] }\n    steps:\n      - uses: vm.start\n        with: { vm: "${{ x }}" }',
      ['lab.inventory.yaml: «web1»: { tags: [prod] }'],
    ],
  ])('%s', (_, sample, expected) => {
    expect(leadsTo(`${head}${sample}\n`)).toEqual(expected);
  });
  test('the default of an input', () => {
    expect(leadsTo(head.replace('default: hv1', 'default: h|v1'))).toEqual([
      'lab.inventory.yaml: «hv1»: { type: libvirt, uri: "qemu:///system", tags: [rack-a] }',
    ]);
  });
  test('inside the inventory, from a group to the VM', () => {
    const text = inventory.replace('vms: [web2]', 'vms: [we|b1]');
    const at = workspace({ 'lab.inventory.yaml': text });
    expect(shown(at, definition(at.document, at.offset, config, at.files))).toEqual([
      'lab.inventory.yaml: «web1»: { tags: [prod] }',
    ]);
  });
});

describe('files', () => {
  test('a called runbook, its input, and the inventory', () => {
    const call = `${head}  - uses: ./part.runbook.yaml\n    with: { vm: web1 }\n`;
    expect(leadsTo(call.replace('./part', './pa|rt'))).toEqual(['part.runbook.yaml: «»version: 1']);
    expect(leadsTo(call.replace('{ vm:', '{ v|m:'))).toEqual(['part.runbook.yaml: «vm»: { type: vm }']);
    expect(leadsTo(call.replace('inventory: ./lab', 'inventory: ./l|ab'))).toEqual([
      'lab.inventory.yaml: «»version: 1',
    ]);
  });
  test('an action has none', () => {
    expect(leadsTo(`${head}  - uses: vm.mi|grate\n`)).toEqual([]);
  });
});

test('in every scheme', () => {
  for (const folder of ['git:/w', 'vscode-vfs://github/o/r', 'pr:/w']) {
    const sample = `${head}  - uses: vm.start\n    with: { vm: we|b1 }\n`;
    expect(leadsTo(sample, folder)).toEqual(['lab.inventory.yaml: «web1»: { tags: [prod] }']);
  }
});
test('from the other side of a diff to the files that there are', () => {
  const sample = `${head}  - uses: ./part.runbook.yaml\n    with: { vm: web1 }\n`;
  const { files } = workspace({
    'a.runbook.yaml': `|${sample}`,
    'lab.inventory.yaml': inventory,
    'part.runbook.yaml': part,
  });
  const from = (place: string) => {
    const document = TextDocument.create('git:/w/a.runbook.yaml?%7B%7D', '', 1, sample);
    return definition(document, sample.indexOf(place), config, files).map(
      ({ uri, range }) => `${uri}:${range.start.line}`,
    );
  };
  expect(from('web1 }')).toEqual(['file:///w/lab.inventory.yaml:9']);
  expect(from('vm: web1 }')).toEqual(['file:///w/part.runbook.yaml:3']);
});
test('with Windows line ends', () => {
  const sample = `${head}  - name: To\n    when: >-\n      inputs.some ==\n      [inputs.tar|get]\n    wait: 1m\n`;
  expect(leadsTo(sample.replaceAll('\n', '\r\n'))).toEqual(['a.runbook.yaml: «target»: { type: host, default: hv1 }']);
});
test('a called runbook without an inventory has that of its caller', () => {
  const at = workspace({
    'a.runbook.yaml': `${head}  - uses: ./part.runbook.yaml\n`,
    'part.runbook.yaml': 'version: 1\nname: Part\nsteps:\n  - uses: vm.start\n    with: { vm: we|b1 }\n',
    'lab.inventory.yaml': inventory,
  });
  expect(shown(at, definition(at.document, at.offset, config, at.files))).toEqual([
    'lab.inventory.yaml: «web1»: { tags: [prod] }',
  ]);
});
