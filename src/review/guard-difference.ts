import type { FoundDifference } from './difference-list';
import type { StepMatches } from './step-matching';
import { stepLabel, stepRef, stepTitle } from './step-title';
import type { StepNode } from './step-tree';

const mostTitles = 5;

/**
 * What stands before an approval or a point of no return now and did not, or stands after it now: told even when it was the other steps that
 * were moved.
 */
export function guardDifferences(
  nodes: readonly StepNode[],
  matches: StepMatches,
  atHead: (node: StepNode) => StepNode | undefined,
): { found: FoundDifference; order: number }[] {
  const pairs = nodes.flatMap((node): [StepNode, StepNode][] => {
    const other = node.parent || node.list !== 'steps' ? undefined : atHead(node);
    return other && !other.parent && other.list === 'steps' && other.file.path === '' ? [[node, other]] : [];
  });
  const moved = pairs.filter(([, other]) => matches.moved.has(other.step.pointer));
  return pairs.flatMap(([base, head]) => {
    const { kind } = head.step;
    if ((kind !== 'approve' && kind !== 'pointOfNoReturn') || moved.length === 0) return [];
    // Those that were not moved keep their order among themselves.
    const others = matches.moved.has(head.step.pointer) ? pairs : moved;
    const acting = others.filter(([one]) => one !== base && !isControl(one));
    const nowAfter = acting.filter(([one, other]) => one.position < base.position && other.position > head.position);
    const nowBefore = acting.filter(([one, other]) => one.position > base.position && other.position < head.position);
    const told: { found: FoundDifference; order: number }[] = [];
    for (const [list, word] of [
      [nowBefore, 'before'],
      [nowAfter, 'after'],
    ] as const) {
      if (list.length === 0) continue;
      const more = list.length > mostTitles ? ` and ${list.length - mostTitles} more` : '';
      const titles = list.slice(0, mostTitles).map(([, other]) => stepTitle(other.step));
      // Before an approval nobody has approved; after a point of no return nothing is undone.
      const isWorse = (kind === 'approve') === (word === 'before');
      told.push({
        found: {
          kind: kind === 'approve' ? 'approval' : 'point-of-no-return',
          change: 'moved',
          field: 'order',
          text: `${stepLabel(head.step)}: ${titles.join(', ')}${more} ${list.length === 1 ? 'stands' : 'stand'} ${word} it now`,
          step: { base: stepRef(base.step), head: stepRef(head.step) },
          at: { base: [base.step.pointer], head: [head.step.pointer] },
          effect: isWorse ? 'riskier' : 'safer',
        },
        order: head.order,
      });
    }
    return told;
  });
}

function isControl({ step }: StepNode): boolean {
  return step.kind === 'approve' || step.kind === 'wait' || step.kind === 'assert' || step.kind === 'pointOfNoReturn';
}
