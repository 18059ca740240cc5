import type { JsonObject } from '../runbook/json';
import type { Runbook } from '../runbook/model';
import type { ReviewedChange } from './changed-files';
import type { SidePlan } from './contract';
import { exampleInputs, takenSentences } from './example-inputs';
import type { Difference, ReviewedRunbook } from './model';
import { planDifference } from './plan-difference';
import { problemDifference } from './problem-difference';
import { rehearsalDifference } from './rehearsal-difference';
import { whyNotRehearsed } from './rehearsal-facts';
import type { SideRehearsal, SideRehearsals } from './rehearse-sides';
import { pathFrom } from './repository-path';
import { riskOf } from './risk';
import { runbookDifferences } from './runbook-difference';
import type { Side, SideRunbook } from './side';
import { planSide } from './side-plan';
import { matchSteps } from './step-matching';

interface Sides<T> {
  base?: T;
  head?: T;
}

const noRunbook: Runbook = { version: 1, name: '', inputs: {}, steps: [] };

/** A runbook on both sides. `baseProblem`: why the base can't be read, though it is there. */
export async function reviewRunbook(
  change: ReviewedChange,
  sides: { base: Side; head: Side },
  changed: ReadonlySet<string>,
  rehearsals: SideRehearsals,
  baseProblem?: string,
): Promise<{ reviewed: ReviewedRunbook; plans: Sides<SidePlan> }> {
  const [base, head] = await Promise.all([
    change.base === undefined || baseProblem !== undefined ? undefined : sides.base.runbook(change.base),
    change.head === undefined ? undefined : sides.head.runbook(change.head),
  ]);
  const { told, untold } = comparable(base, head);
  const matches = matchSteps(told.base ?? noRunbook, told.head ?? noRunbook);
  const places = { base: base?.place ?? (() => undefined), head: head?.place ?? (() => undefined) };
  const taken = exampleInputs(inputSide(base), inputSide(head));
  const planned = { base: base && planSide(base, taken.base), head: head && planSide(head, taken.head) };
  const plans = { base: planOf(planned.base), head: planOf(planned.head) };
  const problems = { base: problemOf(planned.base) ?? baseProblem, head: problemOf(planned.head) };
  const [before, after] = await Promise.all([
    plans.base && rehearsals.of(plans.base, base?.inventory).then(side => unlessTaken(side, taken.base)),
    plans.head && rehearsals.of(plans.head, head?.inventory).then(side => unlessTaken(side, taken.head)),
  ]);
  const unrehearsed = { base: whyNot(before, problems.base), head: whyNot(after, problems.head) };
  const reads = [...(base?.reads ?? []), ...(head?.reads ?? [])];
  const shown = head ?? base;
  const reviewed: Omit<ReviewedRunbook, 'risk'> = {
    kind: 'runbook',
    path: change.path,
    ...(change.change === 'renamed' && change.base !== undefined && { basePath: change.base }),
    change: change.change,
    name: shown?.draft?.name || change.path,
    because: [...new Set(reads)].filter(path => changed.has(path)).sort(),
    differences:
      untold === undefined
        ? runbookDifferences(told.base, told.head, places, matches).filter(one => !isOtherPathToSame(one, change))
        : [],
    plan: planDifference(
      plans.base,
      plans.head,
      defined(problems),
      taken,
      defined({ base: rehearsalOf(before)?.rehearsal, head: rehearsalOf(after)?.rehearsal }),
      matches,
    ),
    rehearsal: rehearsalDifference(rehearsalOf(before), rehearsalOf(after), defined(unrehearsed), matches, places),
    problems: problemDifference(base?.problems ?? [], head?.problems ?? [], matches),
    unknowns: [
      ...new Set([
        ...(baseProblem === undefined ? [] : [`It can't be compared with the base: ${baseProblem}`]),
        ...(untold === undefined ? [] : [untold]),
        ...[...(base?.unreadable ?? []).map(one => `At the base: ${one}`), ...(head?.unreadable ?? [])],
        ...takenSentences({ ...(head ? taken.head : taken.base) }),
        ...sentences(problems, 'can not be planned'),
        ...(problems.base === undefined && problems.head === undefined
          ? sentences(unrehearsed, 'is not rehearsed')
          : []),
      ]),
    ],
  };
  return { reviewed: { ...reviewed, risk: riskOf(reviewed) }, plans: defined(plans) };
}

/** Both sides as far as both can be told in the same way: with what they call, or both without. */
function comparable(
  base: SideRunbook | undefined,
  head: SideRunbook | undefined,
): { told: Sides<Runbook>; untold?: string } {
  for (const [side, where] of [
    [base, ' at the base'],
    [head, ''],
  ] as const) {
    if (side && !side.draft)
      return { told: {}, untold: `Its YAML can't be read${where}, so its differences are not known.` };
  }
  const linked = (!base || base.linked) && (!head || head.linked);
  return {
    told: linked
      ? defined({ base: base?.linked, head: head?.linked })
      : defined({ base: base?.draft, head: head?.draft }),
  };
}

/** A runbook that stands in another folder names the same files by other paths. */
function isOtherPathToSame({ kind, field, before, after }: Difference, { base, head }: ReviewedChange): boolean {
  if (!(kind === 'inventory' || (kind === 'call' && field === 'uses'))) return false;
  if (base === undefined || head === undefined || typeof before !== 'string' || typeof after !== 'string') return false;
  const path = pathFrom(base, before);
  return path !== undefined && path === pathFrom(head, after);
}

/** A runbook that fails with values that nobody chose tells nothing of the runbook. */
function unlessTaken(side: SideRehearsal, taken: JsonObject): SideRehearsal {
  const fails = 'rehearsal' in side ? whyNotRehearsed(side.rehearsal) : undefined;
  const names = Object.keys(taken);
  if (fails === undefined || names.length === 0) return side;
  const those = names.length === 1 ? `the input ${names[0]}` : `the inputs ${names.join(', ')}`;
  return { problem: `It has no default for ${those}, and with what was taken instead it can't be rehearsed. ${fails}` };
}

function inputSide(side: SideRunbook | undefined) {
  return side?.linked && { runbook: side.linked, known: side.inventory?.known ?? { vms: [], hosts: [] } };
}

function planOf(planned: ReturnType<typeof planSide> | undefined): SidePlan | undefined {
  return planned && 'plan' in planned ? planned : undefined;
}

function problemOf(planned: ReturnType<typeof planSide> | undefined): string | undefined {
  return planned && 'problem' in planned ? planned.problem : undefined;
}

function rehearsalOf(side: SideRehearsal | undefined) {
  return side && 'rehearsal' in side ? side : undefined;
}

function whyNot(side: SideRehearsal | undefined, unplanned: string | undefined): string | undefined {
  if (side && 'problem' in side) return side.problem;
  return unplanned === undefined ? undefined : 'It has no plan.';
}

function sentences({ base, head }: Sides<string>, what: string): string[] {
  if (head !== undefined) return [`It ${what}: ${head}`];
  return base === undefined ? [] : [`At the base it ${what}: ${base}`];
}

/** Without the fields that are undefined, as exact types want it. */
function defined<T>({ base, head }: { base?: T | undefined; head?: T | undefined }): Sides<T> {
  return { ...(base !== undefined && { base }), ...(head !== undefined && { head }) };
}
