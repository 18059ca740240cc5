import { RunbookScope } from '../runbook/check';
import type { ActionSignature } from '../runbook/check-context';
import { innerSteps, type Step } from '../runbook/model';
import type { ParsedRunbook } from '../runbook/parse';
import { wholeExpression } from '../runbook/template';
import { anyType, stringType, typeOfValue, type ValueType } from '../runbook/value-type';

/** What an expression at a place can name. */
export interface VisibleNames {
  inputs: Record<string, ValueType>;
  /** Outputs of the steps that have run when this place is reached, by id. */
  steps: Map<string, ValueType>;
  /** Loop variables and `index`. */
  variables: Map<string, ValueType>;
}

export function visibleAt(parsed: ParsedRunbook, offset: number, actions: readonly ActionSignature[]): VisibleNames {
  const scope = new RunbookScope(parsed, actions);
  const visible: VisibleNames = { inputs: scope.inputs, steps: new Map(), variables: new Map() };
  const add = (step: Step) => {
    const found = step.id === undefined ? undefined : scope.steps.get(step.id);
    if (found && step.id !== undefined) visible.steps.set(step.id, found.outputs);
    // Steps of a group are seen by their own ids as well.
    if (step.kind === 'steps') for (const inner of step.steps) add(inner);
  };
  let steps: readonly Step[] = parsed.draft.steps;
  for (;;) {
    const starts = steps.map(step => parsed.source.valueRange(step.pointer)?.start ?? 0);
    let current = -1;
    starts.forEach((start, index) => {
      if (start <= offset) current = index;
    });
    const step = steps[current];
    if (!step) return visible;
    for (const earlier of steps.slice(0, current)) add(earlier);
    if (step.kind === 'action') {
      const rollback = Array.isArray(step.rollback) ? step.rollback : [];
      const start = rollback[0] && parsed.source.valueRange(rollback[0].pointer)?.start;
      if (start === undefined || offset < start) return visible;
      add(step);
      steps = rollback;
      continue;
    }
    const inner = innerSteps(step);
    const start = inner[0] && parsed.source.valueRange(inner[0].pointer)?.start;
    if (start === undefined || offset < start) return visible;
    if (step.kind === 'forEach') {
      if (step.variable) visible.variables.set(step.variable, itemType(step.in, visible));
      visible.variables.set('index', { kind: 'integer', description: 'Place of the item in the list, from 0.' });
    }
    steps = inner;
  }
}

function itemType(list: unknown, visible: VisibleNames): ValueType {
  if (Array.isArray(list)) {
    const type = typeOfValue(list);
    return type.kind === 'list' ? type.items : anyType;
  }
  const whole = typeof list === 'string' ? wholeExpression(list) : undefined;
  const type = whole ? typeOfPath(whole.source.trim(), visible) : anyType;
  return type.kind === 'list' ? type.items : anyType;
}

/** Type of a path such as `steps.patch.outputs` or `steps['a-b'].outputs.x`. */
export function typeOfPath(path: string, visible: VisibleNames): ValueType {
  const parts = [...path.matchAll(/(?:^|\.)([A-Za-z_]\w*)|\['([^']*)'\]|\["([^"]*)"\]/g)].map(
    match => match[1] ?? match[2] ?? match[3] ?? '',
  );
  const [root, ...rest] = parts;
  const roots: Record<string, ValueType> = {
    inputs: { kind: 'map', fields: visible.inputs },
    run: { kind: 'map', fields: { id: stringType } },
    steps: {
      kind: 'map',
      fields: Object.fromEntries(
        [...visible.steps].map(([id, outputs]) => [id, { kind: 'map', fields: { outputs } } as ValueType]),
      ),
    },
  };
  let type =
    visible.variables.get(root ?? '') ?? (root !== undefined && Object.hasOwn(roots, root) ? roots[root]! : anyType);
  for (const part of rest) {
    if (type.kind !== 'map') return anyType;
    type = (type.fields ? (Object.hasOwn(type.fields, part) ? type.fields[part] : undefined) : type.values) ?? anyType;
  }
  return type;
}
