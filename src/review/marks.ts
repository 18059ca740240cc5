import type { Target, UndoClass } from '../actions/action';
import type { Plan } from '../engine/plan';
import { listed } from '../engine/plan-summary';
import { type PlannedAction, reachableActions } from '../engine/planned-steps';
import { YamlSource } from '../runbook/yaml-source';
import type { ReviewResult } from './contract';
import { faultText, outcomeText, runbooksOf, sentence } from './formats/words';
import type { Difference, FailurePoint, Place, ReviewedFile, ReviewedRunbook } from './model';

/** What is shown in the gutter of a runbook or inventory: the worst of what stands in its line. */
export type MarkKind = 'riskier' | 'added' | 'changed' | 'moved' | 'removed';

/** A step, or another part of a file, that is not as it is on the other side, or that acts otherwise. */
export interface ChangeMark {
  kind: MarkKind;
  /** Where it begins; the first line is 1. */
  line: number;
  /** Its name, for people. */
  title: string;
  /** What is said differently, plain text. */
  differences: Said[];
  /** What comes of it, plain text: failures that don't come back, targets, undo. */
  effects: Said[];
}

export interface Said {
  text: string;
  effect: Difference['effect'];
}

type Side = 'base' | 'head';

interface Marked extends ChangeMark {
  /** JSON pointer in the file itself; '' of what is no step. */
  pointer: string;
  failures: Said[];
}

/** Failures that are told of one step; a loop over many VMs has one for each. */
const mostFailures = 5;
const order: readonly MarkKind[] = ['riskier', 'removed', 'added', 'changed', 'moved'];

/**
 * The marks of a file at one side of a review, from top to bottom, one for a line. `path` is its path at that side; `text` is the file as it was
 * reviewed, so that what is said of a field stands at its step.
 */
export function changeMarks({ review, plans }: ReviewResult, side: Side, path: string, text = ''): ChangeMark[] {
  const marks = new Map<string, Marked>();
  let source: YamlSource | undefined;
  const lineOf = (pointer: string): number | undefined => {
    source ??= new YamlSource(text);
    const start = source.wholeRange(pointer)?.start;
    return start === undefined ? undefined : text.slice(0, start).split('\n').length;
  };
  const markAt = (pointer: string, place: Place, title: string): Marked => {
    const key = pointer === '' ? `line ${place.line} ${title}` : pointer;
    let mark = marks.get(key);
    if (!mark) {
      const line = (pointer === '' ? undefined : lineOf(pointer)) ?? place.line;
      mark = { kind: 'moved', pointer, line, title, differences: [], effects: [], failures: [] };
      marks.set(key, mark);
    }
    return mark;
  };
  for (const file of review.files) {
    if (file.kind === 'unreadable' || pathAt(file, side) !== path) continue;
    for (const difference of file.differences) {
      const place = difference[side];
      if (place?.path !== path) continue;
      const step = difference.step?.[side];
      const mark = markAt(local(step?.pointer), place, step?.title ?? difference.field ?? difference.kind);
      mark.kind = worse(mark.kind, difference.effect === 'riskier' ? 'riskier' : kindOf(difference));
      say(mark.differences, sentence(difference.text), difference.effect);
      if (file.kind === 'runbook' && difference.step) planEffects(mark, difference.step, plans.get(file.path));
    }
  }
  for (const file of runbooksOf(review)) {
    const points = side === 'head' ? file.rehearsal.newlyBad : file.rehearsal.noLongerBad;
    for (const point of points) {
      if (point.place?.path !== path) continue;
      const mark = markAt(local(point.step.pointer), point.place, point.step.title);
      if (side === 'head') mark.kind = 'riskier';
      say(mark.failures, failureOf(point, mark, file, path, side), side === 'head' ? 'riskier' : 'neutral');
    }
  }
  return merged([...marks.values()]);
}

/** One for each line: a step and what stands in its first line are looked at together. */
function merged(marks: readonly Marked[]): ChangeMark[] {
  const lines = new Map<number, ChangeMark>();
  for (const { pointer: _, failures, ...mark } of [...marks].sort((a, b) => a.line - b.line)) {
    const effects = [...shortened(failures), ...mark.effects];
    const known = lines.get(mark.line);
    if (!known) {
      lines.set(mark.line, { ...mark, effects });
      continue;
    }
    known.kind = worse(known.kind, mark.kind);
    for (const { text, effect } of mark.differences) say(known.differences, text, effect);
    for (const { text, effect } of effects) say(known.effects, text, effect);
  }
  return [...lines.values()];
}

