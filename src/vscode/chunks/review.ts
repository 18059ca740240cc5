// Entry of dist/review.js.
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { workOfReview } from '../../review/rehearsal-work';
import { RehearsalPool } from '../../runner/rehearsal-pool';
import type { Rehearsals } from '../review/rehearsals';
import type { ReviewFiles } from '../review/reviewFiles';
import type { ReviewResults } from '../review/reviewResults';
import { Reviews } from '../review/reviews';

export { ReviewComments } from '../review/comments';
export { ReviewMarks } from '../review/marks';

export function openReviews(results: ReviewResults, files: ReviewFiles): Reviews {
  return new Reviews(results, files, rehearsalsInThreads);
}

/** One processor is left to the editor. */
function rehearsalsInThreads(): Rehearsals {
  const pool = new RehearsalPool(path.join(__dirname, 'rehearsal.js'), Math.max(1, availableParallelism() - 1));
  return {
    async rehearse(asked, signal) {
      const work = await workOfReview(asked);
      const { rehearsal } = await pool.rehearse(work, signal);
      return { rehearsal, assumed: work.assumed };
    },
    close: () => pool.close(),
  };
}
