import { type ASTNode, type Environment, ParseError } from '@marcbachmann/cel-js';
import type { SourceRange } from './diagnostic';
import { nearest } from './did-you-mean';
import { children, compile, createEnvironment, ExpressionError, isLoop } from './expression';
import type { RuleCode } from './rules';
import { anyType, describeType, stringType, type ValueType } from './value-type';

/** Something wrong with an expression; the range is into its source. */
export interface ExpressionProblem {
  code: RuleCode;
  message: string;
  range: SourceRange;
  suggestions?: string[];
}

export interface StepInScope {
  /** Type of `steps.ID.outputs`. */
  outputs: ValueType;
  /**
   * `inside`: within a `forEach` or `rollback` that the expression is not in. `beside`: in another branch of the same `parallel`. `perhaps`:
   * before `finally`, which runs whatever became of it.
   */
  state: 'earlier' | 'later' | 'inside' | 'beside' | 'perhaps';
  /** Id of the `forEach` around it, for messages. */
  around?: string;
}

/** Where an expression names a secret input. */
export interface SecretUse {
  /** undefined: all inputs at once. */
  name?: string;
  range: SourceRange;
  /** It is handed on as it is, or joined to other text; else something is made of it that nobody would recognise. */
  whole: boolean;
}

export interface CheckedExpression {
  type: ValueType;
  problems: ExpressionProblem[];
  secrets: SecretUse[];
}

/** What expressions have named. */
export interface Named {
  inputs: Set<string>;
  /** `inputs` was used as a whole, or an expression could not be read: then nothing is known to be unused. */
  allInputs: boolean;
  steps: Set<string>;
  /** What was found depends on all steps there are. */
  allSteps: boolean;
}

export function nothingNamed(): Named {
  return { inputs: new Set(), allInputs: false, steps: new Set(), allSteps: false };
}

export function addNamed(to: Named, from: Named): void {
  for (const name of from.inputs) to.inputs.add(name);
  for (const id of from.steps) to.steps.add(id);
  to.allInputs ||= from.allInputs;
  to.allSteps ||= from.allSteps;
}

/** Checks the expressions of one runbook. `steps` may change between calls: states move on from step to step, the types stay. */
export class ExpressionChecker {
  named = nothingNamed();
  #base: Environment | undefined;
  readonly #environments = new Map<string, Environment>();
  readonly #typeNames = new Map<ValueType, string>();
  readonly #roots: Record<string, ValueType>;

