import { describe, expect, test } from 'vitest';
import { openRepository } from '../../../src/git/repository';
import { reviewMarkdown } from '../../../src/review/formats/markdown';
import type { Review } from '../../../src/review/model';
import { reviewChanges } from '../../../src/review/review';
import type { ChangeSet } from '../../../src/review/revision';
import { TestRepository } from '../../git/test-repository';
import { expectFacts } from './facts';
import { memoryRevision } from './memory-revision';
import { type Files, type Pair, readPairs } from './pair';
import { rehearseHere } from './rehearse-here';

const pairs = readPairs();
const names = { base: { label: 'main' }, head: { label: 'the change' } };

async function reviewed(changes: ChangeSet, { capture }: Pair): Promise<Review> {
  const { review } = await reviewChanges(changes, { rehearse: rehearseHere }, capture ? { capture } : {});
  return { ...review, ...names };
}

describe.each(pairs)('$name: $about', pair => {
  test('the report is as expected', async () => {
    const base = memoryRevision(names.base.label, pair.base);
    const head = memoryRevision(names.head.label, pair.head);
    const review = await reviewed({ base, head, changes: pair.changes }, pair);
    const markdown = reviewMarkdown(review);
    await expect(markdown).toMatchFileSnapshot(pair.expected);
    expectFacts(review, markdown, pair.expect);
  });
});

describe.each(pairs.filter(pair => pair.git))('$name, from a git repository', pair => {
  test('the report is the same', async () => {
    const files = new TestRepository('virtbook-corpus-');
    try {
      commit(files, new Map(), pair.base);
      files.git('checkout', '-q', '-b', 'change');
      commit(files, pair.base, pair.head);
      const repository = await openRepository(files.root);
      try {
        const changes = await repository.changes({ base: 'main', head: 'change' });
        expect(changes.changes).toEqual(pair.changes);
        await expect(reviewMarkdown(await reviewed(changes, pair))).toMatchFileSnapshot(pair.expected);
      } finally {
        await repository.close();
      }
    } finally {
      files.remove();
    }
  });
});

function commit(repository: TestRepository, before: Files, after: Files): void {
  const gone = [...before.keys()].filter(path => !after.has(path));
  if (gone.length > 0) repository.git('rm', '-q', ...gone);
  repository.write(Object.fromEntries(after)).commit();
}

test('enough pairs, and enough of them from git', () => {
  expect(pairs.length).toBeGreaterThanOrEqual(40);
  expect(pairs.filter(pair => pair.git).length).toBeGreaterThanOrEqual(10);
});
