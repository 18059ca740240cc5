import type { ASTNode } from '@marcbachmann/cel-js';
import type { SourceRange } from '../runbook/diagnostic';
import { children, compile, isLoop } from '../runbook/expression';
import { type ForEachStep, innerSteps, type Step } from '../runbook/model';
import { expressionTokens } from './expression-tokens';

/** A name in a CEL expression. Ranges are into its source. */
export interface ExpressionName {
  /** `item`: an item of the loop `step`. `compared`: text that is compared with what `about` names. */
  kind: 'root' | 'input' | 'step' | 'output' | 'variable' | 'local' | 'item' | 'compared';
  name: string;
  range: SourceRange;
  /** `x` of `.x`, `x` of `['x']`, or a name by itself. */
  form: 'member' | 'literal' | 'word';
  /** What has to be replaced to write it otherwise: `.x`, `.?x`, or the literal with its quotes. */
  whole: SourceRange;
  /** Of a `variable` or `item` its loop; of an `output` its step; of a `step` that is meant itself. */
  step?: Step;
  /** Of a `local`: where it is bound. */
  binding?: SourceRange;
  definition?: boolean;
  about?: About;
}

/** What an expression is about, as far as it tells what text beside it names: an input, or the items of a loop. */
export type About = { input: string } | { loop: ForEachStep };

/** What an expression's names are looked up in. */
export interface NameScope {
  /** By id; of two the first. */
  steps: ReadonlyMap<string, Step>;
  /** Around the expression, outermost first. */
  loops: readonly ForEachStep[];
}

/** What a part of an expression stands for, as far as names depend on it. */
type Meaning = { kind: 'inputs' | 'steps' | 'other' } | { kind: 'step' | 'outputs' | 'item'; step: Step | undefined };

const other: Meaning = { kind: 'other' };

/** A variable of a macro. */
interface Local {
  range: SourceRange;
  about?: About | undefined;
}
type Locals = ReadonlyMap<string, Local>;

/** Names of an expression in the order of its text; of one that is not finished, those that can be told without its structure. */
export function namesInExpression(source: string, scope: NameScope): ExpressionName[] {
  let ast: ASTNode;
  try {
    ast = compile(source).run.ast;
  } catch {
    return namesInPieces(source, scope);
  }
  const found: ExpressionName[] = [];
  new Walk(source, scope, found).meaning(ast, new Map());
  return found.sort((left, right) => left.range.start - right.range.start);
}

class Walk {
  constructor(
    readonly source: string,
    readonly scope: NameScope,
    readonly found: ExpressionName[],
  ) {}

  meaning(node: ASTNode, locals: Locals): Meaning {
    switch (node.op) {
      case 'id':
        return this.#word(node.args, rangeOf(node), locals);
      case '.':
      case '.?': {
        const [object, name] = node.args;
        const range = { start: node.range.end - name.length, end: node.range.end };
        const dot = this.source.slice(object.range.end, range.start).search(/\./);
        const whole = { start: object.range.end + Math.max(0, dot), end: range.end };
        return this.#member(this.meaning(object, locals), name, { form: 'member', range, whole });
      }
      case '[]':
      case '[?]': {
        const [object, key] = node.args;
        const meaning = this.meaning(object, locals);
        if (key.op !== 'value' || typeof key.args !== 'string') {
          this.meaning(key, locals);
          return meaning.kind === 'outputs' && meaning.step?.kind === 'forEach'
            ? { kind: 'item', step: meaning.step }
            : other;
        }
        const whole = rangeOf(key);
        return this.#member(meaning, key.args, { form: 'literal', range: withoutQuotes(this.source, whole), whole });
      }
      default:
        this.#inner(node, locals);
        return other;
    }
  }

