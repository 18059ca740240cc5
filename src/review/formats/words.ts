import type { RehearsedFault } from '../../engine/rehearse-points';
import type { Verdict } from '../../engine/rehearse-verdict';
import { durationText } from '../../runbook/duration';
import type {
  FailurePoint,
  Outage,
  Place,
  PlanDifference,
  Problem,
  Review,
  ReviewedFile,
  ReviewedRunbook,
} from '../model';
import { failsNewly } from '../rehearsal-facts';

/** How a format writes what comes from outside. */
export interface Marks {
  /** A name, path or identifier. */
  name(text: string): string;
  /** A sentence. */
  prose(text: string): string;
}

/** What happens, as what follows "when"; `step` is how the step is written, `it` where that was said before. */
export function faultText(fault: RehearsedFault, step?: string): string {
  const it = step === undefined ? 'it' : `step ${step}`;
  switch (fault) {
    case 'fails-before':
      return `${it} fails before it acts`;
    case 'fails-after':
      return `${it} fails after it has acted`;
    case 'unknown':
      return `the outcome of ${it} is unknown`;
    case 'host-lost':
      return `the host is lost in ${it}`;
    case 'datastore-full':
      return `the datastore runs full in ${it}`;
    case 'agent-silent':
      return `the guest agent stops answering in ${it}`;
    case 'runner-killed':
      return `the runner is killed in ${it}`;
    case 'cancelled':
      return `a person cancels the run in ${it}`;
    case 'rejected':
      return `${it} is rejected`;
    case 'expired':
      return `nobody approves ${it} in time`;
  }
}

export const verdictWords: Record<Verdict, string> = {
  'not-hit': 'could not be hit',
  finished: 'the run went on and did its work',
  'came-back': 'came back',
  'as-declared': 'came back, apart from what `rollback: none` keeps',
  'came-back-later': 'came back with the help of a person',
  forward: 'stopped, and goes on from there with a person',
  'finally-open': 'done, but for what `finally` could not do',
  left: 'does not come back, and the run says what is left',
  'left-unsaid': 'does not come back, and the run does not say so',
  stuck: 'never ends',
};

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `40s`, `2m10s`. */
export function seconds(value: number): string {
  return value > 0 && value < 0.5 ? '<1s' : durationText(Math.round(value) * 1000);
}

