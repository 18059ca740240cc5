import Value from 'typebox/value';
import type { ActionDefinition } from '../actions/action';
import { evaluateTemplate, type Scope } from '../runbook/expression';
import type { Json, JsonObject } from '../runbook/json';

/** A value that an action's schema does not take, said in a sentence. */
export class InputsRefused extends Error {
  override readonly name = 'InputsRefused';
}

/** Inputs of a step with templates evaluated, defaults filled in, checked against the action's schema. @throws ExpressionError, InputsRefused */
export function actionInputs(definition: ActionDefinition, values: JsonObject, scope: Scope): JsonObject {
  return checkedInputs(definition, evaluateTemplate(values, scope) as JsonObject);
}

export function checkedInputs(definition: ActionDefinition, values: JsonObject): JsonObject {
  const known = checked.get(definition) ?? new Map<string, JsonObject>();
  const text = JSON.stringify(values);
  const found = known.get(text);
  if (found) return found;
  const inputs = check(definition, values);
  if (known.size >= mostKnown) known.clear();
  known.set(text, inputs);
  checked.set(definition, known);
  return inputs;
}

/** What has been found to fit: a rehearsal asks for the same thousands of times. */
const checked = new WeakMap<ActionDefinition, Map<string, JsonObject>>();
const mostKnown = 2_000;

function check(definition: ActionDefinition, values: JsonObject): JsonObject {
  // Optional inputs may be given as null by an expression (`inputs.x` with no value): that is not given.
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
  const filled = Value.Default(definition.inputs, structuredClone(given)) as Json;
  if (!Value.Check(definition.inputs, filled)) {
    const [error] = Value.Errors(definition.inputs, filled).filter(one => one.keyword !== 'boolean');
    const where = error?.instancePath ? ` at \`${error.instancePath.slice(1).replaceAll('/', '.')}\`` : '';
    throw new InputsRefused(
      `The inputs of ${definition.name} do not fit${where}: ${error?.message ?? 'unexpected value'}. Correct \`with\` of this step.`,
    );
  }
  return filled as JsonObject;
}
