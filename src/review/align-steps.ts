import { longestIncreasing } from './longest-increasing';
import { likeEnough, likeness } from './step-likeness';
import type { StepNode } from './step-tree';

export type Pair = [base: StepNode, head: StepNode];

/** Up to so many comparisons the best alignment is looked for; above it, steps are paired by what they have in common. */
const mostComparisons = 2_500;

/** What longer lists are paired by, the surest first. */
const commonGrounds: ((node: StepNode) => string)[] = [
  node => `${node.content}`,
  ({ step }) => `${about(step)} ${step.name ?? ''} ${'with' in step ? JSON.stringify(step.with.vm ?? null) : ''}`,
  ({ step }) => about(step),
];

function about(step: StepNode['step']): string {
  return 'uses' in step ? step.uses : step.kind;
}

/**
 * Pairs of two lists of steps that keep their order: equal ones, and those that look like one that was changed. Takes little more than the
 * length of the lists, whatever is in them.
 */
export function alignSteps(
  base: readonly StepNode[],
  head: readonly StepNode[],
  known: (node: StepNode) => unknown,
): Pair[] {
  const pairs: Pair[] = [];
  align(base, head, 0, known, pairs);
  return pairs;
}

function align(
  base: readonly StepNode[],
  head: readonly StepNode[],
  ground: number,
  known: (node: StepNode) => unknown,
  pairs: Pair[],
): void {
  let start = 0;
  while (start < base.length && start < head.length && base[start]!.content === head[start]!.content) {
    pairs.push([base[start]!, head[start]!]);
    start++;
  }
  let baseEnd = base.length;
  let headEnd = head.length;
  while (baseEnd > start && headEnd > start && base[baseEnd - 1]!.content === head[headEnd - 1]!.content) {
    baseEnd--;
    headEnd--;
    pairs.push([base[baseEnd]!, head[headEnd]!]);
  }
  const one = base.slice(start, baseEnd);
  const other = head.slice(start, headEnd);
  if (one.length === 0 || other.length === 0) return;
  if (one.length * other.length <= mostComparisons) {
    pairs.push(...bestAlignment(one, other, known));
    return;
  }
  const key = commonGrounds[ground];
  if (!key) return;
  let [baseFrom, headFrom] = [0, 0];
  for (const [at, to] of [...inOrder(one, other, key), [one.length, other.length] as const]) {
    align(one.slice(baseFrom, at), other.slice(headFrom, to), ground + 1, known, pairs);
    if (at < one.length && to < other.length && likeness(one[at]!, other[to]!, known) >= likeEnough)
      pairs.push([one[at]!, other[to]!]);
    [baseFrom, headFrom] = [at + 1, to + 1];
  }
}

/** Places of steps of the same key, the first with the first and so on, as far as they keep their order. */
function inOrder(
  base: readonly StepNode[],
  head: readonly StepNode[],
  key: (node: StepNode) => string,
): (readonly [number, number])[] {
  const waiting = new Map<string, number[]>();
  head.forEach((node, at) => {
    const name = key(node);
    const places = waiting.get(name);
    if (places) places.push(at);
    else waiting.set(name, [at]);
  });
  const taken = new Map<string, number>();
  const found = base.flatMap((node, at) => {
    const name = key(node);
    const nth = taken.get(name) ?? 0;
    const to = waiting.get(name)?.[nth];
    if (to === undefined) return [];
    taken.set(name, nth + 1);
    return [[at, to] as const];
  });
  const kept = longestIncreasing(found.map(([, to]) => to));
  return found.filter((_, nth) => kept[nth]);
}

/** The alignment of the highest likeness in all; equal steps count most. */
function bestAlignment(
  base: readonly StepNode[],
  head: readonly StepNode[],
  known: (node: StepNode) => unknown,
): Pair[] {
  const width = head.length + 1;
  const best = new Float64Array((base.length + 1) * width);
  const scores = new Float64Array((base.length + 1) * width);
  for (let i = base.length - 1; i >= 0; i--)
    for (let j = head.length - 1; j >= 0; j--) {
      const at = i * width + j;
      const like = base[i]!.content === head[j]!.content ? 3 : likeness(base[i]!, head[j]!, known);
      scores[at] = like >= likeEnough ? like : 0;
      const paired = scores[at] > 0 ? scores[at] + best[at + width + 1]! : 0;
      best[at] = Math.max(paired, best[at + width]!, best[at + 1]!);
    }
  const pairs: Pair[] = [];
  for (let i = 0, j = 0; i < base.length && j < head.length; ) {
    const at = i * width + j;
    if (scores[at]! > 0 && best[at] === scores[at]! + best[at + width + 1]!) pairs.push([base[i++]!, head[j++]!]);
    else if (best[at] === best[at + width]) i++;
    else j++;
  }
  return pairs;
}
