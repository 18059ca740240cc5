import { describe, expect, test } from 'vitest';
import type { FailurePoint, Problem, RehearsalFacts, ReviewedRunbook } from '../../src/review/model';
import { overallRisk, riskOf, riskOfInventory, withCallers } from '../../src/review/risk';
import { difference, names, plan, reviewed } from './reviewed';

const place = { path: 'a.runbook.yaml', line: 1, endLine: 1 };
const point: FailurePoint = {
  step: { pointer: '/steps/0', key: 'a', title: 'a' },
  fault: 'fails-after',
  verdict: 'left',
  bad: 1,
  ways: 1,
  story: [],
  left: [],
};
const problem = (severity: Problem['severity']): Problem => ({ code: 'x', severity, message: 'X.', place });
const rehearsed = (status: string): RehearsalFacts => ({
  clean: { status },
  durationMs: 1,
  points: 1,
  bad: 0,
  needPerson: 0,
  counts: {},
  assumed: [],
});
const nothing = { newlyBad: [], noLongerBad: [], stillBad: [] };
const outage = (seconds: number) => ({ seconds, from: 'estimated' as const });

function told(more: Partial<ReviewedRunbook>): string[] {
  return riskOf(reviewed(more)).reasons.map(({ level, text }) => `${level}: ${text}`);
}

test('nothing but formatting is no risk', () => {
  expect(riskOf(reviewed())).toEqual({ level: 'none', reasons: [] });
});

describe('reasons', () => {
  test.each<[string, Partial<ReviewedRunbook>, string[]]>([
    ['not back', { rehearsal: { ...nothing, newlyBad: [point, point] } }, ['high: 2 failures newly do not come back']],
    [
      'irreversible',
      { plan: plan({ irreversible: names(['Delete old']) }) },
      ["high: 1 new step can't be undone: Delete old"],
    ],
    [
      'rollback',
      {
        differences: [
          difference('rollback', { effect: 'riskier', step: { head: { pointer: '/steps/0', title: 'patch' } } }),
        ],
      },
      ['high: 1 rollback is taken away: patch'],
    ],
    [
      'approval removed',
      { differences: [difference('approval', { change: 'removed', effect: 'riskier' })] },
      ['high: 1 approval is removed'],
    ],
    [
      'approval weakened',
      { differences: [difference('approval', { effect: 'riskier' })] },
      ['medium: 1 approval is weakened'],
    ],
    [
      'new error',
      { problems: { added: [problem('error')], removed: [], kept: [problem('error')] } },
      ['high: 1 new error'],
    ],
    [
      'new warnings',
      { problems: { added: [problem('warning'), problem('warning')], removed: [], kept: [] } },
      ['low: 2 new warnings'],
    ],
    [
      'clean run',
      { rehearsal: { ...nothing, base: rehearsed('done'), head: rehearsed('failed') } },
      ['high: 1 rehearsal newly fails though nothing goes wrong'],
    ],
    [
      'not rehearsed',
      { rehearsal: { ...nothing, base: rehearsed('done'), headProblem: 'No lab.' }, plan: plan({ same: false }) },
      ["medium: 1 runbook can't be rehearsed"],
    ],
    [
      'limits',
      {
        differences: ['limits.total', 'limits.perHost'].map(field => difference('limit', { field, effect: 'riskier' })),
      },
      ['medium: 2 limits are raised or removed: total, perHost'],
    ],
    ['secrets', { plan: plan({ secrets: names(['token']) }) }, ['medium: 1 secret is newly used: token']],
    [
      'targets of a runbook that was there before',
      { plan: plan({ vms: names(['web1', 'web2']) }) },
      ['medium: 2 VMs, hosts, datastores and proxies are newly touched: web1, web2'],
    ],
    [
      'a few targets of a new runbook',
      { plan: { ...plan({ vms: names(['web1', 'web2']) }), base: undefined } },
      ['low: 2 VMs, hosts, datastores and proxies are newly touched: web1, web2'],
    ],
    [
      'many targets',
      { plan: plan({ vms: names(['a', 'b', 'c', 'd', 'e']), hosts: names(['f', 'g']) }) },
      ['medium: 7 VMs, hosts, datastores and proxies are newly touched: a, b, c, d, e and 2 more'],
    ],
    [
      'longer outage',
      {
        plan: plan({
          outages: [
            { vm: 'web1', before: outage(10), after: outage(90) },
            { vm: 'db1', before: outage(9), after: outage(5) },
          ],
        }),
      },
      ['medium: 1 VM is predicted not to serve for longer: web1'],
    ],
    [
      'a little longer',
      { plan: plan({ outages: [{ vm: 'web1', after: outage(10) }] }) },
      ['low: 1 VM is predicted not to serve for longer: web1'],
    ],
    [
      'a point of no return that came or went before what can not be undone',
      {
        differences: (['added', 'removed', 'changed'] as const).map(change =>
          difference('point-of-no-return', { change, step: { head: { pointer: '/steps/0', title: change } } }),
        ),
      },
      [
        'medium: 1 point of no return is new or earlier: added',
        'medium: 1 point of no return is gone before what can not be undone: removed',
        'low: 1 other difference',
      ],
    ],
    ['safer only', { differences: [difference('limit', { effect: 'safer' })] }, ['low: 1 other difference']],
  ])('%s', (_, more, reasons) => expect(told(more)).toEqual(reasons));

  test('what was so before is none', () => {
    const before = {
      rehearsal: { ...nothing, base: rehearsed('failed'), head: rehearsed('failed'), stillBad: [point] },
    };
    expect(told({ ...before, problems: { added: [], removed: [], kept: [problem('error')] } })).toEqual([]);
    expect(told({ plan: plan({ baseProblem: 'No inventory.', headProblem: 'No inventory.' }) })).toEqual([]);
  });

  test('the gravest first, equal ones counted', () => {
    const step = (title: string) => ({ head: { pointer: '/steps/0', title } });
    const differences = [
      difference('loop', { effect: 'riskier', step: step('each') }),
      difference('name', { effect: 'neutral' }),
      difference('rollback', { effect: 'riskier', step: step('a') }),
      difference('rollback', { effect: 'riskier', step: step('b') }),
    ];
    expect(told({ differences })).toEqual([
      'high: 2 rollbacks are taken away: a, b',
      'medium: 1 setting of a loop lets more go wrong: each',
      'low: 1 other difference',
    ]);
  });

  test('another name is low', () => {
    const found = riskOf(
      reviewed({ change: 'renamed', differences: [difference('name'), difference('step', { field: 'id' })] }),
    );
    expect(found.level).toBe('low');
  });
});

