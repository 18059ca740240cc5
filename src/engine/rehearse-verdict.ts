import type { ActionDefinition } from '../actions/action';
import type { JsonObject } from '../runbook/json';
import type { Step } from '../runbook/model';
import type { JournalRecord, RunEnded } from './journal';
import { finallyMark } from './keys';
import type { Plan } from './plan';
import { programSteps } from './program-steps';
import type { RehearsalInventory, StateDifference } from './rehearsal-world';
import { keptText } from './rollback';

/**
 * - `finished`: the run went on and did all it was to do; items of a loop that failed within `maxFailures` are as before the run
 * - `came-back`: the inventory is as it was before the run, or as `finally` leaves it then
 * - `as-declared`: it is, apart from what steps with `rollback: none`, and those of `finally`, are to leave
 * - `came-back-later`: the run needed a person, and is back since that person started what a lost host took down and rolled it back again
 * - `forward`: it stopped after its point of no return, at the end of a step; a person lets it go on from there
 * - `finally-open`: all is as it should be but for what a step of `finally`, or the clean-up after a success, could not do; the run says so
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
  | 'forward'
  | 'finally-open'
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
  'forward',
  'finally-open',
  'left',
  'left-unsaid',
  'stuck',
];

/** Whether the failure point is a problem of the runbook. */
export function isBad(verdict: Verdict): boolean {
  return verdict === 'left' || verdict === 'left-unsaid' || verdict === 'stuck';
}

/** It is no problem of the runbook, but does not come to a good end without a person. */
export function needsPerson(verdict: Verdict): boolean {
  return verdict === 'came-back-later' || verdict === 'forward' || verdict === 'finally-open';
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
  /** After a run that only did its `finally`, where there is one. */
  onlyFinally?: RehearsalInventory | undefined;
  /** From the point of no return on, where the run passed one: how it was between steps when nothing went wrong. */
  between?: readonly RehearsalInventory[] | undefined;
}

/** Where the inventory is after a run, against where it was and where the run was to bring it. */
export function judge(ended: RunEnded, inventory: RehearsalInventory, reference: Before, tell: () => Told): Judgement {
  const off = ended.status === 'done' ? reference.finished.differences(inventory) : [];
  if (ended.status === 'done' && off.length === 0) return { verdict: 'finished', left: [], byLoss: [] };
  const fromStart = reference.start.differences(inventory);
  const byLoss = fromStart.filter(one => one.byLoss);
  const changed = fromStart.filter(one => !one.byLoss);
  if (ended.status === 'done') {
    const left = leftAfter(ended, off, changed, tell);
    if (left.length === 0) return { verdict: 'finished', left, byLoss };
    return { verdict: areIn(left, tell().names) ? 'finally-open' : 'left-unsaid', left, byLoss };
  }
  if (ended.remaining?.length && ended.remaining.every(one => one.key.includes(finallyMark))) {
    const open = finallyOpen(ended, inventory, reference, changed, tell());
    if (open) return open;
  }
  if (reference.between) return judgeForward(inventory, reference.between, tell);
  const isBack = (after: StateDifference[]): boolean => after.every(one => one.byLoss);
  if (changed.length === 0) return { verdict: 'came-back', left: [], byLoss };
  if (reference.onlyFinally && isBack(reference.onlyFinally.differences(inventory))) {
    return { verdict: 'came-back', left: [], byLoss };
  }
  const told = tell();
  if (told.declared.size > 0 && areIn(changed, told.declared)) return { verdict: 'as-declared', left: changed, byLoss };
  const said = new Set([...told.names, ...told.declared]);
  return { verdict: told.names.size > 0 && areIn(changed, said) ? 'left' : 'left-unsaid', left: changed, byLoss };
}

/** What a run that did its steps left otherwise than it was to. */
function leftAfter(
  { failedItems = [] }: RunEnded,
  off: readonly StateDifference[],
  changed: readonly StateDifference[],
  tell: () => Told,
): StateDifference[] {
  const left = butForBackups(off.filter(one => !one.byLoss));
  if (failedItems.length === 0 || left.length === 0) return left;
  // Items of a loop that failed and were rolled back are as before the run, or as later steps find them then; the others as after it.
  const names = tell().failed;
  return left.filter(one => changed.some(other => overlaps(one, other)) && !areIn([one], names));
}

/**
 * Without files of backups that are there as they were to be: taken after a failure they hold another moment, also in the name of their
 * folder, and may be only as consistent as after a power cut.
 */