  #inner(node: ASTNode, locals: Locals): void {
    if (node.op === 'rcall' && isLoop(node)) {
      const [variable, ...body] = node.args[2];
      this.meaning(node.args[1], locals);
      const inner = this.#bind(variable, locals, this.#about(node.args[1], locals));
      for (const part of body) this.meaning(part, inner);
    } else if (isBind(node)) {
      const [variable, value, body] = node.args[2];
      if (value) this.meaning(value, locals);
      const inner = this.#bind(variable, locals);
      if (body) this.meaning(body, inner);
    } else {
      if (node.op === '==' || node.op === '!=' || node.op === 'in') this.#compare(node.args, locals);
      for (const child of children(node)) this.meaning(child, locals);
    }
  }

  /** `web1` of `vm != 'web1'`, `'web1' in inputs.vms` and `vm in ['web1']`. */
  #compare([left, right]: readonly [ASTNode, ASTNode], locals: Locals): void {
    for (const [side, beside] of [
      [left, right],
      [right, left],
    ] as const) {
      const about = this.#about(side, locals);
      if (!about) continue;
      for (const node of beside.op === 'list' ? beside.args : [beside]) {
        if (node.op !== 'value' || typeof node.args !== 'string' || node.args === '') continue;
        const whole = rangeOf(node);
        const range = withoutQuotes(this.source, whole);
        this.found.push({ kind: 'compared', name: node.args, range, whole, form: 'literal', about });
      }
    }
  }

  #about(node: ASTNode, locals: Locals): About | undefined {
    if (node.op === 'id') {
      const local = locals.get(node.args);
      const loop = this.scope.loops.findLast(step => step.variable === node.args);
      return local ? local.about : loop && { loop };
    }
    if (node.op !== '.' && node.op !== '[]') return undefined;
    const [object, key] = node.args;
    const isInputs = object.op === 'id' && object.args === 'inputs' && !locals.has('inputs');
    if (typeof key === 'string') return isInputs ? { input: key } : undefined;
    if (isInputs) return key.op === 'value' && typeof key.args === 'string' ? { input: key.args } : undefined;
    // One item of a list is about what the list is.
    return node.op === '[]' ? this.#about(object, locals) : undefined;
  }

  #bind(variable: ASTNode | undefined, locals: Locals, about?: About): Locals {
    if (variable?.op !== 'id') return locals;
    const range = rangeOf(variable);
    const name = variable.args;
    this.found.push({ kind: 'local', name, range, whole: range, form: 'word', binding: range, definition: true });
    return new Map([...locals, [name, { range, about }]]);
  }

  #word(name: string, range: SourceRange, locals: Locals): Meaning {
    const base = { name, range, whole: range, form: 'word' } as const;
    const local = locals.get(name);
    if (local) {
      this.found.push({ ...base, kind: 'local', binding: local.range });
      return other;
    }
    const loop = this.scope.loops.findLast(step => step.variable === name);
    if (loop) {
      this.found.push({ ...base, kind: 'variable', step: loop });
      return other;
    }
    if (name === 'inputs' || name === 'steps') {
      this.found.push({ ...base, kind: 'root' });
      return { kind: name };
    }
    if (name === 'run' || name === 'index') this.found.push({ ...base, kind: 'root' });
    return other;
  }

  #member(object: Meaning, name: string, place: Pick<ExpressionName, 'form' | 'range' | 'whole'>): Meaning {
    const add = (kind: ExpressionName['kind'], step?: Step) =>
      this.found.push({ kind, name, ...place, ...(step && { step }) });
    switch (object.kind) {
      case 'inputs':
        add('input');
        return other;
      case 'steps': {
        const step = this.scope.steps.get(name);
        add('step', step);
        return { kind: 'step', step };
      }
      case 'step':
        return name === 'outputs' ? { kind: 'outputs', step: object.step } : other;
      case 'outputs': {
        const { step } = object;
        if (step?.kind === 'forEach') {
          add('item', step);
          return { kind: 'item', step };
        }
        if (step?.kind === 'steps' || step?.kind === 'parallel') return this.#innerStep(step, name, add);
        if (step?.kind === 'action' || step?.kind === 'call') add('output', step);
        return other;
      }
      case 'item':
        return object.step ? this.#innerStep(object.step, name, add) : other;
      default:
        return other;
    }
  }

  /** `patch` of `steps.group.outputs.patch`: what follows are its outputs. */
  #innerStep(around: Step, name: string, add: (kind: 'step', step?: Step) => void): Meaning {
    const step = innerSteps(around).find(inner => inner.id === name);
    add('step', step);
    return step ? { kind: 'outputs', step } : other;
  }
}

/** Without its structure: `inputs.NAME`, `steps.ID` and loop variables. */
function namesInPieces(source: string, { steps, loops }: NameScope): ExpressionName[] {
  const tokens = expressionTokens(source);
  return tokens.flatMap((token, index): ExpressionName[] => {
    const { text: name, kind, start, end } = token;
    const range = { start, end };
    const loop = kind === 'word' ? loops.findLast(step => step.variable === name) : undefined;
    if (loop) return [{ kind: 'variable', name, range, whole: range, form: 'word', step: loop }];
    const root = tokens[index - 1];
    if (kind !== 'member' || root?.kind !== 'word') return [];
    const dot = source.slice(root.end, start);
    if (!/^\s*\.\??\s*$/.test(dot)) return [];
    const place = { name, range, whole: { start: root.end + dot.indexOf('.'), end }, form: 'member' } as const;
    if (root.text === 'inputs') return [{ kind: 'input', ...place }];
    const step = steps.get(name);
    return root.text === 'steps' ? [{ kind: 'step', ...place, ...(step && { step }) }] : [];
  });
}

function isBind(node: ASTNode): node is Extract<ASTNode, { op: 'rcall' }> {
  return node.op === 'rcall' && node.args[0] === 'bind' && node.args[1].op === 'id' && node.args[1].args === 'cel';
}

function rangeOf({ range }: ASTNode): SourceRange {
  return { start: range.start, end: range.end };
}

/** The inside of `'x'`, `"x"`, `'''x'''` and `r"x"`. */
export function withoutQuotes(source: string, { start, end }: SourceRange): SourceRange {
  const text = source.slice(start, end);
  const quotes = /^[rRbB]*("""|'''|"|')/.exec(text);
  if (!quotes) return { start, end };
  return { start: start + quotes[0].length, end: Math.max(start + quotes[0].length, end - quotes[1]!.length) };
}
