import { describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { checkRunbook } from '../../src/runbook/check';
import { parseRunbook } from '../../src/runbook/parse';
import { marked } from './marked';

const { inventory } = parseInventory(`version: 1
connections:
  hv1: { type: libvirt, uri: "qemu+ssh://root@hv1/system" }
  hv2: { type: libvirt, uri: "qemu+ssh://root@hv2/system" }
groups:
  web: { vms: [web1, web2] }
  prod-db: { vms: [db1] }
  shop: { vms: [pay1] }
proxies:
  backup1: { ssh: root@backup1, directory: /srv }
vms:
  web1: { tags: [web] }
  pay1: { tags: [production] }
  db1: { tags: [database] }
  db2: { tags: [db-replica] }
`);
const known = knownNames(inventory!);

/** Runbooks that samples call. */
const parts: Record<string, string> = {
  'snap.runbook.yaml':
    'inputs: { vm: { type: vm } }\nsteps:\n  - { id: taken, uses: vm.snapshot, with: { vm: "${{ inputs.vm }}", name: old } }',
  'move.runbook.yaml':
    'inputs: { vm: { type: vm, default: web1 } }\nsteps:\n  - uses: vm.migrate\n    with: { vm: "${{ inputs.vm }}", to: hv2 }',
  'clean.runbook.yaml':
    'inputs: { vm: { type: vm } }\nsteps:\n  - uses: vm.snapshot.delete\n    with: { vm: "${{ inputs.vm }}", snapshot: old }\n    rollback: none',
  'backups.runbook.yaml':
    'inputs: { vm: { type: vm } }\nlimits: { perHost: 1 }\nsteps:\n  - uses: backup.image\n    with: { vm: "${{ inputs.vm }}", proxy: backup1 }',
  'patch.runbook.yaml':
    'inputs: { vm: { type: vm } }\noutputs: { done: "${{ steps.patch.outputs.upgraded }}" }\nsteps:\n  - id: patch\n    uses: guest.patch\n    with: { vm: "${{ inputs.vm }}" }',
  'check.runbook.yaml':
    'inputs: { vm: { type: vm } }\nsteps:\n  - uses: check.guest\n    with: { vm: "${{ inputs.vm }}", agent: true }',
};

const head = 'version: 1\nname: Sample\n';

function found(sample: string) {
  const text = sample.startsWith('-') ? `${head}steps:\n${sample.replace(/^(?=.)/gm, '  ')}\n` : `${head}${sample}\n`;
  const parsed = parseRunbook(text);
  expect(parsed.diagnostics, text).toEqual([]);
  const runbooks = (path: string) => (parts[path] === undefined ? null : parseRunbook(`${head}${parts[path]}\n`));
  return { text, diagnostics: checkRunbook(parsed, { actions, inventory: known, runbooks }) };
}

/** The codes that are found, each with the line on which it is. */
function codes(sample: string): string[] {
  const { text, diagnostics } = found(sample);
  return diagnostics.map(({ code, range }) => `${code} ${text.slice(0, range.start).split('\n').length - 3}`);
}

const snapshot = (vm: string, more = '') => `- uses: vm.snapshot\n  with: { vm: ${vm}, name: old${more} }\n`;
const remove = (vm: string, name = 'old') => `- uses: vm.snapshot.delete\n  with: { vm: ${vm}, snapshot: ${name} }\n`;
const migrate = (vm: string) => `- uses: vm.migrate\n  with: { vm: ${vm}, to: hv2 }\n`;
const patch = (vm: string) => `- uses: guest.patch\n  with: { vm: ${vm} }\n`;
const check = (vm: string) => `- uses: check.guest\n  with: { vm: ${vm}, agent: true }\n`;
const backup = (vm: string) => `- uses: backup.image\n  with: { vm: ${vm}, proxy: backup1 }\n`;
const run = (vm: string, more = '') => `- uses: guest.run\n  with: { vm: ${vm}, argv: ["true"]${more} }\n`;
const item = '"${{ vm }}"';
const indented = (steps: string) => steps.replace(/^(?=.)/gm, '    ');
const loop = (list: string, steps: string, more = '') =>
  `- forEach: { vm: ${list}${more} }\n  steps:\n${indented(steps)}`;
const branches = (...steps: string[]) =>
  `- parallel:\n${steps.map(one => `    - steps:\n${one.replace(/^(?=.)/gm, '        ')}`).join('')}`;
const when = (steps: string, condition: string) => `- when: ${condition}\n  steps:\n${indented(steps)}`;
const inputs = (types: string, steps: string) => `inputs: { ${types} }\nsteps:\n${steps.replace(/^(?=.)/gm, '  ')}`;

describe('a snapshot that is open before a migration', () => {
  test.each([
    ['of the same VM', snapshot('web1') + migrate('web1'), true],
    ['of another VM', snapshot('web1') + migrate('web2'), false],
    ['deleted in between', snapshot('web1') + remove('web1') + migrate('web1'), false],
    ['another one deleted in between', snapshot('web1') + remove('web1', 'older') + migrate('web1'), true],
    ['behind the migration', migrate('web1') + snapshot('web1'), false],
    ['of the item of a loop', loop('[web1, web2]', snapshot(item) + migrate(item)), true],
    ['taken in a loop, of a VM of its list', loop('[web1, web2]', snapshot(item)) + migrate('web2'), true],
    ['taken in a loop, of another VM', loop('[web1, web2]', snapshot(item)) + migrate('web3'), false],
    ['taken and deleted in a loop', loop('[web1, web2]', snapshot(item) + remove(item)) + migrate('web2'), false],
    ['in a group', `- steps:\n${indented(snapshot('web1'))}${migrate('web1')}`, true],
    ['if it is taken at all', when(snapshot('web1'), '"1 > 0"') + migrate('web1'), true],
    ['under two conditions', when(snapshot('web1'), '"1 > 0"') + when(migrate('web1'), '"2 > 0"'), false],
    ['under one condition', when(snapshot('web1') + migrate('web1'), '"1 > 0"'), true],
    ['never taken', when(snapshot('web1'), 'false') + migrate('web1'), false],
    ['in two branches', branches(snapshot('web1'), migrate('web2')), false],
    ['of an expression that need not give the same', snapshot('"${{ run.id }}"') + migrate('web1'), false],
    [
      'deleted from a VM that is named by its uuid',
      `${snapshot('web1')}${remove('6f1d6c1e-0000-4000-8000-000000000001')}  rollback: none\n${migrate('web1')}`,
      false,
    ],
    ['deleted from a VM that may be the same', snapshot('web1') + remove('"${{ run.id }}"') + migrate('web1'), false],
    ['in a called runbook', `- uses: ./snap.runbook.yaml\n  with: { vm: web1 }\n${migrate('web1')}`, true],
    [
      'in a runbook called for another VM',
      `- uses: ./snap.runbook.yaml\n  with: { vm: web2 }\n${migrate('web1')}`,
      false,
    ],
    ['before a called runbook', `${snapshot('web1')}- uses: ./move.runbook.yaml\n  with: { vm: web1 }\n`, true],
    ['before a called runbook, by its default', `${snapshot('web1')}- uses: ./move.runbook.yaml\n`, true],
    [
      'deleted by a called runbook',
      `${snapshot('web1')}- uses: ./clean.runbook.yaml\n  with: { vm: web1 }\n${migrate('web1')}`,
      false,
    ],
    ['kept by a patch', patch('web1') + check('web1') + migrate('web1'), true],
    [
      'kept by a patch of the item',
      loop('[web1, web2]', patch(item) + check(item)) + loop('[web2]', migrate(item)),
      true,
    ],
    [
      'kept by a patch, before a point of no return',
      `${patch('web1')}${check('web1')}- pointOfNoReturn: enough\n${migrate('web1')}`,
      false,
    ],
    [
      'a patch without one',
      `- uses: guest.patch\n  with: { vm: web1, snapshot: false }\n${check('web1')}${migrate('web1')}`,
      false,
    ],
  ])('%s', (_, sample, isFound) => {
    expect(codes(sample).some(code => code.startsWith('migrate-with-snapshot'))).toBe(isFound);
  });

  test('over two loops of one input, but not of two inputs', () => {
    const two = (second: string) =>
      inputs(
        'a: { type: vms, default: [web1] }, b: { type: vms, default: [web1] }',
        loop('"${{ inputs.a }}"', snapshot(item)) +
          loop(`"\${{ inputs.${second} }}"`, migrate(item)) +
          loop('"${{ inputs.b }}"', check(item)),
      );
    expect(codes(two('a'))).toEqual(['migrate-with-snapshot 8']);
    expect(codes(two('b'))).toEqual([]);
  });

  test('whether a patch takes one hangs on an input: nothing is known', () => {
    const text = inputs(
      'keep: { type: boolean, default: true }',
      `- uses: guest.patch\n  with: { vm: web1, snapshot: "\${{ inputs.keep }}" }\n${migrate('web1')}`,
    );
    expect(codes(text)).toEqual([]);
  });

  test('says which step, and where it is', () => {
    const { text, diagnostics } = found(`- id: before\n  uses: vm.snapshot\n  with: { vm: web1 }\n${migrate('web1')}`);
    expect(marked(text, diagnostics)).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - id: before
          uses: vm.snapshot
          with: { vm: web1 }
        - uses: vm.migrate
                ^^^^^^^^^^ migrate-with-snapshot: \`web1\` still has the snapshot that the step \`before\` took, and libvirt does not migrate a VM that has one. Delete it first.
          with: { vm: web1, to: hv2 }"
    `);
    expect(diagnostics[0]!.related).toHaveLength(1);
  });
});