  constructor(
    readonly inputs: Record<string, ValueType>,
    readonly steps: ReadonlyMap<string, StepInScope>,
    readonly secrets: ReadonlySet<string> = new Set(),
  ) {
    this.#roots = {
      inputs: { kind: 'map', fields: inputs, label: 'inputs' },
      run: { kind: 'map', fields: { id: { kind: 'string', description: 'Name of this run.' } }, label: 'run' },
    };
  }

  /** The step that an expression names. */
  step(id: string): StepInScope | undefined {
    this.named.steps.add(id);
    return this.steps.get(id);
  }

  check(source: string, variables: ReadonlyMap<string, ValueType>): CheckedExpression {
    let ast: ASTNode;
    try {
      ast = compile(source).run.ast;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.named.allInputs = true;
      const costly = error.cause === undefined && source.trim() !== '';
      return { type: anyType, problems: [syntaxProblem(error, costly, source)], secrets: [] };
    }
    const walk = new Walk(this, this.#roots, variables);
    const type = walk.visit(ast, new Set());
    const secrets = this.secrets.size > 0 ? secretUses(ast, this.secrets) : [];
    if (walk.problems.length > 0) return { type: anyType, problems: walk.problems, secrets };
    // A plain path has been followed to its end: CEL's own checker would find nothing more.
    if (walk.isPath(ast)) return { type, problems: [], secrets };
    const checked = this.#environment(variables).check(source);
    if (checked.valid)
      return { type: type.kind === 'any' ? fromCelType(checked.type ?? 'dyn') : type, problems: [], secrets };
    const { error } = checked;
    const code = error instanceof ParseError ? 'expression-syntax' : 'expression-type';
    return {
      type: anyType,
      secrets,
      problems: [
        {
          code,
          message: typeSentence(error?.code ?? '', error?.summary ?? ''),
          range: error?.range ?? { start: 0, end: source.length },
        },
      ],
    };
  }

  #environment(variables: ReadonlyMap<string, ValueType>): Environment {
    this.#base ??= this.#createBase();
    if (variables.size === 0) return this.#base;
    const typed = [...variables].map(([name, type]) => [name, this.#celType(type)] as const);
    const key = typed.map(([name, type]) => `${name}:${type}`).join(',');
    let environment = this.#environments.get(key);
    if (!environment) {
      environment = this.#base.clone();
      for (const [name, type] of typed) environment.registerVariable(name, type);
      this.#environments.set(key, environment);
    }
    return environment;
  }

  #createBase(): Environment {
    const base = untyped.clone();
    this.#registering = base;
    for (const [name, type] of Object.entries(this.#roots)) base.registerVariable(name, this.#celType(type));
    const fields: Record<string, ValueType> = {};
    // Making a type known to CEL costs more than checking most expressions: steps of one action share theirs, and what groups and loops
    // give stays dynamic. Paths into it are followed by Walk.
    const types = new Map<ValueType, ValueType>();
    for (const [id, step] of this.steps) {
      const outputs =
        step.outputs.kind === 'map' && step.outputs.label?.startsWith('outputs of ') ? step.outputs : anyType;
      const type = types.get(outputs) ?? { kind: 'map', fields: { outputs }, label: 'step' };
      types.set(outputs, type);
      fields[id] = type;
    }
    base.registerVariable('steps', this.#celType({ kind: 'map', fields, label: 'steps' }));
    this.#registering = undefined;
    return base;
  }

  /** Types can be added until the environment is cloned; loop variables of later types are dynamic in what they hold. */
  #registering: Environment | undefined;

  #celType(type: ValueType): string {
    switch (type.kind) {
      case 'string':
        return 'string';
      case 'boolean':
        return 'bool';
      case 'integer':
        return 'int';
      case 'list':
        return `list<${this.#celType(type.items)}>`;
      case 'map': {
        if (!type.fields) return `map<string, ${this.#celType(type.values ?? anyType)}>`;
        const known = this.#typeNames.get(type);
        if (known) return known;
        if (!this.#registering) return 'dyn';
        const fields = Object.fromEntries(
          Object.entries(type.fields).map(([name, field]) => [name, this.#celType(field)]),
        );
        const name = `${(type.label ?? 'value').replace(/[^A-Za-z0-9]+/g, '_')}_${this.#typeNames.size}`;
        this.#registering.registerType(name, { fields });
        this.#typeNames.set(type, name);
        return name;
      }
      // JSON does not tell 1 from 1.0, so the kind of a number is known only when it is there.
      default:
        return 'dyn';
    }
  }
}

/** Making one from nothing costs milliseconds, a copy next to nothing. */
const untyped = createEnvironment({ unlistedVariablesAreDyn: true });

/** Names of CEL's own types and namespaces. */
const builtInNames = new Set([
  'int',
  'uint',
  'double',
  'string',
  'bool',
  'bytes',
  'list',
  'map',
  'timestamp',
  'duration',
  'null_type',
  'type',
  'dyn',
  'optional',
  'cel',
  'math',
  'strings',
  'google',
]);

const operators: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '<', '<=', '>', '>=', '==', '!=']);

/** One expression: follows paths such as `steps.patch.outputs.count` and reports names that do not exist. */
class Walk {
  readonly problems: ExpressionProblem[] = [];
  /** How many `has(…)` are around. */
  #tests = 0;

  constructor(
    readonly checker: ExpressionChecker,
    readonly roots: Record<string, ValueType>,
    readonly variables: ReadonlyMap<string, ValueType>,
  ) {}

  isPath(node: ASTNode): boolean {
    if (node.op === 'id') return true;
    if (node.op === '.') return this.isPath(node.args[0]);
    return (
      node.op === '[]' &&
      node.args[1].op === 'value' &&
      typeof node.args[1].args === 'string' &&
      this.isPath(node.args[0])
    );
  }

  visit(node: ASTNode, bound: ReadonlySet<string>): ValueType {
    switch (node.op) {
      case 'value':
        return literalType(node.args);
      case 'id':
        return this.#name(node, bound);
      case '.':
        return this.#member(
          node.args[0],
          node.args[1],
          { start: node.range.end - node.args[1].length, end: node.range.end },
          bound,
        );
      case '[]': {
        const [object, key] = node.args;
        if (key.op === 'value' && typeof key.args === 'string') {
          return this.#member(object, key.args, { start: key.range.start, end: key.range.end }, bound);
        }
        this.visit(key, bound);
        const type = this.visit(object, bound);
        if (object.op === 'id' && object.args === 'inputs' && !bound.has('inputs')) this.checker.named.allInputs = true;
        return type.kind === 'list'
          ? type.items
          : type.kind === 'map' && !type.fields
            ? (type.values ?? anyType)
            : anyType;
      }
      default: {
        if (isLoop(node) && node.op === 'rcall') {
          const [variable, ...body] = node.args[2];
          this.visit(node.args[1], bound);
          const inner = variable?.op === 'id' ? new Set([...bound, variable.args]) : bound;
          for (const part of body) this.visit(part, inner);
          return anyType;
        }
        if (node.op === 'rcall' && node.args[0] === 'bind' && node.args[1].op === 'id' && node.args[1].args === 'cel') {
          const [variable, value, body] = node.args[2];
          if (value) this.visit(value, bound);
          if (body) this.visit(body, variable?.op === 'id' ? new Set([...bound, variable.args]) : bound);
          return anyType;
        }
        const tests = node.op === 'call' && node.args[0] === 'has' ? 1 : 0;
        this.#tests += tests;
        const types = children(node).map(child => this.visit(child, bound));
        this.#tests -= tests;
        this.#numberBeside(node, types);
        return anyType;
      }
    }
  }

  /** CEL's checker sees numbers of the `number` kind as anything, because it tells ints from doubles; that they are no text is known. */
  #numberBeside(node: ASTNode, types: ValueType[]): void {
    const [left, right] = types;
    if (!left || !right || types.length !== 2 || !operators.has(node.op)) return;
    if (left.kind !== 'number' && right.kind !== 'number') return;
    const other = left.kind === 'number' ? right : left;
    if (['number', 'integer', 'any', 'null'].includes(other.kind)) return;
    const sides = `${describeType(left)} ${node.op} ${describeType(right)}`;
    this.#report('expression-type', node.range, mismatch(sides));
  }

  #name(node: Extract<ASTNode, { op: 'id' }>, bound: ReadonlySet<string>): ValueType {
    const name = node.args;
    if (bound.has(name) || builtInNames.has(name)) return anyType;
    const variable = this.variables.get(name);
    if (variable) return variable;
    if (name === 'steps') {
      this.checker.named.allSteps = true;
      return anyType;
    }
    if (name === 'inputs') this.checker.named.allInputs = true;
    const root = Object.hasOwn(this.roots, name) ? this.roots[name] : undefined;
    if (root) return root;
    const known = ['inputs', 'steps', 'run', ...this.variables.keys()];
    const places = [
      ...(Object.hasOwn(this.checker.inputs, name) ? [`inputs.${name}`] : []),
      ...(this.checker.step(name) ? [stepPath(name)] : []),
    ];
    const suggestions = places.length > 0 ? places : nearest(name, known);
    const hint =
      suggestions.length > 0
        ? `Did you mean ${list(suggestions)}?`
        : `There are ${list(known)}${name === 'index' ? '; `index` exists inside `forEach` only' : ''}.`;
    this.#report('unknown-name', node.range, `Nothing is named \`${name}\` here. ${hint}`, suggestions);
    return anyType;
  }

  #member(object: ASTNode, name: string, range: SourceRange, bound: ReadonlySet<string>): ValueType {
    if (object.op === 'id' && !bound.has(object.args) && !this.variables.has(object.args)) {
      if (object.args === 'steps') return this.#step(name, range);
      if (object.args === 'inputs') return this.#input(name, range);
    }
    const before = this.problems.length;
    this.#unsure(object, name, range);
    const type = this.visit(object, bound);
    if (this.problems.length > before) return anyType;
    if (type.kind === 'map') {
      if (!type.fields) return type.values ?? anyType;
      if (Object.hasOwn(type.fields, name)) return type.fields[name]!;
      this.#noMember(type.fields, type.label, name, range);
      return anyType;
    }
    if (type.kind !== 'any' && type.kind !== 'list') {
      this.#report('expression-type', range, `This is a ${describeType(type)}, which has no \`${name}\`.`);
    } else if (type.kind === 'list') {
      this.#report(
        'expression-type',
        range,
        `This is a ${describeType(type)}. Take one item with \`[0]\`, or all with \`.map(x, x.${name})\`.`,
      );
    }
    return anyType;
  }

  /** An output of a step of which `finally` can't know whether it has run. */
  #unsure(object: ASTNode, name: string, range: SourceRange): void {
    const id = object.op === '.' && object.args[1] === 'outputs' ? memberOf(object.args[0], 'steps') : undefined;
    const step = id === undefined ? undefined : this.checker.step(id);
    if (this.#tests > 0 || step?.state !== 'perhaps') return;
    const fields = step.outputs.kind === 'map' ? (step.outputs.fields ?? {}) : {};
    const nothing = Object.hasOwn(fields, name) ? emptyValues[fields[name]!.kind] : undefined;
    this.#report(
      'unsure-output',
      range,
      `Step \`${id}\` may not have run when \`finally\` does. Write \`.?${name}.orValue(…)\` with what to take then.`,
      // In brackets there is more to change than the name.
      nothing !== undefined && range.end - range.start === name.length ? [`?${name}.orValue(${nothing})`] : undefined,
    );
  }

  #noMember(fields: Record<string, ValueType>, label: string | undefined, name: string, range: SourceRange): void {
    const names = Object.keys(fields);
    const { outputs } = fields;
    // The word that is forgotten most.
    const forgotten =
      label?.startsWith('step ') && outputs?.kind === 'map' && outputs.fields && Object.hasOwn(outputs.fields, name);
    const suggestions = forgotten ? [`outputs.${name}`] : nearest(name, names);
    const action = /^outputs of (.+)$/.exec(label ?? '')?.[1];
    const what = action ? `\`${action}\` has no output` : `${label ? capital(label) : 'This'} has no`;
    const hint =
      suggestions.length > 0
        ? `Did you mean ${list(suggestions)}?`
        : names.length > 0
          ? `There is ${list(names)}.`
          : 'There is nothing in it.';
    this.#report('unknown-output', range, `${what} \`${name}\`. ${hint}`, suggestions);
  }

  #input(name: string, range: SourceRange): ValueType {
    this.checker.named.inputs.add(name);
    const { inputs } = this.checker;
    if (Object.hasOwn(inputs, name)) return inputs[name]!;
    const names = Object.keys(inputs);
    const suggestions = nearest(name, names);
    const hint =
      suggestions.length > 0
        ? `Did you mean ${list(suggestions)}?`
        : names.length > 0
          ? `There are ${list(names)}.`
          : 'Declare it under `inputs:`.';
    this.#report('unknown-input', range, `The runbook has no input \`${name}\`. ${hint}`, suggestions);
    return anyType;
  }

  #step(id: string, range: SourceRange): ValueType {
    const step = this.checker.step(id);
    if (!step) {
      this.checker.named.allSteps = true;
      const ids = [...this.checker.steps].filter(([, other]) => other.state === 'earlier').map(([name]) => name);
      const suggestions = nearest(id, ids);
      const hint =
        suggestions.length > 0
          ? `Did you mean ${list(suggestions)}?`
          : ids.length > 0 && ids.length <= 12
            ? `There are ${list(ids)}.`
            : 'Give the step an `id`.';
      this.#report('unknown-step', range, `No step before this one has the id \`${id}\`. ${hint}`, suggestions);
      return anyType;
    }
    if (step.state === 'later') {
      this.#report(
        'use-before-definition',
        range,
        `Step \`${id}\` has not run yet here. Move it above this step, or use it below.`,
      );
      return anyType;
    }
    if (step.state === 'inside') {
      const path = step.around ? `${stepPath(step.around)}.outputs[item].${id}` : undefined;
      this.#report(
        'out-of-scope',
        range,
        path
          ? `Step \`${id}\` ran once per item. Read \`${path}\`.`
          : `Step \`${id}\` can't be seen from here. Give the \`forEach\` around it an id and read \`steps.EACH.outputs[item].${id}\`.`,
      );
      return anyType;
    }
    if (step.state === 'beside') {
      this.#report(
        'out-of-scope',
        range,
        `Step \`${id}\` runs in another branch of the same \`parallel\`, maybe later. Use it below the \`parallel\`, or put both in one branch.`,
      );
      return anyType;
    }
    return { kind: 'map', fields: { outputs: step.outputs }, label: `step \`${id}\`` };
  }

  #report(code: RuleCode, range: SourceRange, message: string, suggestions?: string[]): void {
    this.problems.push({
      code,
      range: { start: range.start, end: range.end },
      message,
      ...(suggestions?.length ? { suggestions } : {}),
    });
  }
}

