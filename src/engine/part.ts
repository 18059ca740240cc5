import { compile, conditionSource, ExpressionError } from '../runbook/expression';
import type { Json } from '../runbook/json';
import type { Runbook, Step } from '../runbook/model';
import { templateParts } from '../runbook/template';

/** The step that a pointer or an id names. */
export function findStep(steps: readonly Step[], name: string): Step | undefined {
  for (const step of steps) {
    if (step.pointer === name || step.id === name) return step;
    const inner = step.kind === 'action' ? undefined : findStep(step.steps, name);
    if (inner) return inner;
  }
  return undefined;
}

/** Only this step: with what it holds, inside the loops and groups around it. */
export function onlyStep(steps: readonly Step[], pointer: string): Step[] {
  return steps.flatMap((step): Step[] => {
    if (step.pointer === pointer) return [step];
    if (step.kind === 'action' || !pointer.startsWith(`${step.pointer}/`)) return [];
    return [{ ...step, steps: onlyStep(step.steps, pointer) }];
  });
}

/** From this step on: those before it are left out, also in each item of a loop around it. */
export function fromStep(steps: readonly Step[], pointer: string): Step[] {
  const at = steps.findIndex(step => step.pointer === pointer || pointer.startsWith(`${step.pointer}/`));
  const first = steps[at];
  if (!first) return [];
  const start =
    first.pointer === pointer || first.kind === 'action' ? first : { ...first, steps: fromStep(first.steps, pointer) };
  return [start, ...steps.slice(at + 1)];
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
      if (step.kind !== 'action') visit(step.steps);
    }
  };
  visit(part);
  return problems;
}

function idsOf(steps: readonly Step[], ids = new Set<string>()): Set<string> {
  for (const step of steps) {
    if (step.id !== undefined) ids.add(step.id);
    if (step.kind !== 'action') idsOf(step.steps, ids);
  }
  return ids;
}

function neededSteps(step: Step): string[] {
  const sources: string[] = [];
  if (typeof step.when === 'string') sources.push(conditionSource(step.when).source);
  if (step.kind === 'action') sources.push(...expressionsIn(step.with));
  if (step.kind === 'forEach') sources.push(...expressionsIn(step.in));
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