describe('names of snapshots', () => {
  test.each([
    ['the same twice', snapshot('web1') + snapshot('web1'), ['snapshot-exists 3']],
    ['of two VMs', snapshot('web1') + snapshot('web2'), []],
    ['deleted in between', snapshot('web1') + remove('web1') + snapshot('web1'), []],
    ['perhaps not taken', when(snapshot('web1'), '"1 > 0"') + snapshot('web1'), []],
    [
      'with an expression',
      snapshot('web1', '-${{ run.id }}').replace('old-', '"old-').replace(' }}', ' }}"').repeat(2),
      [],
    ],
    ['of the item of a loop', loop('[web1, web2]', snapshot(item)), []],
    [
      'gone back to when deleted',
      `${remove('web1')}  rollback: none\n- uses: vm.revert\n  with: { vm: web1, snapshot: old }\n`,
      ['snapshot-gone 4'],
    ],
    ['deleted twice', `${remove('web1')}  rollback: none\n${remove('web1')}`, ['snapshot-gone 4']],
    [
      'deleted twice, if it is there',
      `${remove('web1')}  rollback: none\n${remove('web1').replace('old }', 'old, missing: ignore }')}`,
      [],
    ],
    ['taken anew', `${remove('web1')}  rollback: none\n${snapshot('web1')}${remove('web1')}`, []],
    ['with a person in between', `${remove('web1')}  rollback: none\n- approve: {}\n${remove('web1')}`, []],
  ])('%s', (_, sample, expected) => {
    expect(codes(sample)).toEqual(expected);
  });
});

