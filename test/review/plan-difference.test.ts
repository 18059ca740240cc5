import { describe, expect, test } from 'vitest';
import { planHash } from '../../src/engine/plan-hash';
import { limitsText, windowText } from '../../src/engine/timetable-text';
import type { PlanDifference } from '../../src/review/model';
import { planDifference } from '../../src/review/plan-difference';
import { matchesOf, planDifferenceOf, sideOf } from './sides';
import { withSteps } from './two-runbooks';

const noDifference = { added: [], removed: [] };

/** The other way round, as the other way round must be. */
function mirrored(found: PlanDifference): object {
  const swapped = ({ added, removed }: { added: string[]; removed: string[] }) => ({ added: removed, removed: added });
  return {
    ...(found.head && { base: found.head }),
    ...(found.base && { head: found.base }),
    same: found.same,
    vms: swapped(found.vms),
    hosts: swapped(found.hosts),
    datastores: swapped(found.datastores),
    proxies: swapped(found.proxies),
    irreversible: swapped(found.irreversible),
    pointsOfNoReturn: swapped(found.pointsOfNoReturn),
    secrets: swapped(found.secrets),
    outages: found.outages.map(({ vm, before, after }) => ({
      vm,
      ...(after && { before: after }),
      ...(before && { after: before }),
    })),
  };
}

/** Both ways, which mirror each other. */
function difference(base: string | undefined, head: string | undefined): PlanDifference {
  const found = planDifferenceOf(base, head);
  expect(planDifferenceOf(head, base)).toMatchObject(mirrored(found));
  return found;
}

const burn = (vm: string, more = '') =>
  `- id: burn-${vm}\n  uses: guest.run\n  with: { vm: ${vm}, argv: [rm, -f, /etc/motd]${more} }\n`;

describe('of two plans', () => {
  test('what is changed by them is told by name, sorted, whatever changes it', () => {
    const base = withSteps(`- uses: vm.migrate\n  with: { vm: web2, to: hv2 }\n${burn('web1')}`);
    const head = withSteps(`- uses: vm.migrate\n  with: { vm: web2, to: hv1 }
- uses: backup.image
  with: { vm: web3, proxy: backup1 }
- uses: check.guest
  with: { vm: web1, agent: true }`);
    expect(difference(base, head)).toMatchObject({
      same: false,
      vms: { added: ['web3'], removed: ['web1'], kept: ['web2'] },
      hosts: { added: ['hv1'], removed: ['hv2'], kept: [] },
      proxies: { added: ['backup1'], removed: [], kept: [] },
      datastores: { added: [], removed: [], kept: [] },
    });
  });

  test('steps that can not be undone are told by title; one that lost its undo is one of them', () => {
    const undone = burn('web1', ', undo: [touch, /etc/motd]');
    const found = difference(withSteps(undone + burn('web2')), withSteps(burn('web1') + burn('web2')));
    expect(found.irreversible).toEqual({
      added: ['run rm -f /etc/motd in web1'],
      removed: [],
      kept: ['run rm -f /etc/motd in web2'],
    });
  });

  test('a step whose undo its runbook gives is none of them, in a called runbook neither', () => {
    const taken = `${burn('web1').trimEnd()}\n  rollback:\n    - uses: guest.run\n      with: { vm: web1, argv: [touch, /etc/motd] }`;
    expect(difference(undefined, withSteps(taken)).irreversible.added).toEqual([]);
    const caller = withSteps('- uses: ./one.runbook.yaml');
    const called = (text: string) => ({ head: { others: { 'one.runbook.yaml': withSteps(text) } } });
    expect(planDifferenceOf(undefined, caller, called(taken)).irreversible.added).toEqual([]);
    expect(planDifferenceOf(undefined, caller, called(burn('web1'))).irreversible.added).toHaveLength(1);
  });

  test('a step that can not be undone and has another name, place or group is none that comes or goes', () => {
    const base = withSteps(`${burn('web1')}${burn('web2')}- wait: 1m`);
    const head = withSteps(`- wait: 1m\n- steps:\n    ${burn('web2').replace(/\n/g, '\n    ').trim()}
${burn('web1').replace('  uses', '  name: Clean up\n  uses')}`);
    const { irreversible, same } = difference(base, head);
    expect(irreversible).toEqual({ ...noDifference, kept: ['run rm -f /etc/motd in web2', 'Clean up'] });
    expect(same).toBe(false);
  });

  test('items of a loop that are new have new steps that can not be undone', () => {
    const loop = (vms: string) =>
      withSteps(
        `- id: all\n  forEach: { vm: [${vms}] }\n  steps:\n    - uses: guest.run\n      with: { vm: "\${{ vm }}", argv: [reboot] }`,
      );
    const { irreversible, vms } = difference(loop('web1, web2'), loop('web2, web3'));
    expect(vms).toEqual({ added: ['web3'], removed: ['web1'], kept: ['web2'] });
    expect(irreversible).toEqual({
      added: ['run reboot in web3'],
      removed: ['run reboot in web1'],
      kept: ['run reboot in web2'],
    });
  });

  test('points of no return are told by what they say, and another wording is the same point', () => {
    const point = (text: string) => withSteps(`- wait: 1m\n- pointOfNoReturn: ${text}`);
    expect(difference(withSteps('- wait: 1m'), point('Gone')).pointsOfNoReturn).toEqual({
      ...noDifference,
      added: ['Gone'],
      kept: [],
    });
    const reworded = difference(point('Gone'), point('It is gone'));
    expect(reworded.pointsOfNoReturn).toEqual({ ...noDifference, kept: ['It is gone'] });
    expect(reworded.same).toBe(true);
  });

  test('secrets are told by name', () => {
    const base = withSteps('- wait: 1m', 'inputs:\n  b: { type: secret }\n  a: { type: secret }\n');
    const head = withSteps('- wait: 1m', 'inputs:\n  c: { type: secret }\n  a: { type: secret }\n');
    expect(difference(base, head).secrets).toEqual({ added: ['c'], removed: ['b'], kept: ['a'] });
  });

  test('a file that comes or goes has one side', () => {
    const text = withSteps(burn('web1'));
    const added = difference(undefined, text);
    expect(added.base).toBeUndefined();
    expect(added).toMatchObject({
      same: false,
      vms: { added: ['web1'] },
      irreversible: { added: ['run rm -f /etc/motd in web1'] },
    });
  });

  test('why a side has no plan is said', () => {
    const side = sideOf(withSteps('- wait: 1m'));
    const found = planDifference(undefined, side, { base: 'It is broken.' }, {}, {}, matchesOf(undefined, side));
    expect(found).toMatchObject({ baseProblem: 'It is broken.', same: false });
    expect(found).not.toHaveProperty('headProblem');
  });
});

