import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { EditorConfig } from '../../src/editor/config';
import { foretell } from '../../src/editor/foretold';
import { inlayHints } from '../../src/editor/inlay-hints';
import { parseInventory } from '../../src/inventory/file';
import { parseRunbook } from '../../src/runbook/parse';
import { config } from './workspace';

const inventory = parseInventory(`version: 1
connections:
  hv1: { type: libvirt, uri: "qemu:///system", tags: [edge] }
groups:
  web: { vms: [web1, web2, web3] }
vms:
  db1: { tags: [prod] }
`).inventory!;
const around: EditorConfig = { ...config, inventoryFile: inventory };

/** The lines that have hints, with `‹›` around these. */
function hinted(text: string, config = around): string[] {
  const document = TextDocument.create('file:///a.runbook.yaml', '', 1, text);
  const all = { start: { line: 0, character: 0 }, end: document.positionAt(text.length) };
  const lines = text.split(/\r?\n/);
  const found = new Set<number>();
  for (const { position, label } of inlayHints(document, all, config).reverse()) {
    const line = lines[position.line]!;
    lines[position.line] = `${line.slice(0, position.character)}‹${String(label)}›${line.slice(position.character)}`;
    found.add(position.line);
  }
  return [...found].sort((left, right) => left - right).map(line => lines[line]!.trim());
}

const head = (inputs: string) => `version: 1\nname: x\ninventory: ./lab.inventory.yaml\n${inputs}steps:\n`;

test('once in a step that an alias repeats', () => {
  const text = `${head('')}  - &wait\n    uses: vm.start\n    with: { vm: web1 }\n  - *wait\n`;
  expect(hinted(text)).toEqual(['steps:‹≈ 4 s›', 'uses: vm.start‹≈ 2 s›']);
});

describe('how many a selection comes to', () => {
  test('groups, tags and names together, each once', () => {
    const inputs = `inputs:
  a: { type: vms, default: group:web }
  b: { type: vms, default: ["tag:prod", db1, web1] }
  c: { type: hosts, default: tag:edge }
  d: { type: vms, default: [web1] }
  e: { type: vms, default: group:none }
  f: { type: string, default: group:web }
`;
    expect(hinted(`${head(inputs)}  - wait: 1m\n`).slice(0, 3)).toEqual([
      'a: { type: vms, default: group:web‹3 VMs› }',
      'b: { type: vms, default: ["tag:prod", db1, web1]‹2 VMs› }',
      'c: { type: hosts, default: tag:edge‹1 host› }',
    ]);
  });
  test('what is given to a called runbook', () => {
    const part = parseRunbook('version: 1\nname: x\ninputs:\n  vms: { type: vms }\nsteps:\n  - wait: 1m\n');
    const text = `${head('')}  - uses: ./part.runbook.yaml\n    with:\n      vms: group:web\n`;
    const runbooks = (path: string) => (path === 'part.runbook.yaml' ? part : null);
    expect(hinted(text, { ...around, runbooks })).toContain('vms: group:web‹3 VMs›');
    expect(hinted(text)).toEqual([]);
  });
});

