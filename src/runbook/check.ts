import { CallTypes } from './call-types';
import { CallGraph, calledPath } from './calls';
import { checkCapabilities, isIdempotent } from './check-action';
import { type CheckContext, inputSchemas } from './check-context';
import { checkInput, checkInputValue } from './check-inputs';
import { isNameKind } from './check-names';
import { checkWindow } from './check-window';
import type { Diagnostic } from './diagnostic';
import { nearest } from './did-you-mean';
import { conditionSource } from './expression';
import {
  addNamed,
  type CheckedExpression,
  ExpressionChecker,
  nothingNamed,
  type SecretUse,
  type StepInScope,
} from './expression-check';
import type { Json } from './json';
import { KeptChecks } from './kept-checks';
import {
  type ActionStep,
  type CallStep,
  everyStep,
  type ForEachStep,
  innerSteps,
  type ParallelStep,
  type Step,
} from './model';
import { checkOperations } from './operations/check-operations';
import type { ParsedRunbook } from './parse';
import { asObject } from './read-runbook';
import { Report } from './report';
import { type RunbookScope, schemaOfInput } from './scope';
import { suppress } from './suppress';
import { templateParts, wholeExpression } from './template';
import {
  anyType,
  describeSchema,
  describeType,
  fitsSchema,
  type JsonSchema,
  stringType,
  typeOfValue,
  type ValueType,
  withArticle,
} from './value-type';
import { shifted } from './yaml-places';
import { escapePointer } from './yaml-source';

/**
 * Everything that can be said of a runbook, in order of place, with what the file suppresses left out. `chain`: the files from the outermost
 * runbook to this one, when it is one that is called.
 */
export function checkRunbook(parsed: ParsedRunbook, context: CheckContext, chain?: readonly string[]): Diagnostic[] {
  const around: Surroundings = { context, types: new CallTypes(context), chain: chain ?? [context.path ?? ''] };
  if (context.runbooks) {
    around.calls = new CallGraph(context.runbooks, (called, below) => check(called, { ...around, chain: below }));
  }
  return check(parsed, around);
}

function check(parsed: ParsedRunbook, around: Surroundings): Diagnostic[] {
  const checks = new RunbookChecks(parsed, around);
  return suppress(parsed.source.text, [...parsed.diagnostics, ...checks.run()]);
}

/** What a runbook is checked in. */
interface Surroundings {
  context: CheckContext;
  types: CallTypes;
  calls?: CallGraph;
  chain: readonly string[];
}

type Variables = ReadonlyMap<string, ValueType>;

class RunbookChecks {
  readonly #report: Report;
  readonly #scope: RunbookScope;
  readonly #expressions: ExpressionChecker;

  readonly #secrets: ReadonlySet<string>;
  /** In `with`, where a secret may be handed on. */
  #handsOn = false;
  /** How many times one was. */
  #handed = 0;

  constructor(
    readonly parsed: ParsedRunbook,
    readonly around: Surroundings,
  ) {
    this.#report = new Report(parsed, around.context.inventory);
    this.#scope = around.types.scope(parsed, this.#file);
    const inputs = Object.entries(parsed.draft.inputs);
    this.#secrets = new Set(inputs.flatMap(([name, { type }]) => (type === 'secret' ? [name] : [])));
    this.#expressions = new ExpressionChecker(this.#scope.inputs, this.#scope.steps, this.#secrets);
  }

