import type {
  Difference,
  Outage,
  PlanDifference,
  Problem,
  ReviewedFile,
  ReviewedInventory,
  ReviewedRunbook,
  Risk,
  RiskLevel,
  RiskReason,
} from './model';
import { failsNewly } from './rehearsal-facts';
import { type ReasonCode, reasonText } from './risk-reasons';

/*
 * What makes a change risky, and how much. The level of a file is that of its worst reason, that of a change that of its worst file.
 * `docs/review.md` has the same table.
 *
 * high    not-back            failure points that newly do not come back
 *         irreversible        steps that can't be undone, and are new in the plan
 *         rollback-removed    a rollback is gone, or `none` now
 *         approval-removed    an approval is gone
 *         new-error           errors that were not there before
 *         deleted-called      it is deleted, and other runbooks call it
 *         locks-off           a connection has no locks any more
 *         unreadable          it can't be read, and could before or is new
 *         clean-run-fails     the rehearsal fails with nothing going wrong in it, and did not before
 * medium  unplannable         what could be planned before, or is new, can't be planned
 *         not-rehearsed       what could be rehearsed before, or is new, can't be rehearsed
 *         point-of-no-return  points of no return that are new, or stand earlier
 *         no-return-gone      a point of no return is gone, and what follows it can't be undone
 *         approval-weakened   fewer people, the one who starts it too, steps that no longer wait for it
 *         limit-raised        a limit is higher, or gone
 *         window-widened      a window has more hours, is gone, or is passed over when it closes
 *         loop-widened        more items at once, no canary, more that may fail
 *         safeguard-removed   a check, assertion, snapshot or backup is gone, or looks at less
 *         secret-used         secrets that were not used before
 *         new-target          VMs, hosts, datastores or proxies that were not touched before; fewer than 5 of a new runbook: low
 *         longer-outage       VMs that don't serve for a minute longer or more; less: low
 *         connection-changed  a connection of the inventory is gone, or leads elsewhere
 * low     new-warning         warnings that were not there before
 *         renamed             the file has another name
 *         deleted             the file is deleted, and nobody calls it
 *         changed             other differences
 * none                        only comments and formatting
 *
 * Another name is never more than low: ids, inputs and files that are called otherwise give no other reason.
 */

const levels: readonly RiskLevel[] = ['none', 'low', 'medium', 'high'];
const manyTargets = 5;
const longSeconds = 60;

/** `callers`: paths of the runbooks that call a deleted one. */
export function riskOf(reviewed: Omit<ReviewedRunbook, 'risk'>, callers: readonly string[] = []): Risk {
  const { change, plan, rehearsal, problems, differences } = reviewed;
  const found = new Reasons();
  if (change === 'deleted') {
    found.add('deleted-called', 'high', callers);
    found.addCount('deleted', 'low', 1);
    return found.risk();
  }
  found.addCount('not-back', 'high', rehearsal.newlyBad.length);
  planReasons(plan, found);
  problemReasons(problems.added, found);
  // Why there is no plan may have been known before; then it is none of this change's.
  if (plan.headProblem !== undefined && plan.baseProblem === undefined) found.addCount('unplannable', 'medium', 1);
  if (failsNewly(rehearsal)) found.addCount('clean-run-fails', 'high', 1);
  const isOtherwise = differences.length > 0 || !plan.same;
  if (rehearsal.headProblem !== undefined && rehearsal.baseProblem === undefined && isOtherwise)
    found.addCount('not-rehearsed', 'medium', 1);
  const [reasons, others] = partition(differences, one => one.effect === 'riskier' || isNoReturn(one, plan));
  for (const difference of reasons) found.add(...reasonOf(difference));
  if (change === 'renamed') found.addCount('renamed', 'low', 1);
  found.addCount('changed', 'low', others.length);
  return found.risk();
}

export function riskOfInventory(reviewed: Omit<ReviewedInventory, 'risk'>): Risk {
  const { change, differences, problems, runbooks } = reviewed;
  const found = new Reasons();
  if (change === 'deleted') {
    found.add('deleted-called', 'high', runbooks);
    found.addCount('deleted', 'low', 1);
    return found.risk();
  }
  problemReasons(problems.added, found);
  let others = 0;
  for (const difference of differences) {
    if (difference.effect === 'riskier') found.addCount('locks-off', 'high', 1);
    else if (change !== 'added' && leadsElsewhere(difference)) found.addCount('connection-changed', 'medium', 1);
    else others++;
  }
  if (change === 'renamed') found.addCount('renamed', 'low', 1);
  found.addCount('changed', 'low', others);
  return found.risk();
}

/** A connection that is gone, or by which not all is reached that was reached before. */
function leadsElsewhere({ kind, change, field = '', before, after }: Difference): boolean {
  if (kind !== 'connection') return false;
  if (change === 'removed') return true;
  if (field.endsWith('.hosts') && Array.isArray(before) && Array.isArray(after))
    return before.some(host => !after.includes(host));
  return /\.(type|uri|lab|hosts|sshConfig)$/.test(field);
}