describe('a snapshot that is deleted before what it protects is checked', () => {
  const changed = run('web1', ', undo: ["true"]');
  test.each([
    [
      'changed, deleted, checked',
      snapshot('web1') + changed + remove('web1') + check('web1'),
      ['deleted-before-check 5'],
    ],
    ['checked before', snapshot('web1') + changed + check('web1') + remove('web1') + check('web1'), []],
    ['checked by an assertion', `${snapshot('web1') + changed}- assert: "true"\n${remove('web1')}${check('web1')}`, []],
    ['never checked', snapshot('web1') + changed + remove('web1'), []],
    ['nothing was changed', snapshot('web1') + remove('web1') + check('web1'), []],
    ['another VM is checked', snapshot('web1') + changed + remove('web1') + check('web2'), []],
    [
      'another snapshot is deleted',
      `${snapshot('web1') + changed}${remove('web1', 'older')}  rollback: none\n${check('web1')}`,
      [],
    ],
  ])('%s', (_, sample, expected) => {
    expect(codes(sample)).toEqual(expected);
  });
});

describe('a patch that nothing checks', () => {
  test.each([
    ['alone', patch('web1'), ['patch-unchecked 1']],
    ['checked', patch('web1') + check('web1'), []],
    ['checked before only', check('web1') + patch('web1'), ['patch-unchecked 3']],
    ['another VM checked', patch('web1') + check('web2'), ['patch-unchecked 1']],
    ['a URL checked', `${patch('web1')}- uses: check.guest\n  with: { vm: lb1, http: { url: "http://shop" } }\n`, []],
    ['a command that looks', patch('web1') + run('web2', ', changes: false'), []],
    ['a command that changes', patch('web1') + run('web1', ', undo: ["true"]'), ['patch-unchecked 1']],
    ['a person looks', `${patch('web1')}- approve: { message: Well? }\n`, []],
    ['time passes', `${patch('web1')}- wait: 1m\n`, ['patch-unchecked 1']],
    ['in a loop', loop('[web1, web2]', patch(item)), ['patch-unchecked 3']],
    ['checked in a loop of the same VMs', loop('[web1, web2]', patch(item)) + loop('[web1, web2]', check(item)), []],
    [
      'checked in a loop of some of them',
      loop('[web1, web2]', patch(item)) + loop('[web1]', check(item)),
      ['patch-unchecked 3'],
    ],
    ['checked of what an expression gives', patch('web1') + check('"${{ run.id }}"'), []],
    ['checked by a called runbook', `${patch('web1')}- uses: ./check.runbook.yaml\n  with: { vm: web1 }\n`, []],
    ['by a called runbook, which is checked by itself', '- uses: ./patch.runbook.yaml\n  with: { vm: web1 }\n', []],
  ])('%s', (_, sample, expected) => {
    expect(codes(sample)).toEqual(expected);
  });
  test('in finally it is checked', () => {
    expect(
      codes(`steps:\n${patch('web1').replace(/^/gm, '  ')}\nfinally:\n${check('web1').replace(/^/gm, '  ')}`),
    ).toEqual([]);
  });
  test('a runbook that gives something back is meant to be called', () => {
    expect(codes(parts['patch.runbook.yaml']!)).toEqual([]);
  });
});

