import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { ParsedInventory } from '../inventory/file';
import { calledPath } from '../runbook/calls';
import { inputSchemas } from '../runbook/check-context';
import type { SourceRange } from '../runbook/diagnostic';
import type { Json } from '../runbook/json';
import {
  type CallStep,
  everyStep,
  type ForEachStep,
  type InputDefinition,
  innerSteps,
  type Step,
} from '../runbook/model';
import type { ParsedRunbook } from '../runbook/parse';
import type { ScalarOffsets } from '../runbook/scalar-offsets';
import { wholeExpression } from '../runbook/template';
import type { JsonSchema } from '../runbook/value-type';
import { escapePointer, type YamlSource } from '../runbook/yaml-source';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import { expressionsOf } from './expressions-in-document';
import { namesInExpression } from './names-in-expression';
import { inventoryOf, runbookOf } from './parse-cache';

/** Kinds of names that an inventory gives. */
export const inventoryKinds = [
  'vm',
  'host',
  'group',
  'vm-tag',
  'host-tag',
  'proxy',
  'datastore',
  'connection',
] as const;
export type InventoryKind = (typeof inventoryKinds)[number];

export type NameKind =
  | InventoryKind
  | 'step'
  | 'input'
  | 'output'
  /** Of a `forEach`. */
  | 'variable'
  /** Of a macro such as `map` in an expression. */
  | 'local'
  /** Of a called runbook, and of the inventory. */
  | 'runbook'
  | 'inventory';

/** One place of a document that defines or uses a name. */
export interface Name {
  kind: NameKind;
  name: string;
  role: 'definition' | 'use';
  /** Equal for all places of the document that mean the same thing. */
  target: string;
  /** The name itself, without quotes and prefixes. */
  range: SourceRange;
  /** Path of the runbook that has the `input` or `output`, as written in `uses`; undefined: this one. */
  file?: string;
  /** Action that gives an `output`. */
  action?: string;
  place: NamePlace;
}

/** How a name is written. Numbers are places in the string's value. */
export interface NamePlace {
  pointer: string;
  on: 'key' | 'value';
  start: number;
  end: number;
  /** In an expression. `from`/`to`: what has to be replaced to write it otherwise: `.x`, `.?x`, or a literal with its quotes. */
  expression?: { form: 'member' | 'literal' | 'word'; from: number; to: number };
}

/** Every name of a document, in the order of the text. */
export class NamesInDocument {
  readonly #starts: number[];
  readonly #byTarget = new Map<string, Name[]>();

  constructor(readonly all: readonly Name[]) {
    this.#starts = all.map(name => name.range.start);
    for (const name of all) {
      const known = this.#byTarget.get(name.target);
      if (known) known.push(name);
      else this.#byTarget.set(name.target, [name]);
    }
  }

  /** The name at an offset; right behind it counts, where nothing else begins. */
  at(offset: number): Name | undefined {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    const found = this.all[low - 1];
    return found && offset <= found.range.end ? found : undefined;
  }

  of(target: string): readonly Name[] {
    return this.#byTarget.get(target) ?? [];
  }
}

type Indexed = Pick<EditorConfig, 'actions' | 'runbooks'>;

interface Index {
  actions: EditorConfig['actions'];
  /** Called runbooks that were looked into, by path. */
  called: ReadonlyMap<string, ParsedRunbook | null | undefined>;
  names: NamesInDocument;
}

/** One index per parsed text, as long as that lives. */
const known = new WeakMap<object, Index>();

const none = new NamesInDocument([]);

/** The names of a runbook or inventory. Never throws, whatever the text. */
export function namesInDocument(document: TextDocument, { actions, runbooks, cache }: EditorConfig): NamesInDocument {
  const kind = documentKind(document);
  if (!kind) return none;
  const parsed = kind === 'runbook' ? runbookOf(document, cache) : inventoryOf(document, cache);
  const before = known.get(parsed);
  if (before && before.actions === actions && [...before.called].every(([path, one]) => runbooks?.(path) === one))
    return before.names;
  const called = new Map<string, ParsedRunbook | null | undefined>();
  const look = (path: string) => {
    if (!called.has(path)) called.set(path, runbooks?.(path));
    return called.get(path);
  };
  const found =
    kind === 'runbook'
      ? new RunbookNames(parsed as ParsedRunbook, { actions, runbooks: look }).collect()
      : new InventoryNames(parsed as ParsedInventory).collect();
  found.sort((left, right) => left.range.start - right.range.start || left.range.end - right.range.end);
  const names = new NamesInDocument(found);
  known.set(parsed, { actions, called, names });
  return names;
}

