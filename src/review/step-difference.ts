import { actionNamed } from '../actions/catalogue';
import { inputSchemas } from '../runbook/check-context';
import { durationText } from '../runbook/duration';
import { equal } from '../runbook/equal';
import { conditionSource } from '../runbook/expression';
import type { Json } from '../runbook/json';
import type { ActionStep, ApproveStep, CallStep, ForEachStep, Step } from '../runbook/model';
import { secretMark } from '../runbook/secret';
import { isTemplate } from '../runbook/template';
import { escapePointer } from '../runbook/yaml-source';
import type { FoundDifference } from './difference-list';
import { changeText, fieldDifferences, own, valueText } from './field-difference';
import { type NameUse, type Renames, sameCondition, sameMeaning } from './names-that-follow';
import { type Effect, effectOf, hasUndo, inputEffect, isSafeguard, rollbackStrength } from './safeguards';
import { kindName, stepLabel, stepTitle } from './step-title';

/** A difference of a step, without what is the same for all of that step. */
export type StepDifference = Omit<FoundDifference, 'at' | 'step'> & {
  /** From the step's pointer on, the most exact first. */
  parts: readonly string[];
};

export interface FollowedNames {
  renames: Renames;
  followed(use: NameUse): void;
}

/** What one step says differently at the head, without what is inside it. Its place among the others is not looked at. */
export function stepDifferences(base: Step, head: Step, names: FollowedNames): StepDifference[] {
  const found: StepDifference[] = [];
  const label = stepLabel(head);
  const add = (
    kind: FoundDifference['kind'],
    field: string,
    values: { before: Json | undefined; after: Json | undefined },
    text: string,
    more: { effect?: Effect; parts?: readonly string[] } = {},
  ): void => {
    const { effect = 'neutral', parts = [`/${field.replaceAll('.', '/')}`] } = more;
    const told = equal(values.before, values.after) ? `${field}: the names in it mean something else now` : text;
    found.push({ kind, field, ...values, text: `${label}: ${told}`, effect, parts });
  };
  const same = (before: Json | undefined, after: Json | undefined): boolean =>
    sameMeaning(before, after, names.renames, names.followed);

  if (base.id !== head.id) add('step', 'id', { before: base.id, after: head.id }, `id ${changeText(base.id, head.id)}`);
  if (!same(base.name, head.name))
    add('name', 'name', { before: base.name, after: head.name }, `name ${changeText(base.name, head.name)}`);
  const [was, is] = [conditionOf(base.when), conditionOf(head.when)];
  if (!sameCondition(was, is, names.renames, names.followed)) {
    // A safeguard under a condition is left out at times.
    const effect =
      (was === undefined) === (is === undefined) || !(isSafeguard(base) || isSafeguard(head))
        ? 'neutral'
        : effectOf(was === undefined ? 1 : 0, is === undefined ? 1 : 0);
    add('condition', 'when', { before: was, after: is }, `condition ${changeText(was, is)}`, { effect });
  }

  if (base.kind === 'action' && head.kind === 'action') actionDifferences(base, head, add, same);
  else if ('uses' in base && 'uses' in head) usesDifferences(base, head, add, same);
  else if (base.kind === 'forEach' && head.kind === 'forEach') loopDifferences(base, head, add, same);
  else if (base.kind === 'approve' && head.kind === 'approve') approvalDifferences(base, head, add, same);
  else if (base.kind === 'wait' && head.kind === 'wait') {
    if (!same(base.duration, head.duration))
      add('step', 'wait', { before: base.duration, after: head.duration }, `${base.duration} → ${head.duration}`);
  } else if (base.kind === 'assert' && head.kind === 'assert') {
    const [before, after] = [conditionOf(base.condition) ?? 'true', conditionOf(head.condition) ?? 'true'];
    if (!sameCondition(before, after, names.renames, names.followed)) {
      // One that always holds is none.
      const effect = effectOf(before === 'true' ? 0 : 1, after === 'true' ? 0 : 1);
      add('condition', 'assert', { before, after }, changeText(before, after), { effect });
    }
    if (!same(base.message, head.message))
      add(
        'step',
        'message',
        { before: base.message, after: head.message },
        `message ${changeText(base.message, head.message)}`,
      );
  } else if (base.kind === 'pointOfNoReturn' && head.kind === 'pointOfNoReturn') {
    const [before, after] = [base.message, head.message];
    if (!same(before, after))
      add('point-of-no-return', 'pointOfNoReturn', { before, after }, changeText(before, after));
  } else if (base.kind !== head.kind) {
    const kind = base.kind === 'forEach' || head.kind === 'forEach' ? 'loop' : 'step';
    const text = `${kindName(base)} → ${kindName(head)}`;
    add(kind, 'kind', { before: base.kind, after: head.kind }, text, { parts: [] });
  }
  return found;
}