describe('no way back', () => {
  test.each([
    ['a command with others behind it', run('web1') + migrate('web1'), ['missing-undo 1']],
    ['before a check', run('web1') + check('web1'), ['missing-undo 1']],
    ['the last one', check('web1') + run('web1'), []],
    ['before a pause only', `${run('web1')}- wait: 1m\n`, []],
    ['with an undo', run('web1', ', undo: ["true"]') + migrate('web1'), []],
    ['that only looks', run('web1', ', changes: false') + migrate('web1'), []],
    ['that may stay', `${run('web1')}  rollback: none\n${migrate('web1')}`, []],
    ['with steps to take it back', `${run('web1')}  rollback:\n    - wait: 1s\n${migrate('web1')}`, []],
    ['behind the point of no return', `- pointOfNoReturn: now\n${run('web1')}${migrate('web1')}`, []],
    ['the last one of an item', loop('[web1, web2]', run(item)), ['missing-undo 3']],
    ['the last one of the only item', loop('[web1]', run(item)), []],
    ['in finally', `steps:\n  - wait: 1m\nfinally:\n${(run('web1') + run('web2')).replace(/^/gm, '  ')}`, []],
    ['a revert', `- uses: vm.revert\n  with: { vm: web1, snapshot: s }\n${migrate('web2')}`, ['missing-undo 1']],
    [
      'a revert with safety',
      `- uses: vm.revert\n  with: { vm: web1, snapshot: s, safety: true }\n${migrate('web2')}`,
      [],
    ],
    ['an old snapshot deleted', remove('web1') + migrate('web1'), ['no-point-of-no-return 1']],
    ['an old snapshot deleted before a check', remove('web1') + check('web1'), []],
    ['an old snapshot deleted at last', migrate('web1') + remove('web1'), []],
    ['its own snapshot deleted', snapshot('web1') + remove('web1') + migrate('web1'), []],
    ['its own snapshots deleted in a loop', loop('[web1, web2]', snapshot(item) + remove(item)) + migrate('web1'), []],
    ['old ones in a loop', loop('[web1, web2]', remove(item)), ['no-point-of-no-return 3']],
    [
      'an old one deleted by a called runbook',
      `- uses: ./clean.runbook.yaml\n  with: { vm: web1 }\n${migrate('web1')}`,
      [],
    ],
  ])('%s', (_, sample, expected) => {
    expect(codes(sample)).toEqual(expected);
  });
});

