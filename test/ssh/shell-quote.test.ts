import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteArgv } from '../../src/ssh/shell-quote';

// What a real sh makes of the line, with a NUL after each word.
function wordsOf(line: string): string[] {
  return execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);
}

const word = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...'\'"$`\\!*?[]{}()<>|&;#~=%^ \t\n\r-abc0') }),
);

test('a shell gets back exactly the words', () => {
  fc.assert(
    fc.property(
      fc.array(
        word.filter(text => !/[\0\p{Surrogate}]/u.test(text)),
        { minLength: 1, maxLength: 20 },
      ),
      words => {
        expect(wordsOf(quoteArgv(words))).toEqual(words);
      },
    ),
    { numRuns: 150 },
  );
});

test('plain words stay readable', () => {
  expect(quoteArgv(['apt-get', 'install', '-y', 'a=1.0-2'])).toBe('apt-get install -y a=1.0-2');
});

test.each(['A=b', 'if', 'time', '{', '!', 'case', 'function'])(
  'as a first word, %s is a command that is not there',
  name => {
    const { status, stderr } = spawnSync('/bin/sh', ['-c', quoteArgv([name, '/nowhere'])], {
      encoding: 'utf8',
      env: { PATH: '/nowhere' },
    });
    expect(status).toBe(127);
    expect(stderr).toContain(name);
  },
);

test('nothing to run, and NUL, are refused', () => {
  expect(() => quoteArgv([])).toThrow(RangeError);
  expect(() => quoteArgv(['a', 'b\0'])).toThrow(RangeError);
});
