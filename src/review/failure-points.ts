import type { Rehearsal, RehearsedStep, Story } from '../engine/rehearse';
import { type RehearsedFault, rehearsedFaults } from '../engine/rehearse-points';
import { isBad, type Verdict, verdicts } from '../engine/rehearse-verdict';

/** A step of the file and a fault, of all items of the loops around the step. */
export interface Point {
  pointer: string;
  fault: RehearsedFault;
  /** `move`; of several items `each[…]/move × 3`. */
  key: string;
  /** Of the item that ends worst. */
  title: string;
  uses: string;
  verdict: Verdict;
  /** Ways that do not come back, of all. */
  bad: number;
  ways: number;
  /** Ways that do not come back, by items. */
  badOfItems: ReadonlyMap<string, number>;
  /** What happens at the worst. */
  story: Story | undefined;
}

/** By pointer and fault, in the order of the steps; faults that can't hit a step are left out. Of two faults at once nothing is told. */
export function pointsOf(rehearsal: Rehearsal | undefined): Map<string, Point> {
  const points = new Map<string, Point>();
  const groups = new Map<string, RehearsedStep[]>();
  for (const step of rehearsal?.steps ?? []) {
    const group = groups.get(step.pointer);
    if (group) group.push(step);
    else groups.set(step.pointer, [step]);
  }
  const stories = new Map<string, Story>();
  for (const story of rehearsal?.stories ?? []) {
    const id = `${story.key} ${story.fault}`;
    if (!story.second && !stories.has(id)) stories.set(id, story);
  }
  for (const [pointer, group] of groups) {
    for (const fault of rehearsedFaults) {
      const hit = group.filter(step => step.faults[fault].worst !== 'not-hit');
      const [first] = hit;
      if (first) points.set(`${pointer} ${fault}`, pointOf([first, ...hit.slice(1)], fault, stories));
    }
  }
  return points;
}

/** Its place from the best to the worst. */
export function rank(verdict: Verdict): number {
  return verdicts.indexOf(verdict);
}

function pointOf(
  steps: [RehearsedStep, ...RehearsedStep[]],
  fault: RehearsedFault,
  stories: ReadonlyMap<string, Story>,
): Point {
  let [worst] = steps;
  let [bad, ways] = [0, 0];
  const badOfItems = new Map<string, number>();
  for (const step of steps) {
    if (rank(step.faults[fault].worst) > rank(worst.faults[fault].worst)) worst = step;
    const { counts } = step.faults[fault];
    let badHere = 0;
    for (const [verdict, count] of Object.entries(counts) as [Verdict, number][]) {
      if (verdict !== 'not-hit') ways += count;
      if (isBad(verdict)) badHere += count;
    }
    bad += badHere;
    const item = itemOf(step.key);
    badOfItems.set(item, Math.max(badHere, badOfItems.get(item) ?? 0));
  }
  const { pointer, title, uses, key } = worst;
  return {
    pointer,
    fault,
    key: steps.length === 1 ? key : `${key.replace(items, '[…]')} × ${steps.length}`,
    title,
    uses,
    verdict: worst.faults[fault].worst,
    bad,
    ways,
    badOfItems,
    story: stories.get(`${worst.key} ${fault}`),
  };
}

const items = /\[[^\]]*\]/g;

/** `each[web1]/move`: web1; the same whatever the loop is called. */
function itemOf(key: string): string {
  return (key.match(items) ?? []).join('');
}