function secretUses(root: ASTNode, secrets: ReadonlySet<string>): SecretUse[] {
  const found: SecretUse[] = [];
  const visit = (node: ASTNode, whole: boolean) => {
    const name = memberOf(node, 'inputs');
    if (name !== undefined) {
      if (secrets.has(name)) found.push({ name, range: { start: node.range.start, end: node.range.end }, whole });
      return;
    }
    if (node.op === 'id' && node.args === 'inputs')
      found.push({ range: { start: node.range.start, end: node.range.end }, whole: false });
    const parts = children(node);
    const handsOn = node.op === '+' || node.op === 'list' || node.op === '?:';
    for (const [index, part] of parts.entries()) visit(part, whole && handsOn && !(node.op === '?:' && index === 0));
  };
  visit(root, true);
  return found;
}

/** NAME of `root.NAME`, `root.?NAME` and `root["NAME"]`. */
function memberOf(node: ASTNode, root: 'inputs' | 'steps'): string | undefined {
  if (node.op !== '.' && node.op !== '.?' && node.op !== '[]') return undefined;
  const [object, key] = node.args;
  if (object.op !== 'id' || object.args !== root) return undefined;
  if (typeof key === 'string') return key;
  return key.op === 'value' && typeof key.args === 'string' ? key.args : undefined;
}