/** Key of a name of the inventory. */
export function inventoryTarget(kind: InventoryKind, name: string): string {
  return `${kind}:${name}`;
}

/** Writes down names with their places in the text. */
class Collector {
  readonly names: Name[] = [];

  constructor(readonly source: YamlSource) {}

  key(pointer: string, name: Omit<Name, 'range' | 'place'>): void {
    const whole = this.source.keyRange(pointer);
    if (!whole) return;
    const quote = this.source.text[whole.start];
    const quoted = quote === '"' || quote === "'" ? 1 : 0;
    const range = { start: whole.start + quoted, end: Math.max(whole.start + quoted, whole.end - quoted) };
    this.names.push({ ...name, range, place: { pointer, on: 'key', start: 0, end: name.name.length } });
  }

  /** `from`: where in the string the name begins. */
  value(pointer: string, name: Omit<Name, 'range' | 'place'>, from = 0): void {
    const scalar = this.source.scalar(pointer);
    if (!scalar) return;
    const to = from + name.name.length;
    this.names.push({
      ...name,
      range: scalar.range(from, to),
      place: { pointer, on: 'value', start: from, end: to },
    });
  }

  /** A name of the inventory; with `selectors`, `group:NAME` and `tag:NAME` as well. */
  inventoryName(kind: InventoryKind, text: string, pointer: string, selectors: boolean): void {
    const prefix = selectors ? /^(group|tag):/.exec(text) : null;
    const from = prefix?.[0].length ?? 0;
    const selected: InventoryKind =
      prefix?.[1] === 'group' ? 'group' : prefix?.[1] === 'tag' ? (kind === 'host' ? 'host-tag' : 'vm-tag') : kind;
    const name = text.slice(from);
    if (name === '') return;
    this.value(pointer, { kind: selected, name, role: 'use', target: inventoryTarget(selected, name) }, from);
  }
}

class RunbookNames extends Collector {
  readonly #steps = new Map<string, Step>();
  readonly #variableKinds = new Map<ForEachStep, InventoryKind | undefined>();
  readonly #actions: ReadonlyMap<string, Record<string, JsonSchema>>;

  constructor(
    readonly parsed: ParsedRunbook,
    readonly config: Indexed,
  ) {
    super(parsed.source);
    this.#actions = new Map(config.actions.map(action => [action.name, inputSchemas(action)]));
  }

  collect(): Name[] {
    const { draft } = this.parsed;
    const steps = everyStep(draft);
    for (const step of steps) if (step.id !== undefined && !this.#steps.has(step.id)) this.#steps.set(step.id, step);
    if (draft.inventory !== undefined && !draft.inventory.includes('${{'))
      this.value('/inventory', fileName('inventory', draft.inventory));
    for (const [name, input] of Object.entries(draft.inputs)) this.#input(name, input);
    for (const name of Object.keys(draft.outputs ?? {}))
      this.key(`/outputs/${escapePointer(name)}`, {
        kind: 'output',
        name,
        role: 'definition',
        target: `output:${name}`,
      });
    for (const step of steps) this.#step(step);
    for (const loop of this.#variableKinds.keys()) this.#items(loop);
    this.#expressions();
    return this.names;
  }

  #input(name: string, input: InputDefinition): void {
    const pointer = `/inputs/${escapePointer(name)}`;
    this.key(pointer, { kind: 'input', name, role: 'definition', target: `input:${name}` });
    const kind = kindOfInput(input);
    if (!kind) return;
    if (input.default !== undefined) this.#values(input.default, `${pointer}/default`, kind.kind, kind.selectors);
    if (input.enum !== undefined) this.#values(input.enum, `${pointer}/enum`, kind.kind, kind.selectors);
  }

  #step(step: Step): void {
    const { id, pointer } = step;
    if (id !== undefined)
      this.value(`${pointer}/id`, { kind: 'step', name: id, role: 'definition', target: `step:${pointer}` });
    if (step.kind === 'forEach') this.#loop(step);
    else if (step.kind === 'call') this.#call(step);
    else if (step.kind === 'action') {
      const schemas = this.#actions.get(step.uses) ?? {};
      for (const [name, value] of Object.entries(step.with))
        this.#bySchema(value, `${pointer}/with/${escapePointer(name)}`, schemas[name]);
    }
  }

