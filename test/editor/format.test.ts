import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Range } from 'vscode-languageserver-types';
import { format } from '../../src/editor/format';
import { parseRunbook } from '../../src/runbook/parse';

const options = { tabSize: 2 };
const documentOf = (text: string, name = 'a.runbook.yaml') => TextDocument.create(`file:///${name}`, '', 1, text);

async function formatted(text: string, range?: Range): Promise<string> {
  const document = documentOf(text);
  return TextDocument.applyEdits(document, await format(document, options, range));
}

describe('formatting', () => {
  test('indents, spaces and quotes as usual, and keeps comments and blank lines', async () => {
    expect(
      await formatted(`version:   1
# what it is
name: 'Patch'


steps:
- id: a   # the first
  uses: vm.start
  with: {vm: web1}
# last
-   uses:   guest.run
    with:
        vm:   web1
        argv: [ sh,-c,"echo  hello" ]
`),
    ).toBe(`version: 1
# what it is
name: "Patch"

steps:
  - id: a # the first
    uses: vm.start
    with: { vm: web1 }
  # last
  - uses: guest.run
    with:
      vm: web1
      argv: [sh, -c, "echo  hello"]
`);
  });
  test('leaves texts in blocks as they are', async () => {
    const text = `version: 1
name: x
description: >-
  Two lines
  that are one.
steps:
  - uses: guest.run
    with:
      vm: web1
      argv:
        - sh
        - -c
        - |
          if true;  then
            echo "\${{ inputs.x }}"
          fi
`;
    expect(await formatted(text)).toBe(text);
  });
  test('touches only lines that change', async () => {
    const document = documentOf('version: 1\nname:  x\nsteps: [] # none\n');
    expect(await format(document, options)).toEqual([
      { range: { start: { line: 1, character: 0 }, end: { line: 2, character: 0 } }, newText: 'name: x\n' },
    ]);
  });
  test('only of what is selected', async () => {
    const range = { start: { line: 1, character: 2 }, end: { line: 1, character: 3 } };
    expect(await formatted('version:  1\nname:  x\nsteps:  []\n', range)).toBe('version:  1\nname: x\nsteps:  []\n');
  });
  test('keeps line ends, and ends with one', async () => {
    expect(await formatted('version:  1\r\nname: x\r\n')).toBe('version: 1\r\nname: x\r\n');
    expect(await formatted('version:  1\nname:  x')).toBe('version: 1\nname: x\n');
  });
  test('nothing where the document can not be read, or is none of ours', async () => {
    expect(await formatted('a: [1,\nb:   2\n')).toBe('a: [1,\nb:   2\n');
    expect(await formatted('a:   1\na: 2\n')).toBe('a:   1\na: 2\n');
    expect(await format(documentOf('a:   1\n', 'other.yaml'), options)).toEqual([]);
  });
  test('inventories too', async () => {
    const document = documentOf('version: 1\nconnections: {a: {type: libvirt}}\n', 'a.inventory.yaml');
    expect(TextDocument.applyEdits(document, await format(document, options))).toContain('{ a: { type: libvirt } }');
  });
});

const examples = readdirSync('examples', { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.runbook.yaml'))
  .map(name => readFileSync(join('examples', name), 'utf8'));

test('never changes what a document says, nor its comments, and has nothing to do a second time', async () => {
  const space = fc.constantFrom('', ' ', '   ');
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...examples),
      fc.infiniteStream(space),
      fc.boolean(),
      async (text, spaces, flat) => {
        const next = () => spaces.next().value;
        let loose = text.replace(/(?<=[{,[])|(?=[}\]])/g, next).replace(/(?<=: )(?=\S)|(?<=\S)$/gm, next);
        if (flat) loose = loose.replace(/\n\n/g, '\n\n\n');
        const document = documentOf(loose);
        fc.pre(parseRunbook(loose).diagnostics.length === 0);
        const once = await formatted(loose);
        const comments = (one: string) => one.match(/(?:^|\s)#.*$/gm)?.map(comment => comment.trim());
        expect(parseRunbook(once).data).toEqual(parseRunbook(loose).data);
        expect(comments(once)).toEqual(comments(loose));
        expect(await format(documentOf(once), options)).toEqual([]);
        expect(document.getText()).toBe(loose);
      },
    ),
    { numRuns: 60 },
  );
});
