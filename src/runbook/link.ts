import { type CalledRunbooks, CallGraph, type CallProblem, calledPath, callsOf } from './calls';
import { checkRunbook } from './check';
import type { CheckContext } from './check-context';
import { type CallStep, innerSteps, type Runbook, type Step } from './model';
import { type ParsedRunbook, parseRunbook } from './parse';

/** More steps than this, called runbooks counted as often as they are called, and nobody could read the plan. */
const maxSteps = 100_000;

export interface LinkProblem extends CallProblem {
  /** JSON pointer of the call's `uses` in the outermost runbook. */
  pointer: string;
}

/** Text of a file by its path relative to the folder of the outermost runbook, with `/`; undefined: there is none. May reject. */
export type ReadFile = (path: string) => Promise<string | undefined>;

export interface LinkedRunbook {
  /** With every call filled in as far as it can be. To be run only when there are no problems. */
  runbook: Runbook;
  problems: LinkProblem[];
}

/**
 * Fills in the runbooks that a runbook calls, and those that they call. `path` is that of the runbook itself; only its last part counts.
 * With `context` the called runbooks are checked too, as they are when they are run by themselves, but with the names of the caller's inventory.
 */
export async function linkRunbooks(
  runbook: Runbook,
  path: string,
  read: ReadFile,
  context: CheckContext = { actions: [] },
): Promise<LinkedRunbook> {
  if (callsOf(runbook).length === 0) return { runbook, problems: [] };
  const self = fileName(path);
  const { runbooks, unreadable } = await loadCalled(runbook, self, read);
  const graph = new CallGraph(runbooks, (parsed, chain) => checkRunbook(parsed, { ...context, runbooks }, chain));
  const problems = callsOf(runbook).flatMap((step): LinkProblem[] => {
    const called = calledPath(self, step.uses);
    const why = unreadable.get(called);
    const problem: CallProblem | undefined =
      why === undefined
        ? graph.problem(called, [self])
        : { code: 'call-broken', message: `\`${called}\` can't be read: ${why}` };
    return problem ? [{ ...problem, pointer: `${step.pointer}/uses` }] : [];
  });
  if (problems.length > 0) return { runbook, problems };
  const linker = new Linker(runbooks);
  const linked = linker.link(runbook, self, '');
  const [first] = callsOf(runbook);
  if (first && linker.sizeOf(linked) > maxSteps) {
    const message = `With all its calls this runbook has more than ${maxSteps} steps. Call fewer, or use \`forEach\`.`;
    problems.push({ code: 'call-broken', message, pointer: `${first.pointer}/uses` });
  }
  return { runbook: linked, problems };
}

/**
 * The same with runbooks that are loaded already, without a word on what is wrong. undefined: one of them is missing or has mistakes in its
 * structure, they call each other in a circle, or all together are too many steps.
 */
export function linkLoaded(runbook: Runbook, path: string, runbooks: CalledRunbooks): Runbook | undefined {
  if (callsOf(runbook).length === 0) return runbook;
  const self = fileName(path);
  const sound = new Set<string>();
  const linkable = (caller: Runbook, chain: readonly string[]): boolean =>
    callsOf(caller).every(step => {
      const called = calledPath(chain.at(-1)!, step.uses);
      if (sound.has(called)) return true;
      const parsed = chain.includes(called) ? undefined : runbooks(called)?.runbook;
      if (!parsed || !linkable(parsed, [...chain, called])) return false;
      sound.add(called);
      return true;
    });
  if (!linkable(runbook, [self])) return undefined;
  const linker = new Linker(runbooks);
  const linked = linker.link(runbook, self, '');
  return linker.sizeOf(linked) > maxSteps ? undefined : linked;
}

/** Reads and parses what a runbook calls, and what that calls. Paths are relative to the folder of `self`. */
export async function loadCalled(
  runbook: Runbook,
  self: string,
  read: ReadFile,
): Promise<{ runbooks: CalledRunbooks; unreadable: ReadonlyMap<string, string> }> {
  const files = new Map<string, ParsedRunbook | null>();
  const unreadable = new Map<string, string>();
  const visit = async (caller: Runbook, from: string) => {
    for (const step of callsOf(caller)) {
      const path = calledPath(from, step.uses);
      if (path === self || files.has(path) || unreadable.has(path) || files.size >= 1000) continue;
      let text: string | undefined;
      try {
        text = await read(path);
      } catch (error) {
        unreadable.set(path, error instanceof Error ? error.message : String(error));
        continue;
      }
      const parsed = text === undefined ? null : parseRunbook(text);
      files.set(path, parsed);
      if (parsed) await visit(parsed.draft, path);
    }
  };
  await visit(runbook, self);
  return { runbooks: path => files.get(path), unreadable };
}

class Linker {
  /** A runbook that is called twice is the same object twice. */
  readonly #linked = new Map<string, Runbook>();
  readonly #sizes = new Map<Runbook, number>();

  constructor(readonly runbooks: CalledRunbooks) {}

  /** `prefix` goes before the pointers of its steps. */
  link(runbook: Runbook, file: string, prefix: string): Runbook {
    return {
      ...runbook,
      steps: this.#steps(runbook.steps, file, prefix),
      ...(runbook.finally && { finally: this.#steps(runbook.finally, file, prefix) }),
    };
  }

  #steps(steps: readonly Step[], file: string, prefix: string): Step[] {
    return steps.map(step => this.#step(step, file, prefix));
  }

  #step(step: Step, file: string, prefix: string): Step {
    const pointer = prefix + step.pointer;
    switch (step.kind) {
      case 'forEach':
      case 'steps':
      case 'parallel':
        return { ...step, pointer, steps: this.#steps(step.steps, file, prefix) };
      case 'call':
        return this.#call({ ...step, pointer }, file);
      case 'action':
        return Array.isArray(step.rollback)
          ? { ...step, pointer, rollback: this.#steps(step.rollback, file, prefix) }
          : { ...step, pointer };
      default:
        return { ...step, pointer };
    }
  }

  #call(step: CallStep, file: string): CallStep {
    const path = calledPath(file, step.uses);
    let linked = this.#linked.get(path);
    if (!linked) {
      const called = this.runbooks(path)?.runbook;
      if (!called) return step;
      linked = this.link(called, path, `${path}#`);
      this.#linked.set(path, linked);
    }
    return { ...step, runbook: linked };
  }

  /** How many steps a runbook has with all that it calls. */
  sizeOf(runbook: Runbook): number {
    const known = this.#sizes.get(runbook);
    if (known !== undefined) return known;
    const count = (steps: readonly Step[]): number =>
      steps.reduce((sum, step) => {
        if (step.kind === 'call') return sum + 1 + (step.runbook ? this.sizeOf(step.runbook) : 0);
        const inner = step.kind === 'action' ? (Array.isArray(step.rollback) ? step.rollback : []) : [];
        return sum + 1 + count(inner.length > 0 ? inner : innerSteps(step));
      }, 0);
    const size = count(runbook.steps) + count(runbook.finally ?? []);
    this.#sizes.set(runbook, size);
    return size;
  }
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
