import { missingInputs } from '../engine/plan-inputs';
import { equal } from '../runbook/equal';
import type { Json, JsonObject } from '../runbook/json';
import type { InputDefinition, Runbook } from '../runbook/model';

/** Names that a side knows, sorted. */
export interface KnownTargets {
  vms: readonly string[];
  hosts: readonly string[];
}

export interface InputSide {
  runbook: Runbook;
  known: KnownTargets;
}

/** A list input takes so many, so that limits and batches show. */
const mostTaken = 2;

/** Values for the inputs without a default, the same on both sides where an input of both can have it. */
export function exampleInputs(
  base: InputSide | undefined,
  head: InputSide | undefined,
): { base: JsonObject; head: JsonObject } {
  return { base: base ? taken(base, head) : {}, head: head ? taken(head, base) : {} };
}

function taken(side: InputSide, other: InputSide | undefined): JsonObject {
  return Object.fromEntries(
    missingInputs(side.runbook, {}).map(({ name, definition }) => {
      const there = other && Object.hasOwn(other.runbook.inputs, name) ? other.runbook.inputs[name] : undefined;
      return [name, example(definition, side.known, there?.type === definition.type ? there : undefined, other?.known)];
    }),
  );
}

/** `there`: the same input on the other side. */
function example(
  { type, enum: allowed }: InputDefinition,
  known: KnownTargets,
  there: InputDefinition | undefined,
  knownThere: KnownTargets | undefined,
): Json {
  if (allowed) {
    const both = allowed.filter(value => there?.enum?.some(one => equal(one, value)) ?? true);
    const [first] = there?.default !== undefined && isIn(there.default, allowed) ? [there.default] : both;
    return first ?? allowed[0] ?? null;
  }
  // One of the sides has lost its default, or has got one: what it was is what would be given.
  if (there?.default !== undefined) return there.default;
  const names = (kind: keyof KnownTargets): readonly string[] => {
    const both = knownThere ? known[kind].filter(name => knownThere[kind].includes(name)) : [];
    return both.length > 0 ? both : known[kind].length > 0 ? known[kind] : ['example'];
  };
  switch (type) {
    case 'vm':
      return names('vms')[0]!;
    case 'vms':
      return names('vms').slice(0, mostTaken);
    case 'host':
      return names('hosts')[0]!;
    case 'hosts':
      return names('hosts').slice(0, mostTaken);
    case 'number':
      return 1;
    case 'boolean':
      return false;
    case 'list':
      return ['example'];
    case 'string':
    case 'secret':
      return 'example';
  }
}

function isIn(value: Json, list: readonly Json[]): boolean {
  return list.some(one => equal(one, value));
}

/** A sentence for each. */
export function takenSentences(taken: Readonly<Record<string, Json>>): string[] {
  return Object.entries(taken).map(([name, value]) => {
    const values = Array.isArray(value) ? value.map(text) : [text(value)];
    return `The input ${name} has no default: ${values.join(', ')} ${values.length === 1 ? 'was' : 'were'} taken for it.`;
  });
}

function text(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
