import type { Rehearsal } from '../engine/rehearse';
import { isBad, type Verdict, verdicts } from '../engine/rehearse-verdict';
import type { RehearsalDifference, RehearsalFacts } from './model';

/** `assumed`: what of the copy was taken for granted, each a sentence. */
export interface RehearsedSide {
  rehearsal: Rehearsal;
  assumed: string[];
}

/** What is told of a rehearsal on one side. */
export function rehearsalFacts({ rehearsal, assumed }: RehearsedSide): RehearsalFacts {
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
  const message = failureText(rehearsal);
  return {
    clean: { status: clean.status, ...(message !== undefined && { message }) },
    durationMs: clean.durationMs,
    points,
    bad,
    needPerson,
    counts,
    assumed,
  };
}

/** A sentence where even the run in which nothing is made to go wrong does not come to its end: then no failure point is rehearsed. */
export function whyNotRehearsed(rehearsal: Rehearsal | undefined): string | undefined {
  if (!rehearsal || rehearsal.clean.status === 'done') return undefined;
  const message = failureText(rehearsal);
  return `Even when nothing is made to go wrong, it ends ${rehearsal.clean.status}${message === undefined ? '.' : `: ${message}`}`;
}

function failureText({ clean: { failure, failedStep } }: Rehearsal): string | undefined {
  if (!failure) return undefined;
  return failedStep === undefined ? failure.message : `${failedStep}: ${failure.message}`;
}

/** In its rehearsal it fails though nothing is made to go wrong, and at the base it did not. */
export function failsNewly({ base, head }: Pick<RehearsalDifference, 'base' | 'head'>): boolean {
  const failed = base !== undefined && base.clean.status !== 'done';
  return head !== undefined && head.clean.status !== 'done' && !failed;
}
