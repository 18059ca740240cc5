import type { AddedRemoved, Difference, PlanDifference, ReviewedRunbook } from '../../src/review/model';
import { facts } from './formats/reviews';

export function names(added: string[] = [], removed: string[] = [], kept: string[] = []): AddedRemoved {
  return { added, removed, kept };
}

/** A plan on both sides, nothing new in it. */
export function plan(more: Partial<PlanDifference> = {}): PlanDifference {
  return {
    base: facts(),
    head: facts(),
    same: true,
    vms: names(),
    hosts: names(),
    datastores: names(),
    proxies: names(),
    irreversible: names(),
    pointsOfNoReturn: names(),
    secrets: names(),
    outages: [],
    ...more,
  };
}

export function difference(kind: Difference['kind'], more: Partial<Difference> = {}): Difference {
  return { kind, change: 'changed', text: 'Something', effect: 'neutral', ...more };
}

/** A changed runbook in which nothing is otherwise. */
export function reviewed(more: Partial<ReviewedRunbook> = {}): ReviewedRunbook {
  return {
    kind: 'runbook',
    path: 'a.runbook.yaml',
    change: 'changed',
    name: 'A',
    because: [],
    differences: [],
    plan: plan(),
    rehearsal: { newlyBad: [], noLongerBad: [], stillBad: [] },
    problems: { added: [], removed: [], kept: [] },
    risk: { level: 'none', reasons: [] },
    unknowns: [],
    ...more,
  };
}
