import type { Target } from '../actions/action';
import type { Plan } from '../engine/plan';
import { changedTargets, pointsOfNoReturn } from '../engine/plan-summary';
import { reachableActions } from '../engine/planned-steps';
import { programSteps } from '../engine/program-steps';
import type { Rehearsal } from '../engine/rehearse';
import type { Json } from '../runbook/json';
import type { SidePlan } from './contract';
import type { AddedRemoved, PlanDifference } from './model';
import { outageDifferences, outagesOf } from './outage';
import { planFacts } from './plan-facts';
import { doTheSame } from './same-plan';
import type { StepMatches } from './step-matching';

interface Sides<T> {
  base?: T;
  head?: T;
}

/**
 * The plan before against the plan after. `problems`: why a side has no plan; `taken`: values for inputs without a default; `rehearsals`: as
 * far as there are any. `difference(base, head)` is `difference(head, base)` with added and removed, before and after changed over.
 *
 * Of a side that is there and has no plan, nothing is known: then nothing is told to have come or gone.
 */
export function planDifference(
  base: SidePlan | undefined,
  head: SidePlan | undefined,
  problems: Sides<string>,
  taken: Sides<Record<string, Json>>,
  rehearsals: Sides<Rehearsal>,
  matches: StepMatches,
): PlanDifference {
  const [before, after] = [
    problems.base === undefined ? base : (base ?? head),
    problems.head === undefined ? head : (head ?? base),
  ];
  const known = before === base && after === head;
  const twinOf = (pointer: string): string | undefined => (known ? matches.baseOf(pointer) : pointer);
  const targets = (kind: Target['kind']): AddedRemoved => ofNames(targetsOf(before, kind), targetsOf(after, kind));
  return {
    ...(base && { base: planFacts(base, taken.base ?? {}, outagesOf(base, rehearsals.base)) }),
    ...(head && { head: planFacts(head, taken.head ?? {}, outagesOf(head, rehearsals.head)) }),
    ...(problems.base !== undefined && { baseProblem: problems.base }),
    ...(problems.head !== undefined && { headProblem: problems.head }),
    same: base !== undefined && head !== undefined && doTheSame(base.plan, head.plan),
    vms: targets('vm'),
    hosts: targets('host'),
    datastores: targets('datastore'),
    proxies: targets('proxy'),
    irreversible: ofSteps(irreversible(before?.plan), irreversible(after?.plan), twinOf),
    pointsOfNoReturn: ofSteps(noReturns(before?.plan), noReturns(after?.plan), twinOf),
    secrets: ofNames(before?.plan.secrets ?? [], after?.plan.secrets ?? []),
    outages: known ? outageDifferences({ ...(base && { base }), ...(head && { head }) }, rehearsals) : [],
  };
}

function targetsOf(side: SidePlan | undefined, kind: Target['kind']): string[] {
  if (!side) return [];
  return changedTargets(side.plan).flatMap(target => (target.kind === kind ? [target.name] : []));
}

function ofNames(base: readonly string[], head: readonly string[]): AddedRemoved {
  const [before, after] = [new Set(base), new Set(head)];
  const sorted = (names: Iterable<string>): string[] => [...names].sort((a, b) => (a < b ? -1 : 1));
  return {
    added: sorted([...after].filter(name => !before.has(name))),
    removed: sorted([...before].filter(name => !after.has(name))),
    kept: sorted([...after].filter(name => before.has(name))),
  };
}

/** A step as the plan has it: the same step of the file may be there for several items. */
interface Told {
  pointer: string;
  title: string;
  /** What it acts on, as one text. */
  on: string;
}

function irreversible(plan: Plan | undefined): Told[] {
  if (!plan) return [];
  // Whatever the action can, steps of its own take it back.
  const steps = programSteps(plan.program);
  const isTakenBack = (pointer: string): boolean => {
    const step = steps.get(pointer);
    return step?.kind === 'action' && typeof step.rollback === 'object';
  };
  return reachableActions([...plan.steps, ...(plan.finally ?? [])])
    .filter(step => step.undoClass === 'irreversible' && !isTakenBack(step.pointer))
    .map(({ pointer, title, changes }) => ({
      pointer,
      title,
      on: changes.map(({ kind, name }) => `${kind} ${name}`).join(', '),
    }));
}

function noReturns(plan: Plan | undefined): Told[] {
  if (!plan) return [];
  return pointsOfNoReturn(plan).map(({ pointer, title }) => ({
    pointer,
    title: title.replace(/^point of no return: /, ''),
    on: '',
  }));
}

/** One that has only another name is kept: it is known by where it stands in the file and what it acts on. Kept ones are told as at the head. */
function ofSteps(
  base: readonly Told[],
  head: readonly Told[],
  twinOf: (pointer: string) => string | undefined,
): AddedRemoved {
  const left = new Set(base);
  const kept = new Set<Told>();
  for (const known of [(step: Told) => step.title, (step: Told) => step.on]) {
    const id = (pointer: string | undefined, step: Told): string => JSON.stringify([pointer, known(step)]);
    const waiting = new Map<string, Told[]>();
    for (const step of [...left].reverse()) {
      const at = id(step.pointer, step);
      if (!waiting.get(at)?.push(step)) waiting.set(at, [step]);
    }
    for (const step of head) {
      if (kept.has(step)) continue;
      const twin = waiting.get(id(twinOf(step.pointer), step))?.pop();
      if (!twin) continue;
      left.delete(twin);
      kept.add(step);
    }
  }
  const titles = (steps: Iterable<Told>): string[] => [...new Set([...steps].map(step => step.title))];
  return {
    added: titles(head.filter(step => !kept.has(step))),
    removed: titles(left),
    kept: titles(head.filter(step => kept.has(step))),
  };
}
