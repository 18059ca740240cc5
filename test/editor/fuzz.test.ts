import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Range } from 'vscode-languageserver-types';
import { actions } from '../../src/actions/catalogue';
import { codeActions } from '../../src/editor/code-actions';
import { complete } from '../../src/editor/complete';
import type { EditorConfig } from '../../src/editor/config';
import { definition } from '../../src/editor/definition';
import { fileSet } from '../../src/editor/file-set';
import { foldingRanges } from '../../src/editor/folding';
import { format } from '../../src/editor/format';
import { documentHighlights } from '../../src/editor/highlights';
import { hover } from '../../src/editor/hover';
import { inlayHints } from '../../src/editor/inlay-hints';
import { lenses } from '../../src/editor/lenses';
import { documentLinks } from '../../src/editor/links';
import { ParseCache } from '../../src/editor/parse-cache';
import { references } from '../../src/editor/references';
import { prepareRename, rename } from '../../src/editor/rename';
import { selectionRanges } from '../../src/editor/selection';
import { semanticTokens } from '../../src/editor/semantic-tokens';
import { symbols } from '../../src/editor/symbols';
import { validate } from '../../src/editor/validate';
import { workspaceSymbols } from '../../src/editor/workspace-symbols';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { parseRunbook } from '../../src/runbook/parse';
import { ruleOf } from '../../src/runbook/rules';

const names = readdirSync('examples').filter(name => /\.(runbook|inventory)\.yaml$/.test(name));
const texts = names.map(name => [name, readFileSync(`examples/${name}`, 'utf8')] as const);

const part = parseRunbook(readFileSync('examples/parts/patch-one.runbook.yaml', 'utf8'));
const { inventory } = parseInventory(readFileSync('examples/lab.inventory.yaml', 'utf8'));
const others = texts.map(([name, text]) => TextDocument.create(`file:///other/${name}`, '', 1, text));
const resolve = (from: string, path: string) => new URL(path, from).toString();
const cache = new ParseCache(16);

/** Every feature on a text, at one place of it. Whatever the text, nothing throws and every range lies in it. */
function everything(name: string, text: string, offset: number): void {
  cache.forget(`file:///${name}`);
  const document = TextDocument.create(`file:///${name}`, '', 1, text);
  const config: EditorConfig = {
    actions,
    cache,
    inventory: knownNames(inventory!),
    inventoryFile: inventory,
    callable: ['parts/patch-one.runbook.yaml'],
    runbooks: () => part,
  };
  const files = fileSet([document, ...others], resolve, cache);
  const lies = (range: Range | undefined) => {
    if (!range) return;
    const start = document.offsetAt(range.start);
    const end = document.offsetAt(range.end);
    expect(start).toBeLessThanOrEqual(end);
    expect(document.positionAt(start)).toEqual(range.start);
    expect(document.positionAt(end)).toEqual(range.end);
  };
  const problems = validate(document, config);
  for (const { range, code, message } of problems) {
    lies(range);
    expect(ruleOf(String(code))).toBeDefined();
    expect(message).toMatch(/[.?!]$/);
  }
  const at = document.positionAt(offset);
  codeActions(document, { start: at, end: at }, problems, config);
  for (const { textEdit } of complete(document, offset, config))
    if (textEdit && 'range' in textEdit) lies(textEdit.range);
  lies(hover(document, offset, config)?.range);
  for (const location of definition(document, offset, config, files))
    if (location.uri === document.uri) lies(location.range);
  for (const location of references(document, offset, config, files, { includeDeclaration: true }))
    if (location.uri === document.uri) lies(location.range);
  lies(prepareRename(document, offset, config)?.range);
  rename(document, offset, 'another', config, files);
  for (const { range } of documentHighlights(document, offset, config)) lies(range);
  for (const { range } of selectionRanges(document, [offset], config)) lies(range);
  for (const { startLine, endLine } of foldingRanges(document, config)) {
    expect(startLine).toBeLessThan(endLine);
    expect(endLine).toBeLessThan(document.lineCount);
  }
  expect(semanticTokens(document, config).length % 5).toBe(0);
  for (const { range } of documentLinks(document, config, resolve)) lies(range);
  for (const { range } of lenses(document, cache)) lies(range);
  for (const { range } of symbols(document, cache)) lies(range);
  const whole = { start: document.positionAt(0), end: document.positionAt(text.length) };
  for (const { position } of inlayHints(document, whole, config)) lies({ start: position, end: position });
  workspaceSymbols('a', files, config);
}

describe('whatever is typed', () => {
  test.each(texts)(
    'every prefix of %s',
    (name, text) => {
      for (let end = 0; end <= text.length; end++) everything(name, text.slice(0, end), end);
    },
    120_000,
  );

  test('examples with a piece cut out, doubled, moved, or replaced by what YAML and expressions are made of', () => {
    const piece = fc.constantFrom(
      '\t',
      '\n',
      '\r\n',
      '"',
      "'",
      '{',
      '}',
      '[',
      ']',
      ': ',
      '- ',
      '#',
      '&a ',
      '*a',
      '!!',
      '|',
      '>',
      '${{',
      '}}',
      '\0',
      '\ufeff',
      '---\n',
      '%',
      '<<: ',
      '\u2028',
      '💥',
      '?',
      ',',
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.nat(60),
        fc.option(piece),
        fc.boolean(),
        ([name, text], at, length, inserted, doubled) => {
          const start = at % text.length;
          const cut = text.slice(start, start + length);
          const mutated =
            text.slice(0, start) + (inserted ?? '') + (doubled ? cut + cut : '') + text.slice(start + length);
          everything(name, mutated, start);
        },
      ),
      { numRuns: 600 },
    );
  }, 120_000);

  test('a line break before anything else', () => {
    for (const [name, text] of texts) for (const offset of [0, 1, 2]) everything(name, `\n${text}`, offset);
  });

  test('any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.nat(), (text, at) => {
        everything('a.runbook.yaml', text, at % (text.length + 1));
        everything('a.inventory.yaml', text, at % (text.length + 1));
      }),
      { numRuns: 500 },
    );
  }, 120_000);

  test('formatting, of prefixes and pieces', async () => {
    const pieces = fc
      .constantFrom(...texts)
      .chain(([name, text]) => fc.tuple(fc.constant(name), fc.constant(text), fc.nat(text.length)));
    await fc.assert(
      fc.asyncProperty(pieces, fc.boolean(), async ([name, text, at], first) => {
        const document = TextDocument.create(`file:///${name}`, '', 1, first ? text.slice(0, at) : text.slice(at));
        TextDocument.applyEdits(document, await format(document, { tabSize: 2 }));
      }),
      { numRuns: 300 },
    );
  }, 120_000);
});