type Add = (
  kind: FoundDifference['kind'],
  field: string,
  values: { before: Json | undefined; after: Json | undefined },
  text: string,
  more?: { effect?: Effect; parts?: readonly string[] },
) => void;
type Same = (before: Json | undefined, after: Json | undefined) => boolean;

/** A condition as an expression; undefined: it always holds. */
export function conditionOf(condition: string | boolean | undefined): string | undefined {
  if (condition === undefined || condition === true) return undefined;
  const source = condition === false ? 'false' : conditionSource(condition).source.trim();
  return source === 'true' ? undefined : source;
}

function usesDifferences(base: ActionStep | CallStep, head: ActionStep | CallStep, add: Add, same: Same): void {
  if (base.uses !== head.uses) {
    const isCall = base.kind === 'call' || head.kind === 'call';
    const effect = effectOf(isSafeguard(base) ? 1 : 0, isSafeguard(head) ? 1 : 0);
    const text = `${base.uses} → ${head.uses}`;
    add(isCall ? 'call' : 'step', 'uses', { before: base.uses, after: head.uses }, text, { effect });
  }
  const names = new Set([...Object.keys(head.with), ...Object.keys(base.with)]);
  for (const name of names) inputDifferences(base, head, name, add, same);
}

function inputDifferences(
  base: ActionStep | CallStep,
  head: ActionStep | CallStep,
  name: string,
  add: Add,
  same: Same,
): void {
  const [before, after] = [own(base.with, name), own(head.with, name)];
  if (same(before, after)) return;
  const [defaultBefore, defaultAfter] = [defaultOf(base, name), defaultOf(head, name)];
  // What is written out or left to the default is the same.
  if (base.uses === head.uses && same(before ?? defaultBefore, after ?? defaultAfter)) return;
  const effect =
    base.kind === 'action' && head.kind === 'action' && base.uses === head.uses
      ? inputEffect(base.uses, base.with, head.with, name)
      : 'neutral';
  const [shownBefore, shownAfter] = [shown(base, name, before), shown(head, name, after)];
  const differences = fieldDifferences(shownBefore, shownAfter, name);
  // Two values of a secret look alike.
  if (differences.length === 0) differences.push({ field: name, before: shownBefore, after: shownAfter });
  for (const { field, before: was, after: is } of differences) {
    if (same(was, is) && differences.length > 1) continue;
    const text = `input ${field} ${field === name ? withDefaults(was, is, defaultBefore, defaultAfter) : changeText(was, is)}`;
    const exact = `/with/${field === name ? escapePointer(name) : field.replaceAll('.', '/')}`;
    add('step', `with.${field}`, { before: was, after: is }, text, {
      effect,
      parts: [exact, `/with/${escapePointer(name)}`],
    });
  }
}

function withDefaults(
  before: Json | undefined,
  after: Json | undefined,
  defaultBefore: Json | undefined,
  defaultAfter: Json | undefined,
): string {
  if (before === undefined && defaultBefore !== undefined && after !== undefined)
    return `${valueText(defaultBefore)} (default) → ${valueText(after)}`;
  if (after === undefined && defaultAfter !== undefined && before !== undefined)
    return `${valueText(before)} → ${valueText(defaultAfter)} (default)`;
  return changeText(before, after);
}

function defaultOf(step: ActionStep | CallStep, name: string): Json | undefined {
  const action = step.kind === 'action' ? actionNamed(step.uses) : undefined;
  const schema = action && own(inputSchemas(action), name);
  return (schema as { default?: Json } | undefined)?.default;
}

/** A value as it may be shown: what a called runbook takes as a secret is a mark, unless it is an expression. */
function shown(step: ActionStep | CallStep, name: string, value: Json | undefined): Json | undefined {
  if (value === undefined || isTemplate(value) || step.kind !== 'call' || !step.runbook) return value;
  return own(step.runbook.inputs, name)?.type === 'secret' ? secretMark(name) : value;
}

