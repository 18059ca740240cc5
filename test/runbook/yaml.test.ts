import { describe, expect, test } from 'vitest';
import { parseRunbook } from '../../src/runbook/parse';
import { YamlSource } from '../../src/runbook/yaml-source';
import { codes, runbook, squiggles } from './marked';

const step = '  - uses: vm.start\n    with: { vm: web1 }';

describe('YAML as it comes', () => {
  test('nothing in it yet', () => {
    for (const text of ['', '\n', '   ', '# only a comment\n', '---\n', '---\n...\n', 'null\n', '~'])
      expect(codes(text)).toEqual(['empty-file']);
  });
  test('two documents', () => {
    expect(squiggles(`${runbook(step)}\n---\nversion: 1`)).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.start
          with: { vm: web1 }
      ---
      ^^^ multi-document: A file holds one document. Move what follows into a file of its own.
      version: 1"
    `);
  });
  test('document marks around one document', () => {
    expect(codes(`---\n${runbook(step)}\n...\n`)).toEqual([]);
    expect(codes(`%YAML 1.2\n---\n${runbook(step)}\n`)).toEqual([]);
  });
  test('a byte order mark', () => {
    const text = `\ufeff${runbook('  - uses: vm.strt\n    with: { vm: a }')}`;
    const [found] = parseRunbook(text).diagnostics;
    expect(text.slice(found!.range.start, found!.range.end)).toBe('vm.strt');
  });
  test('CRLF', () => {
    const text = runbook('  - uses: vm.strt\n    with: { vm: a }\n    timeout: soon').replaceAll('\n', '\r\n');
    expect(parseRunbook(text).diagnostics.map(({ range }) => text.slice(range.start, range.end))).toEqual(['vm.strt']);
    expect(codes(runbook(`${step}\n    timeout: soon`).replaceAll('\n', '\r\n'))).toEqual(['bad-duration']);
    expect(codes(runbook(step).replaceAll('\n', '\r\n'))).toEqual([]);
  });
  test('tabs', () => {
    expect(squiggles('version: 1\nname: x\nsteps:\n\t- uses: vm.start')).toMatchInlineSnapshot(`
      "version: 1
      name: x
      steps:
      →- uses: vm.start
      ^ yaml-syntax: A tab indents here. YAML indents with spaces: replace the tab."
    `);
  });
  test('a NUL byte, UTF-16', () => {
    expect(codes('version: 1\0')).toEqual(['not-text']);
    expect(codes('v\0e\0r\0s\0')).toEqual(['not-text']);
  });
  test('a key twice', () => {
    expect(squiggles(`${runbook(step)}\n    with: { vm: web2 }`)).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.start
          with: { vm: web1 }
          with: { vm: web2 }
          ^^^^ duplicate-key: \`with\` stands twice in this map. Remove one of them."
    `);
  });
  test('keys that are no strings', () => {
    expect(squiggles(`1: a\n[a]: b\ntrue: c\n${runbook(step)}`)).toMatchInlineSnapshot(`
      "1: a
      ^ key-not-string: A key must be a string; quote it: "1".
      [a]: b
      ^^^ key-not-string: A key must be a plain string.
      true: c
      ^^^^ key-not-string: A key must be a string; quote it: "true".
      version: 1
      name: Sample
      steps:
        - uses: vm.start
          with: { vm: web1 }"
    `);
  });
  test('merge keys', () => {
    expect(
      squiggles(
        runbook(
          '  - uses: vm.start\n    with: &a { vm: web1 }\n  - uses: vm.start\n    with: { <<: *a, waitForGuest: 3 }',
        ),
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.start
          with: &a { vm: web1 }
        - uses: vm.start
          with: { <<: *a, waitForGuest: 3 }
                  ^^ merge-key: YAML 1.2 has no merge keys (\`<<\`). Write the keys out, or use an alias for a whole value."
    `);
  });
  test('aliases stand for values', () => {
    const parsed = parseRunbook(
      runbook('  - uses: vm.start\n    with: &web { vm: web1 }\n  - uses: vm.shutdown\n    with: *web'),
    );
    expect(parsed.diagnostics).toEqual([]);
    expect(parsed.runbook?.steps[1]).toMatchObject({ uses: 'vm.shutdown', with: { vm: 'web1' } });
  });
  test('an alias of nothing', () => {
    expect(squiggles(runbook('  - uses: vm.start\n    with: *nothing'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.start
          with: *nothing
                ^^^^^^^^ yaml-syntax: There is no anchor \`&nothing\` above. Correct the name, or write the value out."
    `);
  });
  test('a bomb of aliases', () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) => `l${n + 1}: &l${n + 1} [${Array(10).fill(`*l${n}`).join(', ')}]`,
    );
    expect(codes(`l0: &l0 [x]\n${levels.join('\n')}\n`)).toEqual(['alias-bomb']);
    expect(codes('a: &a [*a]')).toEqual(['alias-bomb']);
  });
  test('nested without end', () => {
    expect(codes(`a: ${'['.repeat(100_000)}`)).toEqual(['too-deep']);
    expect(codes(`a: ${'{a: '.repeat(20_000)}`)).toEqual(['too-deep']);
    expect(codes(`${Array.from({ length: 300 }, (_, n) => `${' '.repeat(n)}a:`).join('\n')}\n`)).toContain('too-deep');
    expect(codes(`a:\n  ${'- '.repeat(20_000)}x`)).toContain('too-deep');
    expect(codes(`a: ${'"'.repeat(9_999)}`)).toContain('yaml-syntax');
  });
  test('far too large', () => {
    expect(codes('#'.repeat(5_000_000))).toEqual(['file-too-large']);
  });
  test('numbers that JSON has not', () => {
    expect(codes('a: .inf\nb: .nan')).toContain('not-json');
  });
  test('half-typed', () => {
    expect(squiggles('version: 1\nname: x\nsteps:\n  - uses: "vm.sta')).toMatchInlineSnapshot(`
      "version: 1
      name: x
      steps:
        - uses: "vm.sta
                      ^ yaml-syntax: The closing quote is missing."
    `);
    expect(squiggles('version: 1\nname: x\nsteps:\n  - uses: vm.start\n    with: { vm: ')).toMatchInlineSnapshot(`
      "version: 1
      name: x
      steps:
        - uses: vm.start
          with: { vm: 
                     ^ yaml-syntax: The closing \`}\` is missing."
    `);
    expect(squiggles('version: 1\nname: x\nsteps:\n  - uses: vm.start\n   with:\n      vm: a')).toMatchInlineSnapshot(`
      "version: 1
      name: x
      steps:
        - uses: vm.start
         with:
      ^ yaml-syntax: Something is missing here: Sequence item without - indicator.
            vm: a"
    `);
  });
  test('names that mean something to JavaScript', () => {
    const parsed = parseRunbook(
      runbook(step, 'inputs:\n  constructor: { type: string }\n  toString: { type: string }\n'),
    );
    expect(Object.keys(parsed.draft.inputs)).toEqual(['constructor', 'toString']);
    expect(codes('__proto__: { polluted: true }')).toContain('unknown-key');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
  test('data and places go together', () => {
    const text = 'a:\n  - b: "x"\n    c/d: [1, 2]\n';
    const source = new YamlSource(text);
    const at = (pointer: string) =>
      source.valueRange(pointer) && text.slice(source.valueRange(pointer)!.start, source.valueRange(pointer)!.end);
    expect(source.data).toEqual({ a: [{ b: 'x', 'c/d': [1, 2] }] });
    expect(at('/a/0/b')).toBe('"x"');
    expect(at('/a/0/c~1d/1')).toBe('2');
    expect(source.at(text.indexOf('2'))).toEqual({ pointer: '/a/0/c~1d/1', on: 'value' });
    expect(source.at(text.indexOf('c/d'))).toEqual({ pointer: '/a/0/c~1d', on: 'key' });
  });
});
