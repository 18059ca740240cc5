import { isBad, verdicts } from '../engine/rehearse-verdict';
import type { PlaceOf } from './contract';
import { type Point, pointsOf, rank } from './failure-points';
import type { FailurePoint, RehearsalDifference } from './model';
import { type RehearsedSide, rehearsalFacts, whyNotRehearsed } from './rehearsal-facts';
import type { StepMatches } from './step-matching';

interface Sides<T> {
  base?: T;
  head?: T;
}

/**
 * The rehearsal before against the rehearsal after, by step and fault. `problems`: why a side was not rehearsed.
 *
 * - What is bad at the head is new where it was not bad at the base, or is worse now: it ends worse, or more of its ways do not come back, of
 *   one item of a loop than of the same item before, or, where that was not there, than of any. More items alone are not worse.
 * - Where the base was not rehearsed all of it is new. Where the head was not, nothing is known to come back, so nothing is said to.
 * - With base and head changed over, what is bad on one side only changes over, too, and what is bad on both stays.
 */
export function rehearsalDifference(
  base: RehearsedSide | undefined,
  head: RehearsedSide | undefined,
  problems: Sides<string>,
  matches: StepMatches,
  places: { base: PlaceOf; head: PlaceOf },
): RehearsalDifference {
  const baseProblem = problems.base ?? whyNotRehearsed(base?.rehearsal);
  const headProblem = problems.head ?? whyNotRehearsed(head?.rehearsal);
  const before = pointsOf(base?.rehearsal);
  const after = pointsOf(head?.rehearsal);
  const newlyBad: FailurePoint[] = [];
  const stillBad: FailurePoint[] = [];
  const noLongerBad: FailurePoint[] = [];
  for (const point of after.values()) {
    if (!isBad(point.verdict)) continue;
    const other = twin(point, matches.baseOf(point.pointer), before);
    const isStill = other && isBad(other.verdict) && !isWorse(point, other);
    (isStill ? stillBad : newlyBad).push(told(point, other, places.head));
  }
  for (const point of headProblem === undefined ? before.values() : []) {
    if (!isBad(point.verdict)) continue;
    const other = twin(point, matches.headOf(point.pointer), after);
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

/** The same on the other side; `pointer`: of its step there. */
function twin({ fault }: Point, pointer: string | undefined, others: ReadonlyMap<string, Point>): Point | undefined {
  return pointer === undefined ? undefined : others.get(`${pointer} ${fault}`);
}

function isWorse(point: Point, before: Point): boolean {
  if (rank(point.verdict) > rank(before.verdict)) return true;
  const most = Math.max(...before.badOfItems.values());
  return [...point.badOfItems].some(([item, bad]) => bad > (before.badOfItems.get(item) ?? most));
}

function told(point: Point, other: Point | undefined, placeOf: PlaceOf): FailurePoint {
  const { pointer, key, title, uses, fault, verdict, bad, ways, story } = point;
  const place = placeOf(pointer);
  return {
    step: { pointer, title, uses, key },
    fault,
    verdict,
    ...(other && { other: other.verdict, otherBad: other.bad }),
    bad,
    ways,
    story: story?.text ?? [],
    left: story?.left ?? [],
    ...(place && { place }),
  };
}

/** Of those that are equally bad, what the other side does not have at all comes first: it is the likely cause. Then in the order of steps. */
function worstFirst(points: FailurePoint[]): FailurePoint[] {
  return points.toSorted(
    (one, other) =>
      verdicts.indexOf(other.verdict) - verdicts.indexOf(one.verdict) ||
      Number(one.other !== undefined) - Number(other.other !== undefined),
  );
}
