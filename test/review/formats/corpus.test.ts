import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { reviewJson } from '../../../src/review/formats/json';
import { reviewJUnit } from '../../../src/review/formats/junit';
import { reviewMarkdown } from '../../../src/review/formats/markdown';
import { reviewSarif } from '../../../src/review/formats/sarif';
import { reviewChanges } from '../../../src/review/review';
import { memoryRevision } from '../corpus/memory-revision';
import { readPairs } from '../corpus/pair';
import { rehearseHere } from '../corpus/rehearse-here';
import { gfmPage } from './markdown-page';
import sarifShape from './sarif-shape.json';

// Real reviews: what the hand-made ones might lack.

const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
const isSarif = ajv.compile(sarifShape);
const isReview = ajv.compile(
  JSON.parse(readFileSync(new URL('../../../schemas/review.schema.json', import.meta.url), 'utf8')),
);

describe.each(readPairs())('$name', ({ base, head, changes, capture }) => {
  it('has valid forms', async () => {
    const revisions = { base: memoryRevision('main', base), head: memoryRevision('the change', head), changes };
    const { review } = await reviewChanges(revisions, { rehearse: rehearseHere }, capture ? { capture } : {});
    isReview(JSON.parse(reviewJson(review)));
    expect(isReview.errors).toBeNull();
    isSarif(JSON.parse(reviewSarif(review, { all: true })));
    expect(isSarif.errors).toBeNull();
    expect(XMLValidator.validate(reviewJUnit(review))).toBe(true);
    const markdown = reviewMarkdown(review);
    expect(gfmPage(markdown).count('details')).toBe(markdown.split('\n').filter(line => line === '<details>').length);
  });
});