  #loop(step: ForEachStep): void {
    if (step.variable === '') return;
    const pointer = `${step.pointer}/forEach/${escapePointer(step.variable)}`;
    this.key(pointer, {
      kind: 'variable',
      name: step.variable,
      role: 'definition',
      target: `variable:${step.pointer}`,
    });
    this.#variableKinds.set(step, this.#kindOfItems(step));
  }

  /** Literal items of a loop, when what its variable is used for says what they name. */
  #items(step: ForEachStep): void {
    const kind = this.#variableKinds.get(step);
    if (kind && Array.isArray(step.in))
      this.#values(step.in, `${step.pointer}/forEach/${escapePointer(step.variable)}`, kind, false);
  }

  #call(step: CallStep): void {
    const { pointer, uses } = step;
    if (uses.includes('${{')) return;
    this.value(`${pointer}/uses`, fileName('runbook', uses));
    const inputs = this.config.runbooks?.(calledPath('', uses))?.draft.inputs ?? {};
    for (const [name, value] of Object.entries(step.with)) {
      const place = `${pointer}/with/${escapePointer(name)}`;
      this.key(place, {
        kind: 'input',
        name,
        role: 'use',
        target: `input:${name}@${calledPath('', uses)}`,
        file: uses,
      });
      const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
      const kind = input && kindOfInput(input);
      if (kind) this.#values(value, place, kind.kind, kind.selectors);
    }
  }

  #values(value: Json, pointer: string, kind: InventoryKind, selectors: boolean): void {
    if (typeof value === 'string') {
      if (!value.includes('${{')) this.inventoryName(kind, value, pointer, selectors);
    } else if (Array.isArray(value))
      for (const [index, item] of value.entries()) this.#values(item, `${pointer}/${index}`, kind, selectors);
  }

  /** A value of `with` and everything in it. */
  #bySchema(value: Json, pointer: string, schema: JsonSchema | undefined): void {
    if (schema === undefined) return;
    if (typeof value === 'string') {
      const kind = kindOfSchema(schema);
      if (kind && !value.includes('${{')) this.inventoryName(kind, value, pointer, false);
    } else if (Array.isArray(value)) {
      const items = itemsOf(schema);
      for (const [index, item] of value.entries()) this.#bySchema(item, `${pointer}/${index}`, items);
    } else if (value !== null && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) {
        const { additionalProperties: more } = schema;
        const property = schema.properties?.[key] ?? (typeof more === 'object' ? more : undefined);
        this.#bySchema(item, `${pointer}/${escapePointer(key)}`, property);
      }
    }
  }

  /** What the items of a loop name: told by its list, or by what its variable is given to. */
  #kindOfItems(loop: ForEachStep): InventoryKind | undefined {
    if (typeof loop.in === 'string') {
      const input = /^inputs\.(\w+)$/.exec(wholeExpression(loop.in)?.source.trim() ?? '')?.[1];
      const { inputs } = this.parsed.draft;
      if (input !== undefined && Object.hasOwn(inputs, input)) return kindOfInput(inputs[input]!)?.kind;
    }
    return this.#kindOfUse(loop.steps, loop.variable);
  }

  #kindOfUse(steps: readonly Step[], variable: string): InventoryKind | undefined {
    for (const step of steps) {
      if (step.kind === 'action' || step.kind === 'call') {
        for (const [name, value] of Object.entries(step.with)) {
          if (typeof value !== 'string' || wholeExpression(value)?.source.trim() !== variable) continue;
          const schema = step.kind === 'action' ? this.#actions.get(step.uses)?.[name] : undefined;
          const inputs = step.kind === 'call' ? this.config.runbooks?.(calledPath('', step.uses))?.draft.inputs : {};
          const input = inputs && Object.hasOwn(inputs, name) ? inputs[name] : undefined;
          const kind = schema ? kindOfSchema(schema) : input && kindOfInput(input)?.kind;
          if (kind) return kind;
        }
      }
      // A loop within that has the same name for its own items hides this one.
      const hidden = step.kind === 'forEach' && step.variable === variable;
      const found = hidden ? undefined : this.#kindOfUse(innerSteps(step), variable);
      if (found) return found;
    }
    return undefined;
  }

  #expressions(): void {
    for (const { pointer, source, start, scalar, loops } of expressionsOf(this.parsed)) {
      for (const found of namesInExpression(source, { steps: this.#steps, loops })) {
        const name = this.#expressionName(found, pointer, start);
        if (!name) continue;
        const { range, whole, form } = found;
        this.names.push({ ...name, ...place(scalar, pointer, start, range, whole, form) });
      }
    }
  }

  #expressionName(
    found: ReturnType<typeof namesInExpression>[number],
    pointer: string,
    start: number,
  ): Omit<Name, 'range' | 'place'> | undefined {
    const { name, step } = found;
    switch (found.kind) {
      case 'input':
        return { kind: 'input', name, role: 'use', target: `input:${name}` };
      case 'step':
        return { kind: 'step', name, role: 'use', target: step ? `step:${step.pointer}` : `step:?${name}` };
      case 'variable':
        return { kind: 'variable', name, role: 'use', target: `variable:${step?.pointer}` };
      case 'local':
        return {
          kind: 'local',
          name,
          role: found.definition ? 'definition' : 'use',
          target: `local:${pointer}:${start + (found.binding?.start ?? 0)}`,
        };
      case 'output': {
        if (step?.kind === 'call')
          return {
            kind: 'output',
            name,
            role: 'use',
            target: `output:${name}@${calledPath('', step.uses)}`,
            file: step.uses,
          };
        const action = step?.kind === 'action' ? step.uses : '';
        return { kind: 'output', name, role: 'use', target: `output:${name}@${action}`, action };
      }
      case 'item': {
        const kind = step?.kind === 'forEach' ? this.#variableKinds.get(step) : undefined;
        return kind && { kind, name, role: 'use', target: inventoryTarget(kind, name) };
      }
      default:
        return undefined;
    }
  }
}

