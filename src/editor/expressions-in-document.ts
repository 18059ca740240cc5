import { conditionSource } from '../runbook/expression';
import type { Json } from '../runbook/json';
import { type ForEachStep, innerSteps, type Step } from '../runbook/model';
import type { ParsedRunbook } from '../runbook/parse';
import type { ScalarOffsets } from '../runbook/scalar-offsets';
import { templateParts } from '../runbook/template';
import { escapePointer } from '../runbook/yaml-source';

/** One CEL expression of a runbook, and where it stands. */
export interface ExpressionInDocument {
  /** JSON pointer of the string that it stands in. */
  pointer: string;
  source: string;
  /** Where `source` begins in the string's value. */
  start: number;
  /** From places in the string's value to places in the text. */
  scalar: ScalarOffsets;
  /** The `forEach` steps whose variables it sees, outermost first. */
  loops: readonly ForEachStep[];
}

/** Every expression where the language evaluates one, in the order of the file. */
export function expressionsOf(parsed: ParsedRunbook): ExpressionInDocument[] {
  const { draft, source } = parsed;
  const found: ExpressionInDocument[] = [];

  const add = (pointer: string, parts: readonly { source: string; start: number }[], loops: readonly ForEachStep[]) => {
    const scalar = parts.length > 0 ? source.scalar(pointer) : undefined;
    if (scalar)
      for (const part of parts) found.push({ pointer, source: part.source, start: part.start, scalar, loops });
  };
  const templates = (value: Json | undefined, pointer: string, loops: readonly ForEachStep[]): void => {
    if (typeof value === 'string') {
      if (!value.includes('${{')) return;
      const parts = templateParts(value).flatMap(part => (part.kind === 'expression' ? [part] : []));
      add(pointer, parts, loops);
    } else if (Array.isArray(value))
      for (const [index, item] of value.entries()) templates(item, `${pointer}/${index}`, loops);
    else if (value !== null && typeof value === 'object')
      for (const [key, item] of Object.entries(value)) templates(item, `${pointer}/${escapePointer(key)}`, loops);
  };
  const condition = (value: string | boolean | undefined, pointer: string, loops: readonly ForEachStep[]) => {
    if (typeof value === 'string') add(pointer, [conditionSource(value)], loops);
  };
  const visit = (steps: readonly Step[], loops: readonly ForEachStep[]): void => {
    for (const step of steps) {
      const { pointer } = step;
      templates(step.name, `${pointer}/name`, loops);
      condition(step.when, `${pointer}/when`, loops);
      switch (step.kind) {
        case 'forEach':
          templates(step.in, `${pointer}/forEach/${escapePointer(step.variable)}`, loops);
          break;
        case 'action':
        case 'call':
          templates(step.with, `${pointer}/with`, loops);
          break;
        case 'approve':
          templates(step.message, `${pointer}/approve/message`, loops);
          break;
        case 'wait':
          templates(step.duration, `${pointer}/wait`, loops);
          break;
        case 'assert':
          condition(step.condition, `${pointer}/assert`, loops);
          templates(step.message, `${pointer}/message`, loops);
          break;
        case 'pointOfNoReturn':
          templates(step.message, `${pointer}/pointOfNoReturn`, loops);
          break;
      }
      if (step.kind === 'action' && Array.isArray(step.rollback)) visit(step.rollback, loops);
      visit(innerSteps(step), step.kind === 'forEach' ? [...loops, step] : loops);
    }
  };
  visit(draft.steps, []);
  visit(draft.finally ?? [], []);
  templates(draft.outputs, '/outputs', []);
  return found;
}
