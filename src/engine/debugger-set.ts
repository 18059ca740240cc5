import type { TObject } from 'typebox';
import Value from 'typebox/value';
import type { Json } from '../runbook/json';
import { everyStep, type Runbook, type Step } from '../runbook/model';
import { runbookOf } from './debugger-scope';
import { framesOf, ownPlaces, valueAt } from './frames';
import type { Plan } from './plan';
import { inputFromText, resolveInputs } from './plan-inputs';
import type { StepAt } from './stop-points';
import type { World } from './world';

export type Settable = { value: Json } | { refused: string };

/** What a text means as the new value of what a path leads to; or why it can't be set to that. */
export function settable(
  at: StepAt,
  frame: number,
  path: readonly string[],
  text: string,
  plan: Plan,
  world: Pick<World, 'action'>,
): Settable {
  if (hasApproval(plan.program)) {
    const refused =
      'People approve what this run does with the values that it has, so none of them can be changed. Plan it with other inputs.';
    return { refused };
  }
  const shown = framesOf(at)[frame];
  if (!shown) return { refused: `There is no frame ${frame}.` };
  const { place } = shown;
  if (place.shielded) return { refused: 'In `finally` and in a rollback nothing is changed.' };
  if (frame >= ownPlaces(at.place).length) {
    return {
      refused: 'Others see this value side by side. Set it in a frame of this item or branch: it then counts for that.',
    };
  }
  const was = valueAt(place, path);
  const [kind, name = '', , output = ''] = path;
  if (was === undefined) return { refused: `There is no ${path.join('.')} here.` };
  if (kind === 'inputs') return ofInput(name, text, runbookOf(place, plan), plan);
  if (kind === 'variables') return ofSameType(text, was, `The loop variable ${name}`);
  const step = stepWithId(runbookOf(place, plan), name);
  const what = `The output ${output} of ${name}`;
  const outputs = step?.kind === 'action' ? world.action(step.uses)?.outputs : undefined;
  const schema = (outputs as TObject | undefined)?.properties?.[output];
  if (!schema) return ofSameType(text, was, what);
  const fitting = readings(text).find(value => Value.Check(schema, value));
  if (fitting !== undefined) return { value: fitting };
  const [wrong] = Value.Errors(schema, readings(text)[0]!);
  return { refused: `${what} can't be ${JSON.stringify(text)}: it ${wrong?.message ?? 'does not fit its type'}.` };
}

function ofInput(name: string, text: string, runbook: Runbook, plan: Plan): Settable {
  const definition = runbook.inputs[name];
  if (!definition) return { refused: `${runbook.name} has no input ${name}.` };
  if (definition.type === 'secret')
    return { refused: `The input ${name} is a secret, so it can't be set here: what is set is written down.` };
  const problems: string[] = [];
  const names = plan.inventory ? { inventory: plan.inventory } : {};
  const only: Runbook = { ...runbook, inputs: { [name]: definition } };
  const given = ['string', 'host', 'vm'].includes(definition.type) ? unquoted(text) : inputFromText(text, definition);
  const resolved = resolveInputs(only, { [name]: given }, names, problems, { called: true });
  const [problem] = problems;
  return problem === undefined ? { value: resolved[name]! } : { refused: problem };
}

/** Of what no type is known. */
function ofSameType(text: string, was: Json, what: string): Settable {
  const fitting = readings(text).find(value => typeOf(value) === typeOf(was));
  return fitting === undefined
    ? { refused: `${what} is ${typeOf(was)}, and ${JSON.stringify(text)} is none.` }
    : { value: fitting };
}

/** JSON where it is some, and plain text. */
function readings(text: string): Json[] {
  try {
    return [JSON.parse(text) as Json, text];
  } catch {
    return [text];
  }
}

function unquoted(text: string): Json {
  const [value] = readings(text);
  return typeof value === 'string' ? value : text;
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a${typeof value === 'object' ? 'n object' : ` ${typeof value}`}`;
}

function stepWithId(runbook: Runbook, id: string): Step | undefined {
  return everyStep(runbook).find(step => step.id === id);
}

function hasApproval(runbook: Runbook): boolean {
  return everyStep(runbook).some(
    step =>
      step.kind === 'approve' || (step.kind === 'call' && step.runbook !== undefined && hasApproval(step.runbook)),
  );
}