function actionDifferences(base: ActionStep, head: ActionStep, add: Add, same: Same): void {
  usesDifferences(base, head, add, same);
  const [one, other] = [base.retry, head.retry];
  if (!one !== !other) {
    const [before, after] = [retryText(one), retryText(other)];
    add('retry', 'retry', { before, after }, `retry ${changeText(before, after)}`);
  } else if (one && other) {
    if (one.attempts !== other.attempts)
      add(
        'retry',
        'retry.attempts',
        { before: one.attempts, after: other.attempts },
        `attempts ${one.attempts} → ${other.attempts}`,
      );
    if (one.delayMs !== other.delayMs) {
      const [before, after] = [durationText(one.delayMs), durationText(other.delayMs)];
      add('retry', 'retry.delay', { before, after }, `delay between attempts ${before} → ${after}`, {
        parts: ['/retry/delay', '/retry'],
      });
    }
  }
  if (base.timeoutMs !== head.timeoutMs) {
    const [before, after] = [duration(base.timeoutMs), duration(head.timeoutMs)];
    add('timeout', 'timeout', { before, after }, `timeout ${changeText(before, after)}`);
  }
  const [before, after] = [rollbackValue(base), rollbackValue(head)];
  // Steps against steps: these are told one by one.
  if (Array.isArray(before) && Array.isArray(after)) return;
  if (before !== after) {
    const effect = effectOf(rollbackStrength(base), rollbackStrength(head));
    add('rollback', 'rollback', { before, after }, rollbackText(base, head), { effect });
  }
}

function retryText(retry: ActionStep['retry']): string | undefined {
  return retry && `${retry.attempts} attempts, ${durationText(retry.delayMs)} between them`;
}

function duration(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : durationText(ms);
}

function rollbackValue({ rollback }: ActionStep): string | string[] | undefined {
  return Array.isArray(rollback) ? rollback.map(stepTitle) : rollback;
}

function rollbackText(base: ActionStep, head: ActionStep): string {
  const of = (step: ActionStep): string => {
    const value = rollbackValue(step);
    if (value === undefined) return hasUndo(step) ? "the action's own undo" : 'no undo';
    return value === 'none' ? 'none' : `steps of its own (${valueText(value)})`;
  };
  return `rollback ${head.rollback === undefined ? 'removed:' : 'is'} ${of(head)} now, was ${of(base)}`;
}

function loopDifferences(base: ForEachStep, head: ForEachStep, add: Add, same: Same): void {
  if (base.variable !== head.variable) {
    const [before, after] = [base.variable, head.variable];
    add('loop', 'forEach.variable', { before, after }, `loop variable ${before} → ${after}`, { parts: ['/forEach'] });
  }
  if (!same(base.in, head.in)) {
    const parts = [`/forEach/${escapePointer(head.variable)}`, `/forEach/${escapePointer(base.variable)}`, '/forEach'];
    add('loop', 'forEach.in', { before: base.in, after: head.in }, `items ${changeText(base.in, head.in)}`, { parts });
  }
  const counted = [
    ['batch', 'items at once', -1],
    ['canary', 'items that go first', 0],
    ['maxFailures', 'items that may fail', -1],
  ] as const;
  for (const [name, words, more] of counted) {
    const [before, after] = [base[name], head[name]];
    if (before === after) continue;
    const effect =
      before === undefined || after === undefined
        ? effectOf(before === undefined ? 0 : 1, after === undefined ? 0 : 1)
        : effectOf(more * before, more * after);
    const text = `${words} (${name}) ${changeText(before, after)}`;
    add('loop', `forEach.${name}`, { before, after }, text, { effect, parts: [`/forEach/${name}`, '/forEach'] });
  }
}

function approvalDifferences(base: ApproveStep, head: ApproveStep, add: Add, same: Same): void {
  if (base.by !== head.by) {
    const text = `people who have to approve ${base.by} → ${head.by}`;
    const values = { before: base.by, after: head.by };
    add('approval', 'approve.by', values, text, {
      effect: effectOf(base.by, head.by),
      parts: ['/approve/by', '/approve'],
    });
  }
  if (base.self !== head.self) {
    const text = head.self ? 'who starts the run may approve it now' : 'who starts the run may not approve it any more';
    const effect = effectOf(base.self ? 0 : 1, head.self ? 0 : 1);
    add('approval', 'approve.self', { before: base.self, after: head.self }, text, {
      effect,
      parts: ['/approve/self', '/approve'],
    });
  }
  if (base.expiresMs !== head.expiresMs) {
    const [before, after] = [duration(base.expiresMs), duration(head.expiresMs)];
    add('approval', 'approve.expires', { before, after }, `expires ${changeText(before, after)}`, {
      parts: ['/approve/expires', '/approve'],
    });
  }
  if (!same(base.message, head.message)) {
    const [before, after] = [base.message, head.message];
    add('approval', 'approve.message', { before, after }, `message ${changeText(before, after)}`, {
      parts: ['/approve/message', '/approve'],
    });
  }
}
