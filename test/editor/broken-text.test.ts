import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Range } from 'vscode-languageserver-types';
import { definition } from '../../src/editor/definition';
import { foldingRanges } from '../../src/editor/folding';
import { documentHighlights } from '../../src/editor/highlights';
import { inlayHints } from '../../src/editor/inlay-hints';
import { lenses } from '../../src/editor/lenses';
import { documentLinks } from '../../src/editor/links';
import { namesInDocument } from '../../src/editor/names-in-document';
import { ParseCache } from '../../src/editor/parse-cache';
import { references } from '../../src/editor/references';
import { prepareRename, rename } from '../../src/editor/rename';
import { selectionRanges } from '../../src/editor/selection';
import { semanticTokens } from '../../src/editor/semantic-tokens';
import { symbols } from '../../src/editor/symbols';
import type { WorkspaceFiles } from '../../src/editor/workspace-files';
import { workspaceSymbols } from '../../src/editor/workspace-symbols';
import { parseInventory } from '../../src/inventory/file';
import { config as plain } from './workspace';

const inventoryFile = parseInventory(readFileSync('examples/lab.inventory.yaml', 'utf8')).inventory;
const examples = readdirSync('examples').filter(name => name.endsWith('.yaml'));

/** Asks everything of a text, and checks what comes back for sense. */
function askAll(name: string, text: string): void {
  const document = TextDocument.create(`file:///w/${name}`, '', 1, text);
  const config = { ...plain, inventoryFile, cache: new ParseCache() };
  const isRunbook = name.includes('.runbook.');
  const files: WorkspaceFiles = {
    runbooks: isRunbook ? [document] : [],
    inventories: isRunbook ? [] : [document],
    resolve: (from, path) => (URL.canParse(path, from) ? new URL(path, from).href : undefined),
    inventoryOf: () => undefined,
  };
  const inside = ({ start, end }: Range) =>
    expect(document.offsetAt(start) <= document.offsetAt(end) && document.offsetAt(end) <= text.length).toBe(true);
  const all = { start: { line: 0, character: 0 }, end: document.positionAt(text.length) };
  for (const { startLine, endLine } of foldingRanges(document, config)) {
    expect(startLine < endLine && endLine < document.lineCount).toBe(true);
  }
  for (const { range } of [...documentLinks(document, config, files.resolve), ...lenses(document, config.cache)])
    inside(range);
  expect(semanticTokens(document, config).every(number => Number.isInteger(number) && number >= 0)).toBe(true);
  inlayHints(document, all, config);
  symbols(document, config.cache);
  workspaceSymbols('', files, config);
  const names = namesInDocument(document, config).all;
  for (const { name: found, range, place } of names) {
    expect(range.start <= range.end && range.end <= text.length).toBe(true);
    // What is plainly written stands in the text as it is called.
    const written = text.slice(range.start, range.end);
    if (!/["'\\]/.test(written) && !/[\r\n]/.test(written)) expect(written, place.pointer).toBe(found);
  }
  const offsets = [0, text.length >> 1, text.length, ...names.slice(-2).map(({ range }) => range.start)];
  for (const range of selectionRanges(document, offsets, config)) inside(range.range);
  for (const offset of offsets) {
    for (const { range } of documentHighlights(document, offset, config)) inside(range);
    for (const { range } of definition(document, offset, config, files)) inside(range);
    for (const { range } of references(document, offset, config, files, { includeDeclaration: true })) inside(range);
    const prepared = prepareRename(document, offset, config);
    if (prepared) inside(prepared.range);
    const made = rename(document, offset, 'renamed', config, files);
    if ('problem' in made) expect(made.problem).toMatch(/[.]$/);
  }
}

describe('nothing throws, and all places are in the text', () => {
  test.each(examples)('%s, cut off anywhere', name => {
    const text = readFileSync(`examples/${name}`, 'utf8');
    for (let length = 0; length <= text.length; length += 97) askAll(name, text.slice(0, length));
  });
  test.each(examples)('%s with something in the wrong place', name => {
    const text = readFileSync(`examples/${name}`, 'utf8');
    const wrong = [
      '"',
      "'",
      '{',
      ']',
      '${{',
      '}}',
      ': ',
      '- ',
      '\n',
      '\t',
      '&a ',
      '*a',
      '🖥',
      '\r\n',
      '\\',
      '#',
      '|',
      '\0',
      '<<: ',
    ];
    for (const [index, piece] of wrong.entries()) {
      for (const at of [index * 29, text.length - index * 31]) askAll(name, text.slice(0, at) + piece + text.slice(at));
    }
    askAll(name, text.replaceAll('\n', '\r\n'));
  });
  test.each([
    ['a value where a map is wanted', 'steps: 1\ninputs: [a]\noutputs: x\nfinally: { a: 1 }\n'],
    [
      'maps where values are wanted',
      'name: {}\ninventory: [x]\nsteps:\n  - { id: {}, uses: [], with: 1 }\n  - { forEach: x, steps: 3 }\n',
    ],
    [
      'names of the language itself',
      'inputs: { __proto__: {}, constructor: 1 }\nsteps:\n  - id: __proto__\n    name: ${{ steps.__proto__.outputs.constructor }}\n',
    ],
    ['keys with slashes, tildes and quotes', 'inputs:\n  "a/b~c\'d": { type: vm, default: "x" }\nsteps: []\n'],
    ['anchors and aliases', 'steps:\n  - &a { id: x, uses: vm.start, with: { vm: web1 } }\n  - *a\n'],
    [
      'deep nesting',
      `steps:\n${Array.from({ length: 90 }, (_, depth) => `${' '.repeat(depth * 2)}- steps:\n`).join('')}`,
    ],
    ['a long expression', `steps:\n  - when: ${'inputs.a + '.repeat(3000)}1\n    wait: 1m\n`],
    ['a step that calls its own file', 'version: 1\nname: x\nsteps:\n  - uses: ./a.runbook.yaml\n    with: { a: b }\n'],
  ])('%s', (_, text) => {
    askAll('a.runbook.yaml', text);
    askAll('a.inventory.yaml', text);
  });
  test('an inventory of all the wrong kinds', () => {
    askAll(
      'a.inventory.yaml',
      'connections: { a: 1, b: { type: libvirt }, c: { type: simulated, lab: {}, hosts: x } }\ngroups: [a]\nvms: { 1: {}, x: [] }\nproxies: { a: { ssh: 1 } }\n',
    );
  });
});
