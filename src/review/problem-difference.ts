import type { Place, Problem, ProblemDifference } from './model';
import type { StepMatches } from './step-matching';

/** What is wrong with a runbook or inventory on one side. */
export interface SideProblem {
  code: string;
  severity: Problem['severity'];
  message: string;
  place: Place;
  /** JSON pointer of the step it stands in. */
  step?: string;
}

/**
 * Which problems came with a change and which were there before. One is the same when rule, step and words are: wherever that step stands
 * now, and whatever ids and files are called now. Equal ones are counted.
 */
export function problemDifference(
  base: readonly SideProblem[],
  head: readonly SideProblem[],
  matches: StepMatches,
): ProblemDifference {
  const { renamed = new Map<string, string>() } = matches;
  const atBase = new Map<string, SideProblem[]>();
  for (const problem of base) {
    const step = problem.step === undefined ? undefined : (matches.headOf(problem.step) ?? `gone ${problem.step}`);
    put(atBase, keyOf(step, problem, renamed), problem);
  }
  const kept: SideProblem[] = [];
  const open = head.filter(problem => {
    const known = atBase.get(keyOf(problem.step, problem, new Map()))?.shift();
    if (known) kept.push(problem);
    return !known;
  });

  // In a step that is there on one side only: the same words elsewhere are the same problem, e.g. of a step that was written anew.
  const loose = new Map<string, SideProblem[]>();
  const gone = new Set([...atBase.values()].flat());
  for (const problem of gone) put(loose, keyOf(undefined, problem, renamed), problem);
  const added = open.filter(problem => {
    const isNew = problem.step !== undefined && matches.baseOf(problem.step) === undefined;
    const known = loose.get(keyOf(undefined, problem, new Map()));
    const at =
      known?.findIndex(one => isNew || (one.step !== undefined && matches.headOf(one.step) === undefined)) ?? -1;
    if (at < 0) return true;
    gone.delete(known!.splice(at, 1)[0]!);
    kept.push(problem);
    return false;
  });
  return {
    added: inOrder(added),
    removed: inOrder(base.filter(problem => gone.has(problem))),
    kept: inOrder(kept),
  };
}

function put(problems: Map<string, SideProblem[]>, key: string, problem: SideProblem): void {
  if (!problems.get(key)?.push(problem)) problems.set(key, [problem]);
}

function keyOf(step: string | undefined, problem: SideProblem, renamed: ReadonlyMap<string, string>): string {
  const words = problem.message
    // Where another place is named, it may have moved.
    .replace(/(\.ya?ml):\d+(:\d+)?/g, '$1')
    .replace(/\b(lines?) \d+/g, '$1')
    .replace(/[\w./-]+/g, word => renamed.get(word) ?? word);
  return JSON.stringify([problem.code, step ?? '', words]);
}

function inOrder(problems: readonly SideProblem[]): Problem[] {
  return problems
    .map(({ code, severity, message, place }) => ({ code, severity, message, place }))
    .sort(
      (one, other) =>
        compare(one.place.path, other.place.path) ||
        one.place.line - other.place.line ||
        compare(one.code, other.code) ||
        compare(one.message, other.message),
    );
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
