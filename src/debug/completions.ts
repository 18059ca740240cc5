import { expressionFunctions } from '../editor/expression-functions';
import type { FrameScope } from '../engine/debug-protocol';
import type { Json } from '../runbook/json';
import { namesIn, partsOf } from './values';

export interface Completion {
  label: string;
  /** As DAP calls it. */
  type: 'variable' | 'property' | 'function' | 'method' | 'module';
  detail?: string;
  /** How many characters before the cursor it replaces. */
  replaces: number;
  text?: string;
}

/** What may stand at the end of `typed`: names of this frame, members of values, functions of CEL. */
export function completions(typed: string, scope: FrameScope): Completion[] {
  const word = /[A-Za-z_]\w*$/.exec(typed)?.[0] ?? '';
  const before = typed.slice(0, typed.length - word.length);
  if (!before.endsWith('.')) return roots(scope, word.length);
  const path = /((?:[A-Za-z_]\w*|\.|\[[^\]]*\])+)\.$/.exec(before)?.[1];
  const value = path === undefined ? undefined : valueAt(scope, path);
  const kind = Array.isArray(value) ? 'list' : typeof value === 'string' ? 'string' : 'map';
  const members = value === undefined || Array.isArray(value) ? [] : (partsOf(value) ?? []);
  return [
    ...members.map(([name]): Completion => {
      if (/^[A-Za-z_]\w*$/.test(name)) return { label: name, type: 'property', replaces: word.length };
      // A name with a dash in it can't stand behind a dot; the dot goes.
      return { label: name, type: 'property', replaces: word.length + 1, text: `[${JSON.stringify(name)}]` };
    }),
    ...expressionFunctions
      .filter(one => (value === undefined ? one.of : one.of?.includes(kind)))
      .map(
        ({ name, signature }): Completion => ({
          label: name,
          type: 'method',
          detail: signature,
          replaces: word.length,
        }),
      ),
  ];
}

function roots(scope: FrameScope, replaces: number): Completion[] {
  return [
    ...Object.keys(scope.variables).map((label): Completion => ({ label, type: 'variable', replaces })),
    { label: 'inputs', type: 'module', detail: 'what was asked for', replaces },
    { label: 'steps', type: 'module', detail: 'outputs of earlier steps', replaces },
    { label: 'run', type: 'module', detail: 'this run', replaces },
    ...expressionFunctions
      .filter(one => !one.of)
      .map(({ name, signature }): Completion => ({ label: name, type: 'function', detail: signature, replaces })),
  ];
}

function valueAt(scope: FrameScope, path: string): Json | undefined {
  const [root = '', ...rest] = namesIn(path) ?? [];
  let value: Json | undefined =
    root === 'inputs'
      ? scope.inputs
      : root === 'steps'
        ? scope.steps
        : Object.hasOwn(scope.variables, root)
          ? scope.variables[root]
          : undefined;
  for (const name of rest) value = partsOf(value ?? null)?.find(([part]) => part === name)?.[1];
  return value;
}