  /** Path of this file, relative to the folder of the outermost one. */
  get #file(): string {
    return this.around.chain.at(-1) ?? '';
  }

  run(): Diagnostic[] {
    const { draft, source } = this.parsed;
    for (const { pointer, first, id } of this.#scope.duplicates) {
      const firstRange = source.valueRange(first);
      const text = `Another step has the id \`${id}\` already. Rename one of them.`;
      const made = this.#report.add('duplicate-id', this.#report.value(pointer), text);
      if (firstRange) made.related = [{ range: firstRange, message: 'The first one is here.' }];
    }
    for (const key of ['name', 'description', 'inventory'] as const) this.#report.noTemplate(draft[key], `/${key}`);
    this.#checkInventory();
    for (const [name, input] of Object.entries(draft.inputs)) checkInput(this.#report, name, input);
    if (draft.window) checkWindow(this.#report, draft.window);
    this.#outermost(draft.steps);
    for (const [name, value] of Object.entries(draft.outputs ?? {}))
      this.#values(value, `/outputs/${escapePointer(name)}`, undefined, `\`${name}\``, new Map());
    this.#finally(draft.finally ?? []);
    this.#noReturns();
    this.#unusedInputs();
    checkOperations(this.#report, this.#scope.actions, this.#file, this.around.context.runbooks);
    return this.#report.diagnostics;
  }

  #checkInventory(): void {
    const { context, chain } = this.around;
    const { inventory } = this.parsed.draft;
    // A called runbook has that of its caller.
    if (!context.inventoryMissing || !inventory || chain.length > 1) return;
    const text = `There is no inventory \`${inventory}\`. Correct the path, or add the file.`;
    this.#report.add('inventory-not-found', this.#report.value('/inventory'), text);
  }

  /** What stands there sees what the steps gave as far as they have run. */
  #finally(steps: readonly Step[]): void {
    const unsure = (found: Iterable<StepInScope>) => {
      for (const step of found) if (step.state === 'earlier') step.state = 'perhaps';
    };
    unsure(this.#scope.steps.values());
    for (const step of steps) {
      this.#step(step, new Map());
      this.#setState(step, 'earlier');
      unsure(this.#inScope(step));
    }
  }

  #noReturns(): void {
    const { draft } = this.parsed;
    const outermost = new Set<Step>(draft.steps);
    for (const step of everyStep(draft)) {
      if (step.kind !== 'pointOfNoReturn' || outermost.has(step)) continue;
      this.#report.add(
        'misplaced-no-return',
        this.#report.head(`${step.pointer}/pointOfNoReturn`),
        'It ends the undo of the whole run, so it can only stand in the outermost `steps`. Move it there.',
      );
    }
  }

  #outermost(steps: readonly Step[]): void {
    const { data, source } = this.parsed;
    const items = asObject(data).steps;
    const kept = new KeptChecks(this.around.context, this.#scope, this.#secrets);
    const { diagnostics } = this.#report;
    const whole = this.#expressions.named;
    for (const step of steps) {
      const item = Array.isArray(items) ? items[Number(step.pointer.slice('/steps/'.length))] : undefined;
      const known = kept.find(item);
      if (known) {
        for (const one of known.diagnostics) {
          const start = source.valueRange(step.pointer)?.start ?? 0;
          diagnostics.push({ ...one, range: shifted(one.range, start) });
        }
        for (const [id, { state, around }] of known.after) {
          const inside = this.#scope.steps.get(id)!;
          inside.state = state;
          if (around !== undefined) inside.around = around;
        }
        addNamed(whole, known.named);
      } else {
        const before = diagnostics.length;
        const named = nothingNamed();
        this.#expressions.named = named;
        this.#step(step, new Map());
        this.#expressions.named = whole;
        addNamed(whole, named);
        const start = source.valueRange(step.pointer)?.start ?? 0;
        kept.keep(item, step, start, named, diagnostics.slice(before));
      }
      this.#setState(step, 'earlier');
    }
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
    const say = (text: string | undefined, key: string) => {
      if (text !== undefined) this.#template(text, `${step.pointer}/${key}`, undefined, '', variables);
    };
    switch (step.kind) {
      case 'steps':
        this.#steps(step.steps, variables);
        break;
      case 'forEach':
        this.#forEach(step, variables);
        break;
      case 'parallel':
        this.#parallel(step, variables);
        break;
      case 'action':
        this.#action(step, variables);
        break;
      case 'call':
        this.#call(step, variables);
        break;
      case 'wait':
        this.#template(step.duration, `${step.pointer}/wait`, { type: 'string' }, '`wait`', variables);
        break;
      case 'approve':
        say(step.message, 'approve/message');
        break;
      case 'assert':
        if (typeof step.condition === 'string') this.#condition(step.condition, `${step.pointer}/assert`, variables);
        say(step.message, 'message');
        break;
      case 'pointOfNoReturn':
        say(step.message, 'pointOfNoReturn');
        break;
    }
  }

  /** A branch sees what ran before the `parallel`, and nothing of the other branches. */
  #parallel(step: ParallelStep, variables: Variables): void {
    const branches = step.steps.map(branch => this.#inScope(branch));
    for (const inner of branches) for (const found of inner) found.state = 'beside';
    const after = new Map<StepInScope, StepInScope['state']>();
    for (const [index, branch] of step.steps.entries()) {
      const inner = branches[index]!;
      for (const found of inner) found.state = 'later';
      this.#step(branch, variables);
      this.#setState(branch, 'earlier');
      for (const found of inner) {
        after.set(found, found.state);
        found.state = 'beside';
      }
    }
    for (const [found, state] of after) found.state = state;
  }

  /** What can be named of a step and of those inside it. */
  #inScope(step: Step): StepInScope[] {
    return everyStep({ steps: [step] }).flatMap(inner => {
      const found = inner.id === undefined ? undefined : this.#scope.steps.get(inner.id);
      return found && this.#scope.idPointers.get(inner.id!) === inner.pointer ? [found] : [];
    });
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
        this.#report.add(
          'reserved-name',
          this.#report.head(pointer),
          `\`${variable}\` has a meaning in expressions already. Name the loop variable otherwise.`,
        );
      } else if (variables.has(variable)) {
        this.#report.add(
          'reserved-name',
          this.#report.head(pointer),
          `The \`forEach\` around this one calls its variable \`${variable}\` already. Name this one otherwise.`,
        );
      }
      inner.set(variable, this.#loopItem(step.in, pointer, variables));
    }
    inner.set('index', { kind: 'integer', description: 'Place of the item in the list, from 0.' });
    if (step.canary !== undefined && Array.isArray(step.in) && step.canary >= step.in.length) {
      const text = `There are only ${step.in.length} items, so every one is a canary. Choose fewer, or leave \`canary\` out.`;
      this.#report.add('pointless-canary', this.#report.value(`${step.pointer}/forEach/canary`), text);
    }
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
    this.#handsOn = true;
    for (const [name, value] of Object.entries(step.with)) {
      this.#values(
        value,
        `${step.pointer}/with/${escapePointer(name)}`,
        schemas[name],
        `\`${name}\` of \`${step.uses}\``,
        variables,
      );
    }
    this.#handsOn = false;
    if (action && step.retry && !isIdempotent(action, step.with)) {
      this.#report.add(
        'retry-not-idempotent',
        this.#report.head(`${step.pointer}/retry`),
        `\`${action.name}\` does more when it is run twice, so a retry may do harm. Leave \`retry\` out, or make sure that repeating is safe.`,
      );
    }
    if (action) checkCapabilities(this.#report, action, step);
    if (Array.isArray(step.rollback)) {
      // Its undo steps see the outputs of the step itself.
      this.#setState(step, 'earlier');
      this.#steps(step.rollback, variables);
      this.#leave(step.rollback, undefined);
    }
  }

  #call(step: CallStep, variables: Variables): void {
    const uses = `${step.pointer}/uses`;
    if (step.uses.includes('${{')) this.#report.noTemplate(step.uses, uses);
    else {
      const problem = this.around.calls?.problem(calledPath(this.#file, step.uses), this.around.chain);
      if (problem) this.#report.add(problem.code, this.#report.value(uses), problem.message);
    }
    const called = this.around.types.called(this.#file, step.uses);
    for (const [name, value] of Object.entries(step.with)) {
      const place = `${step.pointer}/with/${escapePointer(name)}`;
      const what = `\`${name}\` of \`${step.uses}\``;
      const inputs = called?.draft.inputs;
      const input = inputs && Object.hasOwn(inputs, name) ? inputs[name] : undefined;
      if (inputs && !input) {
        const suggestions = nearest(name, Object.keys(inputs));
        const hint =
          suggestions.length > 0 ? ` Did you mean ${suggestions.map(one => `\`${one}\``).join(' or ')}?` : '';
        const text = `\`${step.uses}\` has no input \`${name}\`.${hint}`;
        this.#report.add('unknown-key', this.#report.head(place), text, suggestions);
      }
      const handed = this.#handedOn(value, place, input && schemaOfInput(input), what, variables);
      if (!input) continue;
      if (input.type === 'secret') {
        if (!handed)
          this.#report.add(
            'secret-misused',
            this.#report.value(place),
            `${what} is a secret. Give it a secret input of this runbook, as \`\${{ inputs.NAME }}\`.`,
          );
      } else if (handed) {
        this.#report.add(
          'secret-misused',
          this.#report.value(place),
          `${what} is no secret there, so it may be shown. Give that input the type \`secret\`.`,
        );
      } else if (!JSON.stringify(value).includes('${{')) checkInputValue(this.#report, input, value, place, what, what);
    }
    for (const [name, input] of Object.entries(called?.draft.inputs ?? {})) {
      if (input.default !== undefined || Object.hasOwn(step.with, name)) continue;
      const about = input.description ? `: ${input.description.replace(/\.$/, '')}` : '';
      this.#report.add('missing-key', this.#report.value(uses), `\`${step.uses}\` needs \`${name}\`${about}.`);
    }
  }

  /** Checks a value of `with` and says whether a secret is in it. */
  #handedOn(value: Json, place: string, schema: JsonSchema | undefined, what: string, variables: Variables): boolean {
    const before = this.#handed;
    this.#handsOn = true;
    this.#values(value, place, schema, what, variables);
    this.#handsOn = false;
    return this.#handed > before;
  }

  /** A value of `with` and everything in it. */
  #values(value: Json, pointer: string, schema: JsonSchema | undefined, what: string, variables: Variables): void {
    if (typeof value === 'string') {
      if (value.includes('${{')) this.#template(value, pointer, schema, what, variables);
      else if (isNameKind(schema?.['x-virtbook'])) this.#report.name(schema['x-virtbook'], value, pointer, false);
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
        this.#expressions.named.allInputs = true;
        this.#report.add(
          'expression-syntax',
          this.#report.inString(pointer, part.start - 3, part.end),
          'The closing `}}` is missing.',
        );
        return anyType;
      }
    }
    const whole = wholeExpression(text);
    if (!whole) {
      for (const part of templateParts(text)) {
        if (part.kind === 'text') continue;
        const { secrets } = this.#expression(part.source, part.start, pointer, variables);
        this.#noSecretName(secrets, schema, pointer, what);
      }
      if (schema && !fitsSchema(stringType, schema)) {
        this.#report.add(
          'expression-type',
          this.#report.value(pointer),
          `${what} must be ${withArticle(describeSchema(schema))}, but text with an expression in it is a string. Write nothing around the \`\${{ }}\`.`,
        );
      }
      return stringType;
    }
    const { type, problems, secrets } = this.#expression(whole.source, whole.start, pointer, variables);
    this.#noSecretName(secrets, schema, pointer, what);
    if (problems.length === 0 && schema && !fitsSchema(type, schema)) {
      const range = this.#report.inString(pointer, ...trimmed(whole.source, whole.start));
      this.#report.add(
        'expression-type',
        range,
        `${what} must be ${withArticle(describeSchema(schema))}, but this gives ${withArticle(describeType(type))}.`,
      );
    }
    return type;
  }

  #noSecretName(secrets: readonly SecretUse[], schema: JsonSchema | undefined, pointer: string, what: string): void {
    if (secrets.length > 0 && schema?.['x-virtbook'] !== undefined)
      this.#report.add(
        'secret-misused',
        this.#report.value(pointer),
        `${what} is shown in plans, so a secret can't name it.`,
      );
  }

  #condition(when: string, pointer: string, variables: Variables): void {
    const { source, start } = conditionSource(when);
    const mixed = when.indexOf('${{');
    if (start === 0 && mixed >= 0) {
      this.#expressions.named.allInputs = true;
      this.#report.add(
        'expression-syntax',
        this.#report.value(pointer),
        'A condition is one expression. Put one `${{ }}` around all of it, or none.',
      );
      return;
    }
    const { type, problems } = this.#expression(source, start, pointer, variables);
    if (problems.length === 0 && type.kind !== 'any' && type.kind !== 'boolean') {
      this.#report.add(
        'expression-type',
        this.#report.inString(pointer, ...trimmed(source, start)),
        `A condition must give true or false, but this gives ${withArticle(describeType(type))}.`,
      );
    }
  }

  #expression(source: string, start: number, pointer: string, variables: Variables): CheckedExpression {
    const checked = this.#expressions.check(source, variables);
    for (const { code, message, range, suggestions } of checked.problems) {
      const place = this.#report.inString(pointer, start + range.start, start + range.end);
      this.#report.add(code, place, message, suggestions);
    }
    for (const use of checked.secrets) {
      const place = this.#report.inString(pointer, start + use.range.start, start + use.range.end);
      if (use.name === undefined) {
        this.#report.add(
          'secret-misused',
          place,
          'There are secrets among the inputs. Name the one input that is meant.',
        );
      } else if (!this.#handsOn) {
        const text = `\`${use.name}\` is a secret, and what stands here is shown. A secret may stand in \`with\` only.`;
        this.#report.add('secret-misused', place, text);
      } else if (!use.whole) {
        const text = `\`${use.name}\` is a secret. Hand it on as it is, or join it to other text with \`+\`: what else is made of it could not be struck from logs.`;
        this.#report.add('secret-misused', place, text);
      } else this.#handed++;
    }
    return checked;
  }

  #unusedInputs(): void {
    const { named } = this.#expressions;
    if (named.allInputs || this.parsed.diagnostics.some(item => item.severity === 'error')) return;
    for (const name of Object.keys(this.parsed.draft.inputs)) {
      if (named.inputs.has(name)) continue;
      this.#report.add(
        'unused-input',
        this.#report.head(`/inputs/${escapePointer(name)}`),
        `Nothing uses the input \`${name}\`. Remove it, or use it as \`\${{ inputs.${name} }}\`.`,
      );
    }
  }
}

/** Names a loop variable may not take. */
export const reservedNames = new Set([
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

function arrayItems(schema: JsonSchema | undefined): JsonSchema | undefined {
  const list = schema?.anyOf?.find(option => option.type === 'array') ?? schema;
  return typeof list?.items === 'object' ? list.items : undefined;
}

function trimmed(source: string, start: number): [number, number] {
  const leading = source.length - source.trimStart().length;
  return [start + leading, start + source.trimEnd().length];
}
