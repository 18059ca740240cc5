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
import { escapePointer } from '../runbook/yaml-source';
import type { EditorConfig } from './config';
import { expressionsOf } from './expressions-in-document';
import { type InventoryKind, inventoryTarget, type Name, type NamePlace } from './name';
import { NameCollector } from './name-collector';
import { namesInExpression } from './names-in-expression';

/** Names of a runbook: what it defines, and what its values and expressions use. */
export class RunbookNames extends NameCollector {
  readonly #steps = new Map<string, Step>();
  readonly #variableKinds = new Map<ForEachStep, InventoryKind | undefined>();
  readonly #actions: ReadonlyMap<string, Record<string, JsonSchema>>;

  constructor(
    readonly parsed: ParsedRunbook,
    readonly config: Pick<EditorConfig, 'actions' | 'runbooks'>,
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
      case 'compared': {
        const { about } = found;
        const { inputs } = this.parsed.draft;
        const kind =
          about && 'loop' in about
            ? this.#variableKinds.get(about.loop)
            : about && Object.hasOwn(inputs, about.input) && kindOfInput(inputs[about.input]!)?.kind;
        return kind ? { kind, name, role: 'use', target: inventoryTarget(kind, name) } : undefined;
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
