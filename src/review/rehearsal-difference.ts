import type { Rehearsal, RehearsedStep, Story } from '../engine/rehearse';
import { type RehearsedFault, rehearsedFaults } from '../engine/rehearse-points';
import { isBad, type Verdict, verdicts } from '../engine/rehearse-verdict';
import type { PlaceOf } from './contract';
import type { FailurePoint, RehearsalDifference } from './model';
import { rehearsalFacts } from './rehearsal-facts';
import type { StepMatches } from './step-matching';

interface Rehearsed {
  rehearsal: Rehearsal;
  assumed: string[];
}

interface Sides<T> {
  base?: T;
  head?: T;
}

/** The rehearsal before against the rehearsal after. `problems`: why a side was not rehearsed. */
export function rehearsalDifference(
  base: Rehearsed | undefined,
  head: Rehearsed | undefined,
  problems: Sides<string>,
  matches: StepMatches,
  places: { base: PlaceOf; head: PlaceOf },
): RehearsalDifference {
  const baseProblem = problems.base ?? whyNot(base?.rehearsal);
  const headProblem = problems.head ?? whyNot(head?.rehearsal);
  const before = pointsOf(base?.rehearsal);
  const after = pointsOf(head?.rehearsal);
  const newlyBad: FailurePoint[] = [];
  const noLongerBad: FailurePoint[] = [];
  const stillBad: FailurePoint[] = [];
  for (const point of after.values()) {
    if (!isBad(point.verdict)) continue;
    const other = before.get(`${matches.baseOf(point.pointer)} ${point.fault}`);
    (other && isBad(other.verdict) ? stillBad : newlyBad).push(told(point, other, places.head));
  }
  for (const point of before.values()) {
    if (!isBad(point.verdict)) continue;
    const other = after.get(`${matches.headOf(point.pointer)} ${point.fault}`);
    if (!other || !isBad(other.verdict)) noLongerBad.push(told(point, other, places.base));
  }
  return {
    ...(base && { base: rehearsalFacts(base) }),
    ...(head && { head: rehearsalFacts(head) }),
    ...(baseProblem !== undefined && { baseProblem }),
    ...(headProblem !== undefined && { headProblem }),
    newlyBad: worstFirst(newlyBad),
    noLongerBad: worstFirst(noLongerBad),
    stillBad: worstFirst(stillBad),
  };
}

/** Even the run in which nothing is made to go wrong does not come to its end, so no failure point was rehearsed. */
function whyNot(rehearsal: Rehearsal | undefined): string | undefined {
  if (!rehearsal || rehearsal.clean.status === 'done') return undefined;
  const { status, failure, failedStep } = rehearsal.clean;
  const why = failure ? `: ${failedStep === undefined ? '' : `${failedStep}: `}${failure.message}` : '.';
  return `Even when nothing is made to go wrong, it ends ${status}${why}`;
}

/** A step of the file and a fault, of all items. */
interface Point {
  pointer: string;
  fault: RehearsedFault;
  steps: RehearsedStep[];
  verdict: Verdict;
  bad: number;
  ways: number;
  story: Story | undefined;
}

/** By pointer and fault; those that can't be hit are left out. */
function pointsOf(rehearsal: Rehearsal | undefined): Map<string, Point> {
  const points = new Map<string, Point>();
  if (!rehearsal) return points;
  const stories = new Map<string, Story>();
  for (const story of rehearsal.stories) {
    const id = `${story.key} ${story.fault}`;
    if (!story.second && !stories.has(id)) stories.set(id, story);
  }
  for (const step of rehearsal.steps) {
    for (const fault of rehearsedFaults) {
      const { worst, counts } = step.faults[fault];
      if (worst === 'not-hit') continue;
      const id = `${step.pointer} ${fault}`;
      const point = points.get(id) ?? {
        pointer: step.pointer,
        fault,
        steps: [],
        verdict: 'not-hit',
        bad: 0,
        ways: 0,
        story: undefined,
      };
      points.set(id, point);
      point.steps.push(step);
      if (rank(worst) > rank(point.verdict)) {
        point.verdict = worst;
        point.story = stories.get(`${step.key} ${fault}`);
      }
      for (const verdict of verdicts) {
        const count = counts[verdict] ?? 0;
        if (verdict !== 'not-hit') point.ways += count;
        if (isBad(verdict)) point.bad += count;
      }
    }
  }
  return points;
}

function told(point: Point, other: Point | undefined, placeOf: PlaceOf): FailurePoint {
  const { pointer, fault, steps, verdict, bad, ways, story } = point;
  const [first] = steps as [RehearsedStep, ...RehearsedStep[]];
  const step = steps.find(one => one.key === story?.key) ?? first;
  const key = steps.length === 1 ? first.key : `${first.key.replace(/\[[^\]]*\]/g, '[…]')} × ${steps.length}`;
  const place = placeOf(pointer);
  return {
    step: { pointer, title: step.title, uses: step.uses, key },
    fault,
    verdict,
    ...(other && { other: other.verdict }),
    bad,
    ways,
    story: story?.text ?? [],
    left: story?.left ?? [],
    ...(place && { place }),
  };
}

function rank(verdict: Verdict): number {
  return verdicts.indexOf(verdict);
}

/** Else in the order of the steps. */
function worstFirst(points: FailurePoint[]): FailurePoint[] {
  return points.sort((one, other) => rank(other.verdict) - rank(one.verdict));
}
