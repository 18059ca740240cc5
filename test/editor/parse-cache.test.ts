import { expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { ParseCache } from '../../src/editor/parse-cache';

const document = (uri: string, version: number) => TextDocument.create(uri, '', version, 'version: 1\n');

test('a version is parsed once, another version anew', () => {
  const cache = new ParseCache();
  const first = cache.runbook(document('a', 1));
  expect(cache.runbook(document('a', 1))).toBe(first);
  expect(cache.runbook(document('a', 2))).not.toBe(first);
});
test('another version has in common with the last one what has not changed', () => {
  const cache = new ParseCache();
  const text = 'version: 1\nname: x\nsteps:\n  - wait: 5m\n  - wait: 6m\n';
  const [first] = cache.runbook(TextDocument.create('a', '', 1, text)).draft.steps;
  const [again, other] = cache.runbook(TextDocument.create('a', '', 2, text.replace('6m', '7m'))).draft.steps;
  expect(again).toBe(first);
  expect(other).toMatchObject({ duration: '7m' });
});
test('the least recently used goes when it is full', () => {
  const cache = new ParseCache(2);
  const a = cache.runbook(document('a', 1));
  const b = cache.runbook(document('b', 1));
  cache.runbook(document('a', 1));
  cache.runbook(document('c', 1));
  expect(cache.runbook(document('a', 1))).toBe(a);
  expect(cache.runbook(document('b', 1))).not.toBe(b);
});
test('a closed document is forgotten', () => {
  const cache = new ParseCache();
  const first = cache.runbook(document('a', 1));
  cache.forget('a');
  expect(cache.runbook(document('a', 1))).not.toBe(first);
});
