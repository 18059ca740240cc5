import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reviewGithub } from '../../../src/review/formats/github';
import { reviewGitlab } from '../../../src/review/formats/gitlab';
import { reviewJson } from '../../../src/review/formats/json';
import { reviewJUnit } from '../../../src/review/formats/junit';
import { reviewMarkdown } from '../../../src/review/formats/markdown';
import { reviewSarif } from '../../../src/review/formats/sarif';
import { reviewText } from '../../../src/review/formats/text';
import { reviewChanges } from '../../../src/review/review';
import { turned } from './compared';
import { memoryRevision } from './memory-revision';
import { changesBetween, type Files } from './pair';

const examples = path.join(import.meta.dirname, '../../../examples');
const paths = [
  'patch.runbook.yaml',
  'maintenance.runbook.yaml',
  'migrate.runbook.yaml',
  'backup.runbook.yaml',
  'parts/patch-one.runbook.yaml',
  'lab.inventory.yaml',
  'lab/demo.lab.yaml',
];
const whole: Files = new Map(paths.map(file => [file, readFileSync(path.join(examples, file))]));

/** What people and merges leave in files. */
const scraps = fc.constantFrom(
  '<<<<<<< HEAD\n',
  '=======\n',
  '>>>>>>> other\n',
  '\t',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  ': ',
  '- ',
  '&a ',
  '*a',
  '<<: *a\n',
  '!!binary ',
  '|\n',
  '---\n',
  '${{ ',
  ' }}',
  '#',
  '\u0000',
  '\ud83d',
  '\u202e',
  '\r',
  '\n',
  '    ',
  'steps:\n',
  'uses: ./patch.runbook.yaml\n',
  'null',
  '-1e999',
  '__proto__: {}\n',
  'constructor',
);

interface Edit {
  file: number;
  at: number;
  remove: number;
  insert: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  file: fc.nat(paths.length - 1),
  at: fc.nat(10_000),
  remove: fc.oneof(fc.constant(0), fc.nat(12), fc.nat(400)),
  insert: fc.oneof(scraps, fc.constant(''), fc.string({ maxLength: 6 })),
});

function edited(edits: readonly Edit[], before: Files = whole): Files {
  const files = new Map(before);
  for (const { file, at, remove, insert } of edits) {
    const text = files.get(paths[file]!)!.toString('utf8');
    const start = at % (text.length + 1);
    files.set(paths[file]!, Buffer.from(text.slice(0, start) + insert + text.slice(start + remove)));
  }
  return files;
}

interface LineEdit {
  file: number;
  at: number;
  how: 'remove' | 'double' | 'swap' | 'indent';
}

/** Lines that come, go, are doubled or change places: mostly still YAML. */
const lineEdit: fc.Arbitrary<LineEdit> = fc.record({
  file: fc.nat(paths.length - 1),
  at: fc.nat(300),
  how: fc.constantFrom('remove' as const, 'double' as const, 'swap' as const, 'indent' as const),
});

function lineEdited(edits: readonly LineEdit[]): Files {
  const files = new Map(whole);
  for (const { file, at, how } of edits) {
    const lines = files.get(paths[file]!)!.toString('utf8').split('\n');
    const line = at % lines.length;
    if (how === 'remove') lines.splice(line, 1);
    if (how === 'double') lines.splice(line, 0, lines[line]!);
    if (how === 'swap') lines.splice(line, 2, ...lines.slice(line, line + 2).reverse());
    if (how === 'indent') lines[line] = `  ${lines[line]}`;
    files.set(paths[file]!, Buffer.from(lines.join('\n')));
  }
  return files;
}

async function reviewed(base: Files, head: Files) {
  const changes = changesBetween(base, head);
  const { review } = await reviewChanges(
    { base: memoryRevision('one', base), head: memoryRevision('other', head), changes },
    {},
  );
  return { review, changes };
}

/** Edits of one side; kept as such, so that a counterexample can be read. */
const side = fc.record({ lines: fc.array(lineEdit, { maxLength: 3 }), edits: fc.array(edit, { maxLength: 2 }) });

function filesOf({ lines, edits }: { lines: LineEdit[]; edits: Edit[] }): Files {
  return edited(edits, lineEdited(lines));
}

describe('whatever stands in the files of either side', () => {
  test('there is a report in every format, of every file that is changed', async () => {
    await fc.assert(
      fc.asyncProperty(side, side, async (before, after) => {
        const [base, head] = [filesOf(before), filesOf(after)];
        const { review, changes } = await reviewed(base, head);
        const told = review.files.map(file => file.path);
        for (const { path } of changes) if (!path.startsWith('lab/')) expect(told).toContain(path);
        reviewMarkdown(review);
        reviewText(review);
        JSON.parse(reviewSarif(review));
        JSON.parse(reviewGitlab(review));
        JSON.parse(reviewJson(review));
        reviewJUnit(review);
        for (const line of reviewGithub(review).split('\n')) expect(line).toMatch(/^(::(error|warning|notice) .*)?$/);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  test('the opposite change has the opposite report', async () => {
    await fc.assert(
      fc.asyncProperty(side, side, async (before, after) => {
        const [base, head] = [filesOf(before), filesOf(after)];
        const there = await reviewed(base, head);
        const back = await reviewed(head, base);
        const { expected, found } = turned(there.review, back.review);
        expect(found).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  test('a worker that can not rehearse is told of, and stops nothing', async () => {
    const head = edited([{ file: 0, at: 20, remove: 0, insert: 'x' }]);
    const rehearse = () => Promise.reject(new Error('The worker is gone.'));
    const { review } = await reviewChanges(
      { base: memoryRevision('one', whole), head: memoryRevision('other', head), changes: changesBetween(whole, head) },
      { rehearse },
    );
    expect(JSON.stringify(review)).toContain('The worker is gone.');
  });
});
