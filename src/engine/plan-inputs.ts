import type { Inventory } from '../inventory/model';
import type { Json, JsonObject } from '../runbook/json';
import type { InputDefinition, Runbook } from '../runbook/model';
import { secretMark, secretVariable } from '../runbook/secret';

/** What a plan needs to turn `group:` and `tag:` into names. */
export interface NameSource {
  inventory?: Inventory;
  /** Hosts that a connection shows, by connection; a libvirt connection is one host, of its own name. */
  hosts?: Record<string, readonly string[]>;
}

export interface CalledWith {
  /** By another runbook, which gives its secrets, too. */
  called: true;
  /** Inputs whose values are only known when the call is reached; they are left out. */
  unknown?: ReadonlySet<string>;
}

/**
 * Inputs as the run sees them: defaults filled in, `hosts` and `vms` as lists of names, for a secret the mark that stands for it. What is
 * wrong is added to `problems`, a sentence each.
 */
export function resolveInputs(
  runbook: Runbook,
  given: JsonObject,
  names: NameSource,
  problems: string[],
  call?: CalledWith,
): JsonObject {
  const resolved: JsonObject = {};
  const known = Object.keys(runbook.inputs);
  for (const name of [...Object.keys(given), ...(call?.unknown ?? [])]) {
    if (known.includes(name)) continue;
    const has = known.length > 0 ? `It has ${known.join(', ')}.` : 'It has no inputs.';
    problems.push(`The runbook ${call ? `${runbook.name} ` : ''}has no input ${name}. ${has}`);
  }
  for (const [name, definition] of Object.entries(runbook.inputs)) {
    if (call?.unknown?.has(name)) continue;
    if (definition.type === 'secret' && !call) {
      if (Object.hasOwn(given, name)) problems.push(secretGiven(name, definition));
      resolved[name] = secretMark(name);
      continue;
    }
    const value = Object.hasOwn(given, name) ? given[name] : definition.default;
    if (value === undefined) {
      problems.push(
        call
          ? `The input ${name} (${definition.type}) of ${runbook.name} has no value: it has no default, and \`with\` gives none.`
          : `The input ${name} (${definition.type}) has no value: it has no default and none was given.`,
      );
      continue;
    }
    const result = resolveInput(name, definition, value, names);
    if ('problem' in result) problems.push(result.problem);
    else resolved[name] = result.value;
  }
  return resolved;
}

/** Inputs that need a value and were given none. A secret is none of them: it is asked for when the run needs it. */
export function missingInputs(runbook: Runbook, given: JsonObject): { name: string; definition: InputDefinition }[] {
  return Object.entries(runbook.inputs).flatMap(([name, definition]) =>
    definition.type === 'secret' || definition.default !== undefined || Object.hasOwn(given, name)
      ? []
      : [{ name, definition }],
  );
}

function secretGiven(name: string, { env }: InputDefinition): string {
  return (
    `The input ${name} is a secret, so it can't be given here: what is given is written down. ` +
    `Set it in the environment as ${secretVariable(name, env)}, or be asked for it when the run begins.`
  );
}

function resolveInput(
  name: string,
  definition: InputDefinition,
  value: Json,
  names: NameSource,
): { value: Json } | { problem: string } {
  const wrong = (wanted: string) => ({ problem: `The input ${name} must be ${wanted}, not ${JSON.stringify(value)}.` });
  switch (definition.type) {
    case 'string':
      if (typeof value !== 'string') return wrong('a string');
      break;
    case 'secret':
      // Its value is never told.
      if (typeof value !== 'string') return { problem: `The input ${name} must be a string, as it is a secret.` };
      break;
    case 'number':
      if (typeof value !== 'number') return wrong('a number');
      break;
    case 'boolean':
      if (typeof value !== 'boolean') return wrong('true or false');
      break;
    case 'list':
      if (!Array.isArray(value)) return wrong('a list');
      break;
    case 'host':
    case 'vm': {
      if (typeof value !== 'string' || value === '' || isSelector(value))
        return wrong(`the name of one ${definition.type}`);
      break;
    }
    case 'hosts':
    case 'vms': {
      const list = typeof value === 'string' ? [value] : value;
      if (!Array.isArray(list) || !list.every(item => typeof item === 'string' && item !== '')) {
        return wrong(`a list of ${definition.type}, group:NAME or tag:NAME`);
      }
      const expanded = new Set<string>();
      for (const item of list as string[]) {
        const found = select(item, definition.type, names);
        if ('problem' in found) return { problem: `The input ${name}: ${found.problem}` };
        for (const one of found.names) expanded.add(one);
      }
      value = [...expanded];
      break;
    }
  }
  if (definition.enum && !definition.enum.some(allowed => JSON.stringify(allowed) === JSON.stringify(value))) {
    return wrong(`one of ${definition.enum.map(allowed => JSON.stringify(allowed)).join(', ')}`);
  }
  return { value };
}

function isSelector(text: string): boolean {
  return text.startsWith('group:') || text.startsWith('tag:');
}

function select(
  item: string,
  kind: 'hosts' | 'vms',
  names: NameSource,
): { names: readonly string[] } | { problem: string } {
  if (!isSelector(item)) return { names: [item] };
  const { inventory } = names;
  if (!inventory) return { problem: `${item} can't be resolved, because the runbook names no inventory.` };
  const name = item.slice(item.indexOf(':') + 1);
  if (item.startsWith('group:')) {
    const group = Object.hasOwn(inventory.groups, name) ? inventory.groups[name] : undefined;
    if (!group) return { problem: `the inventory has no group ${name}.` };
    const found = group[kind] ?? [];
    return found.length > 0 ? { names: found } : { problem: `the group ${name} has no ${kind}.` };
  }
  const found =
    kind === 'vms'
      ? Object.entries(inventory.vms).flatMap(([vm, { tags }]) => (tags?.includes(name) ? [vm] : []))
      : Object.entries(inventory.connections).flatMap(([connection, definition]) =>
          definition.tags?.includes(name)
            ? (names.hosts?.[connection] ?? (definition.type === 'libvirt' ? [connection] : (definition.hosts ?? [])))
            : [],
        );
  return found.length > 0 ? { names: found } : { problem: `nothing in the inventory has the tag ${name}.` };
}

/** A value given as text, e.g. on the command line, as the input's type wants it; text that doesn't fit stays text and is refused later. */
export function inputFromText(text: string, definition: InputDefinition | undefined): Json {
  switch (definition?.type) {
    case 'number': {
      const number = Number(text);
      return text.trim() !== '' && Number.isFinite(number) ? number : text;
    }
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'list':
    case 'hosts':
    case 'vms':
      if (text.trimStart().startsWith('[')) {
        try {
          return JSON.parse(text) as Json;
        } catch {
          return text;
        }
      }
      return text === '' ? [] : text.split(',').map(item => item.trim());
    default:
      return text;
  }
}
