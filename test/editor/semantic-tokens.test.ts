import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { semanticLegend } from '../../src/editor/semantic-legend';
import { semanticTokens } from '../../src/editor/semantic-tokens';
import { parseRunbook } from '../../src/runbook/parse';
import { config } from './workspace';

/** `text:type.modifiers` of each token, a line of the document each. */
function tokens(text: string, name = 'a.runbook.yaml', around = config): string[] {
  const document = TextDocument.create(`file:///${name}`, '', 1, text);
  const data = semanticTokens(document, around);
  const lines: string[] = [];
  let line = 0;
  let character = 0;
  for (let at = 0; at < data.length; at += 5) {
    const [down, right, length, type, bits] = data.slice(at, at + 5) as [number, number, number, number, number];
    expect(down >= 0 && (down > 0 || right >= 0) && length > 0).toBe(true);
    line += down;
    character = down > 0 ? right : character + right;
    const start = { line, character };
    const piece = document.getText({ start, end: { line, character: character + length } });
    expect(piece).not.toMatch(/[\r\n]/);
    const modifiers = semanticLegend.tokenModifiers.filter((_, bit) => bits & (1 << bit));
    lines[line] =
      `${lines[line] === undefined ? '' : `${lines[line]} `}${piece}:${[semanticLegend.tokenTypes[type], ...modifiers].join('.')}`;
  }
  return lines.flatMap(found => found ?? []);
}

describe('a runbook', () => {
  test('keys, actions, ids, inputs and names', () => {
    const text = `name: x # text
inputs:
  vms: { type: vms, default: ["group:web", "tag:prod", web1] }
steps:
  - id: each
    forEach: { vm: "\${{ inputs.vms }}", batch: 2 }
    steps:
      - uses: vm.migrate
        with: { vm: "\${{ vm }}", to: 'hv1' }
`;
    expect(tokens(text)).toEqual([
      'name:keyword',
      'inputs:keyword',
      'vms:parameter.declaration type:keyword vms:type default:keyword group::keyword web:enum tag::keyword prod:enum web1:enumMember',
      'steps:keyword',
      'id:keyword each:variable.declaration.readonly',
      'forEach:keyword vm:variable.declaration inputs:namespace.defaultLibrary vms:parameter batch:keyword',
      'steps:keyword',
      'uses:keyword vm.migrate:function.defaultLibrary',
      'with:keyword vm:property vm:variable to:property hv1:enumMember',
    ]);
  });
  test('everything in an expression, with and without braces', () => {
    const text = `steps:
  - id: a
    uses: guest.patch
  - when: size(inputs.x) >= 1.5 && steps.a.outputs.rebootRequired in [true, 'y'] // why
    wait: 5m
  - name: Is \${{ steps['a'].outputs.upgraded.map(p, p.name) }} it?
`;
    expect(tokens(text).slice(3)).toEqual([
      "when:keyword size:function.defaultLibrary inputs:namespace.defaultLibrary x:parameter >=:operator 1.5:number &&:operator steps:namespace.defaultLibrary a:variable.readonly outputs:property rebootRequired:property in:operator true:keyword 'y':string // why:comment",
      'wait:keyword',
      'name:keyword steps:namespace.defaultLibrary a:variable.readonly outputs:property upgraded:property map:method.defaultLibrary p:variable.declaration p:variable name:property',
    ]);
  });
  test('over several lines, folded or quoted, with Windows line ends too', () => {
    const text =
      'steps:\n  - when: >-\n      inputs.a ==\n      "one\n      two"\n    wait: 1m\n  - name: "${{ inputs.a\n      + \\u0022x\\u0022 }}"\n';
    const expected = [
      'steps:keyword',
      'when:keyword',
      'inputs:namespace.defaultLibrary a:parameter ==:operator',
      '"one:string',
      'two":string',
      'wait:keyword',
      'name:keyword inputs:namespace.defaultLibrary a:parameter',
      '+:operator \\u0022x\\u0022:string',
    ];
    expect(tokens(text)).toEqual(expected);
    expect(tokens(text.replaceAll('\n', '\r\n'))).toEqual(expected);
  });
  test('an operator right before a name', () => {
    expect(tokens('steps:\n  - forEach: { vm: [] }\n    steps:\n      - when: "!vm"\n').at(-1)).toBe(
      'when:keyword !:operator vm:variable',
    );
  });
  test('an expression that is not finished', () => {
    expect(tokens('steps:\n  - when: steps.a. && "x\n').at(-1)).toBe(
      'when:keyword steps:namespace.defaultLibrary a:variable.readonly &&:operator "x:string',
    );
  });
  test('a call, its inputs and its outputs', () => {
    const part = parseRunbook('version: 1\nname: x\ninputs:\n  vm: { type: vm }\nsteps:\n  - wait: 1m\n');
    const text =
      'steps:\n  - id: one\n    uses: ./part.runbook.yaml\n    with: { vm: web1 }\n  - name: ${{ steps.one.outputs.count }}\noutputs: { all: 3 }\n';
    const found = tokens(text, undefined, {
      ...config,
      runbooks: path => (path === 'part.runbook.yaml' ? part : null),
    });
    expect(found.slice(2)).toEqual([
      'uses:keyword ./part.runbook.yaml:function',
      'with:keyword vm:parameter web1:enumMember',
      'name:keyword steps:namespace.defaultLibrary one:variable.readonly outputs:property count:property',
      'outputs:keyword all:property.declaration',
    ]);
  });
});
test('an inventory', () => {
  const text = `connections:
  hv1: { type: libvirt, uri: "qemu:///system", tags: [rack] }
groups: { web: { vms: ['web1'] } }
vms:
  "web1": { owner: me, tags: [prod] }
`;
  expect(tokens(text, 'a.inventory.yaml')).toEqual([
    'connections:keyword',
    'hv1:enumMember.declaration type:keyword uri:keyword tags:keyword rack:enum.declaration',
    'groups:keyword web:enum.declaration vms:keyword web1:enumMember',
    'vms:keyword',
    'web1:enumMember.declaration owner:keyword tags:keyword prod:enum.declaration',
  ]);
});
test('nothing in other YAML and in text that is no YAML', () => {
  expect(tokens('a: 1', 'a.yaml')).toEqual([]);
  expect(tokens('%%%: [', 'a.inventory.yaml')).toEqual([]);
  expect(tokens('')).toEqual([]);
});
