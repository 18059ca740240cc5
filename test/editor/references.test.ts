import { describe, expect, test } from 'vitest';
import { documentHighlights } from '../../src/editor/highlights';
import { references } from '../../src/editor/references';
import { config, marked, shown, workspace } from './workspace';

function found(samples: Record<string, string>, includeDeclaration = true): string[] {
  const at = workspace(samples);
  return shown(at, references(at.document, at.offset, config, at.files, { includeDeclaration }));
}

const inventory = `version: 1
connections:
  hv1: { type: libvirt, uri: "qemu:///system" }
groups:
  web: { vms: [web1] }
vms:
  web1: { tags: [prod] }
  web2: { tags: [prod] }
`;

describe('references', () => {
  test('to a step: only in its file, by dot, in brackets and through a group; not in texts', () => {
    const text = `version: 1
name: About patch
steps:
  - id: group
    steps:
      - id: pa|tch
        name: patch it
        uses: guest.patch
        with: { vm: web1 }
  - when: steps.patch.outputs.rebootRequired && has(steps['patch'].outputs.upgraded)
    wait: 1m
  - name: \${{ size(steps.group.outputs.patch.upgraded) }} packages
    wait: 1m
`;
    const other = text.replace('|', '');
    expect(found({ 'a.runbook.yaml': text, 'b.runbook.yaml': other })).toEqual([
      'a.runbook.yaml: - id: «patch»',
      "a.runbook.yaml: - when: steps.«patch».outputs.rebootRequired && has(steps['«patch»'].outputs.upgraded)",
      'a.runbook.yaml: - name: ${{ size(steps.group.outputs.«patch».upgraded) }} packages',
    ]);
    expect(found({ 'a.runbook.yaml': text }, false)).toHaveLength(2);
  });
  test('to an input: in the runbook, and where others give it', () => {
    const part =
      'version: 1\nname: Part\ninputs:\n  v|m: { type: vm }\nsteps:\n  - uses: vm.start\n    with: { vm: "${{ inputs.vm }}" }\n';
    const call = (vm: string) =>
      `version: 1\nname: x\nsteps:\n  - uses: ./part.runbook.yaml\n    with:\n      vm: ${vm}\n`;
    expect(
      found({
        'part.runbook.yaml': part,
        'a.runbook.yaml': call('web1'),
        'b.runbook.yaml': call('web2').replace('./part', './other'),
      }),
    ).toEqual([
      'part.runbook.yaml: «vm»: { type: vm }',
      'part.runbook.yaml: with: { vm: "${{ inputs.«vm» }}" }',
      'a.runbook.yaml: «vm»: web1',
    ]);
  });
  test('to a VM: in the inventory and all runbooks that belong to it', () => {
    const runbook =
      'version: 1\nname: x\ninventory: lab.inventory.yaml\nsteps:\n  - uses: vm.start\n    with: { vm: web1 }\n';
    expect(
      found({
        'lab.inventory.yaml': inventory.replace('web1:', 'we|b1:'),
        'a.runbook.yaml': runbook,
        'b.runbook.yaml': runbook.replace('lab.inv', 'other.inv'),
        'c.runbook.yaml': runbook.replace('with: {', 'with: { timeout: 3,').replace('web1', "'web1'"),
      }),
    ).toEqual([
      'a.runbook.yaml: with: { vm: «web1» }',
      "c.runbook.yaml: with: { timeout: 3, vm: '«web1»' }",
      'lab.inventory.yaml: web: { vms: [«web1»] }',
      'lab.inventory.yaml: «web1»: { tags: [prod] }',
    ]);
  });
  test('to a tag and a group', () => {
    const runbook =
      'version: 1\nname: x\ninventory: ./lab.inventory.yaml\ninputs:\n  vms: { type: vms, default: ["tag:prod", "group:web"] }\nsteps: []\n';
    const files = { 'lab.inventory.yaml': inventory, 'a.runbook.yaml': runbook };
    expect(found({ ...files, 'a.runbook.yaml': runbook.replace('tag:prod', 'tag:pr|od') })).toEqual([
      'a.runbook.yaml: vms: { type: vms, default: ["tag:«prod»", "group:web"] }',
      'lab.inventory.yaml: web1: { tags: [«prod»] }',
      'lab.inventory.yaml: web2: { tags: [«prod»] }',
    ]);
    expect(found({ ...files, 'lab.inventory.yaml': inventory.replace('  web:', '  w|eb:') })).toEqual([
      'a.runbook.yaml: vms: { type: vms, default: ["tag:prod", "group:«web»"] }',
      'lab.inventory.yaml: «web»: { vms: [web1] }',
    ]);
  });
  test('to a file: who calls it, who belongs to it', () => {
    const runbook = 'version: 1\nname: x\ninventory: ./lab.inventory.yaml\nsteps:\n  - uses: ./part.runbook.yaml\n';
    const files = {
      'a.runbook.yaml': runbook.replace('./part', './pa|rt'),
      'b.runbook.yaml': runbook.replace('./part', '../w/part'),
    };
    expect(found(files)).toEqual([
      'a.runbook.yaml: - uses: «./part.runbook.yaml»',
      'b.runbook.yaml: - uses: «../w/part.runbook.yaml»',
    ]);
    expect(found({ ...files, 'a.runbook.yaml': runbook.replace('./lab', './l|ab') })).toHaveLength(2);
  });
  test('to a VM by its item in the outputs of a loop', () => {
    const text = `version: 1
name: x
inputs:
  vms: { type: vms, default: [we|b1] }
steps:
  - id: each
    forEach: { vm: "\${{ inputs.vms }}" }
    steps:
      - id: start
        uses: vm.start
        with: { vm: "\${{ vm }}" }
  - name: On \${{ steps.each.outputs["web1"].start.host }}
    wait: 1m
`;
    expect(found({ 'a.runbook.yaml': text })).toEqual([
      'a.runbook.yaml: vms: { type: vms, default: [«web1»] }',
      'a.runbook.yaml: - name: On ${{ steps.each.outputs["«web1»"].start.host }}',
    ]);
  });
  test('to a VM by what it is compared with', () => {
    const text = `version: 1
name: web1
inputs:
  vms: { type: vms, default: [we|b1] }
  text: { type: string, default: web1 }
steps:
  - forEach: { vm: "\${{ inputs.vms.filter(v, v != 'web1') }}" }
    steps:
      - uses: vm.start
        with: { vm: "\${{ vm }}" }
        when: vm == 'web1' ¦¦ vm in ["web1", 'web2'] ¦¦ 'web1' in inputs.vms ¦¦ inputs.vms[0] == "web1"
      - when: inputs.text == 'web1'
        wait: 1m
`;
    expect(found({ 'a.runbook.yaml': text })).toEqual([
      'a.runbook.yaml: vms: { type: vms, default: [«web1»] }',
      'a.runbook.yaml: - forEach: { vm: "${{ inputs.vms.filter(v, v != \'«web1»\') }}" }',
      `a.runbook.yaml: when: vm == '«web1»' ¦¦ vm in ["«web1»", 'web2'] ¦¦ '«web1»' in inputs.vms ¦¦ inputs.vms[0] == "«web1»"`.replaceAll(
        '¦',
        '|',
      ),
    ]);
  });
  test('in an expression that is not finished', () => {
    const text =
      'inputs:\n  vm: { type: vm }\nsteps:\n  - id: a\n    uses: vm.start\n  - name: ${{ inputs.v|m + }}\n  - when: steps.a.outputs.\n';
    expect(found({ 'a.runbook.yaml': text })).toEqual([
      'a.runbook.yaml: «vm»: { type: vm }',
      'a.runbook.yaml: - name: ${{ inputs.«vm» + }}',
    ]);
    expect(found({ 'a.runbook.yaml': text.replace('|', '').replace('steps.a', 'steps.|a') })).toEqual([
      'a.runbook.yaml: - id: «a»',
      'a.runbook.yaml: - when: steps.«a».outputs.',
    ]);
  });
  test('none where no name stands, and none in other files', () => {
    expect(found({ 'a.runbook.yaml': 'version: 1\nna|me: x' })).toEqual([]);
    expect(found({ 'a.yaml': 'vm: we|b1' })).toEqual([]);
  });
  test('while the file is half typed', () => {
    const text =
      'version: 1\nname: x\ninputs:\n  v|m: { type: vm }\nsteps:\n  - name: ${{ inputs.vm }}\n    uses: vm.st\n  - when: steps.\n    with: {';
    expect(found({ 'a.runbook.yaml': text })).toEqual([
      'a.runbook.yaml: «vm»: { type: vm }',
      'a.runbook.yaml: - name: ${{ inputs.«vm» }}',
    ]);
  });
});

