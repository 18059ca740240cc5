import canonicalize from 'canonicalize';
import type { UndoClass } from '../../actions/action';
import { unlockedPlanText } from '../../engine/lock-text';
import type { Plan, PlannedStep } from '../../engine/plan';
import { changedTargets } from '../../engine/plan-summary';
import { time } from '../../engine/text-table';
import { limitsText, windowText } from '../../engine/timetable-text';
import type { SidePlan } from '../../review/contract';
import type { Json } from '../../runbook/json';

/**
 * A plan as text to be compared with another: one line for each step and for each of its inputs, nothing numbered and no hashes, so that
 * a line is another one only when what it says is. Ends with a line break.
 */
export function planLines({ plan, timetable }: SidePlan): string {
  const lines = [plan.name, ''];
  section(lines, 'Inputs', fields(plan.inputs));
  const targets = changedTargets(plan).map(({ kind, name }) => `${kind} ${name}`);
  const unlocked = unlockedPlanText(plan);
  section(lines, 'Changes', targets.length > 0 ? targets : ['nothing']);
  section(lines, 'When it may act', [
    ...(plan.limits ? [`limits: ${limitsText(plan.limits)}`] : []),
    ...(plan.windows ?? []).map(window => `window: ${windowText(window)}`),
    ...(unlocked === undefined ? [] : [unlocked]),
  ]);
  section(lines, 'Not known yet', plan.unknowns);
  section(lines, 'Steps', stepLines(plan.steps));
  section(lines, 'At the end, whatever became of it; not undone', stepLines(plan.finally ?? []));
  section(lines, 'Time, if every step takes as long as estimated', [
    time(timetable.seconds * 1000),
    ...timetable.notes.map(note => `note: ${note}`),
  ]);
  return lines.join('\n');
}

function section(lines: string[], title: string, inside: readonly string[]): void {
  if (inside.length > 0) lines.push(title, ...inside.map(line => `  ${line}`), '');
}

function stepLines(steps: readonly PlannedStep[]): string[] {
  return steps.flatMap(linesOf);
}

function linesOf(step: PlannedStep): string[] {
  const when = conditions[String(step.when) as `${typeof step.when}`];
  switch (step.kind) {
    case 'action':
      return [
        `${step.title} (${step.uses})${when}`,
        ...indented([
          ...fields(step.inputs),
          ...(step.undoClass === 'none' ? [] : [undoText(step.undoClass, step.undo)]),
        ]),
      ];
    case 'control': {
      const point = step.control === 'pointOfNoReturn' ? ['  after this nothing is undone'] : [];
      return [`${step.title}${when}`, ...point];
    }
    case 'group':
    case 'call':
    case 'parallel': {
      const uses = step.uses === undefined ? '' : ` (${step.uses})`;
      const side = step.kind === 'parallel' ? ' (side by side)' : '';
      return [`${step.title ?? step.key}${uses}${side}${when}`, ...indented(stepLines(step.steps))];
    }
    case 'items':
      return itemsLines(step, when);
  }
}

const conditions = {
  true: '',
  false: ' (skipped: its condition is false)',
  unknown: ' (if its condition holds then)',
};

function undoText(undoClass: UndoClass, undo: string): string {
  return undoClass === 'irreversible' ? "undo: can't be undone" : `undo: ${undo} (${undoClass})`;
}

function itemsLines(step: Extract<PlannedStep, { kind: 'items' }>, when: string): string[] {
  const { variable, items, batch, canary, maxFailures } = step;
  const how = [
    batch === 1 ? 'one after another' : `${batch} at once`,
    ...(canary === undefined ? [] : [`the first ${canary} before all others`]),
    maxFailures === 0 ? 'the first that fails ends it' : `${maxFailures} may fail`,
  ].join(', ');
  const title = step.title ?? `For each ${variable}`;
  if (items === 'unknown') {
    return [`${title}: ${variable} of a list not known yet, ${how}${when}`, ...indented(stepLines(step.body))];
  }
  return [
    `${title}: ${how}${when}`,
    ...indented(items.flatMap(item => [`${variable} = ${inline(item.value)}`, ...indented(stepLines(item.steps))])),
  ];
}

function fields(values: Plan['inputs']): string[] {
  // In an order of their own: the one in which they are written means nothing.
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}: ${inline(value)}`);
}

function inline(value: Json): string {
  return (typeof value === 'string' ? value : (canonicalize(value) ?? '')).trimEnd().replaceAll(/\s*\n\s*/g, ' ⏎ ');
}

function indented(lines: readonly string[]): string[] {
  return lines.map(line => `  ${line}`);
}
