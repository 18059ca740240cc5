import { type ASTNode, Environment, EvaluationError, ParseError, type ParseResult } from '@marcbachmann/cel-js';
import type { SourceRange } from './diagnostic';
import type { Json, JsonObject } from './json';
import { templateParts, wholeExpression } from './template';

/**
 * What an expression sees when it is evaluated.
 *
 * `steps.ID.outputs` by kind of step:
 * - action: its outputs; `{}` when it was skipped
 * - `steps:` group: `{ INNER_ID: outputs }`; the inner steps are visible by their own ids as well
 * - `forEach`: `{ ITEM: { INNER_ID: outputs } }`, ITEM being the item as a string, for the items that were done;
 *   the inner steps are visible by their own ids only inside, where they are those of the same item
 */
export interface Scope {
  inputs: JsonObject;
  steps: Record<string, { outputs: JsonObject }>;
  run: { id: string };
  /** Loop variables of all `forEach` around the step. */
  variables?: JsonObject;
  /** Place of the innermost item, from 0; only inside `forEach`. */
  index?: number;
}

/** An expression could not be parsed or evaluated. `range` is into `source`. */
export class ExpressionError extends Error {
  constructor(
    message: string,
    readonly source: string,
    readonly range?: SourceRange,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ExpressionError';
  }
}

/** Values that macros such as `map` walk through at most, multiplied over nested ones. */
const maxIterations = 2_000_000;
const maxNestedLoops = 3;

/** CEL as runbooks have it: literals may mix types, and whole numbers mix with others, because JSON does not tell them apart. */
export function createEnvironment(options: { unlistedVariablesAreDyn: boolean }): Environment {
  const environment = new Environment({
    ...options,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxAstNodes: 5_000, maxDepth: 100, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: 32 },
  });
  const arithmetic: Record<string, (left: number, right: number) => number> = {
    '+': (left, right) => left + right,
    '-': (left, right) => left - right,
    '*': (left, right) => left * right,
    '/': (left, right) => left / right,
  };
  for (const [operator, compute] of Object.entries(arithmetic)) {
    environment.registerOperator(`double ${operator} int`, (left: number, right: bigint) =>
      compute(left, Number(right)),
    );
    environment.registerOperator(`int ${operator} double`, (left: bigint, right: number) =>
      compute(Number(left), right),
    );
  }
  return environment;
}

const environment = createEnvironment({ unlistedVariablesAreDyn: true });

interface Program {
  run: ParseResult;
  loops: number;
  /** Ids of steps that are named literally; undefined when a step is chosen at run time or `steps` is used whole. */
  steps: string[] | undefined;
}

const programs = new Map<string, Program | ExpressionError>();
const maxPrograms = 2_000;

/** Compiled once per source text; the cache is bounded. Throws ExpressionError. */
export function compile(source: string): Program {
  let program = programs.get(source);
  if (!program) {
    program = compileAnew(source);
    if (programs.size >= maxPrograms) programs.delete(programs.keys().next().value!);
    programs.set(source, program);
  }
  if (program instanceof ExpressionError) throw program;
  return program;
}

function compileAnew(source: string): Program | ExpressionError {
  if (source.trim() === '')
    return new ExpressionError('There is no expression between the braces.', source, { start: 0, end: source.length });
  try {
    const run = environment.parse(source);
    const loops = loopDepth(run.ast);
    if (loops > maxNestedLoops) {
      return new ExpressionError(`Loops are nested ${loops} deep; at most ${maxNestedLoops} are evaluated.`, source, {
        start: 0,
        end: source.length,
      });
    }
    return { run, loops, steps: namedSteps(run.ast) };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return new ExpressionError(sentence(error.summary), source, error.range, { cause: error });
  }
}

/** The value of one CEL expression (without `${{ }}`) as plain data. Throws ExpressionError. */
export function evaluateExpression(source: string, scope: Scope): Json {
  const program = compile(source);
  const size = { largest: 1 };
  const steps: Record<string, unknown> = {};
  for (const id of program.steps ?? Object.keys(scope.steps)) {
    if (Object.hasOwn(scope.steps, id)) steps[id] = toCel(scope.steps[id] as unknown as Json, size);
  }
  const inputs = celInputs(scope.inputs);
  size.largest = Math.max(size.largest, inputs.largest);
  const context: Record<string, unknown> = { inputs: inputs.value, steps, run: scope.run };
  if (scope.index !== undefined) context.index = BigInt(scope.index);
  for (const [name, value] of Object.entries(scope.variables ?? {})) context[name] = toCel(value, size);
  if (program.loops > 1 && size.largest ** program.loops > maxIterations) {
    throw new ExpressionError(
      `This would walk through ${size.largest} values ${program.loops} times over each other, which is too much. Split it.`,
      source,
    );
  }
  try {
    return fromCel(program.run(context), source);
  } catch (error) {
    if (error instanceof ExpressionError) throw error;
    if (error instanceof EvaluationError)
      throw new ExpressionError(sentence(error.summary), source, error.range, { cause: error });
    throw new ExpressionError(sentence(error instanceof Error ? error.message : String(error)), source, undefined, {
      cause: error,
    });
  }
}

