import { equal } from '../runbook/equal';
import { everyStep, type Runbook } from '../runbook/model';
import type { PlaceOf } from './contract';
import type { Difference } from './model';
import { matchSteps, type StepMatches } from './step-matching';

const empty: Runbook = { version: 1, name: '', inputs: {}, steps: [] };

/**
 * What two versions of a runbook say differently, in the order of the file at the head; formatting and comments are no difference. Without
 * one of them, all of the other was added or removed. Steps of called runbooks are told with their own file.
 */
export function runbookDifferences(
  base: Runbook | undefined,
  head: Runbook | undefined,
  places: { base: PlaceOf; head: PlaceOf },
  matches: StepMatches = matchSteps(base ?? empty, head ?? empty),
): Difference[] {
  const found: Difference[] = [];
  for (const step of everyStep(head ?? empty)) {
    const ref = { pointer: step.pointer, title: step.name ?? step.id ?? step.kind };
    const before = matches.baseOf(step.pointer);
    const place = places.head(step.pointer);
    if (before === undefined)
      found.push({
        kind: 'step',
        change: 'added',
        text: `Step ${ref.title} added`,
        step: { head: ref },
        ...(place && { head: place }),
        effect: 'neutral',
      });
    else {
      const other = everyStep(base ?? empty).find(one => one.pointer === before)!;
      if (!equal(step, other, ['pointer', 'steps', 'runbook']))
        found.push({
          kind: 'step',
          change: 'changed',
          text: `Step ${ref.title} changed`,
          step: { head: ref },
          ...(place && { head: place }),
          effect: 'neutral',
        });
    }
  }
  return found;
}
