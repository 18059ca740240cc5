import { expect } from 'vitest';
import type { Difference, FailurePoint, Problem, Review, ReviewedRunbook, RiskLevel } from '../../../src/review/model';

/** What a report must say, whatever its words are. */
export interface ExpectedFacts {
  /** By path; exactly these files, where given. */
  change?: Record<string, string>;
  /** `kind change [effect]`, each at least once in some file; `[]`: no file has a difference. */
  differences?: string[];
  /** `kind change [effect]` that no file has. */
  without?: string[];
  /** Of every runbook: the plans do the same. */
  same?: boolean;
  newlyBad?: 'some' | number;
  noLongerBad?: 'some' | number;
  risk?: RiskLevel | RiskLevel[];
  vmsAdded?: string[];
  vmsRemoved?: string[];
  secretsAdded?: string[];
  secretsRemoved?: string[];
  irreversibleAdded?: number;
  irreversibleRemoved?: number;
  noReturnAdded?: number;
  noReturnRemoved?: number;
  /** Codes. */
  problemsAdded?: string[];
  problemsRemoved?: string[];
  problemsKept?: string[];
  /** VMs with another outage than before. */
  outages?: string[];
  /** How the run in which nothing goes wrong ends, before and after. */
  clean?: string[];
  /** Paths. */
  unreadable?: string[];
  unknowns?: 'some';
  reviewers?: string[];
  /** Paths that come first, in this order. */
  order?: string[];
  /** Patterns of what stands nowhere in the report. */
  never?: string[];
  /** Characters of the report, at most. */
  longest?: number;
}

export function expectFacts(review: Review, markdown: string, facts: ExpectedFacts): void {
  const runbooks = review.files.filter((file): file is ReviewedRunbook => file.kind === 'runbook');
  const differences = review.files.flatMap(file => (file.kind === 'unreadable' ? [] : file.differences));
  if (facts.change)
    expect(Object.fromEntries(review.files.map(file => [file.path, file.change]))).toEqual(facts.change);
  if (facts.differences?.length === 0) expect(differences).toEqual([]);
  for (const wanted of facts.differences ?? []) {
    expect(
      differences.some(one => fits(one, wanted)),
      `${wanted} in ${differences.map(told).join(', ')}`,
    ).toBe(true);
  }
  for (const unwanted of facts.without ?? []) expect(differences.filter(one => fits(one, unwanted))).toEqual([]);
  if (facts.same !== undefined) expect(runbooks.map(one => one.plan.same)).toEqual(runbooks.map(() => facts.same));
  count(
    runbooks.flatMap(one => one.rehearsal.newlyBad),
    facts.newlyBad,
    'newly bad',
  );
  count(
    runbooks.flatMap(one => one.rehearsal.noLongerBad),
    facts.noLongerBad,
    'no longer bad',
  );
  if (facts.risk) expect([facts.risk].flat()).toContain(review.risk.level);
  const plans = runbooks.map(one => one.plan);
  same(
    plans.flatMap(plan => plan.vms.added),
    facts.vmsAdded,
  );
  same(
    plans.flatMap(plan => plan.vms.removed),
    facts.vmsRemoved,
  );
  same(
    plans.flatMap(plan => plan.secrets.added),
    facts.secretsAdded,
  );
  same(
    plans.flatMap(plan => plan.secrets.removed),
    facts.secretsRemoved,
  );
  number(
    plans.flatMap(plan => plan.irreversible.added),
    facts.irreversibleAdded,
  );
  number(
    plans.flatMap(plan => plan.irreversible.removed),
    facts.irreversibleRemoved,
  );
  number(
    plans.flatMap(plan => plan.pointsOfNoReturn.added),
    facts.noReturnAdded,
  );
  number(
    plans.flatMap(plan => plan.pointsOfNoReturn.removed),
    facts.noReturnRemoved,
  );
  const problems = review.files.flatMap(file => (file.kind === 'unreadable' ? [] : [file.problems]));
  codes(
    problems.flatMap(one => one.added),
    facts.problemsAdded,
  );
  codes(
    problems.flatMap(one => one.removed),
    facts.problemsRemoved,
  );
  codes(
    problems.flatMap(one => one.kept),
    facts.problemsKept,
  );
  same(
    plans.flatMap(plan => plan.outages.map(outage => outage.vm)),
    facts.outages,
  );
  if (facts.clean) {
    const ends = runbooks.flatMap(({ rehearsal: { base, head } }) => [base?.clean.status, head?.clean.status]);
    expect(ends).toEqual(facts.clean);
  }
  same(
    review.files.filter(file => file.kind === 'unreadable').map(file => file.path),
    facts.unreadable,
  );
  if (facts.unknowns) {
    const unknowns = [
      ...review.unknowns,
      ...runbooks.flatMap(one => [
        ...one.unknowns,
        ...(one.plan.head?.unknowns ?? []),
        one.plan.headProblem ?? [],
        one.rehearsal.headProblem ?? [],
      ]),
    ];
    expect(unknowns).not.toEqual([]);
  }
  if (facts.reviewers) expect(review.reviewers.map(one => one.team)).toEqual(expect.arrayContaining(facts.reviewers));
  if (facts.order) expect(review.files.slice(0, facts.order.length).map(file => file.path)).toEqual(facts.order);
  for (const pattern of facts.never ?? []) expect(markdown).not.toMatch(new RegExp(pattern));
  if (facts.longest !== undefined) expect(markdown.length).toBeLessThanOrEqual(facts.longest);
}

function told({ kind, change, effect }: Difference): string {
  return `${kind} ${change} ${effect}`;
}

/** One field of a step or a loop that comes or goes is a change of it. */
function fits(difference: Difference, wanted: string): boolean {
  const { kind, change, field } = difference;
  const isPart = (kind === 'step' || kind === 'loop') && field !== undefined && change !== 'moved';
  return `${told({ ...difference, change: isPart ? 'changed' : change })} `.startsWith(`${wanted} `);
}

function count(points: FailurePoint[], wanted: 'some' | number | undefined, what: string): void {
  if (wanted === 'some') expect(points.length, what).toBeGreaterThan(0);
  else if (wanted !== undefined)
    expect(
      points.map(point => `${point.step.key} ${point.fault} ${point.verdict}`),
      what,
    ).toHaveLength(wanted);
}

function same(found: string[], wanted: string[] | undefined): void {
  if (wanted) expect([...new Set(found)].sort()).toEqual([...wanted].sort());
}

function number(found: string[], wanted: number | undefined): void {
  if (wanted !== undefined) expect(found).toHaveLength(wanted);
}

function codes(found: Problem[], wanted: string[] | undefined): void {
  if (wanted) expect(found.map(one => one.code)).toEqual(expect.arrayContaining(wanted));
}
