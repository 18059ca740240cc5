import { describe, expect, it } from 'vitest';
import { nameAt, usesOfName } from '../../src/vscode/inventory/namesInRunbooks';
import { nodesYaml } from '../../src/vscode/inventory/nodesYaml';
import { insertable } from '../../src/vscode/vm/insertable';
import { insertPlace } from '../../src/vscode/vm/insertPlace';
import { stepLines } from '../../src/vscode/vm/stepRunbook';

/** The text with a step put in where `|` stands. */
function inserted(sample: string): string {
  const offset = sample.indexOf('|');
  const text = sample.replace('|', '');
  const place = insertPlace(text, offset);
  if (typeof place === 'string') return place;
  const lines = stepLines({ uses: 'vm.start', input: 'vm', on: ['db1'] }).map(
    line => `${' '.repeat(place.indent)}${line}\n`,
  );
  return text.slice(0, place.offset) + (place.newLine ? '\n' : '') + lines.join('') + text.slice(place.offset);
}

describe('a step is inserted', () => {
  it('behind the one where the cursor is', () => {
    expect(inserted('steps:\n  - uses: vm.st|art\n    with: { vm: a }\n  - uses: vm.start\n')).toBe(
      'steps:\n  - uses: vm.start\n    with: { vm: a }\n  - uses: vm.start\n    with:\n      vm: db1\n  - uses: vm.start\n',
    );
  });

  it('into the loop that the cursor is in', () => {
    const text =
      'steps:\n  - forEach: { vm: [a] }\n    steps:\n      - uses: vm.start|\n        with: { vm: a }\n  - wait: 1s\n';
    expect(inserted(text)).toContain(
      '        with: { vm: a }\n      - uses: vm.start\n        with:\n          vm: db1\n  - wait',
    );
  });

  it('behind the last, where the cursor is below, also in a file that does not end its last line', () => {
    expect(inserted('steps:\n- uses: vm.start\n  with: { vm: a }|')).toBe(
      'steps:\n- uses: vm.start\n  with: { vm: a }\n- uses: vm.start\n  with:\n    vm: db1\n',
    );
    expect(inserted('steps:\n  - wait: 1s\n\n\n|')).toContain('  - wait: 1s\n  - uses: vm.start\n');
  });

  it('behind the first, where the cursor is above', () => {
    expect(inserted('|name: x\nsteps:\n  - wait: 1s\n  - wait: 2s\n')).toContain('1s\n  - uses: vm.start\n');
  });

  it('nowhere, where there is no place for it', () => {
    expect(inserted('name: |x\n')).toMatch(/no steps yet/);
    expect(inserted('steps: [{ wait: 1s| }]\n')).toMatch(/in brackets/);
    expect(inserted('|')).toMatch(/no steps yet/);
  });
});

describe('what can be inserted', () => {
  it('are actions with an input for it, and what else they need', () => {
    const vm = insertable('vm');
    expect(vm.find(action => action.uses === 'vm.snapshot')).toMatchObject({ input: 'vm', fill: [] });
    expect(vm.find(action => action.uses === 'vm.migrate')).toMatchObject({ input: 'vm', fill: ['to'] });
    expect(insertable('host')).toMatchObject([{ uses: 'vm.migrate', input: 'to', fill: ['vm'] }]);
  });
});

const text =
  'version: 1\nname: web1\ninputs:\n  vms: { type: vms, default: [web1, web2] }\nsteps:\n  - uses: vm.migrate\n    with: { vm: web1, to: hv2 }\n';
const uri = 'file:///w/x.runbook.yaml';

describe('names between tree and runbooks', () => {
  it('are found where they mean the VM or host', () => {
    const found = usesOfName(uri, text, 'web1');
    expect(found.map(use => [text.slice(use.start, use.end), use.line])).toEqual([
      ['web1', 'vms: { type: vms, default: [web1, web2] }'],
      ['web1', 'with: { vm: web1, to: hv2 }'],
    ]);
    expect(usesOfName(uri, text, 'hv2')).toHaveLength(1);
    expect(usesOfName(uri, text, 'vms')).toEqual([]);
  });

  it('are told at the cursor', () => {
    const at = (word: string) => nameAt(uri, 'virt-runbook', text, text.lastIndexOf(word) + 1);
    expect([at('web1'), at('hv2'), at('vm.migrate')]).toEqual(['web1', 'hv2', undefined]);
  });
});

describe('nodes as YAML', () => {
  it('are a list of what is known of them', () => {
    const host = { name: 'hv1', version: 'QEMU 7', cpus: 2, memoryMiB: 512 };
    const yaml = nodesYaml([
      { kind: 'host', id: 'h', connection: 'lab', host },
      { kind: 'storage', id: 's' },
    ]);
    expect(yaml).toBe('- name: hv1\n  version: QEMU 7\n  cpus: 2\n  memoryMiB: 512\n  connection: lab\n');
    expect(nodesYaml([{ kind: 'storage', id: 's' }])).toBe('');
  });
});