function place(
  scalar: ScalarOffsets,
  pointer: string,
  start: number,
  range: SourceRange,
  whole: SourceRange,
  form: NonNullable<NamePlace['expression']>['form'],
): Pick<Name, 'range' | 'place'> {
  return {
    range: scalar.range(start + range.start, start + range.end),
    place: {
      pointer,
      on: 'value',
      start: start + range.start,
      end: start + range.end,
      expression: { form, from: start + whole.start, to: start + whole.end },
    },
  };
}

function fileName(kind: 'runbook' | 'inventory', path: string): Omit<Name, 'range' | 'place'> {
  return { kind, name: path, role: 'use', target: `${kind}:${calledPath('', path)}`, file: path };
}

/** What a string of this input names. */
export function kindOfInput({ type }: InputDefinition): { kind: 'vm' | 'host'; selectors: boolean } | undefined {
  if (type === 'vm' || type === 'host') return { kind: type, selectors: false };
  if (type === 'vms' || type === 'hosts') return { kind: type === 'vms' ? 'vm' : 'host', selectors: true };
  return undefined;
}

function kindOfSchema(schema: JsonSchema): InventoryKind | undefined {
  const options = [schema, ...(schema.anyOf ?? [])];
  const kind = options.map(option => option['x-virtbook']).find(found => found !== undefined);
  return kind === 'vm' || kind === 'host' || kind === 'proxy' || kind === 'datastore' ? kind : undefined;
}

function itemsOf(schema: JsonSchema): JsonSchema | undefined {
  const list = schema.anyOf?.find(option => option.type === 'array') ?? schema;
  return typeof list.items === 'object' ? list.items : undefined;
}

class InventoryNames extends Collector {
  constructor(readonly parsed: ParsedInventory) {
    super(parsed.source);
  }

  collect(): Name[] {
    const { connections, groups, proxies, vms } = this.parsed.draft;
    for (const [name, connection] of Object.entries(connections)) {
      const pointer = `/connections/${escapePointer(name)}`;
      // One libvirt connection is one host of the same name.
      this.#define(pointer, connection.type === 'libvirt' ? 'host' : 'connection', name);
      if (connection.type === 'simulated') this.#list(connection.hosts, `${pointer}/hosts`, 'host', 'use');
      this.#list(connection.tags, `${pointer}/tags`, 'host-tag', 'definition');
    }
    for (const [name, group] of Object.entries(groups)) {
      const pointer = `/groups/${escapePointer(name)}`;
      this.#define(pointer, 'group', name);
      this.#list(group.hosts, `${pointer}/hosts`, 'host', 'use');
      this.#list(group.vms, `${pointer}/vms`, 'vm', 'use');
    }
    for (const name of Object.keys(proxies)) this.#define(`/proxies/${escapePointer(name)}`, 'proxy', name);
    for (const [name, vm] of Object.entries(vms)) {
      const pointer = `/vms/${escapePointer(name)}`;
      this.#define(pointer, 'vm', name);
      this.#list(vm.tags, `${pointer}/tags`, 'vm-tag', 'definition');
    }
    return this.names;
  }

  #define(pointer: string, kind: InventoryKind, name: string): void {
    this.key(pointer, { kind, name, role: 'definition', target: inventoryTarget(kind, name) });
  }

  #list(names: readonly string[] | undefined, pointer: string, kind: InventoryKind, role: Name['role']): void {
    names?.forEach((name, index) => {
      // Items that are no strings are left out of the list, so places may be shifted: only those that fit are taken.
      if (this.source.scalar(`${pointer}/${index}`)?.value === name)
        this.value(`${pointer}/${index}`, { kind, name, role, target: inventoryTarget(kind, name) });
    });
  }
}