describe('how long it takes', () => {
  const each = `${head('inputs:\n  vms: { type: vms, default: "group:web" }\n')}  - forEach: { vm: "\${{ inputs.vms }}", batch: 1 }
    steps:
      - uses: guest.patch
        with: { vm: "\${{ vm }}" }
      - wait: 30s
  - uses: vm.migrate
    with: { vm: db1, to: hv1, storage: copy }
`;
  test('an action, a loop by its items, and the whole', () => {
    expect(hinted(each)).toEqual([
      'vms: { type: vms, default: "group:web"‹3 VMs› }',
      'steps:‹≈ 8 min›',
      '- forEach:‹≈ 6 min› { vm: "${{ inputs.vms }}"‹3 VMs›, batch: 1 }',
      '- uses: guest.patch‹≈ 2 min›',
      '- uses: vm.migrate‹≈ 2 min›',
    ]);
  });
  test('side by side it is shorter', () => {
    expect(hinted(each.replace('batch: 1', 'batch: 3'))).toContain(
      '- forEach:‹≈ 2 min› { vm: "${{ inputs.vms }}"‹3 VMs›, batch: 3 }',
    );
  });
  test('what is left out takes no time', () => {
    const text = each.replace('  - uses: vm.migrate\n', '  - when: "1 > 2"\n    uses: vm.migrate\n');
    expect(hinted(text)).toContain('steps:‹≈ 6 min›');
    expect(hinted(text)).not.toContain('uses: vm.migrate‹≈ 2 min›');
  });
  test('in groups and branches', () => {
    const text = `${head('')}  - parallel:\n      - { uses: vm.start, with: { vm: a } }\n      - steps:\n          - { uses: vm.start, with: { vm: b, waitForGuest: 60 } }\n`;
    expect(hinted(text)).toEqual([
      'steps:‹≈ 15 s›',
      '- parallel:‹≈ 15 s›',
      '- { uses: vm.start‹≈ 2 s›, with: { vm: a } }',
      '- steps:‹≈ 15 s›',
      '- { uses: vm.start‹≈ 15 s›, with: { vm: b, waitForGuest: 60 } }',
    ]);
  });
  test('of steps alone, when a VM is still to be given: no conditions, no totals', () => {
    const text = `${head('inputs:\n  vm: { type: vm }\n')}  - steps:\n      - uses: vm.start\n        with: { vm: "\${{ inputs.vm }}" }\n`;
    expect(hinted(text)).toEqual(['- uses: vm.start‹≈ 2 s›']);
  });
  test.each([
    [
      'people are asked',
      'steps:\n  - approve: {}\n  - uses: vm.start\n    with: { vm: a }\n',
      ['- uses: vm.start‹≈ 2 s›'],
    ],
    [
      'a window is waited for',
      'window: { allow: "22:00-04:00", zone: UTC }\nsteps:\n  - uses: vm.start\n    with: { vm: a }\n',
      ['- uses: vm.start‹≈ 2 s›'],
    ],
    [
      'limits count on where VMs are',
      'limits: { perHost: 1 }\nsteps:\n  - parallel:\n      - uses: vm.start\n        with: { vm: a }\n',
      ['- uses: vm.start‹≈ 2 s›'],
    ],
    [
      'a list is only known in the run',
      'steps:\n  - id: a\n    uses: guest.patch\n    with: { vm: a }\n  - forEach: { p: "${{ steps.a.outputs.upgraded }}" }\n    steps:\n      - uses: vm.start\n        with: { vm: b }\n',
      ['uses: guest.patch‹≈ 2 min›', '- uses: vm.start‹≈ 2 s›'],
    ],
  ])('no total where %s', (_, text, expected) => {
    expect(hinted(`version: 1\nname: x\n${text}`)).toEqual(expected);
  });
  test('nothing of a runbook with mistakes, without its called runbooks, or that is too large', () => {
    expect(hinted('steps:\n  - uses: vm.st')).toEqual([]);
    expect(hinted(`${head('')}  - uses: ./none.runbook.yaml\n`)).toEqual([]);
    const items = Array.from({ length: 5001 }, (_, index) => `vm${index}`).join(', ');
    const large = `${head('')}  - forEach: { vm: [${items}] }\n    steps:\n      - uses: vm.start\n        with: { vm: "\${{ vm }}" }\n`;
    expect(hinted(large)).toEqual([]);
  });
  test('nothing of runbooks that call each other', () => {
    const text = `${head('')}  - uses: ./b.runbook.yaml\n`;
    const parsed = parseRunbook(text);
    expect(hinted(text, { ...around, runbooks: () => parsed })).toEqual([]);
  });
});

test('only of what is asked for', () => {
  const document = TextDocument.create(
    'file:///a.runbook.yaml',
    '',
    1,
    `${head('')}  - uses: vm.start\n    with: { vm: a }\n`,
  );
  const line = (number: number) => ({ start: { line: number, character: 0 }, end: { line: number + 1, character: 0 } });
  const labels = (number: number) => inlayHints(document, line(number), around).map(({ label }) => label);
  expect([3, 4, 5].map(labels)).toEqual([['≈ 2 s'], ['≈ 2 s'], []]);
});
test('a plan is made once for a text and what is around it', () => {
  const parsed = parseRunbook(`${head('')}  - uses: vm.start\n    with: { vm: a }\n`);
  const first = foretell(parsed, around);
  expect(first?.seconds.get('/steps/0')).toBe(2);
  expect(foretell(parsed, { ...around })).toBe(first);
  expect(foretell(parsed, { ...around, inventoryFile: { ...inventory } })).not.toBe(first);
});
