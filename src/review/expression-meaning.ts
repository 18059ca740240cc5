import type { ASTNode } from '@marcbachmann/cel-js';
import { namesInExpression, withoutQuotes } from '../editor/names-in-expression';
import { children, compile } from '../runbook/expression';
import type { ForEachStep, Step } from '../runbook/model';

/** Expressions of one runbook as plain data, in which steps are known by their place among all steps and loops by how deep they are. */
export class ExpressionMeaning {
  readonly #steps = new Map<string, Step>();
  readonly #numbers = new Map<Step, number>();
  readonly #inputs = new Set<string>();
  #allInputs = false;

  /** All that count, in order. */
  constructor(steps: readonly Step[]) {
    for (const [at, step] of steps.entries()) {
      this.#numbers.set(step, at);
      if (step.id !== undefined && !this.#steps.has(step.id)) this.#steps.set(step.id, step);
    }
  }

  /** Names of inputs that the expressions so far have used. */
  get inputs(): ReadonlySet<string> | 'all' {
    return this.#allInputs ? 'all' : this.#inputs;
  }

  /** Equal for expressions that differ only in spaces, quotes, `a.b` and `a['b']`, ids of steps and names of loop variables. */
  of(source: string, loops: readonly ForEachStep[]): unknown {
    let root: ASTNode;
    try {
      root = compile(source).run.ast;
    } catch {
      // It can't be evaluated; the checks say so.
      return source.trim();
    }
    const renamed = new Map<number, string>();
    let wholeInputs = 0;
    for (const { kind, name, range, step } of namesInExpression(source, { steps: this.#steps, loops })) {
      if (kind === 'root' && name === 'inputs') wholeInputs++;
      if (kind === 'input') {
        this.#inputs.add(name);
        wholeInputs--;
      }
      const number = kind === 'step' && step ? this.#numbers.get(step) : undefined;
      if (number !== undefined) renamed.set(range.start, `step ${number}`);
      if (kind === 'variable' && step?.kind === 'forEach') renamed.set(range.start, `loop ${loops.indexOf(step)}`);
    }
    // Which of them are used is only known when it is evaluated.
    if (wholeInputs > 0) this.#allInputs = true;
    return meaningOf(root, source, renamed);
  }
}

/** `renamed`: by where a name begins. */
function meaningOf(node: ASTNode, source: string, renamed: ReadonlyMap<number, string>): unknown {
  const inner = (nodes: readonly ASTNode[]): unknown[] => nodes.map(one => meaningOf(one, source, renamed));
  switch (node.op) {
    case 'value':
      if (typeof node.args === 'string') {
        const name = renamed.get(withoutQuotes(source, { start: node.range.start, end: node.range.end }).start);
        return name === undefined ? { text: node.args } : { name };
      }
      return { literal: source.slice(node.range.start, node.range.end) };
    case 'id':
      return { name: renamed.get(node.range.start) ?? node.args };
    case '.':
    case '.?': {
      const [object, name] = node.args;
      const known = renamed.get(node.range.end - name.length);
      return [
        node.op === '.' ? '[]' : '[?]',
        ...inner([object]),
        known === undefined ? { text: name } : { name: known },
      ];
    }
    case 'call':
    case 'rcall':
      return [node.op, node.args[0], ...inner(children(node))];
    default:
      return [node.op, ...inner(children(node))];
  }
}