describe('at the same time', () => {
  test.each([
    ['backup and migration in two branches', branches(backup('web1'), migrate('web1')), ['migrate-during-backup 6']],
    ['of two VMs', branches(backup('web1'), migrate('web2')), []],
    ['in one branch', branches(backup('web1') + migrate('web1'), check('web1')), []],
    [
      'in loops over one list',
      branches(loop('[web1, web2]', backup(item)), loop('[web2, web3]', migrate(item))),
      ['migrate-during-backup 10'],
    ],
    ['in loops over two lists', branches(loop('[web1, web2]', backup(item)), loop('[web3]', migrate(item))), []],
    [
      'by called runbooks',
      `- parallel:\n    - uses: ./backups.runbook.yaml\n      with: { vm: web1 }\n    - uses: ./move.runbook.yaml\n`,
      ['migrate-during-backup 4'],
    ],
    [
      'a snapshot beside a command',
      branches(run('web1', ', undo: ["true"]'), snapshot('web1')),
      ['same-vm-in-parallel 6'],
    ],
    ['two commands', branches(run('web1', ', undo: ["true"]'), run('web1', ', undo: ["true"]')), []],
    ['a check beside a migration', branches(check('web1'), migrate('web1')), []],
    [
      'one VM for each of several items',
      loop('[web1, web2]', snapshot('db1').replace(', name: old', ''), ', batch: 2'),
      ['same-vm-in-parallel 3'],
    ],
    ['one VM for one item after another', loop('[web1, web2]', snapshot('db1').replace(', name: old', '')), []],
    ['the item itself', loop('[web1, web2]', snapshot(item), ', batch: 2'), []],
    ['one VM for the first item', loop('[web1, web2]', when(snapshot('db1'), 'index == 0'), ', batch: 2'), []],
  ])('%s', (_, sample, expected) => {
    expect(codes(sample)).toEqual(expected);
  });
});

describe('a VM that is off', () => {
  const down = '- uses: vm.shutdown\n  with: { vm: web1 }\n';
  const up = '- uses: vm.start\n  with: { vm: web1 }\n';
  test.each([
    ['a command in it', down + run('web1', ', changes: false'), ['vm-is-off 3']],
    ['its backup', down + backup('web1'), ['vm-is-off 3']],
    ['started again', down + up + run('web1', ', changes: false'), []],
    [
      'of items that may fail',
      loop('[web1, web2]', down.replace('web1', item), ', maxFailures: 1') + check('web2'),
      [],
    ],
    ['perhaps shut down', when(down, '"1 > 0"') + run('web1', ', changes: false'), []],
    ['a person may have started it', `${down}- approve: {}\n${run('web1', ', changes: false')}`, []],
    ['what needs no running guest', down + migrate('web1').replace('hv2', 'hv2, live: false'), []],
    [
      'a port that is asked for from outside',
      `${down}- uses: check.guest\n  with: { vm: web1, tcp: { port: 80 } }\n`,
      [],
    ],
    ['of each item, then of one', loop('[web1, web2]', down.replace('web1', item)) + check('web2'), ['vm-is-off 5']],
  ])('%s', (_, sample, expected) => {
    expect(codes(sample)).toEqual(expected);
  });
});