function butForBackups(found: readonly StateDifference[]): StateDifference[] {
  const isFile = ({ kind, path }: StateDifference): boolean => kind === 'proxy' && path.startsWith('files.');
  const placeOf = ({ name, path }: StateDifference): string => `${name} ${path.replace(/\d{8}T\d{6}Z/g, 'TIME')}`;
  const gone = new Set(found.filter(one => isFile(one) && one.is === undefined).map(placeOf));
  const isNew = new Set(found.filter(one => isFile(one) && one.was === undefined).map(placeOf));
  return found.filter(one => {
    if (!isFile(one)) return true;
    if (one.was !== undefined && one.is !== undefined) return false;
    return !(gone.has(placeOf(one)) && isNew.has(placeOf(one)));
  });
}

/** Everything but what the failed steps of `finally` are about is where it was to be. */
function finallyOpen(
  ended: RunEnded,
  inventory: RehearsalInventory,
  reference: Before,
  changed: readonly StateDifference[],
  told: Told,
): Judgement | undefined {
  const { start, finished, onlyFinally, between = [] } = reference;
  for (const due of [finished, start, ...(onlyFinally ? [onlyFinally] : []), ...between]) {
    const found = due.differences(inventory);
    const left = due === finished ? leftAfter(ended, found, changed, () => told) : found.filter(one => !one.byLoss);
    if (areIn(left, told.names)) return { verdict: 'finally-open', left, byLoss: found.filter(one => one.byLoss) };
  }
  return undefined;
}

/** After the point of no return everything must be as it is between two steps, each thing for itself: others may have gone on beside it. */
function judgeForward(
  inventory: RehearsalInventory,
  between: readonly RehearsalInventory[],
  tell: () => Told,
): Judgement {
  let left: StateDifference[] | undefined;
  let byLoss: StateDifference[] = [];
  for (const due of between) {
    const found = due.differences(inventory);
    byLoss = found.filter(one => one.byLoss);
    const off = found.filter(one => !one.byLoss);
    left = left?.filter(one => off.some(other => isSameThing(one, other))) ?? off;
    if (left.length === 0) return { verdict: 'forward', left, byLoss };
  }
  const { names, declared } = tell();
  const more = left?.filter(one => !areIn([one], declared)) ?? [];
  // What `finally` does then, it does on another state than at the end.
  if (more.length === 0) return { verdict: 'forward', left: left ?? [], byLoss };
  return { verdict: areIn(more, names) ? 'left' : 'left-unsaid', left: more, byLoss };
}

function isSameThing(one: StateDifference, other: StateDifference): boolean {
  if (one.kind !== other.kind || one.name !== other.name) return false;
  // Many steps leave something on a datastore or a proxy; a VM or a host is one thing.
  return one.kind === 'vm' || one.kind === 'host' || one.path === other.path;
}

function areIn(left: readonly StateDifference[], names: ReadonlySet<string>): boolean {
  return left.every(one => names.has(one.name) || mentions(one, names));
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
  const addTargets = (into: Set<string>, uses: string, inputs: JsonObject): void => {
    for (const { name } of action(uses)?.targets(inputs).changes ?? []) into.add(name);
  };
  for (const { key, step } of ended.remaining ?? []) {
    // Of a step that was never begun, or only its undo.
    if (step && step.uses !== 'run.undo') addTargets(names, step.uses, step.with);
    for (const name of seen.get(key) ?? []) names.add(name);
  }
  const steps = programSteps(plan.program);
  for (const record of records) {
    if (record.type !== 'step.intent') continue;
    const isWarned = ended.warnings?.some(
      text => text.startsWith(`${record.key} failed`) || text.startsWith(`${record.key}${keptText}`),
    );
    const isLeft = remaining.has(record.key) || isWarned;
    const isDeclared = record.key.includes(finallyMark) || keeps(steps.get(record.pointer));
    const isFailed = ended.failedItems?.some(item => record.key.startsWith(`${item}/`));
    const told = isLeft ? [names] : [...(isDeclared ? [declared] : []), ...(isFailed ? [failed] : [])];
    for (const into of told) {
      addTargets(into, record.uses, record.inputs);
      for (const name of seen.get(record.key) ?? []) into.add(name);
    }
  }
  return { names, declared, failed };
}

function keeps(step: Step | undefined): boolean {
  return step?.kind === 'action' && step.rollback === 'none';
}