/** `a, b, c and 4 more` */
export function some(names: readonly string[], most: number, marks: Marks): string {
  const shown = names.slice(0, names.length > most ? most - 1 : most).map(name => marks.name(name));
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

export function placeText({ path, line }: Place): string {
  return `${path}:${line}`;
}

export function runbooksOf(review: Review): ReviewedRunbook[] {
  return review.files.filter(file => file.kind === 'runbook');
}

export function newlyBadOf(review: Review): { file: ReviewedRunbook; point: FailurePoint }[] {
  return runbooksOf(review).flatMap(file => file.rehearsal.newlyBad.map(point => ({ file, point })));
}

export function newProblemsOf(review: Review): { file: ReviewedFile; problem: Problem }[] {
  const found = review.files.flatMap(file =>
    file.kind === 'unreadable' ? [] : file.problems.added.map(problem => ({ file, problem })),
  );
  // One that is seen from several runbooks stands in one file, once.
  const seen = new Set<string>();
  return found.filter(({ problem }) => {
    const { code, message, place } = problem;
    const key = JSON.stringify([code, message, place.path, place.line, place.endLine]);
    return !seen.has(key) && seen.add(key);
  });
}

/** Names that are newly touched, VMs first. */
export function newTargets({ plan }: ReviewedRunbook): string[] {
  return [...plan.vms.added, ...plan.hosts.added, ...plan.datastores.added, ...plan.proxies.added];
}

export function noLongerTargets({ plan }: ReviewedRunbook): string[] {
  return [...plan.vms.removed, ...plan.hosts.removed, ...plan.datastores.removed, ...plan.proxies.removed];
}

/** Nothing of it means something else than before. */
export function isFormattingOnly(file: ReviewedFile): boolean {
  if (file.kind === 'unreadable' || file.change !== 'changed') return false;
  const { differences, problems } = file;
  if (differences.length + problems.added.length + problems.removed.length > 0) return false;
  return file.kind === 'inventory' || (file.plan.same && file.rehearsal.newlyBad.length === 0);
}

/** Nothing of it needs attention: a report may fold it away. */
export function isQuiet(file: ReviewedFile): boolean {
  if (file.kind === 'unreadable') return !file.isNew;
  if (file.risk.level !== 'none' && file.risk.level !== 'low') return false;
  if (file.problems.added.some(({ severity }) => severity !== 'info')) return false;
  if (file.kind === 'inventory') return true;
  const { newlyBad, head } = file.rehearsal;
  return newlyBad.length === 0 && !file.plan.headProblem && (!head || head.clean.status === 'done');
}

export function bySeverity(problems: readonly Problem[]): Problem[] {
  const order: readonly Problem['severity'][] = ['error', 'warning', 'info'];
  return order.flatMap(severity => problems.filter(problem => problem.severity === severity));
}

/** The VM whose outage grows most; when none does, that which changes most. */
export function greatestOutageChange(
  changes: PlanDifference['outages'],
): PlanDifference['outages'][number] | undefined {
  const length = (outage: Outage | undefined): number => (outage?.staysOff ? 1e9 : (outage?.seconds ?? 0));
  const growth = ({ before, after }: (typeof changes)[number]): number => length(after) - length(before);
  return [...changes].sort((one, other) => growth(other) - growth(one))[0];
}

/** `42s → 1m35s`. */
export function outageChange(before: Outage | undefined, after: Outage | undefined): string {
  return `${outageText(before)} → ${outageText(after)}`;
}

/** `42s`, `stays off`, `none`. */
export function outageText(outage: Outage | undefined): string {
  if (!outage) return 'none';
  return outage.staysOff ? 'stays off' : seconds(outage.seconds);
}

/** Failure points that did not come back before and after: `0 → 3 of 52`; undefined: not rehearsed. */
export function rehearsalChange({ rehearsal: { base, head } }: ReviewedRunbook): string | undefined {
  if (!head) return undefined;
  const isDone = head.clean.status === 'done';
  const after = isDone ? `${head.bad} of ${head.points}` : `ends ${head.clean.status} by itself`;
  if (!base) return after;
  if (base.clean.status !== 'done') return isDone ? `ended ${base.clean.status} by itself → ${after}` : after;
  return isDone ? `${base.bad} → ${after}` : `${base.bad} of ${base.points} → ${after}`;
}

/** The one thing that matters most, a sentence. */
export function headline(review: Review, marks: Marks): string {
  const { name } = marks;
  const bad = newlyBadOf(review);
  if (bad.length > 0) {
    const [{ file, point }] = bad as [(typeof bad)[number]];
    const first = `when ${faultText(point.fault, name(point.step.title))}`;
    const files = new Set(bad.map(one => one.file.path)).size;
    const where = files === 1 ? name(file.path) : plural(files, 'runbook');
    return bad.length === 1
      ? `1 failure newly does not come back in ${where}: ${first}.`
      : `${bad.length} failures newly do not come back in ${where}: ${first}, and ${bad.length - 1} more.`;
  }
  const unreadable = review.files.filter(file => file.kind === 'unreadable' && file.isNew);
  if (unreadable.length > 0) {
    const more = unreadable.length > 1 ? ` and ${unreadable.length - 1} more` : '';
    const now = unreadable.every(({ change }) => change === 'added') ? '' : ' any more';
    return `${name(unreadable[0]!.path)}${more} can't be read${now}.`;
  }
  const failing = runbooksOf(review).filter(({ rehearsal }) => failsNewly(rehearsal));
  if (failing.length > 0) return `${name(failing[0]!.path)} newly fails even when nothing goes wrong.`;
  const problems = newProblemsOf(review);
  const errors = problems.filter(({ problem }) => problem.severity === 'error');
  if (errors.length > 0) {
    const files = new Set(errors.map(({ problem }) => problem.place.path));
    const where = files.size === 1 ? name(errors[0]!.problem.place.path) : plural(files.size, 'file');
    return `${plural(errors.length, 'new error')} in ${where}.`;
  }
  const irreversible = runbooksOf(review).flatMap(({ plan }) => plan.irreversible.added);
  if (irreversible.length > 0) {
    return `${plural(irreversible.length, 'step')} that can't be undone ${irreversible.length === 1 ? 'is' : 'are'} new: ${some(irreversible, 3, marks)}.`;
  }
  if (review.files.length === 0) return 'No runbook and no inventory is changed.';
  if (review.files.every(isFormattingOnly)) return 'Nothing changes but comments and formatting.';
  const targets = [...new Set(runbooksOf(review).flatMap(newTargets))];
  if (targets.length > 0) return `Newly touched: ${some(targets, 5, marks)}.`;
  const [reason] = review.risk.reasons;
  if (reason && (reason.level === 'high' || reason.level === 'medium')) return sentence(marks.prose(reason.text));
  if (problems.length > 0) return `${plural(problems.length, 'new warning')}, and no new error.`;
  const isRehearsed = runbooksOf(review).every(({ change, rehearsal }) => change === 'deleted' || rehearsal.head);
  return isRehearsed
    ? 'No failure newly does not come back, no problem is new, and nothing is newly touched.'
    : 'No problem is new and nothing is newly touched; not all of it was rehearsed.';
}

export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** What was compared: `2 runbooks, 1 inventory; main (0123456789ab) → the working tree`. */
export function compared(review: Review, marks: Marks): string {
  const count = (kind: ReviewedFile['kind']): number => review.files.filter(file => file.kind === kind).length;
  const files = [
    ...(count('runbook') > 0 ? [plural(count('runbook'), 'runbook')] : []),
    ...(count('inventory') > 0 ? [plural(count('inventory'), 'inventory', 'inventories')] : []),
    ...(count('unreadable') > 0 ? [plural(count('unreadable'), 'unreadable file')] : []),
  ];
  const revision = ({ label, commit }: Review['base']): string =>
    commit && commit !== label ? `${marks.name(label)} (${marks.name(commit.slice(0, 12))})` : marks.name(label);
  return `${files.join(', ') || 'No files'}; ${revision(review.base)} → ${revision(review.head)}`;
}

/** How much was rehearsed, and on what. */
export function rehearsedText(review: Review): string {
  const points = runbooksOf(review).reduce((sum, { rehearsal }) => sum + (rehearsal.head?.points ?? 0), 0);
  if (points === 0 && runbooksOf(review).some(({ rehearsal }) => rehearsal.head)) {
    return 'No failure was rehearsed: on a simulated copy, what there is to rehearse fails even when nothing goes wrong.';
  }
  return points === 0
    ? 'Nothing was rehearsed.'
    : `Rehearsed ${plural(points, 'failure point')} on a simulated copy of the inventory; nothing real was touched.`;
}

/** `does not come back, and the run says what is left (2 of 4 ways; before: came back)`. */
export function outcomeText(point: FailurePoint): string {
  const more = waysAndBefore(point);
  return `${verdictWords[point.verdict]}${more.length > 0 ? ` (${more.join('; ')})` : ''}`;
}

function waysAndBefore({ bad, ways, other, otherBad }: FailurePoint): string[] {
  return [
    ...(ways > 1 ? [`${bad} of ${ways} ways`] : []),
    ...(other ? [`before: ${otherBad ? `in ${otherBad} ` : ''}${verdictWords[other]}`] : []),
  ];
}

/** Failures of one step that end in the same way, so that it need be said only once. */
export function alikeFailures(points: readonly FailurePoint[]): FailurePoint[][] {
  const groups = new Map<string, FailurePoint[]>();
  for (const point of points) {
    const key = `${point.verdict} ${point.step.pointer}`;
    const group = groups.get(key);
    if (group) group.push(point);
    else groups.set(key, [point]);
  }
  return [...groups.values()];
}

/** `When the runner is killed in it (2 of 6 ways; before: came back)`, of a step that was named. */
export function faultWithWays(point: FailurePoint): string {
  const more = waysAndBefore(point);
  return `when ${faultText(point.fault)}${more.length > 0 ? ` (${more.join('; ')})` : ''}`;
}

/** `When the guest agent stops answering in step Patch web1, it does not come back …`, a sentence. */
export function failureText(point: FailurePoint, marks: Marks): string {
  return `When ${faultText(point.fault, marks.name(point.step.title))}, it ${outcomeText(point)}.`;
}
