import { parseDuration } from '../runbook/duration';
import { conditionSource } from '../runbook/expression';
import type { Json } from '../runbook/json';
import { everyStep, type ForEachStep, type Runbook, type Step } from '../runbook/model';
import { isTemplate, templateParts, wholeExpression } from '../runbook/template';
import { ExpressionMeaning } from './expression-meaning';

/** What a runbook does, as plain data: equal for two that do the same, whatever their steps are called and wherever they stand in the file. */
export interface RunbookMeaning {
  content: unknown;
  /** Names of its inputs that expressions use. */
  inputs: ReadonlySet<string> | 'all';
  /** It calls other runbooks. */
  calls: boolean;
}

export function runbookMeaning(runbook: Runbook): RunbookMeaning {
  const reading = new Reading(runbook);
  const content = {
    steps: reading.list(runbook.steps, []),
    finally: reading.list(runbook.finally ?? [], []),
    outputs: reading.value(runbook.outputs ?? {}, []),
  };
  return { content, inputs: reading.expressions.inputs, calls: reading.calls };
}

type Loops = readonly ForEachStep[];

class Reading {
  readonly expressions: ExpressionMeaning;
  calls = false;

  constructor(runbook: Runbook) {
    const steps = everyStep(runbook).filter(step => !isPlainGroup(step));
    this.expressions = new ExpressionMeaning(steps);
  }

  /** Steps one after another; a group that only holds steps together is its steps. */
  list(steps: readonly Step[], loops: Loops): unknown[] {
    return steps.flatMap(step => (isPlainGroup(step) ? this.list(step.steps, loops) : [this.#step(step, loops)]));
  }

  #step(step: Step, loops: Loops): unknown {
    const condition = step.when === undefined || step.when === true ? {} : { when: this.#condition(step.when, loops) };
    return { kind: step.kind, ...condition, ...this.#own(step, loops) };
  }

  #own(step: Step, loops: Loops): object {
    switch (step.kind) {
      case 'action': {
        const { uses, retry, timeoutMs, rollback } = step;
        return {
          uses,
          with: this.value(step.with, loops),
          retry: retry ?? null,
          timeoutMs: timeoutMs ?? null,
          rollback: typeof rollback === 'object' ? this.list(rollback, loops) : (rollback ?? null),
        };
      }
      case 'forEach': {
        const { batch, canary, maxFailures } = step;
        return {
          in: this.value(step.in, loops),
          batch,
          canary: canary ?? 0,
          maxFailures,
          steps: this.list(step.steps, [...loops, step]),
        };
      }
      case 'steps':
        return { steps: this.list(step.steps, loops) };
      case 'parallel':
        return { branches: step.steps.map(branch => this.list([branch], loops)) };
      case 'call':
        this.calls = true;
        return { with: this.value(step.with, loops), runbook: step.runbook ? calledMeaning(step.runbook) : null };
      case 'approve':
        return { by: step.by, expiresMs: step.expiresMs ?? null, self: step.self };
      case 'wait':
        return { duration: parseDuration(step.duration) ?? this.value(step.duration, loops) };
      case 'assert':
        return { condition: this.#condition(step.condition, loops) };
      case 'pointOfNoReturn':
        return {};
    }
  }

  #condition(condition: string | boolean, loops: Loops): unknown {
    if (typeof condition === 'boolean') return condition;
    return this.expressions.of(conditionSource(condition).source, loops);
  }

  value(value: Json, loops: Loops): unknown {
    if (typeof value === 'string') return isTemplate(value) ? this.#template(value, loops) : value;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(one => this.value(one, loops));
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.value(inner, loops)]));
  }

  #template(text: string, loops: Loops): unknown {
    const whole = wholeExpression(text);
    if (whole) return { expression: this.expressions.of(whole.source, loops) };
    const parts = templateParts(text);
    return {
      template: parts.map(part => (part.kind === 'text' ? part.value : [this.expressions.of(part.source, loops)])),
    };
  }
}

/** It is resolved when the call is reached, from what it is given and its defaults. */
function calledMeaning(runbook: Runbook): unknown {
  const inputs = Object.entries(runbook.inputs).map(([name, one]) => [name, { type: one.type, default: one.default }]);
  return { inputs: Object.fromEntries(inputs), ...(runbookMeaning(runbook).content as object) };
}

function isPlainGroup(step: Step): step is Extract<Step, { kind: 'steps' }> {
  return step.kind === 'steps' && (step.when === undefined || step.when === true);
}