describe('of each plan is told', () => {
  const window = { allow: ['22:00-23:00'], zone: 'UTC', outside: 'wait', closing: 'drain' } as const;

  test('its hash, its steps item by item, its time, limits, windows and what was taken for its inputs', () => {
    const text = withSteps(
      `- forEach: { vm: "\${{ inputs.vms }}" }\n  steps:\n    - uses: vm.snapshot\n      with: { vm: "\${{ vm }}" }\n- wait: 10m`,
      'inputs:\n  vms: { type: vms }\nlimits: { perHost: 2, total: 4 }\nwindow: { allow: ["22:00-23:00"], zone: UTC }\n',
    );
    const inputs = { vms: ['web1', 'web2'] };
    const side = sideOf(text, { inputs });
    const { base, head, same } = planDifferenceOf(text, text, { base: { inputs }, head: { inputs } });
    expect(same).toBe(true);
    expect(head).toEqual(base);
    expect(head).toMatchObject({
      hash: planHash(side.plan),
      steps: 2,
      seconds: side.timetable.seconds,
      limits: limitsText({ perHost: 2, total: 4 }),
      windows: [windowText({ ...window, allow: [...window.allow] })],
      taken: inputs,
      timetableLeftOut: 0,
    });
    expect(head!.timetable.map(row => row.title)).toEqual(['snapshot web1', 'snapshot web2', 'wait 10m']);
    expect(head!.timetable.at(-1)).toMatchObject({ toSeconds: side.timetable.seconds });
  });

  test('the beginning and the end of a long timetable', () => {
    const text = withSteps(Array.from({ length: 50 }, (_, at) => `- name: Step ${at}\n  wait: 1s`).join('\n'));
    const { head } = planDifferenceOf(undefined, text);
    expect(head!.timetable).toHaveLength(50 - head!.timetableLeftOut);
    expect(head!.timetableLeftOut).toBeGreaterThan(0);
    expect(head!.timetable.at(0)!.title).toBe('Step 0');
    expect(head!.timetable.at(-1)!.title).toBe('Step 49');
    expect(head).not.toHaveProperty('limits');
  });

  test('what it does not know', () => {
    const text = withSteps(`- id: look\n  uses: guest.run\n  with: { vm: web1, argv: [hostname], changes: false }
- forEach: { one: "\${{ [steps.look.outputs.stdout] }}" }
  steps:
    - wait: 1m`);
    expect(planDifferenceOf(undefined, text).head!.unknowns.join(' ')).toMatch(/not known/);
  });
});