test('a deleted runbook that others call is high', () => {
  const gone = reviewed({ path: 'part.runbook.yaml', change: 'deleted' });
  const caller = reviewed({ path: 'main.runbook.yaml', change: 'affected', because: ['part.runbook.yaml'] });
  expect(riskOf(gone).level).toBe('low');
  const [after] = withCallers([gone, caller]) as ReviewedRunbook[];
  expect(after?.risk.reasons[0]?.text).toBe('1 runbook needs what is deleted: main.runbook.yaml');
});

test('an inventory: locks and connections', () => {
  const inventory = {
    kind: 'inventory' as const,
    path: 'a.inventory.yaml',
    change: 'changed' as const,
    problems: { added: [], removed: [], kept: [] },
    runbooks: ['a.runbook.yaml'],
  };
  const differences = [
    difference('connection', { field: 'connections.hv1.locks', effect: 'riskier' }),
    difference('connection', { field: 'connections.hv2.uri' }),
    difference('group', { field: 'groups.web.vms' }),
  ];
  expect(riskOfInventory({ ...inventory, differences }).reasons.map(({ code }) => code)).toEqual([
    'locks-off',
    'connection-changed',
    'changed',
  ]);
  expect(riskOfInventory({ ...inventory, change: 'deleted', differences: [] }).level).toBe('high');
});

test('of a whole change, the reasons of all files are counted together', () => {
  const one = reviewed({
    risk: riskOf(reviewed({ differences: [difference('approval', { change: 'removed', effect: 'riskier' })] })),
  });
  const unreadable = {
    kind: 'unreadable' as const,
    path: 'b.runbook.yaml',
    change: 'changed' as const,
    why: 'It is binary.',
    isNew: true,
  };
  const { level, reasons } = overallRisk([one, one, unreadable]);
  expect(level).toBe('high');
  expect(reasons.map(({ text }) => text)).toEqual(['2 approvals are removed', "1 file can't be read: b.runbook.yaml"]);
  expect(overallRisk([{ ...unreadable, isNew: false }]).level).toBe('none');
});
