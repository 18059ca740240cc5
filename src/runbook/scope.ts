import type { ActionSignature } from './check-context';
import type { StepInScope } from './expression-check';
import { type CallStep, type InputDefinition, innerSteps, type Step } from './model';
import type { ParsedRunbook } from './parse';
import { anyType, type JsonSchema, stringType, typeOfSchema, type ValueType } from './value-type';

export function typeOfInput(input: InputDefinition): ValueType {
  const description = input.description === undefined ? {} : { description: input.description };
  switch (input.type) {
    case 'number':
    case 'boolean':
      return { kind: input.type, ...description };
    case 'list':
      return { kind: 'list', items: anyType, ...description };
    case 'hosts':
    case 'vms':
      return { kind: 'list', items: stringType, ...description };
    default:
      return { kind: 'string', ...description };
  }
}

/** Whether the input takes `group:NAME`, `tag:NAME` and lists of names. */
export function isSelection(input: InputDefinition): boolean {
  return input.type === 'hosts' || input.type === 'vms';
}

/** What may be given to an input. */
export function schemaOfInput(input: InputDefinition): JsonSchema {
  const type = typeOfInput(input);
  if (isSelection(input)) return { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }] };
  return { type: type.kind === 'list' ? 'array' : type.kind };
}

/** An action's outputs have one type, however often it is asked for. */
const outputTypes = new WeakMap<ActionSignature, ValueType>();

/** Names and types of a runbook, for the checks here and for completion and hover. */
export class RunbookScope {
  readonly actions: ReadonlyMap<string, ActionSignature>;
  readonly inputs: Record<string, ValueType>;
  readonly steps = new Map<string, StepInScope>();
  /** Where each id was given first. */
  readonly idPointers = new Map<string, string>();
  readonly duplicates: { pointer: string; first: string; id: string }[] = [];
  /** `outputsOfCall` gives what a called runbook gives back. */
  constructor(
    parsed: ParsedRunbook,
    actions: readonly ActionSignature[],
    readonly outputsOfCall: (step: CallStep) => ValueType = () => anyType,
  ) {
    this.actions = new Map(actions.map(action => [action.name, action]));
    this.inputs = Object.fromEntries(
      Object.entries(parsed.draft.inputs).map(([name, input]) => [name, typeOfInput(input)]),
    );
    this.#collect(parsed.draft.steps);
    this.#collect(parsed.draft.finally ?? []);
  }

  /** Types of the outputs of these steps by id. */
  #collect(steps: readonly Step[]): Record<string, ValueType> {
    const fields: Record<string, ValueType> = {};
    for (const step of steps) {
      const outputs = this.#outputsOf(step);
      if (step.id === undefined) continue;
      const first = this.idPointers.get(step.id);
      if (first !== undefined)
        this.duplicates.push({ pointer: `${step.pointer}/id`, first: `${first}/id`, id: step.id });
      else {
        this.idPointers.set(step.id, step.pointer);
        this.steps.set(step.id, { outputs, state: 'later' });
        fields[step.id] = outputs;
      }
    }
    return fields;
  }

  #outputsOf(step: Step): ValueType {
    if (step.kind === 'action') {
      if (Array.isArray(step.rollback)) this.#collect(step.rollback);
      return this.actionOutputs(step.uses);
    }
    if (step.kind === 'call') return this.outputsOfCall(step);
    const fields = this.#collect(innerSteps(step));
    const inner: ValueType = { kind: 'map', fields, label: 'outputs' };
    return step.kind === 'forEach' ? { kind: 'map', values: inner, label: 'outputs by item' } : inner;
  }

  actionOutputs(uses: string): ValueType {
    const action = this.actions.get(uses);
    if (!action) return anyType;
    let type = outputTypes.get(action);
    if (!type) {
      type = typeOfSchema(action.outputs as JsonSchema, `outputs of ${uses}`);
      outputTypes.set(action, type);
    }
    return type;
  }
}
