import { compile, ExpressionError } from '../runbook/expression';
import type { Json } from '../runbook/json';
import { expressionsIn } from './part';

/** What can't be known while planning, besides the outputs of steps and the run's id. */
export interface Unknown {
  /** Loop variables, and `index`. */
  variables: ReadonlySet<string>;
  /** Inputs of a called runbook. */
  inputs: ReadonlySet<string>;
}

export const allKnown: Unknown = { variables: new Set(), inputs: new Set() };

/** Tells which expressions can be evaluated already. Keeps what it found out of a text, as loops ask for the same ones once per item. */
export class Knowable {
  readonly #sources = new Map<string, { words: ReadonlySet<string>; wholeInputs: boolean } | 'never'>();
  /** By the value itself: a step's are the same in every item. */
  readonly #templates = new Map<Json, readonly string[]>();

  template(value: Json, unknown: Unknown): boolean {
    let sources = this.#templates.get(value);
    if (!sources) {
      sources = expressionsIn(value);
      this.#templates.set(value, sources);
    }
    return sources.every(source => this.expression(source, unknown));
  }

  /** A CEL expression without `${{ }}`. */
  expression(source: string, unknown: Unknown): boolean {
    const about = this.#about(source);
    if (about === 'never') return false;
    for (const name of unknown.variables) if (about.words.has(name)) return false;
    if (unknown.inputs.size === 0) return true;
    if (about.wholeInputs) return false;
    for (const name of unknown.inputs) if (about.words.has(name)) return false;
    return true;
  }

  #about(source: string) {
    let about = this.#sources.get(source);
    if (!about) {
      const words = new Set(source.match(/[A-Za-z_]\w*/g));
      const wholeInputs = /\binputs\b(?!\s*\.)/.test(source);
      about = words.has('run') || needsSteps(source) ? 'never' : { words, wholeInputs };
      this.#sources.set(source, about);
    }
    return about;
  }
}

function needsSteps(source: string): boolean {
  try {
    const { steps } = compile(source);
    return !steps || steps.length > 0;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    // Broken: evaluating it says how.
    return false;
  }
}