/** What stands for an output that there is not, in CEL. */
const emptyValues: Partial<Record<ValueType['kind'], string>> = {
  string: "''",
  boolean: 'false',
  integer: '0',
  number: '0',
  list: '[]',
  map: '{}',
};

export function stepPath(id: string): string {
  return id.includes('-') ? `steps['${id}']` : `steps.${id}`;
}

function literalType(value: unknown): ValueType {
  if (typeof value === 'string') return stringType;
  if (typeof value === 'boolean') return { kind: 'boolean' };
  if (typeof value === 'bigint') return { kind: 'integer' };
  if (typeof value === 'number') return { kind: 'number' };
  return value === null ? { kind: 'null' } : anyType;
}

/** CEL's name of a type, as its checker gives it. */
function fromCelType(type: string): ValueType {
  if (type === 'string') return stringType;
  if (type === 'bool') return { kind: 'boolean' };
  if (type === 'int' || type === 'uint') return { kind: 'integer' };
  if (type === 'double') return { kind: 'number' };
  if (type === 'null') return { kind: 'null' };
  const items = /^list(?:<(.*)>)?$/.exec(type);
  if (items) return { kind: 'list', items: items[1] ? fromCelType(items[1]) : anyType };
  if (type === 'map' || type.startsWith('map<')) return { kind: 'map', values: anyType };
  return anyType;
}

