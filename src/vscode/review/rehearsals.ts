import pLimit from 'p-limit';
import type { RehearsalWork, Rehearsed } from '../../rehearsal/work';
import type { ReviewPorts } from '../../review/contract';
import { workOfReview } from '../../review/rehearsal-work';

/** Who rehearses for one review. */
export interface Rehearsals {
  rehearse: NonNullable<ReviewPorts['rehearse']>;
  /** Nothing more is asked. */
  close(): Promise<void>;
}

/** Workers of a browser at the same time: each takes a processor to itself. */
const mostAtOnce = 2;

/** Each rehearsal in a worker of its own; `undefined` of one that was aborted. */
export function rehearsalsIn(
  elsewhere: (
    work: RehearsalWork,
    options: { signal: AbortSignal; onProgress(done: number, total: number): void },
  ) => Promise<Rehearsed | undefined>,
): Rehearsals {
  const limit = pLimit(mostAtOnce);
  return {
    rehearse: (asked, signal = new AbortController().signal) =>
      limit(async () => {
        signal.throwIfAborted();
        const work = await workOfReview(asked);
        const rehearsed = await elsewhere(work, { signal, onProgress: () => undefined });
        if (!rehearsed) throw signal.reason;
        return { rehearsal: rehearsed.rehearsal, assumed: work.assumed };
      }),
    close: async () => limit.clearQueue(),
  };
}
