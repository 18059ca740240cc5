import { describe, expect, test } from 'vitest';
import { reviewGithub } from '../../../src/review/formats/github';
import { reviewGitlab } from '../../../src/review/formats/gitlab';
import { reviewJson } from '../../../src/review/formats/json';
import { reviewJUnit } from '../../../src/review/formats/junit';
import { reviewMarkdown } from '../../../src/review/formats/markdown';
import { reviewSarif } from '../../../src/review/formats/sarif';
import { reviewText } from '../../../src/review/formats/text';
import type { Review } from '../../../src/review/model';
import { reviewChanges } from '../../../src/review/review';
import type { FileChange } from '../../../src/review/revision';
import { turned, withoutLines } from './compared';
import { memoryRevision } from './memory-revision';
import { changesBetween, type Files, type Pair, readPairs } from './pair';
import { rehearseHere } from './rehearse-here';
import { relaid, relayouts } from './relayouts';

/** Those that are text on both sides, and not so large that the same thing would be seen again and again, slowly. */
const pairs = readPairs().filter(
  ({ base, head, name }) =>
    [...base.values(), ...head.values()].every(isText) && !['huge', 'three-hundred-steps'].includes(name),
);

function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8')).equals(bytes) && !bytes.includes(0);
}

async function review(
  base: Files,
  head: Files,
  { changes, slowly, capture }: { changes: FileChange[]; slowly?: (path: string) => number } & Pick<Pair, 'capture'>,
): Promise<Review> {
  const result = await reviewChanges(
    { base: memoryRevision('one', base, slowly), head: memoryRevision('other', head, slowly), changes },
    { rehearse: rehearseHere },
    capture ? { capture } : {},
  );
  return result.review;
}

const formats = [
  reviewMarkdown,
  (one: Review) => reviewText(one),
  reviewSarif,
  reviewGithub,
  reviewGitlab,
  reviewJUnit,
  reviewJson,
];

describe('the same input gives the same bytes, whatever the order of changes and however long files take to be read', () => {
  test.each(pairs)('$name', async pair => {
    const first = await review(pair.base, pair.head, pair);
    const second = await review(pair.base, pair.head, {
      ...pair,
      changes: [...pair.changes].reverse(),
      slowly: path => (path.length * 7) % 5,
    });
    expect(second).toEqual(first);
    for (const format of formats) expect(format(second)).toBe(format(first));
  });
});

describe('the opposite change has the opposite report', () => {
  test.each(pairs)('$name', async pair => {
    const back = pair.changes.map((change): FileChange => {
      if (change.status === 'renamed') return { status: 'renamed', path: change.basePath, basePath: change.path };
      const status = { added: 'deleted', deleted: 'added', changed: 'changed' } as const;
      return { status: status[change.status], path: change.path };
    });
    const there = await review(pair.base, pair.head, pair);
    const { expected, found } = turned(there, await review(pair.head, pair.base, { ...pair, changes: back }));
    expect(found).toEqual(expected);
  });
});

describe('a change of nothing is no change', () => {
  test.each(pairs)('$name', async ({ head, capture }) => {
    const changes = [...head.keys()].map((path): FileChange => ({ status: 'changed', path }));
    const found = await review(head, head, { changes, ...(capture && { capture }) });
    expectNothing(found);
  });
});

function expectNothing(found: Review): void {
  for (const file of found.files) {
    if (file.kind === 'unreadable') {
      expect(file.isNew).toBe(false);
      continue;
    }
    expect(file.differences).toEqual([]);
    expect([file.problems.added, file.problems.removed]).toEqual([[], []]);
    expect(file.risk).toEqual({ level: 'none', reasons: [] });
    if (file.kind === 'inventory') continue;
    expect(file.plan.same || file.plan.headProblem !== undefined).toBe(true);
    expect([file.rehearsal.newlyBad, file.rehearsal.noLongerBad, file.plan.outages]).toEqual([[], [], []]);
  }
  expect(found.risk).toEqual({ level: 'none', reasons: [] });
}

/** Each is written in one other way, so that each way is tried on many. */
const ways = Object.keys(relayouts);
const written = pairs.map((pair, index) => ({ ...pair, how: ways[index % ways.length]! }));

describe('the layout of a text is not reported', () => {
  test.each(written)('$name, the head written $how: the same report but for its lines', async ({ how, ...pair }) => {
    const other = await relaid(pair.head, how);
    const renames = Object.fromEntries(
      pair.changes.flatMap(one => (one.status === 'renamed' ? [[one.path, one.basePath]] : [])),
    );
    const changes = changesBetween(pair.base, other, renames);
    const touched = new Set(pair.changes.map(one => one.path));
    const expected = await review(pair.base, pair.head, {
      ...pair,
      // A file that is written in another way has changed, even if it says the same.
      changes: [...pair.changes, ...changes.filter(one => !touched.has(one.path))],
    });
    const found = await review(pair.base, other, { ...pair, changes });
    expect(withoutLines(found)).toEqual(withoutLines(expected));
  });

  test.each(written)('$name, nothing but the base written $how: nothing to report', async ({ how, base, capture }) => {
    const other = await relaid(base, how);
    expectNothing(await review(base, other, { changes: changesBetween(base, other), ...(capture && { capture }) }));
  });
});

describe('files that are no runbooks change nothing', () => {
  test.each(pairs.filter((_, index) => index % 4 === 0))('$name', async pair => {
    const more: [string, Buffer][] = [
      ['README.md', Buffer.from('patch.runbook.yaml uses ./parts/patch-one.runbook.yaml\n')],
      ['.github/workflows/ci.yml', Buffer.from('on: pull_request\n')],
      ['notes/two.runbook.yaml.orig', Buffer.from('version: 1\n')],
    ];
    const before = await review(pair.base, pair.head, pair);
    const after = await review(new Map([...pair.base, ...more]), new Map(pair.head), {
      ...pair,
      changes: [...more.map(([path]): FileChange => ({ status: 'deleted', path })), ...pair.changes],
    });
    expect(after).toEqual(before);
  });
});