function syntaxProblem(error: ExpressionError, costly: boolean, source: string): ExpressionProblem {
  const range = error.range ?? { start: 0, end: source.length };
  if (costly) return { code: 'expression-too-costly', message: error.message, range };
  if (source.trim() === '')
    return {
      code: 'expression-syntax',
      message: 'There is no expression between the braces. Write one, or remove them.',
      range,
    };
  const atEnd = /EOF/.test(error.message);
  const message = atEnd ? 'The expression is not finished.' : `This is not a CEL expression: ${error.message}`;
  return { code: 'expression-syntax', message, range };
}

function mismatch(sides: string): string {
  return `These types don't go together: ${sides}. Convert one side with \`string(…)\`, \`int(…)\` or \`double(…)\`.`;
}

function typeSentence(code: string, summary: string): string {
  // Names of types that were made up here end in a number; people know them as what they are.
  const plain = summary.replace(/\b([A-Za-z_]+?)_\d+\b/g, (_, name: string) => name.replaceAll('_', ' ').trim());
  switch (code) {
    case 'no_such_overload':
      return mismatch(plain.replace('no such overload: ', ''));
    case 'no_matching_overload':
      return `There is no such function for these types: ${plain.replace(/found no matching overload for /, '')}.`;
    default:
      return `${capital(plain)}${/[.!?]$/.test(plain) ? '' : '.'}`;
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function list(names: readonly string[]): string {
  const quoted = names.map(name => `\`${name}\``);
  const last = quoted.pop();
  return quoted.length === 0 ? (last ?? '') : `${quoted.join(', ')} or ${last}`;
}