/** The files of a change, those that are deleted with the runbooks that still call them. */
export function withCallers(files: readonly ReviewedFile[]): ReviewedFile[] {
  return files.map(file => {
    if (file.kind !== 'runbook' || file.change !== 'deleted') return file;
    const callers = files.filter(
      one => one.kind === 'runbook' && one.change !== 'deleted' && one.because.includes(file.path),
    );
    return callers.length === 0 ? file : { ...file, risk: riskOf(file, callers.map(({ path }) => path).sort()) };
  });
}

/** Of a whole change: the reasons of all files, equal ones counted together. */
export function overallRisk(files: readonly ReviewedFile[]): Risk {
  const found = new Reasons();
  for (const file of files) {
    if (file.kind !== 'unreadable') found.join(file.risk);
    else if (file.isNew) found.add('unreadable', 'high', [file.path]);
  }
  return found.risk();
}

function planReasons(plan: PlanDifference, found: Reasons): void {
  found.add('irreversible', 'high', plan.irreversible.added);
  // Of a runbook that was there before, its differences tell which are new, and which only say something else.
  if (plan.base === undefined) found.add('point-of-no-return', 'medium', plan.pointsOfNoReturn.added);
  found.add('secret-used', 'medium', plan.secrets.added);
  const targets = [plan.vms, plan.hosts, plan.datastores, plan.proxies].flatMap(({ added }) => added);
  // What a runbook does to others than before is worth a look; a new runbook has nothing but new targets.
  found.add('new-target', plan.base || targets.length >= manyTargets ? 'medium' : 'low', targets);
  // Of a new runbook the targets say enough: nothing was shorter before.
  if (plan.base === undefined) return;
  const growth = plan.outages.map(({ vm, before, after }) => ({ vm, seconds: lengthOf(after) - lengthOf(before) }));
  const longer = growth.filter(({ seconds }) => seconds > 0);
  const most = Math.max(0, ...longer.map(({ seconds }) => seconds));
  const vms = longer.map(({ vm }) => vm);
  found.add('longer-outage', most >= longSeconds ? 'medium' : 'low', vms);
}

/** In seconds. One that does not end is longer than any other. */
function lengthOf(outage: Outage | undefined): number {
  return outage?.staysOff ? Number.MAX_SAFE_INTEGER : (outage?.seconds ?? 0);
}

function problemReasons(added: readonly Problem[], found: Reasons): void {
  found.addCount('new-error', 'high', added.filter(({ severity }) => severity === 'error').length);
  found.addCount('new-warning', 'low', added.filter(({ severity }) => severity === 'warning').length);
}

/** One that came or went before steps that can't be undone: whether that is better or worse can't be told, but it has to be looked at. */
function isNoReturn({ kind, change, effect }: Difference, plan: PlanDifference): boolean {
  if (kind !== 'point-of-no-return' || effect !== 'neutral') return false;
  // Of a runbook that had no plan, the plan has told them.
  return change === 'removed' || (change === 'added' && plan.base !== undefined);
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter(item => !isFirst(item))];
}

/** What a difference that takes a safeguard away is a reason of. */
function reasonOf(difference: Difference): [code: ReasonCode, level: RiskLevel, names: string[]] {
  const names = [difference.step?.head?.title ?? difference.step?.base?.title ?? difference.field ?? ''];
  switch (difference.kind) {
    case 'rollback':
      return ['rollback-removed', 'high', names];
    case 'approval':
      return difference.change === 'removed'
        ? ['approval-removed', 'high', names]
        : ['approval-weakened', 'medium', names];
    case 'point-of-no-return': {
      const code = difference.change === 'removed' ? 'no-return-gone' : 'point-of-no-return';
      return [code, 'medium', names.map(name => (name === 'point of no return' ? '' : name))];
    }
    case 'limit':
      return ['limit-raised', 'medium', [difference.field?.replace('limits.', '') ?? '']];
    case 'window':
      return ['window-widened', 'medium', names];
    case 'loop':
      return ['loop-widened', 'medium', names];
    default:
      return ['safeguard-removed', 'medium', names];
  }
}

/** Reasons by code, each once. */
class Reasons {
  readonly #found = new Map<ReasonCode, { level: RiskLevel; count: number; names: Set<string> }>();

  /** `names`: what they are about, each counted. */
  add(code: ReasonCode, level: RiskLevel, names: readonly string[]): void {
    this.addCount(code, level, names.length, names);
  }

  addCount(code: ReasonCode, level: RiskLevel, count: number, names: readonly string[] = []): void {
    if (count === 0) return;
    const known = this.#found.get(code) ?? { level, count: 0, names: new Set() };
    if (levels.indexOf(level) > levels.indexOf(known.level)) known.level = level;
    known.count += count;
    for (const name of names) known.names.add(name);
    this.#found.set(code, known);
  }

  join({ reasons }: Risk): void {
    for (const { code, level, count } of reasons) this.addCount(code as ReasonCode, level, count);
  }

  risk(): Risk {
    const reasons = [...this.#found].map(
      ([code, { level, count, names }]): RiskReason => ({
        code,
        level,
        text: reasonText(code, count, [...names]),
        count,
      }),
    );
    // Those of a level stay as they were found, the gravest first.
    reasons.sort((one, other) => levels.indexOf(other.level) - levels.indexOf(one.level));
    return { level: reasons[0]?.level ?? 'none', reasons };
  }
}
