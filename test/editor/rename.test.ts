import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { prepareRename, rename } from '../../src/editor/rename';
import { config, workspace } from './workspace';

/** The changed lines of each file, or the sentence that says why there are none. */
function renamed(samples: Record<string, string>, newName: string): string[] | string {
  const at = workspace(samples);
  const made = rename(at.document, at.offset, newName, config, at.files);
  if ('problem' in made) return made.problem;
  return Object.entries(made.changes ?? {}).flatMap(([uri, edits]) => {
    const name = uri.split('/').at(-1)!;
    const document = at.named(name)!;
    const before = document.getText().split(/\r?\n/);
    const after = TextDocument.applyEdits(document, edits).split(/\r?\n/);
    return after.flatMap((line, index) => (line === before[index] ? [] : [`${name}: ${line.trim()}`]));
  });
}

const alone = (sample: string, newName: string) => {
  const lines = renamed({ 'a.runbook.yaml': sample }, newName);
  return typeof lines === 'string' ? lines : lines.map(line => line.replace('a.runbook.yaml: ', ''));
};

const head = 'version: 1\nname: x\ninputs:\n  vm: { type: vm }\n  some: { type: vms, default: [web1] }\nsteps:\n';
const two = (mark: string, use: string) =>
  `${head}  - id: ${mark}\n    uses: guest.patch\n    with: { vm: a }\n  - ${use}\n    wait: 1m\n`;

describe('a step', () => {
  test('its id and every expression', () => {
    expect(
      alone(
        two('pa|tch', "when: steps.patch.outputs.rebootRequired && steps['patch'].outputs.rebootRequired"),
        'upgrade',
      ),
    ).toEqual([
      '- id: upgrade',
      "- when: steps.upgrade.outputs.rebootRequired && steps['upgrade'].outputs.rebootRequired",
    ]);
  });
  test('from its use', () => {
    expect(alone(two('patch', 'name: ${{ steps.pa|tch.outputs }}'), 'p2')).toEqual([
      '- id: p2',
      '- name: ${{ steps.p2.outputs }}',
    ]);
  });
  test.each([
    ['plain', 'when: steps.patch.outputs.rebootRequired', "- when: steps['to-do'].outputs.rebootRequired"],
    ['double quotes', 'when: "steps.patch.outputs.rebootRequired"', `- when: "steps['to-do'].outputs.rebootRequired"`],
    ['single quotes', "when: 'steps.patch.outputs.rebootRequired'", `- when: 'steps["to-do"].outputs.rebootRequired'`],
    ['a template', 'name: ${{ steps.patch.outputs }}', "- name: ${{ steps['to-do'].outputs }}"],
    ['an optional output', 'when: steps.?patch.outputs == null', "- when: steps[?'to-do'].outputs == null"],
  ])('to one that needs brackets, in %s', (_, use, expected) => {
    expect(alone(two('pa|tch', use), 'to-do')).toEqual(['- id: to-do', expected]);
  });
  test('to one that needs brackets, plain in a flow map: the value gets quotes', () => {
    const text = `${head}  - { id: pa|tch, wait: 1m }\n  - { when: steps.patch.outputs == null, wait: 1m }\n`;
    expect(alone(text, 'to-do')).toEqual([
      '- { id: to-do, wait: 1m }',
      `- { when: "steps['to-do'].outputs == null", wait: 1m }`,
    ]);
  });
  test('in folded and literal scalars, twice in one', () => {
    const use =
      'name: >-\n      ${{ steps.patch.outputs }} and\n      ${{ steps.patch.outputs }}\n    when: ¦-\n      steps.patch.outputs !=\n      null';
    expect(alone(two('pa|tch', use), 'to-do')).toEqual([
      '- id: to-do',
      "${{ steps['to-do'].outputs }} and",
      "${{ steps['to-do'].outputs }}",
      "steps['to-do'].outputs !=",
    ]);
  });
  test('back to a dot or not: brackets stay', () => {
    expect(alone(two('to-|do', `name: "\${{ steps['to-do'].outputs }}"`), 'done')).toEqual([
      '- id: done',
      `- name: "\${{ steps['done'].outputs }}"`,
    ]);
  });
  test('a word of the expression language in brackets', () => {
    expect(alone(two('pa|tch', 'name: ${{ steps.patch.outputs }}'), 'in')).toEqual([
      '- id: in',
      "- name: ${{ steps['in'].outputs }}",
    ]);
  });
  test('an id that YAML would read as something else gets quotes', () => {
    expect(alone(two('pa|tch', 'name: ${{ steps.patch.outputs }}'), 'true')).toEqual([
      '- id: "true"',
      "- name: ${{ steps['true'].outputs }}",
    ]);
  });
  test.each([
    ['', 'The new name is empty. Type one.'],
    ['2nd', "`2nd` can't be named in an expression. Use letters, digits, `_` and `-`, a letter first."],
    ['next', 'Another step has the id `next` already. Choose another name.'],
  ])('refused: %j', (name, problem) => {
    expect(alone(two('pa|tch', 'id: next'), name)).toBe(problem);
  });
});

