import { createHash } from 'node:crypto';
import { carryOut } from '../../../src/rehearsal/carry-out';
import type { Rehearsed } from '../../../src/rehearsal/work';
import type { ReviewPorts } from '../../../src/review/contract';
import { workOfReview } from '../../../src/review/rehearsal-work';

const known = new Map<string, ReturnType<NonNullable<ReviewPorts['rehearse']>>>();

/** Rehearses in this thread. Equal work is done once for all tests of a file: what a rehearsal says of it is tested elsewhere. */
export const rehearseHere: NonNullable<ReviewPorts['rehearse']> = rehearsal => {
  const key = createHash('sha256').update(JSON.stringify(rehearsal)).digest('hex');
  let result = known.get(key);
  if (!result) {
    result = workOfReview(rehearsal).then(async work => {
      let done: Rehearsed | undefined;
      let failed: string | undefined;
      await carryOut(work, news => {
        if (news.type === 'done') done = news;
        if (news.type === 'failed') failed = news.message;
      });
      if (!done) throw new Error(failed ?? 'It did not say how it ended.');
      return { rehearsal: done.rehearsal, assumed: work.assumed };
    });
    known.set(key, result);
  }
  return result;
};
