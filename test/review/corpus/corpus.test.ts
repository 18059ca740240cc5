import { describe, expect, test } from 'vitest';
import { reviewMarkdown } from '../../../src/review/formats/markdown';
import type { Review } from '../../../src/review/model';
import { reviewChanges } from '../../../src/review/review';
import type { ChangeSet } from '../../../src/review/revision';
import { expectFacts } from './facts';
import { memoryRevision } from './memory-revision';
import { type Pair, readPairs } from './pair';
import { rehearseHere } from './rehearse-here';

async function reviewed(changes: ChangeSet, { capture }: Pair): Promise<Review> {
  const { review } = await reviewChanges(changes, { rehearse: rehearseHere }, capture ? { capture } : {});
  return review;
}

describe.each(readPairs())('$name: $about', pair => {
  test('in memory', async () => {
    const review = await reviewed(
      { base: memoryRevision('main', pair.base), head: memoryRevision('the change', pair.head), changes: pair.changes },
      pair,
    );
    const markdown = reviewMarkdown(review);
    await expect(markdown).toMatchFileSnapshot(pair.expected);
    expectFacts(review, markdown, pair.expect);
  });
});