describe('highlights', () => {
  const lit = (sample: string) => {
    const { document, offset } = workspace({ 'a.runbook.yaml': sample });
    return marked(
      document,
      documentHighlights(document, offset, config).map(({ range }) => range),
    );
  };
  test('the same loop variable, not one of that name in another loop', () => {
    const loop = (mark: string) =>
      `  - forEach: { vm${mark}: [a] }\n    steps:\n      - name: "\${{ vm }} and \${{ vm }}"\n        wait: 1m\n`;
    expect(lit(`version: 1\nname: x\nsteps:\n${loop('|')}${loop('')}`)).toEqual([
      '- forEach: { «vm»: [a] }',
      '- name: "${{ «vm» }} and ${{ «vm» }}"',
    ]);
  });
  test('a variable of a macro, in its expression alone', () => {
    expect(lit('steps:\n  - when: "[1].all(x, |x > 0) && [1].exists(x, x > 1)"\n    wait: 1m\n')).toEqual([
      '- when: "[1].all(«x», «x» > 0) && [1].exists(x, x > 1)"',
    ]);
  });
  test('of two steps with one id, the first is meant', () => {
    const text =
      'steps:\n  - { id: a, uses: vm.start }\n  - { id: a, wait: 1m }\n  - name: ${{ steps.|a.outputs.host }}\n    wait: 1m\n';
    expect(lit(text)).toEqual(['- { id: «a», uses: vm.start }', '- name: ${{ steps.«a».outputs.host }}']);
  });
});