describe('production', () => {
  const body = migrate(item);
  const over = (given: string) => inputs(`vms: { type: vms, default: ${given} }`, loop('"${{ inputs.vms }}"', body));
  test.each([
    ['a group of that name', over('"group:prod-db"'), ['production-without-canary 2']],
    ['a group with a VM of that tag', over('"group:shop"'), ['production-without-canary 2']],
    ['a tag', over('"tag:production"'), ['production-without-canary 2']],
    ['another group', over('"group:web"'), []],
    ['names', loop('[web1, pay1]', body), ['production-without-canary 1']],
    ['names in a group', loop('[web1, db1]', body), ['production-without-canary 1']],
    ['other names', loop('[web1, web2]', body), []],
    ['one name', loop('[pay1]', body), []],
    ['with a canary', loop('[web1, pay1]', body, ', canary: 1'), []],
    [
      'in a loop with a canary',
      `- forEach: { site: [a, b, c], canary: 1 }\n  steps:\n${indented(loop('[web1, pay1]', body))}`,
      [],
    ],
    ['approved', `- approve: {}\n${loop('[web1, pay1]', body)}`, []],
    ['each approved', loop('[web1, pay1]', `- approve: {}\n${body}`), []],
    ['only looked at', loop('[web1, pay1]', check(item)), []],
  ])('%s', (_, sample, expected) => {
    expect(codes(sample)).toEqual(expected);
  });
  test('products are no production', () => {
    const products = knownNames(
      parseInventory(
        'version: 1\nconnections: {}\ngroups:\n  products: { vms: [a, b] }\n  reproduction: { vms: [a] }\n',
      ).inventory!,
    );
    const text = `${head}steps:\n${loop('[a, b]', body).replace(/^(?=.)/gm, '  ')}`;
    const seen = checkRunbook(parseRunbook(text), { actions, inventory: products }).map(({ code }) => code);
    expect(seen.filter(code => code === 'production-without-canary')).toEqual([]);
  });
});

describe('members, backups and migrations that do not end', () => {
  test.each([
    ['the memory of a database', snapshot('db1', ', memory: true'), ['memory-of-member 1']],
    ['of a replica', snapshot('db2', ', memory: true'), ['memory-of-member 1']],
    ['without memory', snapshot('db1'), []],
    ['of another VM', snapshot('web1', ', memory: true'), []],
    ['of one of a list', loop('[web1, db1]', snapshot(item, ', memory: true'), ', canary: 1'), ['memory-of-member 3']],
    [
      'in the snapshot of a patch',
      `- uses: guest.patch\n  with: { vm: db1, memory: true }\n${check('db1')}`,
      ['memory-of-member 1'],
    ],
    ['several backups at once', loop('[web1, web2]', backup(item), ', batch: 2'), ['unlimited-backups 1']],
    ['one after another', loop('[web1, web2]', backup(item)), []],
    [
      'with limits',
      `limits: { total: 3 }\nsteps:\n${loop('[web1, web2]', backup(item), ', batch: 2').replace(/^(?=.)/gm, '  ')}`,
      [],
    ],
    [
      'with limits of the called runbook',
      loop('[web1, web2]', `- uses: ./backups.runbook.yaml\n  with: { vm: ${item} }\n`, ', batch: 2'),
      [],
    ],
    [
      'a migration that need not converge',
      '- uses: vm.migrate\n  with: { vm: web1, to: hv2, autoConverge: false }\n',
      ['endless-migration 1'],
    ],
    [
      'given up in time',
      '- uses: vm.migrate\n  with: { vm: web1, to: hv2, autoConverge: false }\n  timeout: 20m\n',
      [],
    ],
    [
      'of a VM that is off',
      '- uses: vm.migrate\n  with: { vm: web1, to: hv2, autoConverge: false, live: false }\n',
      [],
    ],
  ])('%s', (_, sample, expected) => {
    expect(codes(sample)).toEqual(expected);
  });
});