describe('a loop variable', () => {
  const loop = (mark: string, inner: string) =>
    `${head}  - forEach: { ${mark}: [a] }\n    steps:\n      - name: ${inner}\n        wait: 1m\n`;
  test('in its loop', () => {
    expect(alone(loop('v|m', '${{ vm }} of ${{ inputs.vm }}'), 'one')).toEqual([
      '- forEach: { one: [a] }',
      '- name: ${{ one }} of ${{ inputs.vm }}',
    ]);
  });
  test.each([
    ['index', '`index` has a meaning in expressions already. Choose another name.'],
    ['batch', '`batch` is a setting of `forEach`. Choose another name.'],
    ['a-b', "`a-b` can't name a variable. Use letters, digits and `_`, a letter first."],
    ['size', undefined],
  ])('to %j', (name, problem) => {
    const made = alone(loop('v|m', '${{ vm }}'), name);
    if (problem) expect(made).toBe(problem);
    else expect(made).toHaveLength(2);
  });
  test('refused when an expression would take it for its own', () => {
    expect(alone(loop('v|m', '${{ inputs.some.all(x, x != vm) }}'), 'x')).toBe(
      'With the name `x`, a.runbook.yaml:9 would mean something else. Choose another name.',
    );
  });
  test('refused when a loop inside has it', () => {
    const text = `${head}  - forEach: { v|m: [a] }\n    steps:\n      - forEach: { disk: [b] }\n        steps:\n          - name: \${{ vm }}\n            wait: 1m\n`;
    expect(alone(text, 'disk')).toBe(
      'A `forEach` around or inside calls its variable `disk` already. Choose another name.',
    );
  });
  test('a variable of a macro', () => {
    expect(alone(loop('vm', '${{ inputs.some.all(x, |x != vm) }}'), 'one')).toEqual([
      '- name: ${{ inputs.some.all(one, one != vm) }}',
    ]);
    expect(alone(loop('vm', '${{ inputs.some.all(x, |x != vm) }}'), 'vm')).toBe(
      'With the name `vm`, a.runbook.yaml:9 would mean something else. Choose another name.',
    );
  });
});

describe('an input', () => {
  const part =
    'version: 1\nname: Part\ninputs:\n  vm: { type: vm }\n  other: { type: vm }\noutputs: { count: "${{ size(inputs.vm) }}" }\nsteps:\n  - wait: 1m\n';
  const call =
    'version: 1\nname: x\nsteps:\n  - id: one\n    uses: ./part.runbook.yaml\n    with: { vm: web1 }\n  - name: ${{ steps.one.outputs.count }}\n    wait: 1m\n';
  test('in the runbook and in those that call it', () => {
    const files = { 'part.runbook.yaml': part.replace('  vm:', '  v|m:'), 'a.runbook.yaml': call };
    expect(renamed(files, 'target')).toEqual([
      'part.runbook.yaml: target: { type: vm }',
      'part.runbook.yaml: outputs: { count: "${{ size(inputs.target) }}" }',
      'a.runbook.yaml: with: { target: web1 }',
    ]);
    expect(renamed(files, 'other')).toBe('part.runbook.yaml has an input `other` already. Choose another name.');
  });
  test('from a caller', () => {
    const files = { 'part.runbook.yaml': part, 'a.runbook.yaml': call.replace('{ vm:', '{ v|m:') };
    expect(renamed(files, 'target')).toHaveLength(3);
  });
  test('that the called runbook does not have', () => {
    const files = { 'part.runbook.yaml': part, 'a.runbook.yaml': call.replace('{ vm:', '{ v|mm:') };
    expect(renamed(files, 'target')).toBe('There is no input `vmm` to rename. Declare it, or correct the name.');
  });
  test('an output of a called runbook', () => {
    const files = { 'part.runbook.yaml': part.replace('{ count', '{ co|unt'), 'a.runbook.yaml': call };
    expect(renamed(files, 'how-many')).toEqual([
      'part.runbook.yaml: outputs: { how-many: "${{ size(inputs.vm) }}" }',
      "a.runbook.yaml: - name: ${{ steps.one.outputs['how-many'] }}",
    ]);
  });
  test('an output of an action is given', () => {
    const text = `${head}  - id: a\n    uses: vm.start\n  - name: \${{ steps.a.outputs.ho|st }}\n`;
    expect(alone(text, 'x')).toBe(
      "`host` is an output of `vm.start`, whose name is given by the action. It can't be renamed.",
    );
  });
});

