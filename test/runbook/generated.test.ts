import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { generate } from '../../scripts/generate';
import { actions } from '../../src/actions/catalogue';

describe('what is made from the actions and rules is up to date', () => {
  test.each(Object.entries(generate(actions)))('%s', (file, text) => {
    // Not compared as a diff, which would be unreadable: run `npx tsx scripts/generate.ts`.
    expect(readFileSync(file, 'utf8') === text, `${file} is out of date; run npx tsx scripts/generate.ts`).toBe(true);
  });
});
