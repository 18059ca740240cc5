import { equal } from '../runbook/equal';
import type { Step } from '../runbook/model';
import { isBlock, type StepNode } from './step-tree';

/** From here on two steps at the same place are taken for one that was changed. */
export const likeEnough = 0.3;

/**
 * How alike two steps are, from 0 (another step) to 1. `known` gives something equal for steps that have been found to be the same.
 */
export function likeness(base: StepNode, head: StepNode, known: (node: StepNode) => unknown): number {
  if (isBlock(base) || isBlock(head)) return isBlock(base) && isBlock(head) ? blockLikeness(base, head, known) : 0;
  if (!canBeSame(base.step, head.step)) return 0;
  const like = fieldLikeness(base.step, head.step);
  // Who gives a step another id and changes it as well has most likely written another step.
  const isRenamed = base.step.id !== undefined && head.step.id !== undefined && base.step.id !== head.step.id;
  return isRenamed && like < 0.6 ? 0 : like;
}

/** Whether a step could have become the other by a change; one that kept its id may do something else now. */
export function canBeSame(base: Step, head: Step, sameId = false): boolean {
  const kind = familyOf(base);
  if (kind !== familyOf(head)) return false;
  if (kind !== 'uses' || sameId || usesOf(base) === usesOf(head)) return true;
  if (base.kind === 'call' && head.kind === 'call') return true;
  return base.name !== undefined && base.name === head.name;
}

/** Kinds that can turn into one another without being another step. */
function familyOf(step: Step): string {
  if (step.kind === 'action' || step.kind === 'call') return 'uses';
  return step.kind === 'forEach' || step.kind === 'steps' || step.kind === 'parallel' ? 'block' : step.kind;
}

function usesOf(step: Step): string | undefined {
  return step.kind === 'action' || step.kind === 'call' ? step.uses : undefined;
}

function fieldLikeness(base: Step, head: Step): number {
  const one = fieldsOf(base);
  const other = fieldsOf(head);
  let total = 0;
  let same = 0;
  let sameKeys = true;
  for (const key of new Set([...one.keys(), ...other.keys()])) {
    // What it is about tells most.
    const weight = key === 'with.vm' ? 2 : 1;
    total += weight;
    if (!one.has(key) || !other.has(key)) sameKeys = false;
    else if (equal(one.get(key), other.get(key))) same += weight;
  }
  return 0.2 + (sameKeys ? 0.1 : 0) + 0.7 * (total === 0 ? 1 : same / total);
}

const structure = new Set(['pointer', 'id', 'kind', 'with', 'steps', 'runbook']);

function fieldsOf(step: Step): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [key, value] of Object.entries(step))
    if (!structure.has(key) && key !== 'rollback') fields.set(key, value);
  if (step.kind === 'action' || step.kind === 'call')
    for (const [key, value] of Object.entries(step.with)) fields.set(`with.${key}`, value);
  return fields;
}

/** Blocks are alike when the same is inside them. */
function blockLikeness(base: StepNode, head: StepNode, known: (node: StepNode) => unknown): number {
  const one = leavesOf(base);
  const other = leavesOf(head);
  const counts = new Map<unknown, number>();
  for (const leaf of one) counts.set(known(leaf), (counts.get(known(leaf)) ?? 0) + 1);
  let shared = 0;
  for (const leaf of other) {
    const left = counts.get(known(leaf)) ?? 0;
    if (left > 0) shared++;
    counts.set(known(leaf), left - 1);
  }
  const inside = shared / Math.max(one.length, other.length, 1);
  const same = [base.step.kind === head.step.kind, base.step.name === head.step.name, base.own === head.own];
  const outside = same.filter(Boolean).length / same.length;
  // A loop over the same list, or of the same name, is the same whatever is in it now.
  const named = base.own === head.own || (base.step.name !== undefined && base.step.name === head.step.name);
  if (inside === 0 && !named)
    return base.step.kind === head.step.kind && one.length === 1 && other.length === 1 ? 0.2 : 0;
  return 0.6 * inside + 0.4 * outside;
}

function leavesOf(block: StepNode): StepNode[] {
  const found: StepNode[] = [];
  const visit = (node: StepNode): void => {
    if (isBlock(node)) node.inner.forEach(visit);
    else found.push(node);
  };
  block.inner.forEach(visit);
  return found;
}
