// Entry of dist/review.js.
import path from 'node:path';
import { rehearseInWorker } from '../../runner/rehearse-in-worker';
import { reviewRehearsals } from '../review/rehearsals';
import type { ReviewFiles } from '../review/reviewFiles';
import type { ReviewResults } from '../review/reviewResults';
import { Reviews } from '../review/reviews';

export { ReviewComments } from '../review/comments';
export { ReviewMarks } from '../review/marks';

export function openReviews(results: ReviewResults, files: ReviewFiles): Reviews {
  const script = path.join(__dirname, 'rehearsal.js');
  return new Reviews(
    results,
    files,
    reviewRehearsals((work, options) => rehearseInWorker(script, work, options)),
  );
}
