import { type ActionSignature, type CheckContext, inputSchemas } from './check-context';
import { checkName, isNameKind, type NameKind } from './check-names';
import type { Diagnostic, SourceRange } from './diagnostic';
import { conditionSource } from './expression';
import { type CheckedExpression, ExpressionChecker, type StepInScope } from './expression-check';
import type { Json, JsonObject } from './json';
import { type ActionStep, type ForEachStep, type InputDefinition, innerSteps, type Step } from './model';
import type { ParsedRunbook } from './parse';

import { diagnostic, type RuleCode } from './rules';
import { suppress } from './suppress';
import { templateParts, wholeExpression } from './template';
import {
  anyType,
  describeSchema,
  describeType,
  fitsSchema,
  type JsonSchema,
  stringType,
  typeOfSchema,
  typeOfValue,
  type ValueType,
} from './value-type';
import { escapePointer } from './yaml-source';

/** Everything that can be said of a runbook, in order of place, with what the file suppresses left out. */
export function checkRunbook(parsed: ParsedRunbook, context: CheckContext, _chain?: readonly string[]): Diagnostic[] {
  const checks = new RunbookChecks(parsed, context);
  return suppress(parsed.source.text, [...parsed.diagnostics, ...checks.run()]);
}

function typeOfInput(input: InputDefinition): ValueType {
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

type Variables = ReadonlyMap<string, ValueType>;

/** Names and types of a runbook, for the checks here and for completion and hover. */
export class RunbookScope {
  readonly actions: ReadonlyMap<string, ActionSignature>;
  readonly inputs: Record<string, ValueType>;
  readonly steps = new Map<string, StepInScope>();
  /** Where each id was given first. */
  readonly idPointers = new Map<string, string>();
  readonly duplicates: { pointer: string; first: string; id: string }[] = [];
  readonly #outputs = new Map<string, ValueType>();

  constructor(parsed: ParsedRunbook, actions: readonly ActionSignature[]) {
    this.actions = new Map(actions.map(action => [action.name, action]));
    this.inputs = Object.fromEntries(
      Object.entries(parsed.draft.inputs).map(([name, input]) => [name, typeOfInput(input)]),
    );
    this.#collect(parsed.draft.steps);
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
    const fields = this.#collect(innerSteps(step));
    const inner: ValueType = { kind: 'map', fields, label: 'outputs' };
    return step.kind === 'forEach' ? { kind: 'map', values: inner, label: 'outputs by item' } : inner;
  }

  actionOutputs(uses: string): ValueType {
    let type = this.#outputs.get(uses);
    if (!type) {
      const action = this.actions.get(uses);
      type = action ? typeOfSchema(action.outputs as JsonSchema, `outputs of ${uses}`) : anyType;
      this.#outputs.set(uses, type);
    }
    return type;
  }
}

class RunbookChecks {
  readonly #diagnostics: Diagnostic[] = [];
  readonly #scope: RunbookScope;
  readonly #expressions: ExpressionChecker;

  constructor(
    readonly parsed: ParsedRunbook,
    readonly context: CheckContext,
  ) {
    this.#scope = new RunbookScope(parsed, context.actions);
    this.#expressions = new ExpressionChecker(this.#scope.inputs, this.#scope.steps);
  }

  run(): Diagnostic[] {
    const { draft, source } = this.parsed;
    for (const { pointer, first, id } of this.#scope.duplicates) {
      const firstRange = source.valueRange(first);
      this.#diagnostics.push({
        ...diagnostic(
          'duplicate-id',
          this.#value(pointer),
          `Another step has the id \`${id}\` already. Rename one of them.`,
        ),
        ...(firstRange ? { related: [{ range: firstRange, message: 'The first one is here.' }] } : {}),
      });
    }
    for (const key of ['name', 'description', 'inventory'] as const) this.#noTemplate(draft[key], `/${key}`);
    for (const [name, input] of Object.entries(draft.inputs)) this.#input(name, input);
    this.#steps(draft.steps, new Map());
    this.#unusedInputs();
    return this.#diagnostics;
  }

  #input(name: string, input: InputDefinition): void {
    const pointer = `/inputs/${escapePointer(name)}`;
    this.#noTemplate(input.description, `${pointer}/description`);
    const value = input.default;
    if (value === undefined) return;
    const place = `${pointer}/default`;
    if (typeof value === 'string' && value.includes('${{')) {
      this.#noTemplate(value, place);
      return;
    }
    const selection = input.type === 'hosts' || input.type === 'vms';
    const expected = typeOfInput(input);
    const schema: JsonSchema =
      expected.kind === 'list'
        ? {
            anyOf: [
              { type: 'array', ...(selection ? { items: { type: 'string' } } : {}) },
              ...(selection ? [{ type: 'string' }] : []),
            ],
          }
        : { type: expected.kind };
    if (value === null || !fitsSchema(typeOfValue(value), schema)) {
      const wanted = selection ? 'a name, `group:NAME`, `tag:NAME`, or a list of them' : `a ${describeType(expected)}`;
      this.#report('wrong-type', this.#head(place), `The default of a \`${input.type}\` input must be ${wanted}.`);
      return;
    }
    if (input.enum && !input.enum.some(choice => JSON.stringify(choice) === JSON.stringify(value))) {
      this.#report('wrong-value', this.#head(place), 'The default is not one of the values of `enum`.');
    }
    const kind: NameKind | undefined = input.type.startsWith('host')
      ? 'host'
      : input.type.startsWith('vm')
        ? 'vm'
        : undefined;
    if (!kind) return;
    if (typeof value === 'string') this.#nameAt(kind, value, place, selection);
    else if (Array.isArray(value))
      for (const [index, item] of value.entries())
        if (typeof item === 'string') this.#nameAt(kind, item, `${place}/${index}`, true);
  }

  #steps(steps: readonly Step[], variables: Variables): void {
    for (const step of steps) {
      this.#step(step, variables);
      this.#setState(step, 'earlier');
    }
  }

  #step(step: Step, variables: Variables): void {
    if (typeof step.when === 'string') this.#condition(step.when, `${step.pointer}/when`, variables);
    if (step.name !== undefined) this.#template(step.name, `${step.pointer}/name`, undefined, '', variables);
    if (step.kind === 'steps') this.#steps(step.steps, variables);
    else if (step.kind === 'forEach') this.#forEach(step, variables);
    else if (step.kind === 'action') this.#action(step, variables);
    else this.#steps(innerSteps(step), variables);
  }

  #setState(step: Step, state: StepInScope['state'], around?: string): void {
    const found = step.id === undefined ? undefined : this.#scope.steps.get(step.id);
    // Of two steps with one id, the first is meant.
    if (found && this.#scope.idPointers.get(step.id!) === step.pointer) {
      found.state = state;
      if (around !== undefined) found.around = around;
    }
  }

  #leave(steps: readonly Step[], around: string | undefined): void {
    for (const step of steps) {
      this.#setState(step, 'inside', around);
      this.#leave(innerSteps(step), around);
    }
  }

  #forEach(step: ForEachStep, variables: Variables): void {
    const { variable } = step;
    const inner = new Map(variables);
    if (variable !== '') {
      const pointer = `${step.pointer}/forEach/${escapePointer(variable)}`;
      if (reservedNames.has(variable)) {
        this.#report(
          'reserved-name',
          this.#head(pointer),
          `\`${variable}\` has a meaning in expressions already. Name the loop variable otherwise.`,
        );
      } else if (variables.has(variable)) {
        this.#report(
          'reserved-name',
          this.#head(pointer),
          `The \`forEach\` around this one calls its variable \`${variable}\` already. Name this one otherwise.`,
        );
      }
      inner.set(variable, this.#loopItem(step.in, pointer, variables));
    }
    inner.set('index', { kind: 'integer', description: 'Place of the item in the list, from 0.' });
    this.#steps(step.steps, inner);
    this.#leave(step.steps, step.id);
  }

  /** Type of one item of the list that a `forEach` goes through. */
  #loopItem(list: Json, pointer: string, variables: Variables): ValueType {
    if (Array.isArray(list)) {
      for (const [index, item] of list.entries())
        this.#values(item, `${pointer}/${index}`, undefined, 'An item', variables);
      const type = typeOfValue(list);
      // Items with expressions in them become what those give.
      return type.kind === 'list' && !JSON.stringify(list).includes('${{') ? type.items : anyType;
    }
    if (typeof list !== 'string') return anyType;
    const type = this.#template(list, pointer, { type: 'array' }, '`forEach`', variables);
    return type.kind === 'list' ? type.items : anyType;
  }

  #action(step: ActionStep, variables: Variables): void {
    const action = this.#scope.actions.get(step.uses);
    const schemas = action ? inputSchemas(action) : {};
    for (const [name, value] of Object.entries(step.with)) {
      this.#values(
        value,
        `${step.pointer}/with/${escapePointer(name)}`,
        schemas[name],
        `\`${name}\` of \`${step.uses}\``,
        variables,
      );
    }
    if (action && step.retry && !isIdempotent(action, step.with)) {
      this.#report(
        'retry-not-idempotent',
        this.#head(`${step.pointer}/retry`),
        `\`${action.name}\` does more when it is run twice, so a retry may do harm. Leave \`retry\` out, or make sure that repeating is safe.`,
      );
    }
    if (action) this.#capabilities(action, step);
    if (Array.isArray(step.rollback)) {
      // Its undo steps see the outputs of the step itself.
      this.#setState(step, 'earlier');
      this.#steps(step.rollback, variables);
      this.#leave(step.rollback, undefined);
    }
  }

  #capabilities(action: ActionSignature, step: ActionStep): void {
    const known = this.context.inventory;
    if (!known) return;
    for (const [name, schema] of Object.entries(inputSchemas(action))) {
      const target = step.with[name];
      if (typeof target !== 'string' || target.includes('${{')) continue;
      const offered =
        schema['x-virtbook'] === 'host'
          ? known.capabilitiesOfHost?.(target)
          : schema['x-virtbook'] === 'vm'
            ? known.capabilitiesOfVm?.(target)
            : undefined;
      if (!offered) continue;
      for (const capability of requiredCapabilities(action, step.with)) {
        if (offered.has(capability)) continue;
        const range = this.#value(`${step.pointer}/with/${escapePointer(name)}`);
        this.#report(
          'capability-missing',
          range,
          `\`${action.name}\` needs \`${capability}\`, which the hypervisor of \`${target}\` does not offer.`,
        );
      }
    }
  }

  /** A value of `with` and everything in it. */
  #values(value: Json, pointer: string, schema: JsonSchema | undefined, what: string, variables: Variables): void {
    if (typeof value === 'string') {
      if (value.includes('${{')) this.#template(value, pointer, schema, what, variables);
      else if (isNameKind(schema?.['x-virtbook'])) this.#nameAt(schema['x-virtbook'], value, pointer, false);
    } else if (Array.isArray(value)) {
      const items = arrayItems(schema);
      for (const [index, item] of value.entries())
        this.#values(item, `${pointer}/${index}`, items, `An item of ${what}`, variables);
    } else if (value !== null && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) {
        const property =
          schema?.properties?.[key] ??
          (typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined);
        this.#values(item, `${pointer}/${escapePointer(key)}`, property, `\`${key}\` of ${what}`, variables);
      }
    }
  }

  /** Type of what a string with expressions in it gives. */
  #template(
    text: string,
    pointer: string,
    schema: JsonSchema | undefined,
    what: string,
    variables: Variables,
  ): ValueType {
    if (!text.includes('${{')) return stringType;
    for (const part of templateParts(text)) {
      if (part.kind === 'text') continue;
      if (!part.closed) {
        this.#expressions.usesAllInputs = true;
        this.#report(
          'expression-syntax',
          this.#inString(pointer, part.start - 3, part.end),
          'The closing `}}` is missing.',
        );
        return anyType;
      }
    }
    const whole = wholeExpression(text);
    if (!whole) {
      for (const part of templateParts(text))
        if (part.kind === 'expression') this.#expression(part.source, part.start, pointer, variables);
      if (schema && !fitsSchema(stringType, schema)) {
        this.#report(
          'expression-type',
          this.#value(pointer),
          `${what} must be ${article(describeSchema(schema))}, but text with an expression in it is a string. Write nothing around the \`\${{ }}\`.`,
        );
      }
      return stringType;
    }
    const { type, problems } = this.#expression(whole.source, whole.start, pointer, variables);
    if (problems.length === 0 && schema && !fitsSchema(type, schema)) {
      const range = this.#inString(pointer, ...trimmed(whole.source, whole.start));
      this.#report(
        'expression-type',
        range,
        `${what} must be ${article(describeSchema(schema))}, but this gives ${article(describeType(type))}.`,
      );
    }
    return type;
  }

  #condition(when: string, pointer: string, variables: Variables): void {
    const { source, start } = conditionSource(when);
    const mixed = when.indexOf('${{');
    if (start === 0 && mixed >= 0) {
      this.#expressions.usesAllInputs = true;
      this.#report(
        'expression-syntax',
        this.#value(pointer),
        'A condition is one expression. Put one `${{ }}` around all of it, or none.',
      );
      return;
    }
    const { type, problems } = this.#expression(source, start, pointer, variables);
    if (problems.length === 0 && type.kind !== 'any' && type.kind !== 'boolean') {
      this.#report(
        'expression-type',
        this.#inString(pointer, ...trimmed(source, start)),
        `A condition must give true or false, but this gives ${article(describeType(type))}.`,
      );
    }
  }

  #expression(source: string, start: number, pointer: string, variables: Variables): CheckedExpression {
    const checked = this.#expressions.check(source, variables);
    for (const { code, message, range, suggestions } of checked.problems) {
      const place = this.#inString(pointer, start + range.start, start + range.end);
      this.#diagnostics.push(diagnostic(code, place, message, suggestions));
    }
    return checked;
  }

  #noTemplate(text: string | undefined, pointer: string): void {
    const at = text?.indexOf('${{') ?? -1;
    if (at < 0) return;
    this.#report(
      'expression-not-allowed',
      this.#inString(pointer, at, text!.length),
      'Expressions are not evaluated here. Write plain text.',
    );
  }

  #nameAt(kind: NameKind, name: string, pointer: string, selectors: boolean): void {
    const problem = checkName(kind, name, this.context.inventory, selectors);
    if (problem)
      this.#diagnostics.push(diagnostic(problem.code, this.#value(pointer), problem.message, problem.suggestions));
  }

  #unusedInputs(): void {
    if (this.#expressions.usesAllInputs || this.parsed.diagnostics.some(item => item.severity === 'error')) return;
    for (const name of Object.keys(this.parsed.draft.inputs)) {
      if (this.#expressions.usedInputs.has(name)) continue;
      this.#report(
        'unused-input',
        this.#head(`/inputs/${escapePointer(name)}`),
        `Nothing uses the input \`${name}\`. Remove it, or use it as \`\${{ inputs.${name} }}\`.`,
      );
    }
  }

  #report(code: RuleCode, range: SourceRange, message: string): void {
    this.#diagnostics.push(diagnostic(code, range, message));
  }

  #value(pointer: string): SourceRange {
    return this.parsed.source.valueRange(pointer) ?? { start: 0, end: 0 };
  }

  #head(pointer: string): SourceRange {
    return this.parsed.source.headRange(pointer) ?? { start: 0, end: 0 };
  }

  /** The place of a part of a string's value; an empty one is widened so that it can be seen. */
  #inString(pointer: string, start: number, end: number): SourceRange {
    const scalar = this.parsed.source.scalar(pointer);
    if (!scalar) return this.#value(pointer);
    return end > start ? scalar.range(start, end) : scalar.range(Math.max(0, start - 1), Math.max(1, start));
  }
}

