import type { Rehearsal } from '../engine/rehearse';
import { isBad, type Verdict, verdicts } from '../engine/rehearse-verdict';
import type { RehearsalFacts } from './model';

/** What is told of a rehearsal on one side. `assumed`: what of the copy was taken for granted. */
export function rehearsalFacts({ rehearsal, assumed }: { rehearsal: Rehearsal; assumed: string[] }): RehearsalFacts {
  const { clean, needPerson } = rehearsal;
  const counts: Partial<Record<Verdict, number>> = {};
  let [points, bad] = [0, 0];
  for (const verdict of verdicts) {
    const count = rehearsal.counts[verdict];
    if (count === 0) continue;
    counts[verdict] = count;
    points += count;
    if (isBad(verdict)) bad += count;
  }
  return {
    clean: {
      status: clean.status,
      ...(clean.failure && { message: [clean.failedStep, clean.failure.message].filter(Boolean).join(': ') }),
    },
    durationMs: clean.durationMs,
    points,
    bad,
    needPerson,
    counts,
    assumed,
  };
}
