import type { Json, JsonObject } from '../runbook/json';

export type StopMode = 'rollback' | 'keep' | 'leave';
export type DebugTarget = 'inventory' | 'simulated';

/** A `launch` configuration, as package.json describes it. */
export interface LaunchArguments {
  /** Path of the runbook. */
  runbook: string;
  inputs: JsonObject;
  /** Another inventory than the one that the runbook names. */
  inventory?: string;
  /** `simulated`: a copy of the inventory as it is now; nothing real is touched. */
  target: DebugTarget;
  stopOnEntry: boolean;
  /** Run without debugging: nothing stops it. */
  noDebug: boolean;
  /** Only this step, or from this step on: id or pointer. */
  only?: string;
  from?: string;
  /** What Stop does: undo everything, keep what was done, or leave the run going. */
  onStop: StopMode;
}

export interface AttachArguments {
  /** Id of a run, the beginning of one, or `latest`. */
  run: string;
  onStop: StopMode;
}

const stopModes: readonly StopMode[] = ['rollback', 'keep', 'leave'];
const targets: readonly DebugTarget[] = ['inventory', 'simulated'];

/** @throws Error naming the attribute of the configuration that is wrong */
export function launchArguments(given: unknown): LaunchArguments {
  const values = record(given);
  const runbook = text(values, 'runbook');
  if (runbook === undefined) throw new Error('`runbook` is missing: name the *.runbook.yaml that is to be debugged.');
  const { inputs = {} } = values;
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs))
    throw new Error('`inputs` must be an object with a value for each input, e.g. { "vm": "web1" }.');
  const inventory = text(values, 'inventory');
  const only = text(values, 'only');
  const from = text(values, 'from');
  if (only !== undefined && from !== undefined) throw new Error('Give `only` or `from`, not both.');
  return {
    runbook,
    inputs: inputs as Record<string, Json>,
    ...(inventory !== undefined && { inventory }),
    target: oneOf(values, 'target', targets) ?? 'inventory',
    stopOnEntry: flag(values, 'stopOnEntry') && !flag(values, 'noDebug'),
    noDebug: flag(values, 'noDebug'),
    ...(only !== undefined && { only }),
    ...(from !== undefined && { from }),
    onStop: oneOf(values, 'onStop', stopModes) ?? 'rollback',
  };
}

/** @throws Error naming the attribute of the configuration that is wrong */
export function attachArguments(given: unknown): AttachArguments {
  const values = record(given);
  return { run: text(values, 'run') ?? 'latest', onStop: oneOf(values, 'onStop', stopModes) ?? 'rollback' };
}

function record(given: unknown): Record<string, unknown> {
  return typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {};
}

function text(values: Record<string, unknown>, name: string): string | undefined {
  const value = values[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw new Error(`\`${name}\` must be text.`);
  return value;
}

function flag(values: Record<string, unknown>, name: string): boolean {
  const value = values[name] ?? false;
  if (typeof value !== 'boolean') throw new Error(`\`${name}\` must be true or false.`);
  return value;
}

function oneOf<T extends string>(values: Record<string, unknown>, name: string, allowed: readonly T[]): T | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  const found = allowed.find(one => one === value);
  if (found === undefined) throw new Error(`\`${name}\` must be one of ${allowed.join(', ')}.`);
  return found;
}