function shortened(failures: readonly Said[]): Said[] {
  const more = failures.length - mostFailures;
  if (more <= 0) return [...failures];
  const text = `${more} more ${more === 1 ? 'failure' : 'failures'} of it like that.`;
  return [...failures.slice(0, mostFailures), { text, effect: failures[0]!.effect }];
}

/** Of a loop over many VMs, those that fail in the same way are one. */
function failureOf(
  { fault, ...point }: FailurePoint,
  { title }: Marked,
  file: ReviewedRunbook,
  path: string,
  side: Side,
) {
  const where = pathAt(file, side) === path ? '' : ` (called by ${file.name})`;
  const when = faultText(fault, title);
  return side === 'base'
    ? `No longer so at the head${where}: when ${when}, it does not come back.`
    : `Newly${where}: when ${when}, it ${outcomeText({ fault, ...point })}.`;
}

/** What the plans say of a step, before and after. */
function planEffects(
  mark: Marked,
  step: NonNullable<Difference['step']>,
  plans: ReturnType<ReviewResult['plans']['get']>,
): void {
  const before = step.base && plans?.base && actionsAt(plans.base.plan, step.base.pointer);
  const after = step.head && plans?.head && actionsAt(plans.head.plan, step.head.pointer);
  const [had, has] = [targetsOf(before ?? []), targetsOf(after ?? [])];
  const added = [...has].filter(name => !had.has(name));
  const removed = [...had].filter(name => !has.has(name));
  if (before && after) {
    if (added.length > 0) say(mark.effects, `Newly acts on ${listed(added)}.`, 'riskier');
    if (removed.length > 0) say(mark.effects, `No longer acts on ${listed(removed)}.`, 'neutral');
    const [was, is] = [undoOf(before), undoOf(after)];
    if (was !== undefined && is !== undefined && was !== is) {
      const effect = undoClasses.indexOf(is) > undoClasses.indexOf(was) ? 'riskier' : 'safer';
      say(mark.effects, `Undo: ${undoWords[was]} → ${undoWords[is]}.`, effect);
    }
    return;
  }
  const only = after ?? before;
  if (!only || only.length === 0) return;
  const undo = undoOf(only);
  const acts = after ? 'Acts' : 'Acted';
  if (added.length + removed.length > 0) say(mark.effects, `${acts} on ${listed([...added, ...removed])}.`, 'neutral');
  if (undo !== undefined && undo !== 'none') {
    const effect = after && undo === 'irreversible' ? 'riskier' : 'neutral';
    say(mark.effects, `Undo: ${undoWords[undo]}.`, effect);
  }
}

const undoClasses: readonly UndoClass[] = ['none', 'reversible', 'restorable', 'irreversible'];
const undoWords: Record<UndoClass, string> = {
  none: 'nothing to undo',
  reversible: 'can be undone',
  restorable: 'can be taken back, losing what came since',
  irreversible: "can't be undone",
};

/** The worst of a step and all within it. */
function undoOf(actions: readonly PlannedAction[]): UndoClass | undefined {
  return [...undoClasses].reverse().find(one => actions.some(({ undoClass }) => undoClass === one));
}

function actionsAt(plan: Plan, pointer: string): PlannedAction[] {
  return reachableActions([...plan.steps, ...(plan.finally ?? [])]).filter(
    action => action.pointer === pointer || action.pointer.startsWith(`${pointer}/`),
  );
}

function targetsOf(actions: readonly PlannedAction[]): Set<string> {
  const name = ({ kind, name }: Target) => `${kind === 'vm' ? 'VM' : kind} ${name}`;
  return new Set(actions.flatMap(({ changes }) => changes.map(name)));
}

function kindOf({ step, change }: Difference): MarkKind {
  // A rollback that was added is a change of its step.
  if (step?.base && step.head) return change === 'moved' ? 'moved' : 'changed';
  return change;
}

function worse(one: MarkKind, other: MarkKind): MarkKind {
  return order.indexOf(one) <= order.indexOf(other) ? one : other;
}

function say(list: Said[], text: string, effect: Difference['effect']): void {
  if (!list.some(said => said.text === text)) list.push({ text, effect });
}

/** A pointer into the file itself: of a called runbook's step, what stands behind its path. */
function local(pointer = ''): string {
  return pointer.slice(pointer.indexOf('#') + 1);
}

function pathAt(file: ReviewedFile, side: Side): string | undefined {
  if (side === 'head') return file.change === 'deleted' ? undefined : file.path;
  return file.change === 'added' ? undefined : (file.basePath ?? file.path);
}