/** Names a loop variable may not take. */
const reservedNames = new Set([
  ...['inputs', 'steps', 'run', 'index', 'true', 'false', 'null', 'in'],
  ...[
    'as',
    'break',
    'const',
    'continue',
    'else',
    'for',
    'function',
    'if',
    'import',
    'let',
    'loop',
    'package',
    'namespace',
    'return',
  ],
  ...[
    'var',
    'void',
    'while',
    'prototype',
    '__proto__',
    'has',
    'cel',
    'int',
    'uint',
    'double',
    'string',
    'bool',
    'bytes',
    'list',
    'map',
  ],
  ...['timestamp', 'duration', 'type', 'dyn', 'optional', 'null_type'],
]);

function isIdempotent(action: ActionSignature, inputs: JsonObject): boolean {
  if (typeof action.idempotent === 'boolean') return action.idempotent;
  // What a template will give is not known, so nothing is said.
  if (JSON.stringify(inputs).includes('${{')) return true;
  try {
    return action.idempotent(inputs);
  } catch {
    return true;
  }
}

function requiredCapabilities(action: ActionSignature, inputs: JsonObject): readonly string[] {
  try {
    return action.requires(inputs);
  } catch {
    // Inputs that are not complete or not yet known; the plan will ask again.
    return [];
  }
}

function arrayItems(schema: JsonSchema | undefined): JsonSchema | undefined {
  const list = schema?.anyOf?.find(option => option.type === 'array') ?? schema;
  return typeof list?.items === 'object' ? list.items : undefined;
}

function trimmed(source: string, start: number): [number, number] {
  const leading = source.length - source.trimStart().length;
  return [start + leading, start + source.trimEnd().length];
}

function article(text: string): string {
  return /^(any|one of|map$|list)/.test(text)
    ? text === 'map' || text.startsWith('list')
      ? `a ${text}`
      : text
    : /^[aeiou]/.test(text)
      ? `an ${text}`
      : `a ${text}`;
}
