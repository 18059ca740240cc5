import type { Diagnostic } from './diagnostic';
import { type CallStep, everyStep, type Runbook } from './model';
import type { ParsedRunbook } from './parse';

/**
 * A runbook that is called, by its path relative to the folder of the outermost runbook, with `/` whatever the system.
 * null: there is no such file. undefined: not known (yet), so nothing is said about it.
 */
export type CalledRunbooks = (path: string) => ParsedRunbook | null | undefined;

export interface CallProblem {
  code: 'call-not-found' | 'call-cycle' | 'call-broken' | 'misplaced-no-return';
  message: string;
}

/** Calls within calls; nobody follows more, and a folder that is linked into itself has no end. */
const maxDepth = 16;

/** Path of the runbook that `uses` names in the file `from`; both relative to the folder of the outermost runbook. */
export function calledPath(from: string, uses: string): string {
  const parts: string[] = [];
  for (const part of [...from.split('/').slice(0, -1), ...uses.split('/')]) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

/** All calls of a runbook, those in `rollback` and `finally` included. */
export function callsOf(runbook: Runbook): CallStep[] {
  return everyStep(runbook).filter(step => step.kind === 'call');
}

/** Whether called runbooks can be run: there, without errors, not calling themselves. */
export class CallGraph {
  readonly #problems = new Map<string, CallProblem | undefined>();

  /** `check` gives what is wrong with a runbook; `chain` are the files from the outermost to this one. */
  constructor(
    readonly runbooks: CalledRunbooks,
    readonly check: (parsed: ParsedRunbook, chain: readonly string[]) => readonly Diagnostic[],
  ) {}

  /** What keeps the runbook at `path` from being called in the last file of `chain`. */
  problem(path: string, chain: readonly string[]): CallProblem | undefined {
    const again = chain.indexOf(path);
    if (again >= 0) {
      const names = [...chain.slice(again), path].map(name => `\`${name}\``).join(' → ');
      return { code: 'call-cycle', message: `The runbook calls itself: ${names}. Take one of these calls out.` };
    }
    if (!this.#problems.has(path)) this.#problems.set(path, this.#find(path, chain));
    return this.#problems.get(path);
  }

  #find(path: string, chain: readonly string[]): CallProblem | undefined {
    if (chain.length > maxDepth) {
      const message = `Calls are more than ${maxDepth} deep at \`${path}\`. Call it from a runbook further out.`;
      return { code: 'call-broken', message };
    }
    const parsed = this.runbooks(path);
    if (parsed === undefined) return undefined;
    if (parsed === null) {
      return { code: 'call-not-found', message: `There is no runbook \`${path}\`. Correct the path, or write it.` };
    }
    const errors = [...parsed.diagnostics, ...(parsed.runbook ? this.check(parsed, [...chain, path]) : [])].filter(
      item => item.severity === 'error',
    );
    const cycle = errors.find(item => item.code === 'call-cycle');
    if (cycle) return { code: 'call-cycle', message: cycle.message };
    const [first] = errors;
    if (!first) {
      if (!parsed.draft.steps.some(step => step.kind === 'pointOfNoReturn')) return undefined;
      const message = `\`${path}\` has a point of no return, so it can't be called. Move that to the runbook that calls it.`;
      return { code: 'misplaced-no-return', message };
    }
    const place = `${path}:${lineOf(parsed.source.text, first.range.start)}`;
    return { code: 'call-broken', message: `\`${path}\` can't be called, it has errors: ${place}: ${first.message}` };
  }
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
