import { CallTypes } from '../runbook/call-types';
import { ExpressionChecker } from '../runbook/expression-check';
import { innerSteps, type Step } from '../runbook/model';
import type { ParsedRunbook } from '../runbook/parse';
import { wholeExpression } from '../runbook/template';
import { anyType, stringType, typeOfValue, type ValueType } from '../runbook/value-type';
import type { YamlSource } from '../runbook/yaml-source';
import type { EditorConfig } from './config';

/** What an expression at a place can name. */
export interface VisibleNames {
  inputs: Record<string, ValueType>;
  /** Outputs of the steps that have run when this place is reached, by id. */
  steps: Map<string, ValueType>;
  /** Loop variables and `index`. */
  variables: Map<string, ValueType>;
}

/** `config` says what actions and called runbooks give. */
export function visibleAt(
  parsed: ParsedRunbook,
  offset: number,
  config: Pick<EditorConfig, 'actions' | 'runbooks'>,
): VisibleNames {
  const { draft, source } = parsed;
  const scope = new CallTypes(config).scope(parsed, '');
  const visible: VisibleNames = { inputs: scope.inputs, steps: new Map(), variables: new Map() };
  const add = (step: Step) => {
    const found = step.id === undefined ? undefined : scope.steps.get(step.id);
    if (found && step.id !== undefined) visible.steps.set(step.id, found.outputs);
    // Steps of a group and of branches are seen by their own ids as well.
    if (step.kind === 'steps' || step.kind === 'parallel') for (const inner of step.steps) add(inner);
  };
  const section = sectionAt(source, offset);
  if (section !== 'steps') for (const step of draft.steps) add(step);
  if (section === 'outputs') return visible;
  let steps: readonly Step[] = section === 'finally' ? (draft.finally ?? []) : draft.steps;
  let sideBySide = false;
  for (;;) {
    const starts = steps.map(step => source.valueRange(step.pointer)?.start ?? 0);
    let current = -1;
    starts.forEach((start, index) => {
      if (start <= offset) current = index;
    });
    const step = steps[current];
    if (!step) return visible;
    if (!sideBySide) for (const earlier of steps.slice(0, current)) add(earlier);
    sideBySide = step.kind === 'parallel';
    const inner = step.kind === 'action' && Array.isArray(step.rollback) ? step.rollback : innerSteps(step);
    const start = inner[0] && source.valueRange(inner[0].pointer)?.start;
    if (start === undefined || offset < start) return visible;
    // The steps that undo one see what it gave.
    if (step.kind === 'action') add(step);
    if (step.kind === 'forEach') {
      if (step.variable) visible.variables.set(step.variable, itemType(step.in, visible));
      visible.variables.set('index', { kind: 'integer', description: 'Place of the item in the list, from 0.' });
    }
    steps = inner;
  }
}

/** Which part of the file an offset is in, by the key above it. */
function sectionAt(source: YamlSource, offset: number): 'steps' | 'finally' | 'outputs' {
  let section: 'steps' | 'finally' | 'outputs' = 'steps';
  let latest = -1;
  for (const key of ['steps', 'finally', 'outputs'] as const) {
    const start = source.keyRange(`/${key}`)?.start;
    if (start === undefined || start > offset || start < latest) continue;
    latest = start;
    section = key;
  }
  return section;
}

function itemType(list: unknown, visible: VisibleNames): ValueType {
  if (Array.isArray(list)) {
    const type = typeOfValue(list);
    return type.kind === 'list' ? type.items : anyType;
  }
  const whole = typeof list === 'string' ? wholeExpression(list) : undefined;
  const type = whole ? typeOfSource(whole.source, visible) : anyType;
  return type.kind === 'list' ? type.items : anyType;
}

/** Type of a path such as `steps.patch.outputs` or `steps['a-b'].outputs.x`. */
export function typeOfPath(path: string, visible: VisibleNames): ValueType {
  const parts = [...path.matchAll(/(?:^|\.\??)([A-Za-z_]\w*)|\['([^']*)'\]|\["([^"]*)"\]/g)].map(
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

/** Type of any expression, e.g. `inputs.vms.filter(x, x != "a")`; a path is only followed. */
export function typeOfSource(source: string, visible: VisibleNames): ValueType {
  const text = source.trim();
  if (/^[A-Za-z_]\w*(\.\??[A-Za-z_]\w*|\['[^']*'\]|\["[^"]*"\])*$/.test(text)) return typeOfPath(text, visible);
  const steps = new Map([...visible.steps].map(([id, outputs]) => [id, { outputs, state: 'earlier' } as const]));
  return new ExpressionChecker(visible.inputs, steps).check(text, visible.variables).type;
}
