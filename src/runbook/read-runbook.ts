import { parseDuration } from './duration';
import type { Json, JsonObject } from './json';
import type {
  ActionStep,
  ApproveStep,
  CallStep,
  ForEachStep,
  InputDefinition,
  InputType,
  Limits,
  MaintenanceWindow,
  Runbook,
  Step,
} from './model';

export const inputTypes = [
  'string',
  'number',
  'boolean',
  'list',
  'host',
  'hosts',
  'vm',
  'vms',
  'secret',
] as const satisfies readonly InputType[];
/** Keys of `forEach` that are not the loop variable. */
export const forEachSettings = ['batch', 'canary', 'maxFailures'] as const;
export const limitNames = [
  'perHost',
  'perDatastore',
  'perProxy',
  'perConnection',
  'total',
] as const satisfies readonly (keyof Limits)[];
/** Keys that say what kind a step is, in the order in which they are looked for. */
export const stepKinds = [
  'uses',
  'forEach',
  'parallel',
  'approve',
  'wait',
  'assert',
  'pointOfNoReturn',
  'steps',
] as const;

/** Whether `uses` names a runbook in place of an action. */
export function isCall(uses: string): boolean {
  return uses.startsWith('./') || uses.startsWith('../');
}

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
  if (isObject(root.outputs)) runbook.outputs = root.outputs;
  if (isObject(root.limits)) runbook.limits = readLimits(root.limits);
  if (isObject(root.window)) runbook.window = readWindow(root.window);
  if (Array.isArray(root.finally)) runbook.finally = readSteps(root.finally, '/finally');
  return runbook;
}

function readLimits(object: JsonObject): Limits {
  const limits: Limits = {};
  for (const name of limitNames) {
    const count = asCount(object[name]);
    if (count !== undefined) limits[name] = count;
  }
  return limits;
}

function readWindow(object: JsonObject): MaintenanceWindow {
  const allow = Array.isArray(object.allow) ? object.allow : [object.allow];
  return {
    allow: allow.filter(text => typeof text === 'string'),
    zone: asString(object.zone) ?? '',
    outside: object.outside === 'refuse' ? 'refuse' : 'wait',
    closing: object.closing === 'rollback' || object.closing === 'ignore' ? object.closing : 'drain',
  };
}

function readInput(value: Json): InputDefinition {
  const object = asObject(value);
  const type = inputTypes.find(name => name === object.type);
  const input: InputDefinition = { type: type ?? 'string' };
  const description = asString(object.description);
  if (description !== undefined) input.description = description;
  if (object.default !== undefined) input.default = object.default;
  if (Array.isArray(object.enum)) input.enum = object.enum;
  const prompt = asString(object.prompt);
  if (prompt !== undefined) input.prompt = prompt;
  const env = asString(object.env);
  if (env !== undefined) input.env = env;
  return input;
}

function readSteps(data: Json | undefined, pointer: string): Step[] {
  if (!Array.isArray(data)) return [];
  return data.flatMap((item, index) => readStep(item, `${pointer}/${index}`) ?? []);
}

/** Steps by what they were read from: the next version of a document gives the same data for what has not changed. */
const known = new WeakMap<JsonObject, Step>();

function readStep(data: Json, pointer: string): Step | undefined {
  if (data === null || typeof data !== 'object' || Array.isArray(data)) return undefined;
  const same = known.get(data);
  if (same?.pointer === pointer) return same;
  const step = readStepAnew(data, pointer);
  known.set(data, step);
  return step;
}

function readStepAnew(data: JsonObject, pointer: string): Step {
  const base: Pick<Step, 'pointer' | 'id' | 'name' | 'when'> = { pointer };
  const id = asString(data.id);
  if (id !== undefined) base.id = id;
  const name = asString(data.name);
  if (name !== undefined) base.name = name;
  const when = data.when;
  if (typeof when === 'string' || typeof when === 'boolean') base.when = when;

  switch (stepKinds.find(key => data[key] !== undefined)) {
    case 'forEach':
      return { ...base, ...readForEach(data, pointer) };
    case 'parallel':
      return { ...base, kind: 'parallel', steps: readSteps(data.parallel, `${pointer}/parallel`) };
    case 'approve':
      return { ...base, ...readApprove(asObject(data.approve)) };
    case 'wait':
      return { ...base, kind: 'wait', duration: asString(data.wait) ?? '' };
    case 'assert': {
      const message = asString(data.message);
      const condition = typeof data.assert === 'string' || typeof data.assert === 'boolean' ? data.assert : true;
      return { ...base, kind: 'assert', condition, ...(message !== undefined && { message }) };
    }
    case 'pointOfNoReturn':
      return { ...base, kind: 'pointOfNoReturn', message: asString(data.pointOfNoReturn) ?? '' };
    case 'steps':
      return { ...base, kind: 'steps', steps: readSteps(data.steps, `${pointer}/steps`) };
    default:
      return { ...base, ...readUses(data, pointer) };
  }
}

type WithoutBase<T> = T extends Step ? Omit<T, 'pointer' | 'id' | 'name' | 'when'> : never;

function readForEach(data: JsonObject, pointer: string): WithoutBase<ForEachStep> {
  const settings = asObject(data.forEach);
  const variable = Object.keys(settings).find(key => !(forEachSettings as readonly string[]).includes(key)) ?? '';
  const canary = asCount(settings.canary);
  return {
    kind: 'forEach',
    variable,
    in: settings[variable] ?? [],
    batch: asCount(settings.batch) ?? 1,
    ...(canary !== undefined && { canary }),
    maxFailures: asCount(settings.maxFailures) ?? 0,
    steps: readSteps(data.steps, `${pointer}/steps`),
  };
}

function readApprove(settings: JsonObject): WithoutBase<ApproveStep> {
  const expires = duration(settings.expires);
  return {
    kind: 'approve',
    by: asCount(settings.by) ?? 1,
    ...(expires !== undefined && { expiresMs: expires }),
    message: asString(settings.message) ?? 'May this run go on?',
    self: settings.self !== false,
  };
}

function readUses(data: JsonObject, pointer: string): WithoutBase<ActionStep | CallStep> {
  const uses = asString(data.uses) ?? '';
  if (isCall(uses)) return { kind: 'call', uses, with: asObject(data.with) };
  const step: WithoutBase<ActionStep> = { kind: 'action', uses, with: asObject(data.with) };
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
  return isObject(value) ? value : {};
}

function isObject(value: Json | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function asString(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function asCount(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
}