/**
 * Fills in every template in a value. A string that is one whole `${{ }}` becomes the expression's value with its type; one with text
 * around it becomes a string. Throws ExpressionError.
 */
export function evaluateTemplate(value: Json, scope: Scope): Json {
  if (typeof value === 'string') {
    if (!value.includes('${{')) return value;
    const whole = wholeExpression(value);
    if (whole) return evaluateExpression(whole.source, scope);
    return templateParts(value)
      .map(part => (part.kind === 'text' ? part.value : toText(evaluateExpression(part.source, scope))))
      .join('');
  }
  if (Array.isArray(value)) return value.map(item => evaluateTemplate(item, scope));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, evaluateTemplate(item, scope)]));
  }
  return value;
}

/** Whether a step runs. `when` may stand with or without `${{ }}`. Throws ExpressionError, also when it gives no boolean. */
export function evaluateCondition(when: string | boolean, scope: Scope): boolean {
  if (typeof when === 'boolean') return when;
  const source = conditionSource(when).source;
  const value = evaluateExpression(source, scope);
  if (typeof value !== 'boolean')
    throw new ExpressionError(`A condition must give true or false, but this gives ${JSON.stringify(value)}.`, source);
  return value;
}

/** The expression of a `when`, and where in the string it begins. */
export function conditionSource(when: string): { source: string; start: number } {
  const whole = wholeExpression(when);
  return whole ? { source: whole.source, start: whole.start } : { source: when, start: 0 };
}

const knownInputs = new WeakMap<JsonObject, { value: unknown; largest: number }>();

/** Inputs don't change, and every expression of every item sees the same ones: converting a long list each time would cost its square. */
function celInputs(inputs: JsonObject): { value: unknown; largest: number } {
  let known = knownInputs.get(inputs);
  if (!known) {
    const size = { largest: 1 };
    known = { value: toCel(inputs, size), largest: size.largest };
    knownInputs.set(inputs, known);
  }
  return known;
}

/** As an embedded expression shows it. */
function toText(value: Json): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Whole numbers are ints in CEL, so that `size(x) == inputs.count` and `inputs.count + 1` work. */
function toCel(value: Json, size: { largest: number }): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    size.largest = Math.max(size.largest, value.length);
    return value.map(item => toCel(item, size));
  }
  const entries = Object.entries(value);
  size.largest = Math.max(size.largest, entries.length);
  return Object.fromEntries(
    entries.filter(([, item]) => item !== undefined).map(([key, item]) => [key, toCel(item, size)]),
  );
}

function fromCel(value: unknown, source: string): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (!Number.isSafeInteger(number))
      throw new ExpressionError(`${value} is too large for a number; use string(…).`, source);
    return number;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new ExpressionError('The result is not a finite number.', source);
    return value;
  }
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(item => fromCel(item, source));
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), fromCel(item, source)]));
  if (
    typeof value === 'object' &&
    (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
  ) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromCel(item, source)]));
  }
  // CEL's unsigned numbers and durations, which the library does not export as classes.
  const primitive: unknown = value?.valueOf();
  if (typeof primitive === 'bigint') return fromCel(primitive, source);
  if (typeof primitive === 'number' && value) return value.toString();
  throw new ExpressionError('The result is not data that can be passed on. Convert it with string(…).', source);
}

/** Macros that run their last arguments once per element. */
export const loopMacros: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

export function isLoop(node: ASTNode): boolean {
  return node.op === 'rcall' && loopMacros.has(node.args[0]);
}

/** The parts of an expression, outermost first; a loop's range before its body. */
export function children(node: ASTNode): ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'list':
      return node.args;
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

function loopDepth(node: ASTNode): number {
  let below = 0;
  for (const child of children(node)) below = Math.max(below, loopDepth(child));
  return below + (isLoop(node) ? 1 : 0);
}

function namedSteps(root: ASTNode): string[] | undefined {
  const ids: string[] = [];
  const visit = (node: ASTNode): boolean => {
    const [object] = node.op === '.' || node.op === '[]' ? node.args : [];
    if (object?.op === 'id' && object.args === 'steps') {
      if (node.op === '.') ids.push(node.args[1]);
      else if (node.op === '[]' && node.args[1].op === 'value' && typeof node.args[1].args === 'string')
        ids.push(node.args[1].args);
      else return false;
      return true;
    }
    if (node.op === 'id' && node.args === 'steps') return false;
    return children(node).every(visit);
  };
  return visit(root) ? ids : undefined;
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
