import { evaluateCondition, evaluateTemplate, type Scope } from '../runbook/expression';
import type { Json, JsonObject } from '../runbook/json';
import type { ActionStep, Step } from '../runbook/model';
import { told as tell } from './action-step';
import { controlTitle } from './control-title';
import { actionInputs } from './inputs';
import type { Remaining } from './journal';
import { itemKeys, stepKey } from './keys';
import type { World } from './world';

/** Steps that have not been run, as what is left for a person: with their inputs, as far as these can be known without running what is before. */
export class RemainingSteps {
  constructor(
    private readonly world: Pick<World, 'action' | 'secrets'>,
    private readonly why: string,
  ) {}

  of(steps: readonly Step[], place: { prefix: string; scope: Scope }): Remaining[] {
    return steps.flatMap(step => this.#step(step, stepKey(place.prefix, step), place.scope));
  }

  #step(step: Step, key: string, scope: Scope): Remaining[] {
    if (step.when !== undefined && told(() => evaluateCondition(step.when!, scope)) === false) return [];
    switch (step.kind) {
      case 'action':
        return [this.#action(step, key, scope)];
      case 'steps':
      case 'parallel':
        return this.of(step.steps, { prefix: `${key}/`, scope });
      case 'forEach': {
        const items = told(() => evaluateTemplate(step.in, scope));
        if (!Array.isArray(items)) return [this.#unknown(key, 'forEach', step.name ?? step.id ?? 'a loop')];
        const keys = itemKeys(key, items);
        return items.flatMap((value: Json, index) => {
          const variables = { ...scope.variables, [step.variable]: value };
          return this.of(step.steps, { prefix: `${keys[index]}/`, scope: { ...scope, variables, index } });
        });
      }
      case 'call': {
        const inputs = told(() => evaluateTemplate(step.with, scope) as JsonObject);
        if (!inputs || !step.runbook) return [this.#unknown(key, step.uses, step.name ?? step.uses)];
        const defaults = Object.entries(step.runbook.inputs).flatMap(([name, { default: value }]) =>
          value === undefined ? [] : [[name, value] as const],
        );
        const called: Scope = { inputs: { ...Object.fromEntries(defaults), ...inputs }, steps: {}, run: scope.run };
        return this.of(step.runbook.steps, { prefix: `${key}/`, scope: called });
      }
      default: {
        const text = controlTitle(step, template => told(() => String(evaluateTemplate(template, scope))) ?? template);
        return [{ key, uses: step.kind, text, why: this.why }];
      }
    }
  }

  #action(step: ActionStep, key: string, scope: Scope): Remaining {
    const { uses } = step;
    const definition = this.world.action(uses);
    const inputs = definition && told(() => actionInputs(definition, step.with, scope));
    if (!definition || !inputs) return this.#unknown(key, uses, step.name ?? step.id ?? definition?.title ?? uses);
    return {
      key,
      uses,
      text: tell(this.world, inputs, given => definition.describe(given)),
      why: this.why,
      step: { uses, with: inputs },
    };
  }

  #unknown(key: string, uses: string, text: string): Remaining {
    return { key, uses, text, why: `${this.why} Its inputs are only known when the steps before it have run.` };
  }
}

/** undefined: it can't be told. */
function told<T>(tell: () => T): T | undefined {
  try {
    return tell();
  } catch {
    return undefined;
  }
}