describe('what a hypervisor can not do', () => {
  const able = (more: object) =>
    knownNames(inventory!, {
      capabilities: { hv1: new Set(['power', 'migrate.live']), hv2: new Set(['power']) },
      ...more,
    });
  const seen = (sample: string, names: ReturnType<typeof able>) =>
    checkRunbook(parseRunbook(`${head}steps:\n${sample.replace(/^(?=.)/gm, '  ')}\n`), {
      actions,
      inventory: names,
      runbooks: path => parseRunbook(`${head}${parts[path]}\n`),
    }).map(({ message }) => message);
  const placed = able({ vmsOn: { hv1: ['web1'], hv2: ['web2'] } });
  const start = '- uses: vm.start\n  with: { vm: web2 }\n';
  const moved = migrate('web2').replace('hv2', 'hv1');
  const needs = '`vm.migrate` needs `migrate.live`, which the hypervisor of `web2` does not offer.';

  test('a VM is on a hypervisor that lacks it', () => {
    expect(seen(moved, placed)).toEqual([needs]);
    expect(seen(start + moved.replace('web2', 'web1'), placed)).toEqual([]);
  });
  test('one of a loop, and one that is given to a called runbook', () => {
    const each = `- forEach: { vm: [web1, web2] }\n  steps:\n    - uses: vm.migrate\n      with: { vm: ${item}, to: hv1 }\n`;
    expect(seen(each, placed)).toEqual([needs]);
    expect(seen(each.replace('web2', 'web1'), placed)).toEqual([]);
    expect(seen('- uses: ./snap.runbook.yaml\n  with: { vm: web2 }\n', placed)).toEqual([
      '`vm.snapshot` needs `snapshot`, which the hypervisor of `web2` does not offer.',
    ]);
  });
  test('where a VM is, is not known: only what no hypervisor has is missing', () => {
    expect(seen(moved, able({}))).toEqual([]);
    expect(seen(snapshot('web2'), able({}))).toEqual([
      '`vm.snapshot` needs `snapshot`, which the hypervisor of `web2` does not offer.',
    ]);
    expect(seen(snapshot('web2'), knownNames(inventory!, { capabilities: { hv1: new Set() } }))).toEqual([]);
  });
});

describe('what is not known', () => {
  test('a runbook that is not there may do anything', () => {
    const text = `${head}steps:\n${`${patch('web1')}${snapshot('web1')}- uses: ./gone.runbook.yaml\n${migrate('web1')}`.replace(/^(?=.)/gm, '  ')}`;
    expect(checkRunbook(parseRunbook(text), { actions }).map(({ code }) => code)).toEqual([]);
  });
  test('an action that says nothing of itself', () => {
    const silent = actions.map(({ operation: _, ...action }) => action);
    const text = `${head}steps:\n${`${patch('web1')}${snapshot('web1')}${migrate('web1')}`.replace(/^(?=.)/gm, '  ')}`;
    expect(checkRunbook(parseRunbook(text), { actions: silent }).map(({ code }) => code)).toEqual([]);
  });
  test('half-typed text: nothing is said of steps that may be missing', () => {
    const text = `${head}steps:\n${patch('web1').replace(/^(?=.)/gm, '  ')}  - uses: [\n`;
    expect(checkRunbook(parseRunbook(text), { actions }).map(({ code }) => code)).not.toContain('patch-unchecked');
  });
  test('runbooks that call one another without end', () => {
    const text = `${head}steps:\n  - uses: ./a.runbook.yaml\n  - uses: ./a.runbook.yaml\n`;
    const parsed = parseRunbook(text);
    const found = checkRunbook(parsed, { actions, runbooks: () => parsed, path: 'a.runbook.yaml' });
    expect(new Set(found.map(({ code }) => code))).toEqual(new Set(['call-cycle']));
  });
  test('thousands of steps are gone through in one go', () => {
    const steps = Array.from(
      { length: 4000 },
      (_, n) => snapshot(`vm${n}`) + remove(`"\${{ inputs.x${n} }}"`, 'other'),
    ).join('');
    const text = `${head}steps:\n${steps.replace(/^(?=.)/gm, '  ')}`;
    const codesOf = checkRunbook(parseRunbook(text), { actions }).map(({ code }) => code);
    expect(codesOf.filter(code => code === 'unknown-input')).toHaveLength(4000);
  });
});
