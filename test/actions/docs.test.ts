import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generateDocs } from '../../scripts/generate-docs';

test.each(Object.entries(generateDocs()))('%s is up to date (npm run generate)', (file, text) => {
  expect(readFileSync(file, 'utf8')).toBe(text);
});
