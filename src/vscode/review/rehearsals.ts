import pLimit from 'p-limit';
import type { RehearsalWork, Rehearsed } from '../../rehearsal/work';
import type { ReviewPorts } from '../../review/contract';
import { workOfReview } from '../../review/rehearsal-work';

/** Workers at the same time: each takes a processor to itself. */
const mostAtOnce = 2;

/** Rehearses the sides of a review, each in a worker of its own. */
export function reviewRehearsals(
  elsewhere: (
    work: RehearsalWork,
    options: { signal: AbortSignal; onProgress(done: number, total: number): void },
  ) => Promise<Rehearsed | undefined>,
): NonNullable<ReviewPorts['rehearse']> {
  const limit = pLimit(mostAtOnce);
  return (asked, signal = new AbortController().signal) =>
    limit(async () => {
      signal.throwIfAborted();
      const work = await workOfReview(asked);
      const rehearsed = await elsewhere(work, { signal, onProgress: () => undefined });
      if (!rehearsed) throw signal.reason;
      return { rehearsal: rehearsed.rehearsal, assumed: work.assumed };
    });
}
