import { describe, expect, test } from 'vitest';
import { MarkupContent } from 'vscode-languageserver-types';
import { actions } from '../../src/actions/catalogue';
import type { EditorConfig } from '../../src/editor/config';
import { hover } from '../../src/editor/hover';
import { parseInventory } from '../../src/inventory/file';
import { parseRunbook } from '../../src/runbook/parse';
import { withCursor } from './cursor';

const config: EditorConfig = {
  actions,
  inventory: { vms: new Set(['web1']) },
  liveState: (kind, name) => (name === 'web1' ? `running on hv1 (${kind})` : undefined),
  values: { inputs: { vm: 'web1' }, steps: { patch: { outputs: { rebootRequired: true } } } },
};

/** First lines of what is shown, and the text it is shown for. */
function shown(sample: string, name?: string, around = config): string | undefined {
  const { document, offset } = withCursor(sample, name);
  const found = hover(document, offset, around);
  if (!found || !MarkupContent.is(found.contents)) return undefined;
  return `[${document.getText(found.range)}] ${found.contents.value}`;
}

const head = 'version: 1\nname: x\ninputs:\n  vm: { type: vm, description: Which one }\nsteps:\n';

describe('hover', () => {
  test('an action: what it does, what its undo does, its outputs, an example', () => {
    const text = shown(`${head}  - uses: vm.mig|rate`)!;
    expect(text).toMatch(/^\[vm\.migrate\] \*\*vm\.migrate\*\* · /);
    expect(text).toContain('Undo: takes back exactly what was done.');
    expect(text).toContain('- `from` · string: Host that it came from.');
    expect(text).toContain('```yaml\n');
  });
  test('what the undo of this very step does, where it depends on the inputs', () => {
    const run = (more: string) => shown(`${head}  - uses: guest.r|un\n    with: { vm: web1, argv: [date]${more} }`);
    expect(run(', changes: false')).toContain('Undo: changes nothing');
    expect(run(', undo: [date]')).not.toContain('depends on the inputs');
    expect(shown(`${head}  - uses: guest.r|un\n    with: { vm: "\${{ inputs.vm }}" }`)).toContain(
      'depends on the inputs',
    );
  });
  test('a function: how it is called and what it gives', () => {
    expect(shown(`${head}  - assert: si|ze(inputs.vm) > 1`)).toBe(
      '[size] **size(value)**\n\nNumber of items, keys or characters: `size(inputs.vms)`',
    );
    expect(shown(`${head}  - assert: inputs.vm.starts|With("w")`)).toBe(
      '[inputs.vm.startsWith] **text.startsWith(part)**\n\nWhether the text begins with this',
    );
  });
  test('nothing for an action that there is not: its diagnostic says what could be meant', () => {
    expect(shown(`${head}  - uses: vm.mig|grate`)).toBeUndefined();
  });
  test('an input of an action: type, default, meaning', () => {
    expect(shown(`${head}  - uses: vm.migrate\n    with: { vm: a, to: b, stor|age: auto }`)).toBe(
      '[storage] **storage** · one of "auto", "shared", "copy" · default `"auto"`\n\n`shared`: both hosts see the disks; `copy`: the disks are copied too; `auto`: look and decide.',
    );
  });
  test('a called runbook: what it wants and gives', () => {
    const called = parseRunbook(
      'version: 1\nname: Part\ndescription: Moves one.\ninputs:\n  vm: { type: vm, description: Which one }\n  n: { type: number, default: 2 }\noutputs: { count: 3 }\nsteps:\n  - wait: 1m\n',
    );
    const around = { ...config, runbooks: (path: string) => (path === 'part.runbook.yaml' ? called : null) };
    expect(shown(`${head}  - uses: ./pa|rt.runbook.yaml`, undefined, around)).toBe(
      '[./part.runbook.yaml] **Part** · runbook `./part.runbook.yaml`\n\nMoves one.\n\nInputs:\n\n- `vm` · vm: Which one\n- `n` · number · default `2`\n\nOutputs:\n\n- `count` · whole number',
    );
    expect(shown(`${head}  - uses: ./part.runbook.yaml\n    with: { v|m: a }`, undefined, around)).toBe(
      '[vm] **vm** · vm\n\nWhich one',
    );
    expect(shown(`${head}  - uses: ./oth|er.runbook.yaml`, undefined, around)).toBeUndefined();
  });
  test('the condition of an assertion', () => {
    expect(shown(`${head}  - assert: inputs.v|m != ""`)).toContain('**inputs.vm** · string');
  });
  test('an output that may not be there', () => {
    const text = `${head}  - id: patch\n    uses: guest.patch\n    with: { vm: a }\nfinally:\n  - wait: 1m\n    when: steps.patch.outputs.?reboot|Required.orValue(false)`;
    expect(shown(text)).toContain('**steps.patch.outputs.?rebootRequired** · boolean');
  });
  test('keys of the language', () => {
    expect(shown(`limits: { perH|ost: 2 }`)).toContain('How many steps may act on one host at once.');
    expect(shown(`${head}  - approve: { ex|pires: 3m }`)).toContain('Not approved within this time');
    expect(shown(`${head}  - forEach: { vm: [a], can|ary: 1 }\n    steps: []`)).toContain('So many items go first');
    expect(shown(`${head}  - poin|tOfNoReturn: Why`)).toContain('not undone any more');
    expect(shown('vers|ion: 1')).toBe('[version] **version** · 1\n\nVersion of the runbook language.');
    expect(shown(`${head}  - uses: vm.start\n    time|out: 3m`)).toContain('The step fails when it takes longer');
    expect(shown('version: 1\nconn|ections:\n  a: {}', 'a.inventory.yaml')).toContain(
      'Hypervisors, each under the name that runbooks use.',
    );
  });
  test('a VM: its state now', () => {
    expect(shown(`${head}  - uses: vm.start\n    with: { vm: we|b1 }`)).toBe(
      '[web1] **web1** · VM\n\nrunning on hv1 (vm)',
    );
    expect(shown(`${head}  - uses: vm.start\n    with: { vm: we|b2 }`)).toBe(
      '[web2] **web2** · VM\n\nnot in the inventory',
    );
  });
  test('a VM: its snapshots', () => {
    const around = { ...config, snapshotsOf: () => ['before', 'after'] };
    expect(shown(`${head}  - uses: vm.start\n    with: { vm: we|b1 }`, undefined, around)).toContain(
      'Snapshots: `before`, `after`',
    );
  });
  test('a group and a tag: what they have', () => {
    const text = `version: 1
connections: { hv1: { type: libvirt, uri: "qemu:///system", tags: [edge] } }
groups: { web: { vms: [web1, web2], hosts: [hv1] }, none: {} }
vms: { web1: { tags: [shop] }, web2: { tags: [shop] } }
`;
    const { inventory } = parseInventory(text);
    const around = { ...config, inventoryFile: inventory! };
    const input = (value: string) => shown(`inputs:\n  v: { type: vms, default: "${value}" }`, undefined, around);
    expect(input('group:we|b')).toBe('[web] **web** · group\n\n1 host: `hv1`\n\n2 VMs: `web1`, `web2`');
    expect(input('tag:sh|op')).toBe('[shop] **shop** · tag\n\n2 VMs: `web1`, `web2`');
    expect(input('group:no|ne')).toBe('[none] **none** · group\n\nempty');
    const own = (marked: string) => shown(marked, 'x.inventory.yaml', around);
    expect(own(text.replace('{ web: {', '{ we|b: {'))).toContain('2 VMs: `web1`, `web2`');
    expect(own(text.replace('[edge]', '[ed|ge]'))).toBe('[edge] **edge** · tag\n\n1 connection: `hv1`');
  });
  test('a VM wherever it is named: in an inventory, a loop, a comparison', () => {
    const state = '[web1] **web1** · VM\n\nrunning on hv1 (vm)';
    expect(shown('version: 1\nvms: { we|b1: { owner: me } }', 'x.inventory.yaml')).toBe(state);
    expect(shown('version: 1\ngroups: { a: { vms: [we|b1] } }', 'x.inventory.yaml')).toBe(state);
    expect(
      shown(
        `${head}  - forEach: { it: [we|b1] }\n    steps:\n      - uses: vm.start\n        with: { vm: "\${{ it }}" }`,
      ),
    ).toBe(state);
    expect(shown(`${head}  - assert: inputs.vm != "we|b1"`)).toBe(state);
  });
  test('in an expression: type, text and value of the path up to the cursor', () => {
    expect(shown(`${head}  - uses: vm.start\n    with: { vm: "\${{ inputs.v|m }}" }`)).toBe(
      '[inputs.vm] **inputs.vm** · string\n\nWhich one\n\nNow: `"web1"`',
    );
    const patch = '  - id: patch\n    uses: guest.patch\n    with: { vm: a }\n';
    expect(shown(`${head}${patch}  - when: steps.patch.outputs.reboot|Required\n    uses: vm.start`)).toBe(
      '[steps.patch.outputs.rebootRequired] **steps.patch.outputs.rebootRequired** · boolean\n\nThe guest asks for a reboot.\n\nNow: `true`',
    );
    expect(shown(`${head}${patch}  - when: steps.pa|tch.outputs.rebootRequired\n    uses: vm.start`)).toMatch(
      /^\[steps\.patch\] /,
    );
  });
  test('nothing where there is nothing to say', () => {
    expect(shown('# com|ment')).toBeUndefined();
    expect(shown('|')).toBeUndefined();
    expect(shown('nonsense: th|ere')).toBeUndefined();
    expect(shown('version: 1|', 'a.yaml')).toBeUndefined();
  });
});
