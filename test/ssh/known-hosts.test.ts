import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addKnownHost, KnownHosts, knownHostsName, parseKnownHosts } from '../../src/ssh/known-hosts';
import { freshFolder, makeKey } from './sshd';

let folder: string;
let keys: string[];
let count = 0;
beforeAll(() => {
  folder = freshFolder();
  keys = (['ed25519', 'ecdsa'] as const).map(type =>
    readFileSync(`${makeKey(join(folder, type), type)}.pub`, 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' '),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, `kh${count++}`);
  writeFileSync(path, text);
  return path;
}
const blob = (key: string) => Buffer.from(key.split(' ')[1]!, 'base64');

/** Line numbers that ssh-keygen finds for a host. */
function oracle(path: string, host: string): number[] {
  const { stdout } = spawnSync('ssh-keygen', ['-F', host, '-f', path], { encoding: 'utf8' });
  return [...stdout.matchAll(/found: line (\d+)/g)].map(match => Number(match[1]));
}

describe('matching as ssh-keygen -F does', () => {
  test('generated files', () => {
    const pattern = fc.constantFrom(
      'a',
      'ab',
      'a*',
      '*',
      '?',
      '!a',
      '!ab',
      '[ab]:22',
      '[ab]:2222',
      '[a*]:2222',
      '*.example',
      'AB',
      '10.0.0.?',
    );
    const line = fc
      .tuple(fc.array(pattern, { minLength: 1, maxLength: 3 }), fc.constantFrom(0, 1))
      .map(([patterns, key]) => ({ patterns: patterns.join(','), key }));
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('a', 'ab', '[ab]:2222', 'x.example', '10.0.0.7'),
        (lines, host) => {
          const path = file(lines.map(({ patterns, key }) => `${patterns} ${keys[key]}\n`).join(''));
          expect(new KnownHosts([path]).about(host).map(entry => entry.line)).toEqual(oracle(path, host));
        },
      ),
      { numRuns: 100 },
    );
  });

  test('hashed lines', () => {
    const path = file(`a ${keys[0]}\n[b]:7 ${keys[0]}\n10.0.0.1 ${keys[1]}\n`);
    spawnSync('ssh-keygen', ['-H', '-f', path]);
    for (const host of ['a', '[b]:7', '10.0.0.1', 'c'])
      expect(new KnownHosts([path]).about(host).map(entry => entry.line)).toEqual(oracle(path, host));
  });
});

test('names', () => {
  expect(knownHostsName({ host: 'Ab', port: 22 })).toBe('ab');
  expect(knownHostsName({ host: 'ab', port: 23 })).toBe('[ab]:23');
  expect(knownHostsName({ host: 'ab', port: 23, hostKeyAlias: 'alias' })).toBe('alias');
});

test('bad lines are reported with their number and trust nobody', () => {
  const text = [
    '# fine',
    'a',
    '@nonsense a ssh-ed25519 AAAA',
    'a ssh-ed25519 !!!!',
    `a ssh-rsa ${keys[0]!.split(' ')[1]}`,
    '|2|x|y ssh-ed25519 AAAA',
    `|1|c2FsdA==|c2hvcnQ= ${keys[0]}`,
    'a 2048 35 1234567',
    '',
    `good ${keys[0]} with a comment`,
  ].join('\r\n');
  const { entries, problems } = parseKnownHosts(text, 'f');
  expect(problems.map(problem => problem.line)).toEqual([2, 3, 4, 5, 6, 7, 8]);
  expect(entries.map(entry => entry.line)).toEqual([10]);
});

test('never throws, whatever the file holds', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void parseKnownHosts(text, 'f')));
});

test('several files: a trusted key anywhere, a revoked one everywhere', () => {
  const [trusting, other] = [file(`a ${keys[0]}\n`), file(`a ${keys[1]}\n`)];
  expect(new KnownHosts([other, trusting]).judge('a', blob(keys[0]!)).outcome).toBe('trusted');
  expect(new KnownHosts([other]).judge('a', blob(keys[0]!)).outcome).toBe('changed');
  expect(new KnownHosts([trusting, file(`@revoked a ${keys[0]}\n`)]).judge('a', blob(keys[0]!)).outcome).toBe(
    'revoked',
  );
  expect(new KnownHosts(['/nowhere', '/dev/null']).judge('a', blob(keys[0]!)).outcome).toBe('unknown');
});

test('a changed file is read again', () => {
  const path = file('');
  const known = new KnownHosts([path]);
  expect(known.judge('a', blob(keys[0]!)).outcome).toBe('unknown');
  addKnownHost(path, 'a', blob(keys[0]!), { hash: false });
  expect(known.judge('a', blob(keys[0]!)).outcome).toBe('trusted');
  expect(statSync(path).size).toBeGreaterThan(0);
});
