import type { ActionDefinition } from '../actions/action';
import type { Step } from '../runbook/model';
import type { JournalRecord, RunEnded } from './journal';
import { findStep } from './part';
import type { Plan } from './plan';
import type { RehearsalInventory, StateDifference } from './rehearsal-world';

/**
 * - `finished`: the run went on and did all it was to do; items of a loop that failed within `maxFailures` are as before the run
 * - `came-back`: the inventory is as it was before the run
 * - `as-declared`: it is, apart from what steps with `rollback: none` are to leave
 * - `came-back-later`: the run needed a person, and is back since that person started what a lost host took down and rolled it back again
 * - `left`: something is not as it was, and the run says so
 * - `left-unsaid`: something is not as it was, and the run does not say so
 * - `stuck`: the run never came to an end
 * - `not-hit`: the fault did not come about, so this says nothing
 */
export type Verdict =
  | 'finished'
  | 'came-back'
  | 'as-declared'
  | 'came-back-later'
  | 'left'
  | 'left-unsaid'
  | 'stuck'
  | 'not-hit';

/** From the best to the worst. */
export const verdicts: readonly Verdict[] = [
  'not-hit',
  'finished',
  'came-back',
  'as-declared',
  'came-back-later',
  'left',
  'left-unsaid',
  'stuck',
];

/** Whether the failure point is a problem of the runbook. */
export function isBad(verdict: Verdict): boolean {
  return verdict === 'left' || verdict === 'left-unsaid' || verdict === 'stuck';
}

export interface Judgement {
  verdict: Verdict;
  /** What is not as it should be, without what a lost host itself did. */
  left: StateDifference[];
  /** What the loss of a host did and no undo is for: VMs that are off. */
  byLoss: StateDifference[];
}

/** Names of VMs, hosts, datastores and proxies. */
export interface Told {
  /** What the run's end says is left. */
  names: ReadonlySet<string>;
  /** What steps with `rollback: none` are to leave. */
  declared: ReadonlySet<string>;
  /** What items that failed within `maxFailures` were about. */
  failed: ReadonlySet<string>;
}

export interface Before {
  /** Before the run. */
  start: RehearsalInventory;
  /** After the run in which nothing went wrong. */
  finished: RehearsalInventory;
}

/** Where the inventory is after a run, against where it was and where the run was to bring it. */
export function judge(ended: RunEnded, inventory: RehearsalInventory, reference: Before, tell: () => Told): Judgement {
  const off = ended.status === 'done' ? reference.finished.differences(inventory) : [];
  if (ended.status === 'done' && off.length === 0) return { verdict: 'finished', left: [], byLoss: [] };
  const fromStart = reference.start.differences(inventory);
  const byLoss = fromStart.filter(one => one.byLoss);
  const changed = fromStart.filter(one => !one.byLoss);
  if (ended.status === 'done') {
    // Items of a loop that failed and were rolled back are as before the run, or as later steps find them then; the others as after it.
    const names = ended.failedItems?.length ? tell().failed : new Set<string>();
    const left = off.filter(
      one =>
        !one.byLoss &&
        (!ended.failedItems?.length || (changed.some(other => overlaps(one, other)) && !names.has(one.name))),
    );
    return { verdict: left.length === 0 ? 'finished' : 'left-unsaid', left, byLoss };
  }
  if (changed.length === 0) return { verdict: 'came-back', left: [], byLoss };
  const isIn = (names: ReadonlySet<string>): boolean =>
    changed.every(one => names.has(one.name) || mentions(one, names));
  const told = tell();
  if (told.declared.size > 0 && isIn(told.declared)) return { verdict: 'as-declared', left: changed, byLoss };
  const said = new Set([...told.names, ...told.declared]);
  return { verdict: told.names.size > 0 && isIn(said) ? 'left' : 'left-unsaid', left: changed, byLoss };
}

/** Whether they are about the same part of the same thing. */
function overlaps(one: StateDifference, other: StateDifference): boolean {
  if (one.kind !== other.kind || one.name !== other.name) return false;
  return one.path.startsWith(other.path) || other.path.startsWith(one.path);
}

/** A volume left on a datastore names the VM it belongs to. */
function mentions({ kind, text }: StateDifference, names: ReadonlySet<string>): boolean {
  return (kind === 'datastore' || kind === 'proxy') && [...names].some(name => text.includes(name));
}

/** What a run's end and its steps say. */
export function namesTold(
  ended: RunEnded,
  records: Iterable<JournalRecord>,
  plan: Plan,
  action: (name: string) => ActionDefinition | undefined,
  /** Names of VMs that the calls of a step were about, by its key. */
  seen: ReadonlyMap<string, ReadonlySet<string>>,
): Told {
  const names = new Set<string>();
  const failed = new Set<string>();
  const declared = new Set<string>();
  const remaining = new Set(ended.remaining?.map(one => one.key));
  for (const record of records) {
    if (record.type !== 'step.intent') continue;
    const isLeft = remaining.has(record.key) || ended.warnings?.some(text => text.startsWith(`${record.key} failed`));
    const isDeclared = keeps(findStep(plan.program.steps, record.pointer));
    const isFailed = ended.failedItems?.some(item => record.key.startsWith(`${item}/`));
    if (!isLeft && !isDeclared && !isFailed) continue;
    const into = isLeft ? names : isDeclared ? declared : failed;
    const targets = action(record.uses)?.targets(record.inputs);
    for (const { name } of targets?.changes ?? []) into.add(name);
    for (const name of seen.get(record.key) ?? []) into.add(name);
  }
  return { names, declared, failed };
}

function keeps(step: Step | undefined): boolean {
  return step?.kind === 'action' && step.rollback === 'none';
}
