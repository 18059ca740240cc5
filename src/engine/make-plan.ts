import { type ActionDefinition, type Target, undoClassOf } from '../actions/action';
import {
  compile,
  conditionSource,
  ExpressionError,
  evaluateCondition,
  evaluateTemplate,
  type Scope,
} from '../runbook/expression';
import type { Json, JsonObject } from '../runbook/json';
import type { ActionStep, ForEachStep, Runbook, Step } from '../runbook/model';
import { isTemplate } from '../runbook/template';
import { messageOf } from './failure';
import { checkedInputs } from './inputs';
import { itemKeys, stepKey } from './keys';
import { expressionsIn, findStep, fromStep, missingOutputs, onlyStep } from './part';
import type { Plan, PlannedStep } from './plan';
import { planHash } from './plan-hash';
import { type NameSource, resolveInputs } from './plan-inputs';

export interface PlanRequest extends NameSource {
  runbook: Runbook;
  inputs?: JsonObject;
  /** Id or JSON pointer of the step to run alone, or to begin at. */
  only?: string;
  from?: string;
  action(name: string): ActionDefinition | undefined;
}

/** Why there is no plan: each problem a sentence that says what to do. */
export class PlanRefused extends Error {
  override readonly name = 'PlanRefused';
  constructor(readonly problems: string[]) {
    super(problems.join('\n'));
  }
}

/** Freezes what a run of this runbook will do. Pure: looks at nothing but its arguments. @throws PlanRefused */
export function makePlan(request: PlanRequest): { plan: Plan; hash: string } {
  const { runbook } = request;
  const problems: string[] = [];
  const inputs = resolveInputs(runbook, request.inputs ?? {}, request, problems);
  const part = partOf(request, problems);
  if (problems.length > 0) throw new PlanRefused(problems);
  const planner = new Planner(request.action);
  const steps = planner.steps(part.steps, '', { inputs, steps: {}, run: { id: '' } }, new Set());
  if (planner.problems.size > 0) throw new PlanRefused([...planner.problems]);
  const plan: Plan = {
    version: 1,
    name: runbook.name,
    program: { ...runbook, steps: part.steps },
    inputs,
    ...(request.inventory && { inventory: request.inventory }),
    steps,
    ...(part.only !== undefined && { only: part.only }),
    ...(part.from !== undefined && { from: part.from }),
    unknowns: [...planner.unknowns],
  };
  return { plan, hash: planHash(plan) };
}

function partOf(request: PlanRequest, problems: string[]): { steps: Step[]; only?: string; from?: string } {
  const { runbook, only, from } = request;
  const name = only ?? from;
  if (name === undefined) return { steps: runbook.steps };
  if (only !== undefined && from !== undefined) {
    problems.push('Only one of "only this step" and "from this step" can be chosen.');
    return { steps: [] };
  }
  const step = findStep(runbook.steps, name);
  if (!step) {
    problems.push(`The runbook has no step ${name}.`);
    return { steps: [] };
  }
  const steps = only === undefined ? fromStep(runbook.steps, step.pointer) : onlyStep(runbook.steps, step.pointer);
  problems.push(...missingOutputs(runbook, steps));
  return { steps, ...(only === undefined ? { from: step.pointer } : { only: step.pointer }) };
}

class Planner {
  readonly problems = new Set<string>();
  readonly unknowns = new Set<string>();

  constructor(private readonly action: (name: string) => ActionDefinition | undefined) {}

  /** `open`: loop variables whose values are not known. */
  steps(steps: readonly Step[], prefix: string, scope: Scope, open: ReadonlySet<string>): PlannedStep[] {
    return steps.map(step => this.#step(step, stepKey(prefix, step), scope, open));
  }

  #step(step: Step, key: string, scope: Scope, open: ReadonlySet<string>): PlannedStep {
    const when = this.#when(step, key, scope, open);
    switch (step.kind) {
      case 'action':
        return this.#action(step, key, when, scope, open);
      case 'steps': {
        const steps = this.steps(step.steps, `${key}/`, scope, open);
        return { kind: 'group', key, pointer: step.pointer, when, steps };
      }
      case 'forEach':
        return this.#forEach(step, key, when, scope, open);
    }
  }

