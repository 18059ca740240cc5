import { compile, conditionSource, ExpressionError } from '../runbook/expression';
import type { Json } from '../runbook/json';
import { type BlockStep, innerSteps, type Runbook, type Step } from '../runbook/model';
import { templateParts } from '../runbook/template';

/** The step that a pointer or an id names. */
export function findStep(steps: readonly Step[], name: string): Step | undefined {
  for (const step of steps) {
    if (step.pointer === name || step.id === name) return step;
    const inner = findStep(innerSteps(step), name);
    if (inner) return inner;
  }
  return undefined;
}

/** Only this step: with what it holds, inside the loops and groups around it. */
export function onlyStep(steps: readonly Step[], pointer: string): Step[] {
  return steps.flatMap((step): Step[] => {
    if (step.pointer === pointer) return [step];
    if (!holdsSteps(step) || !pointer.startsWith(`${step.pointer}/`)) return [];
    return [{ ...step, steps: onlyStep(step.steps, pointer) }];
  });
}

/** From this step on: those before it are left out, also in each item of a loop around it. */
export function fromStep(steps: readonly Step[], pointer: string): Step[] {
  const at = steps.findIndex(step => isIn(step, pointer));
  const first = steps[at];
  if (!first) return [];
  const start = first.pointer === pointer || !holdsSteps(first) ? first : { ...first, steps: partOf(first, pointer) };
  return [start, ...steps.slice(at + 1)];
}

function holdsSteps(step: Step): step is BlockStep {
  return step.kind === 'forEach' || step.kind === 'steps' || step.kind === 'parallel';
}

/** Branches stand side by side: of a parallel only the one that it is in goes on from there. */
function partOf(step: BlockStep, pointer: string): Step[] {
  const steps = step.kind === 'parallel' ? step.steps.filter(one => isIn(one, pointer)) : step.steps;
  return fromStep(steps, pointer);
}

function isIn(step: Step, pointer: string): boolean {
  return step.pointer === pointer || pointer.startsWith(`${step.pointer}/`);
}

/** Steps of a part that need outputs of steps that are not in it; each a sentence. */
export function missingOutputs(whole: Runbook, part: readonly Step[]): string[] {
  const all = idsOf(whole.steps);
  const kept = idsOf(part);
  const problems: string[] = [];
  const visit = (steps: readonly Step[]): void => {
    for (const step of steps) {
      for (const id of neededSteps(step)) {
        if (!all.has(id) || kept.has(id)) continue;
        problems.push(
          `${step.id ?? step.name ?? step.pointer} needs the outputs of ${id}, which would not run. Run from ${id}, or the whole runbook.`,
        );
      }
      visit(innerSteps(step));
    }
  };
  visit(part);
  return problems;
}

function idsOf(steps: readonly Step[], ids = new Set<string>()): Set<string> {
  for (const step of steps) {
    if (step.id !== undefined) ids.add(step.id);
    idsOf(innerSteps(step), ids);
  }
  return ids;
}

function neededSteps(step: Step): string[] {
  const sources: string[] = [];
  if (typeof step.when === 'string') sources.push(conditionSource(step.when).source);
  if (step.kind === 'assert' && typeof step.condition === 'string') {
    sources.push(conditionSource(step.condition).source);
  }
  sources.push(...templatesOf(step).flatMap(expressionsIn));
  return sources.flatMap(source => {
    try {
      return compile(source).steps ?? [];
    } catch (error) {
      // A broken expression is a finding of `check`, and fails the step that holds it.
      if (error instanceof ExpressionError) return [];
      throw error;
    }
  });
}

function templatesOf(step: Step): Json[] {
  switch (step.kind) {
    case 'action':
    case 'call':
      return [step.with];
    case 'forEach':
      return [step.in];
    case 'wait':
      return [step.duration];
    case 'approve':
    case 'pointOfNoReturn':
      return [step.message];
    case 'assert':
      return [step.message ?? null];
    default:
      return [];
  }
}

/** Sources of all expressions in a value. */
export function expressionsIn(value: Json): string[] {
  if (typeof value === 'string') {
    return value.includes('${{')
      ? templateParts(value).flatMap(part => (part.kind === 'expression' ? [part.source] : []))
      : [];
  }
  if (value === null || typeof value !== 'object') return [];
  return Object.values(value).flatMap(expressionsIn);
}
