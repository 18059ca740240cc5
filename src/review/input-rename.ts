import { equal } from '../runbook/equal';
import type { Json } from '../runbook/json';
import type { InputDefinition, Runbook } from '../runbook/model';
import { usesIn, usesInCondition } from './names-that-follow';
import type { StepNode } from './step-tree';

/**
 * Inputs that have another name at the head, by their name at the base: gone there and new here, defined alike like no other, and used by
 * the same step.
 */
export function renamedInputs(
  base: Runbook,
  head: Runbook,
  nodes: readonly StepNode[],
  atHead: (node: StepNode) => StepNode | undefined,
): Map<string, string> {
  const gone = Object.entries(base.inputs).filter(([name]) => !Object.hasOwn(head.inputs, name));
  const added = Object.entries(head.inputs).filter(([name]) => !Object.hasOwn(base.inputs, name));
  const renamed = new Map<string, string>();
  if (gone.length === 0 || added.length === 0) return renamed;
  for (const [name, input] of gone) {
    const [like, ...more] = added.filter(([, other]) => areAlike(input, other));
    const others = gone.filter(([, other]) => areAlike(input, other));
    if (!like || more.length > 0 || others.length > 1) continue;
    const follows = nodes.some(node => {
      const other = atHead(node);
      return other !== undefined && inputsOf(node).has(name) && inputsOf(other).has(like[0]);
    });
    if (follows) renamed.set(name, like[0]);
  }
  return renamed;
}

function areAlike(one: InputDefinition, other: InputDefinition): boolean {
  return equal(one, other, ['description', 'prompt']);
}

const known = new WeakMap<StepNode, ReadonlySet<string>>();

function inputsOf(node: StepNode): ReadonlySet<string> {
  let names = known.get(node);
  if (!names) {
    const found = new Set<string>();
    const used = (use: { kind: string; name: string }): void => {
      if (use.kind === 'inputs') found.add(use.name);
    };
    const { step } = node;
    // Without what stands inside of it, which has nodes of its own.
    usesIn(JSON.parse(node.own) as Json, used);
    if (typeof step.when === 'string') usesInCondition(step.when, used);
    if (step.kind === 'assert' && typeof step.condition === 'string') usesInCondition(step.condition, used);
    names = found;
    known.set(node, names);
  }
  return names;
}
