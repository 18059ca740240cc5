import { parseDuration } from './duration';
import type { Json, JsonObject } from './json';
import type { InputDefinition, InputType, Runbook, Step } from './model';

export const inputTypes = [
  'string',
  'number',
  'boolean',
  'list',
  'host',
  'hosts',
  'vm',
  'vms',
] as const satisfies readonly InputType[];
/** Keys of `forEach` that are not the loop variable. */
export const forEachSettings = ['batch', 'maxFailures'] as const;

/**
 * Data of a runbook as a Runbook. Never fails: what does not fit is left out, so that a half-typed file still has steps, ids and inputs.
 * Whether it may be run is for the diagnostics to say.
 */
export function readRunbook(data: Json | undefined): Runbook {
  const root = asObject(data);
  const runbook: Runbook = {
    version: 1,
    name: asString(root.name) ?? '',
    inputs: {},
    steps: readSteps(root.steps, '/steps'),
  };
  const description = asString(root.description);
  if (description !== undefined) runbook.description = description;
  const inventory = asString(root.inventory);
  if (inventory !== undefined) runbook.inventory = inventory;
  for (const [name, value] of Object.entries(asObject(root.inputs))) {
    Object.defineProperty(runbook.inputs, name, {
      value: readInput(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return runbook;
}

function readInput(value: Json): InputDefinition {
  const object = asObject(value);
  const type = inputTypes.find(name => name === object.type);
  const input: InputDefinition = { type: type ?? 'string' };
  const description = asString(object.description);
  if (description !== undefined) input.description = description;
  if (object.default !== undefined) input.default = object.default;
  if (Array.isArray(object.enum)) input.enum = object.enum;
  return input;
}

function readSteps(data: Json | undefined, pointer: string): Step[] {
  if (!Array.isArray(data)) return [];
  return data.flatMap((item, index) => readStep(item, `${pointer}/${index}`) ?? []);
}

function readStep(data: Json, pointer: string): Step | undefined {
  if (data === null || typeof data !== 'object' || Array.isArray(data)) return undefined;
  const base: Pick<Step, 'pointer' | 'id' | 'name' | 'when'> = { pointer };
  const id = asString(data.id);
  if (id !== undefined) base.id = id;
  const name = asString(data.name);
  if (name !== undefined) base.name = name;
  const when = data.when;
  if (typeof when === 'string' || typeof when === 'boolean') base.when = when;

  if (data.forEach !== undefined) {
    const settings = asObject(data.forEach);
    const variable = Object.keys(settings).find(key => !(forEachSettings as readonly string[]).includes(key)) ?? '';
    return {
      ...base,
      kind: 'forEach',
      variable,
      in: settings[variable] ?? [],
      batch: asCount(settings.batch) ?? 1,
      maxFailures: asCount(settings.maxFailures) ?? 0,
      steps: readSteps(data.steps, `${pointer}/steps`),
    };
  }
  if (data.uses === undefined && data.steps !== undefined) {
    return { ...base, kind: 'steps', steps: readSteps(data.steps, `${pointer}/steps`) };
  }
  const step: Step = { ...base, kind: 'action', uses: asString(data.uses) ?? '', with: asObject(data.with) };
  const retry = asObject(data.retry);
  const attempts = asCount(retry.attempts);
  if (attempts !== undefined) step.retry = { attempts, delayMs: duration(retry.delay) ?? 0 };
  const timeout = duration(data.timeout);
  if (timeout !== undefined) step.timeoutMs = timeout;
  if (data.rollback === 'none') step.rollback = 'none';
  else if (Array.isArray(data.rollback)) step.rollback = readSteps(data.rollback, `${pointer}/rollback`);
  return step;
}

function duration(value: Json | undefined): number | undefined {
  return typeof value === 'string' ? parseDuration(value) : undefined;
}

export function asObject(value: Json | undefined): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

function asString(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function asCount(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
}
