import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { actions } from '../../src/actions/catalogue';
import { complete } from '../../src/editor/complete';
import { hover } from '../../src/editor/hover';
import { lenses } from '../../src/editor/lenses';
import { quickFixes } from '../../src/editor/quick-fixes';
import { symbols } from '../../src/editor/symbols';
import { validate } from '../../src/editor/validate';
import { parseRunbook } from '../../src/runbook/parse';
import { ruleOf } from '../../src/runbook/rules';

const names = readdirSync('examples').filter(name => /\.(runbook|inventory)\.yaml$/.test(name));
const texts = names.map(name => [name, readFileSync(`examples/${name}`, 'utf8')] as const);

const part = parseRunbook(readFileSync('examples/parts/patch-one.runbook.yaml', 'utf8'));

/** Every feature on a text, at one place of it. Whatever the text, nothing throws and every range lies in it. */
function everything(name: string, text: string, offset: number): void {
  const document = TextDocument.create(`file:///${name}`, '', 1, text);
  const config = { actions, callable: ['parts/patch-one.runbook.yaml'], runbooks: () => part };
  const problems = validate(document, config);
  for (const { range, code, message } of problems) {
    const start = document.offsetAt(range.start);
    const end = document.offsetAt(range.end);
    expect(start).toBeLessThanOrEqual(end);
    expect(document.positionAt(end)).toEqual(range.end);
    expect(ruleOf(String(code))).toBeDefined();
    expect(message).toMatch(/[.?!]$/);
  }
  quickFixes(document, problems);
  complete(document, offset, config);
  hover(document, offset, config);
  lenses(document);
  symbols(document);
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
});