describe('a name of the inventory', () => {
  const inventory = `version: 1
connections:
  hv1: { type: libvirt, uri: "qemu:///system" }
groups:
  web: { vms: [web1, 'web2'] }
vms:
  web1: { tags: [prod] }
  "web2": {}
`;
  const runbook = `version: 1
name: web1
inventory: ./lab.inventory.yaml
inputs:
  vms: { type: vms, default: ["group:web", web1] }
steps:
  - uses: vm.start
    with:
      vm: web1 # web1
`;
  const files = { 'lab.inventory.yaml': inventory, 'a.runbook.yaml': runbook, 'b.runbook.yaml': runbook };
  test('a VM: the inventory and every runbook; not texts and comments', () => {
    const each = (file: string) => [
      `${file}: vms: { type: vms, default: ["group:web", shop1] }`,
      `${file}: vm: shop1 # web1`,
    ];
    expect(renamed({ ...files, 'a.runbook.yaml': runbook.replace('vm: web1', 'vm: we|b1') }, 'shop1')).toEqual([
      "lab.inventory.yaml: web: { vms: [shop1, 'web2'] }",
      'lab.inventory.yaml: shop1: { tags: [prod] }',
      ...each('a.runbook.yaml'),
      ...each('b.runbook.yaml'),
    ]);
  });
  test.each([
    ['a, b', ['web: { vms: ["a, b", \'web2\'] }', '"a, b": { tags: [prod] }', 'vm: a, b # web1']],
    ['12', ['web: { vms: ["12", \'web2\'] }', '"12": { tags: [prod] }', 'vm: "12" # web1']],
    ['x: y', ['web: { vms: ["x: y", \'web2\'] }', '"x: y": { tags: [prod] }', 'vm: "x: y" # web1']],
    ['a #b', ['web: { vms: ["a #b", \'web2\'] }', '"a #b": { tags: [prod] }', 'vm: "a #b" # web1']],
    ['wéb–1', ["web: { vms: [wéb–1, 'web2'] }", 'wéb–1: { tags: [prod] }', 'vm: wéb–1 # web1']],
  ])('quoted where %j needs it', (name, expected) => {
    const made = renamed(
      { 'lab.inventory.yaml': inventory.replace('  web1:', '  we|b1:'), 'a.runbook.yaml': runbook },
      name,
    );
    expect(made).toEqual(expect.arrayContaining(expected.map(line => expect.stringContaining(line))));
  });
  test('within the quotes that it has', () => {
    expect(renamed({ 'lab.inventory.yaml': inventory.replace('"web2"', '"we|b2"') }, `o'b"x`)).toEqual([
      `lab.inventory.yaml: web: { vms: [web1, 'o''b"x'] }`,
      `lab.inventory.yaml: "o'b\\"x": {}`,
    ]);
  });
  test('a group: only what comes behind `group:`', () => {
    expect(renamed({ ...files, 'lab.inventory.yaml': inventory.replace('  web:', '  w|eb:') }, 'shop')).toEqual([
      "lab.inventory.yaml: shop: { vms: [web1, 'web2'] }",
      'a.runbook.yaml: vms: { type: vms, default: ["group:shop", web1] }',
      'b.runbook.yaml: vms: { type: vms, default: ["group:shop", web1] }',
    ]);
  });
  test.each([
    ['web2', 'The inventory has a VM `web2` already. Choose another name.'],
    ['group:x', '`group:x` would select a group or tag. Leave `group:` out.'],
    [' a', "A name can't begin or end with a space. Leave it out."],
    ['a\nb', "A name can't hold line breaks, tabs or other control characters."],
    ['${{ a }}', "A name can't hold an expression. Leave `${{` out."],
  ])('refused: %j', (name, problem) => {
    expect(renamed({ ...files, 'a.runbook.yaml': runbook.replace('vm: web1', 'vm: we|b1') }, name)).toBe(problem);
  });
});

test('with Windows line ends', () => {
  expect(alone(two('pa|tch', 'name: ${{ steps.patch.outputs }}').replaceAll('\n', '\r\n'), 'p')).toEqual([
    '- id: p',
    '- name: ${{ steps.p.outputs }}',
  ]);
});
test('what an alias repeats is changed once', () => {
  expect(alone('steps:\n  - &a { id: o|ne, uses: vm.start }\n  - *a\n', 'two')).toEqual([
    '- &a { id: two, uses: vm.start }',
  ]);
});
test('files are renamed as files', () => {
  expect(alone(`${head}  - uses: ./pa|rt.runbook.yaml\n`, 'x')).toBe(
    '`./part.runbook.yaml` is a file. Rename the file, then change the path here.',
  );
});
test('what can be renamed says so', () => {
  const prepared = (sample: string) => {
    const { document, offset } = workspace({ 'a.runbook.yaml': sample });
    const found = prepareRename(document, offset, config);
    return found && `${document.getText(found.range)} ${found.placeholder}`;
  };
  expect(prepared(two('pa|tch', 'wait: 1m'))).toBe('patch patch');
  expect(prepared(`${head}  - uses: vm.st|art`)).toBeUndefined();
  expect(prepared(`${head}  - wait: "\${{ in|dex }}"`)).toBeUndefined();
  expect(prepared(`${head}  - uses: ./pa|rt.runbook.yaml`)).toBeUndefined();
});
