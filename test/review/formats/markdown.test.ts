import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipped, code, escaped, htmlCode, visible } from '../../../src/engine/markdown-text';
import { reviewMarkdown } from '../../../src/review/formats/markdown';
import type { Place, Review } from '../../../src/review/model';
import { gfmPage, otherPage, type Page } from './markdown-page';
import {
  difference,
  empty,
  failure,
  formatting,
  harmless,
  inventory,
  large,
  nothing,
  plan,
  problem,
  rehearsal,
  rehearsed,
  review,
  rich,
  runbook,
  unreadable,
} from './reviews';

const link = ({ path, line }: Place): string => `https://git.example.org/ops/blob/a1b2c3d/${path}#L${line}`;

/** What someone would write into a runbook to be more than text. */
const nasty = [
  '@admin',
  '(@shop/owners)',
  'a@b.example',
  '#1',
  'shop/ops#2',
  'GH-3',
  '!4',
  '~bug',
  '~"big bug"',
  '%v1',
  '$x$',
  '$`x`$',
  '&5',
  ':tada:',
  'https://evil.example/x',
  'www.evil.example',
  'ssh://x',
  'mailto:a@b.example',
  'deadbeef01',
  '<b>',
  '</details>',
  '</summary>',
  '<img src=x onerror=alert(1)>',
  '<!--',
  '-->',
  '<script>alert(1)</script>',
  '[x](https://evil.example)',
  '![x](x.png)',
  '[x]: https://evil.example',
  '[^1]',
  '|',
  '\\|',
  'a|b|c',
  '`',
  '``x`',
  '`@admin`',
  '`a`@b',
  '(`a`#1',
  '\\',
  '\\`',
  '**',
  '__x__',
  '~~x~~',
  '# x',
  '- x',
  '1. x',
  '===',
  '---',
  '> x',
  '    x',
  '\n\n# x\n',
  '/close',
  '\n/close\n',
  '\r\n::error::x',
  '&lt;b&gt;',
  '&#64;admin',
  '${{ inputs.x }}',
  'web-${{ a @b }}#1',
  '\u202e',
  '\u200b',
  '\u0000',
  '\ud800',
  '',
  ' ',
  '\u2028',
];
const hostile = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...nasty) }, fc.string({ unit: 'grapheme', maxLength: 4 })), {
    maxLength: 5,
  })
  .chain(parts => fc.constantFrom('', ' ', '|', '`').map(between => parts.join(between)));

/** What readers of Markdown look for in text that is not code. */
const calls =
  /@[\w/-]|#\d|\bGH-\d|(?<![\w]):\/\/|https?:|www\.|[!&%$~][\w"]|(?<!\w):[\w+-]+:|[\p{Cf}\p{Cs}]|[\x00-\x09\x0b-\x1f\x7f-\x9f]/u;

