import { describe, expect, test } from 'vitest';
import type { Inventory } from '../../src/inventory/model';
import type { ReviewedFile } from '../../src/review/model';
import { parseOwners, suggestReviewers } from '../../src/review/owners';
import { difference, names, plan, reviewed } from './reviewed';

const inventory: Inventory = {
  version: 1,
  connections: { hv1: { type: 'libvirt', uri: 'qemu:///system', tags: ['rack1'] } },
  groups: { web: { vms: ['web1', 'web2'] }, edge: { hosts: ['hv1'] } },
  proxies: {},
  vms: { web1: { tags: ['production'] }, db1: { tags: ['production', 'database'] } },
};

function asked(owners: string, ...files: ReviewedFile[]): string[] {
  const parsed = parseOwners(owners);
  expect(parsed.problems).toEqual([]);
  return suggestReviewers(parsed.owners, files, [inventory]).map(
    ({ team, because }) => `${team}: ${because.join(', ')}`,
  );
}

/** A runbook that acts on these now. */
function on(vms: string[], hosts: string[] = [], more: Parameters<typeof reviewed>[0] = {}): ReviewedFile {
  return reviewed({
    path: 'prod/a.runbook.yaml',
    plan: plan({ same: false, vms: names(vms), hosts: names([], [], hosts) }),
    ...more,
  });
}

describe('the file', () => {
  test('comments, empty lines, several teams, line ends of Windows', () => {
    expect(parseOwners('# Who\r\n\r\ngroup:web @org/web @alice # both\r\nvm:db1 dba@example.org\r\n')).toEqual({
      owners: {
        rules: [
          { kind: 'group', pattern: 'web', teams: ['@org/web', '@alice'] },
          { kind: 'vm', pattern: 'db1', teams: ['dba@example.org'] },
        ],
      },
      problems: [],
    });
  });

  test('lines that can not be understood are named and passed over', () => {
    const { owners, problems } = parseOwners('web @web\ngroup:web web-team\nvm: @x\nrack:1 @y\nvm:a @ok oops');
    expect(owners.rules).toEqual([{ kind: 'vm', pattern: 'a', teams: ['@ok'] }]);
    expect(problems.map(text => text.split(': ')[0])).toEqual([1, 2, 3, 4, 5].map(line => `.virtbook/OWNERS:${line}`));
    expect(problems[1]).toContain('`web-team`');
  });
});

describe('who is asked', () => {
  test('by group, tag and name of VMs, by group and tag of hosts', () => {
    const owners = 'group:web @web\ntag:database @dba\ngroup:edge @edge';
    expect(asked(owners, on(['web1', 'web2', 'db1'], ['hv1']))).toEqual([
      '@dba: tag:database (db1)',
      '@edge: group:edge (hv1)',
      '@web: group:web (web1, web2)',
    ]);
    expect(asked('tag:rack1 @rack', on([], ['hv1']))).toEqual(['@rack: tag:rack1 (hv1)']);
  });

  test('of several lines that fit one VM the last one counts', () => {
    expect(asked('vm:* @ops\ngroup:web @web\nvm:web2', on(['web1', 'web2', 'db1']))).toEqual([
      '@ops: vm:* (db1)',
      '@web: group:web (web1)',
    ]);
  });

  test('by path: one star for one folder, two for any', () => {
    expect(asked('path:*.runbook.yaml @top', on([]))).toEqual([]);
    expect(asked('path:prod/* @prod', on([]))).toEqual(['@prod: path:prod/* (prod/a.runbook.yaml)']);
    expect(asked('path:**.yaml @all', on([]))).toEqual(['@all: path:**.yaml (prod/a.runbook.yaml)']);
  });

  test('a point is a point', () => {
    expect(asked('vm:web.1 @x', on(['web11']))).toEqual([]);
  });

  test('not about VMs of a runbook that does the same as before', () => {
    expect(asked('vm:* @ops', on(['web1'], [], { plan: plan({ vms: names([], [], ['web1']) }) }))).toEqual([]);
  });

  test('of a runbook that is only affected nobody is asked by its path', () => {
    expect(asked('path:** @path\nvm:* @ops', on(['web1'], [], { change: 'affected' }))).toEqual(['@ops: vm:* (web1)']);
  });

  test('what a deleted runbook acted on', () => {
    expect(
      asked('vm:* @ops', on([], [], { change: 'deleted', plan: plan({ same: false, vms: names([], ['web1']) }) })),
    ).toEqual(['@ops: vm:* (web1)']);
  });

  test('what changed in an inventory', () => {
    const file: ReviewedFile = {
      kind: 'inventory',
      path: 'lab.inventory.yaml',
      change: 'changed',
      differences: [difference('group', { field: 'groups.web.vms' }), difference('vm', { field: 'vms.db1.tags' })],
      problems: { added: [], removed: [], kept: [] },
      risk: { level: 'low', reasons: [] },
      runbooks: [],
    };
    expect(asked('group:web @web\ntag:database @dba', file)).toEqual(['@dba: tag:database (db1)', '@web: group:web']);
  });

  test('names of one reason are not endless', () => {
    const many = Array.from({ length: 8 }, (_, n) => `vm${n}`);
    expect(asked('vm:* @ops', on(many))).toEqual(['@ops: vm:* (vm0, vm1, vm2, vm3, vm4 and 3 more)']);
  });
});