  #when(step: Step, key: string, scope: Scope, open: ReadonlySet<string>): boolean | 'unknown' {
    if (step.when === undefined || typeof step.when === 'boolean') return step.when ?? true;
    const { source } = conditionSource(step.when);
    if (!this.#isKnown([source], open)) {
      this.unknowns.add(`${key}: whether it runs is only known when it is reached (when: ${step.when}).`);
      return 'unknown';
    }
    try {
      return evaluateCondition(step.when, scope);
    } catch (error) {
      this.problems.add(`${key}: ${messageOf(error)}`);
      return 'unknown';
    }
  }

  #action(
    step: ActionStep,
    key: string,
    when: boolean | 'unknown',
    scope: Scope,
    open: ReadonlySet<string>,
  ): PlannedStep {
    const definition = this.action(step.uses);
    if (!definition) this.problems.add(`${key}: there is no action ${step.uses}.`);
    const { values, complete } = this.#inputs(step, key, definition, when, scope, open);
    const title = this.#title(step, definition, values, complete, scope, open);
    // What an action says of inputs that still hold templates is only used where it can cope with them.
    const told = <T>(tell: () => T, otherwise: T): T => {
      try {
        return definition ? tell() : otherwise;
      } catch (error) {
        if (complete) throw error;
        return otherwise;
      }
    };
    const targets = told(() => definition!.targets(values), { reads: [], changes: [] });
    const known = (list: Target[]): Target[] => list.filter(target => !isTemplate(target.name));
    return {
      kind: 'action',
      key,
      pointer: step.pointer,
      uses: step.uses,
      title,
      inputs: values,
      reads: known(targets.reads),
      changes: known(targets.changes),
      undoClass: told(() => undoClassOf(definition!, values), 'irreversible'),
      undo: this.#undo(step, definition, values, told),
      when,
      estimateSeconds: told(() => definition!.estimateSeconds(values), 0),
    };
  }

  #inputs(
    step: ActionStep,
    key: string,
    definition: ActionDefinition | undefined,
    when: boolean | 'unknown',
    scope: Scope,
    open: ReadonlySet<string>,
  ): { values: JsonObject; complete: boolean } {
    const values: JsonObject = {};
    const unknown: string[] = [];
    for (const [name, value] of Object.entries(step.with)) {
      if (!this.#isKnown(expressionsIn(value), open)) {
        values[name] = value;
        unknown.push(name);
        continue;
      }
      try {
        values[name] = evaluateTemplate(value, scope);
      } catch (error) {
        // In a step that is left out, or may be, nothing need make sense.
        if (when === true) this.problems.add(`${key}: ${messageOf(error)}`);
        values[name] = value;
        unknown.push(name);
      }
    }
    if (unknown.length > 0) {
      if (when !== false) {
        const what = unknown.map(name => `\`${name}\``).join(' and ');
        this.unknowns.add(`${key}: ${what} ${unknown.length > 1 ? 'are' : 'is'} only known when it is reached.`);
      }
      return { values, complete: false };
    }
    if (!definition) return { values, complete: false };
    try {
      return { values: checkedInputs(definition, values), complete: true };
    } catch (error) {
      if (when !== false) this.problems.add(`${key}: ${messageOf(error)}`);
      return { values, complete: false };
    }
  }

  #title(
    step: ActionStep,
    definition: ActionDefinition | undefined,
    values: JsonObject,
    complete: boolean,
    scope: Scope,
    open: ReadonlySet<string>,
  ): string {
    const { name } = step;
    if (name !== undefined) {
      // A name that is only known later says less than what the step does.
      try {
        if (this.#isKnown(expressionsIn(name), open)) return String(evaluateTemplate(name, scope));
      } catch {
        return name;
      }
    }
    return complete && definition ? definition.describe(values) : (step.id ?? definition?.title ?? step.uses);
  }

  #undo(
    step: ActionStep,
    definition: ActionDefinition | undefined,
    values: JsonObject,
    told: (tell: () => string, otherwise: string) => string,
  ): string {
    if (step.rollback === 'none') return 'nothing, as `rollback: none` says';
    if (step.rollback) return `the ${step.rollback.length} steps of its \`rollback:\``;
    return told(() => {
      const undoClass = undoClassOf(definition!, values);
      if (undoClass === 'none') return 'nothing to undo';
      return definition!.undo ? definition!.describeUndo(values) : 'can not be undone';
    }, 'known when it is reached');
  }

  #forEach(
    step: ForEachStep,
    key: string,
    when: boolean | 'unknown',
    scope: Scope,
    open: ReadonlySet<string>,
  ): PlannedStep {
    const { pointer, variable, batch, maxFailures } = step;
    const planned = (items: Extract<PlannedStep, { kind: 'items' }>['items'], body: PlannedStep[]): PlannedStep => ({
      kind: 'items',
      key,
      pointer,
      variable,
      when,
      batch,
      maxFailures,
      items,
      body,
    });
    const values = this.#items(step, key, when, scope, open);
    if (!values) {
      const body = this.steps(step.steps, `${key}[?]/`, scope, new Set([...open, variable, 'index']));
      return planned('unknown', body);
    }
    const keys = itemKeys(key, values);
    const inner = new Set([...open].filter(name => name !== variable && name !== 'index'));
    return planned(
      values.map((value, index) => ({
        value,
        steps: this.steps(
          step.steps,
          `${keys[index]}/`,
          { ...scope, variables: { ...scope.variables, [variable]: value }, index },
          inner,
        ),
      })),
      [],
    );
  }

  #items(
    step: ForEachStep,
    key: string,
    when: boolean | 'unknown',
    scope: Scope,
    open: ReadonlySet<string>,
  ): Json[] | undefined {
    if (this.#isKnown(expressionsIn(step.in), open)) {
      try {
        const values = evaluateTemplate(step.in, scope);
        if (Array.isArray(values)) return values;
        if (when === true) this.problems.add(`${key}: forEach needs a list, but this gives ${JSON.stringify(values)}.`);
      } catch (error) {
        if (when === true) this.problems.add(`${key}: ${messageOf(error)}`);
      }
    }
    this.unknowns.add(`${key}: its items are only known when it is reached.`);
    return undefined;
  }

  /** Whether expressions can be evaluated now: none needs a step's outputs, the run, or an item that is not known. */
  #isKnown(sources: readonly string[], open: ReadonlySet<string>): boolean {
    return sources.every(source => {
      try {
        const { steps } = compile(source);
        if (!steps || steps.length > 0) return false;
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        // Broken: evaluating it says how.
        return true;
      }
      const words = new Set(source.match(/[A-Za-z_]\w*/g));
      return !words.has('run') && ![...open].some(name => words.has(name));
    });
  }
}