describe('text from outside in Markdown', () => {
  const pages: [string, (markdown: string) => Page][] = [
    ['GFM', gfmPage],
    ['markdown-it', otherPage],
  ];
  for (const [reader, page] of pages) {
    it(`is text and code and nothing else, as ${reader} reads it`, () => {
      fc.assert(
        fc.property(hostile, text => {
          const shown = page(`- ${escaped(text)} end`);
          expect(shown.outline(['code'])).toEqual(['1 ul', '2 li']);
          expect(shown.looseText().filter(loose => calls.test(loose))).toEqual([]);
          const cell = page(`| a | b |\n|---|---|\n| ${escaped(text)} | ${code(text)} |`);
          expect(cell.table(0).map(row => row.length)).toEqual([2, 2]);
          expect(cell.outline(['code', 'thead', 'tbody', 'tr', 'th', 'td'])).toEqual(['1 table']);
        }),
        { numRuns: 300 },
      );
    });

    it(`is not lost, as ${reader} reads it`, () => {
      fc.assert(
        fc.property(hostile, text => {
          const wanted = visible(text).trim().replace(/ +/g, ' ');
          const read = (markdown: string): string => page(markdown).text().trim();
          expect(read(`x ${code(text)}`)).toBe(`x ${wanted === '' ? '""' : wanted}`);
          // Quotes of code, and spaces beside them, are the only thing that is not shown.
          const bare = (shown: string): string => shown.replace(/`/g, '').replace(/ +/g, '');
          expect(bare(read(`x ${escaped(text)}`)).trim()).toBe(bare(`x ${wanted}`).trim());
          expect(read(`<details>\n<summary>${htmlCode(text)}</summary>\n\n</details>`)).toBe(wanted);
        }),
        { numRuns: 300 },
      );
    });
  }

  it('shows what can not be seen', () => {
    expect(visible('a\u202eb\u0007c\u200bd\ud800')).toBe('a⟨U+202E⟩b⟨U+0007⟩c⟨U+200B⟩d⟨U+D800⟩');
    expect(visible('👩‍💻 ❤️ 👍🏽 é')).toBe('👩‍💻 ❤️ 👍🏽 é');
  });

  it('leaves plain sentences as they are', () => {
    const text = 'Step patch (guest.patch): input packages: all → openssl; Sat 22:00-04:00, 50% of web1, is it?';
    expect(escaped(text)).toBe(text);
    expect(escaped('The rule `rollback: none`, see `docs`.')).toBe('The rule `rollback: none`, see `docs`.');
  });

  it('is cut between characters', () => {
    expect(clipped('abc', 3)).toBe('abc');
    expect(clipped('ab💻', 3)).toBe('ab…');
    expect(clipped('a💻b', 3)).toBe('a…');
  });
});

describe('the comment of a pull request', () => {
  it('can be found again', () => {
    for (const one of [rich, harmless, formatting, empty]) {
      expect(reviewMarkdown(one).split('\n')[0]).toBe('<!-- virtbook-review -->');
    }
  });

  it('is as it was looked at', async () => {
    await expect(reviewMarkdown(rich, { link })).toMatchFileSnapshot('golden/rich.md');
    await expect(reviewMarkdown(harmless)).toMatchFileSnapshot('golden/harmless.md');
  });

  it('says first what matters most', () => {
    const first = (one: Review): string => gfmPage(reviewMarkdown(one).split('\n')[1]!).text().trim();
    const bad = runbook({
      rehearsal: rehearsal({ newlyBad: [failure()] }),
      problems: rich.files[0]!.kind === 'runbook' ? rich.files[0]!.problems : never(),
    });
    expect(first(rich)).toBe(
      '3 failures newly do not come back in runbooks/patch-web.runbook.yaml: when the guest agent stops answering in step Patch web1, and 2 more.',
    );
    expect(first(review({ files: [unreadable(), bad] }))).toMatch(/^1 failure newly does not come back/);
    const wrong = runbook({ problems: { added: [problem()], removed: [], kept: [] } });
    const lasting = plan({ irreversible: { ...nothing, added: ['Delete the snapshot'] } });
    expect(first(review({ files: [wrong, unreadable()] }))).toBe("runbooks/drain.runbook.yaml can't be read any more.");
    expect(first(review({ files: [unreadable({ change: 'added' })] }))).toBe(
      "runbooks/drain.runbook.yaml can't be read.",
    );
    expect(first(review({ files: [wrong, runbook({ plan: lasting })] }))).toBe(
      '1 new error in runbooks/patch-web.runbook.yaml.',
    );
    expect(first(review({ files: [runbook({ plan: lasting })] }))).toBe(
      "1 step that can't be undone is new: Delete the snapshot.",
    );
    const warned = runbook({ problems: { added: [problem({ severity: 'warning' })], removed: [], kept: [] } });
    expect(first(review({ files: [warned] }))).toBe('1 new warning, and no new error.');
    expect(first(formatting)).toBe('Nothing changes but comments and formatting.');
    expect(first(empty)).toBe('No runbook and no inventory is changed.');
    expect(
      first(
        review({ files: [runbook({ rehearsal: rehearsal({ head: rehearsed({ clean: { status: 'failed' } }) }) })] }),
      ),
    ).toBe('runbooks/patch-web.runbook.yaml newly fails even when nothing goes wrong.');
  });

  it('has a row for each file that means something else, and no empty columns', () => {
    const [head, ...rows] = gfmPage(reviewMarkdown(rich)).table(0);
    expect(head).toEqual([
      'file',
      'change',
      'newly touched',
      'longest outage',
      'not coming back',
      'new problems',
      'risk',
    ]);
    expect(rows.map(row => row.at(0))).toEqual(
      rich.files.map(({ path }) => path).filter(path => !path.includes('start-lab')),
    );
    expect(rows[0]).toEqual([
      'runbooks/patch-web.runbook.yaml',
      'changed: 6 differences',
      'api1, api2, hv3',
      'api1 none → 2m40s, and 1 more',
      '0 → 7 of 64',
      '1 error, 1 warning',
      'high',
    ]);
    expect(gfmPage(reviewMarkdown(harmless)).table(0)[0]).toEqual(['file', 'change', 'not coming back', 'risk']);
  });

  it('says that what was rehearsed is simulated, and what was not rehearsed', () => {
    expect(reviewMarkdown(rich)).toContain('Rehearsed 245 failure points on a simulated copy');
    const unplanned = runbook({
      plan: plan({ headProblem: 'Input vms has no example' }),
      rehearsal: rehearsal({ headProblem: 'It has no plan.' }),
    });
    const text = gfmPage(reviewMarkdown(review({ files: [unplanned] }))).text();
    expect(text).toContain('Nothing was rehearsed.');
    expect(text).toContain('There is no plan: Input vms has no example.');
  });

  it('links to lines of the head only, and only to pages', () => {
    const links = gfmPage(reviewMarkdown(rich, { link }))
      .attributes()
      .filter(one => one.startsWith('href='));
    expect(links).toContain('href=https://git.example.org/ops/blob/a1b2c3d/runbooks/patch-web.runbook.yaml#L24');
    expect(links).not.toContain('href=https://git.example.org/ops/blob/a1b2c3d/runbooks/patch-web.runbook.yaml#L18');
    const bad = gfmPage(reviewMarkdown(rich, { link: () => 'javascript:alert(1)' }));
    expect(bad.count('a')).toBe(0);
    const odd = gfmPage(reviewMarkdown(rich, { link: () => 'https://x.example/a b>c)|`d' }));
    expect(odd.attributes().filter(one => one.startsWith('href=') && !one.endsWith('/a%20b%3Ec)%7C%60d'))).toEqual([]);
  });

  it('calls nobody: reviewers are named as code', () => {
    expect(reviewMarkdown(rich)).toContain('`@shop/web-team`');
    expect(gfmPage(reviewMarkdown(rich)).looseText().join(' ')).not.toContain('@');
  });

  it('keeps its form, whatever names and messages say', () => {
    const form = gfmPage(reviewMarkdown(named('plain'), { link })).outline(['code']);
    const otherForm = otherPage(reviewMarkdown(named('plain'), { link })).outline(['code']);
    fc.assert(
      fc.property(hostile, text => {
        const markdown = reviewMarkdown(named(text), { link: place => link({ ...place, path: 'x' }) });
        expect(gfmPage(markdown).outline(['code'])).toEqual(form);
        expect(otherPage(markdown).outline(['code'])).toEqual(otherForm);
        const loose = gfmPage(markdown).looseText();
        expect(loose.filter(one => calls.test(one))).toEqual([]);
        expect(markdown.split('\n').filter(line => /^\s*(\/|::)|##\[/.test(line))).toEqual([]);
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  it('is never longer than it may be, and leaves out whole parts', () => {
    const whole = large(12, 10);
    let before = Number.POSITIVE_INFINITY;
    for (const limit of [200_000, 30_000, 10_000, 3_000, 1_500]) {
      const text = reviewMarkdown(whole, { link, limit });
      expect(text.length).toBeLessThanOrEqual(limit);
      expect(text.length).toBeLessThan(before);
      before = text.length;
      expect(text.match(/<details>/g)?.length).toBe(text.match(/<\/details>/g)?.length);
      const page = gfmPage(text);
      expect(page.count('details')).toBe(text.match(/<details>/g)?.length ?? 0);
      expect(page.text()).toMatch(/^ ?120 failures newly do not come back/);
      if (limit < 200_000) expect(page.text()).toContain('Left out for want of room: ');
    }
    expect(reviewMarkdown(whole, { link, limit: 200_000 })).not.toContain('Left out');
    // Details go first: what is told of the first file is the last to go.
    const some = reviewMarkdown(whole, { limit: 30_000 });
    expect(some).toContain('### `runbooks/team-0/service-0.runbook.yaml`');
    expect(some).toMatch(/Left out for want of room: .*\d+ folded parts/);
  });

  it('has no text that is endless', () => {
    const long = 'x'.repeat(100_000);
    expect(reviewMarkdown(named(long)).length).toBeLessThan(60_000);
  });

  it('gives the same bytes for the same review', () => {
    expect(reviewMarkdown(structuredClone(rich), { link })).toBe(reviewMarkdown(rich, { link }));
  });
});

/** A review in which every text from outside is this one. */
function named(text: string): Review {
  const path = `${text}.runbook.yaml`;
  const place = { path, line: 3, endLine: 4 };
  const elsewhere = { path: `other/${text}`, line: 5, endLine: 5 };
  const both = { added: [text, 'b'], removed: [text], kept: [text] };
  const point = failure({
    step: { pointer: text, title: text, uses: text, key: text },
    story: [text, text],
    left: [text],
    place,
  });
  const problems = {
    added: [problem({ message: text, place }), problem({ message: text, place: elsewhere })],
    removed: [problem({ message: text, place })],
    kept: [problem({ message: text, place })],
  };
  const first = rich.files[0]!;
  const whole = first.kind === 'runbook' ? first : never();
  const loud = runbook({
    path,
    basePath: text,
    change: 'renamed',
    name: text,
    because: [text],
    differences: [
      difference(text, 1, { head: place, effect: 'riskier' }),
      difference(text, 2, { head: undefined, base: elsewhere }),
    ],
    plan: {
      ...whole.plan,
      head: {
        ...whole.plan.head!,
        limits: text,
        windows: [text, text],
        timetable: [{ title: text, fromSeconds: 0, toSeconds: 1 }],
        unknowns: [`known ${text}`],
      },
      vms: both,
      hosts: both,
      datastores: both,
      proxies: both,
      irreversible: both,
      pointsOfNoReturn: both,
      secrets: both,
      outages: [{ vm: text, after: { seconds: 3, from: 'estimated' } }],
    },
    rehearsal: {
      ...whole.rehearsal,
      baseProblem: `why ${text}`,
      head: rehearsed({ clean: { status: text, message: `ended ${text}` }, assumed: [`assumed ${text}`] }),
      newlyBad: [point],
      stillBad: [point],
      noLongerBad: [point],
    },
    problems,
    risk: { level: 'high', reasons: [{ code: 'x', level: 'high', text: `because ${text}`, count: 1 }] },
    unknowns: [`unknown ${text}`],
  });
  return review({
    base: { label: `base ${text}` },
    head: { label: `head ${text}`, commit: '0123456789abcdef' },
    files: [
      loud,
      { ...loud, rehearsal: rehearsal({ headProblem: `not ${text}` }), plan: plan({ headProblem: `no ${text}` }) },
      inventory({
        path: text,
        runbooks: [text],
        differences: [difference(text, 1)],
        risk: { level: 'low', reasons: [] },
      }),
      unreadable({ path: text, why: `why ${text}`, place }),
      formatting.files[0]!.kind === 'runbook' ? { ...formatting.files[0]!, path: text } : never(),
    ],
    risk: { level: 'high', reasons: [] },
    reviewers: [{ team: `@${text}`, because: [`group ${text}`] }],
    unknowns: [`nobody knows ${text}`],
  });
}

function never(): never {
  throw new Error('The review made by hand has another first file.');
}
