import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020';
import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { Log } from 'sarif';
import { describe, expect, it } from 'vitest';
import { reviewGithub } from '../../../src/review/formats/github';
import { reviewGitlab } from '../../../src/review/formats/gitlab';
import { reviewJson } from '../../../src/review/formats/json';
import { reviewJUnit } from '../../../src/review/formats/junit';
import { reviewSarif } from '../../../src/review/formats/sarif';
import { reviewText } from '../../../src/review/formats/text';
import type { Review } from '../../../src/review/model';
import type { ReviewOfSchema } from '../../../src/review/review-schema';
import {
  empty,
  failure,
  formatting,
  harmless,
  inventory,
  large,
  problem,
  rehearsal,
  rehearsed,
  review,
  rich,
  runbook,
  unreadable,
} from './reviews';
import sarifShape from './sarif-shape.json';

const reviews: Record<string, Review> = { rich, harmless, formatting, empty, large: large(3, 4) };

/** A review whose lines have all moved down. */
function moved(one: Review, by: number): Review {
  return JSON.parse(JSON.stringify(one), (key, value: unknown) =>
    (key === 'line' || key === 'endLine') && typeof value === 'number' ? value + by : value,
  ) as Review;
}

describe('SARIF', () => {
  const ajv = new Ajv({ strict: true, allErrors: true, validateFormats: false });
  const validate = ajv.compile(sarifShape);
  // The official schema has terms of its own, so it is not in this repository. `npm test` fetches it (scripts/sarif-schema.mjs) and gives it here.
  const official = process.env.SARIF_SCHEMA;

  const logOf = (one: Review, options?: Parameters<typeof reviewSarif>[1]): Log =>
    JSON.parse(reviewSarif(one, options));

  it('is of the shape that the standard and code scanning ask for', () => {
    for (const one of Object.values(reviews)) {
      for (const all of [false, true]) {
        validate(logOf(one, { all, version: '0.1.0' }));
        expect(validate.errors).toBeNull();
      }
    }
    expect(validate({ version: '2.1.0', runs: [{ tool: { driver: {} } }] })).toBe(false);
  });

  it.runIf(official)('is valid by the official schema', () => {
    const schema = JSON.parse(readFileSync(official!, 'utf8'));
    const check = new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
    for (const one of Object.values(reviews)) {
      check(logOf(one, { all: true, version: '0.1.0' }));
      expect(check.errors).toBeNull();
    }
    expect(check({ version: '2.1.0', runs: [{ tool: { driver: {} } }] })).toBe(false);
  });

  it('tells what is new: failures first, then problems, each with its rule, place and level', () => {
    const { results = [], tool } = logOf(rich).runs[0]!;
    expect(
      results.map(({ ruleId, level, baselineState, locations }) => {
        const { artifactLocation, region } = locations![0]!.physicalLocation!;
        return [ruleId, level, baselineState, artifactLocation!.uri, region!.startLine, region!.endLine];
      }),
    ).toEqual([
      ['rehearsal-left-unsaid', 'error', 'new', 'runbooks/patch-web.runbook.yaml', 24, 27],
      ['rehearsal-left', 'error', 'new', 'runbooks/patch-web.runbook.yaml', 24, 27],
      ['rehearsal-left', 'error', 'new', 'runbooks/patch-web.runbook.yaml', 29, 30],
      ['unknown-vm', 'error', 'new', 'runbooks/patch-web.runbook.yaml', 31, 31],
      ['rollback-none', 'warning', 'new', 'runbooks/patch-web.runbook.yaml', 27, 27],
    ]);
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules![ruleIndex!]!.id).toBe(ruleId);
    expect(tool.driver.rules!.find(({ id }) => id === 'unknown-vm')!.help!.text).not.toBe('unknown-vm');
  });

  it('tells what was there and what is gone on demand', () => {
    const states = (options?: Parameters<typeof reviewSarif>[1]) =>
      new Set(logOf(rich, options).runs[0]!.results!.map(({ baselineState }) => baselineState));
    expect(states()).toEqual(new Set(['new']));
    expect(states({ all: true })).toEqual(new Set(['new', 'unchanged', 'absent']));
  });

  it('knows a result again when its lines move, and tells each from the others', () => {
    const prints = (one: Review) =>
      logOf(one, { all: true }).runs[0]!.results!.map(
        ({ partialFingerprints }) => partialFingerprints!['virtbookReview/v1'],
      );
    expect(prints(moved(rich, 40))).toEqual(prints(rich));
    const lines = [31, 34, 34].map((line, at) =>
      problem({ place: { path: at === 2 ? 'other' : 'same', line, endLine: line } }),
    );
    const twice = review({ files: [runbook({ problems: { added: lines, removed: [], kept: [] } })] });
    expect(new Set(prints(twice)).size).toBe(3);
  });

  it('has no more results than are shown, and paths as addresses', () => {
    const many = logOf(large(60, 50)).runs[0]!;
    expect(many.results).toHaveLength(5000);
    const odd = runbook({
      problems: {
        added: [problem({ place: { path: 'a b/ü#1?.runbook.yaml', line: 1, endLine: 1 } })],
        removed: [],
        kept: [],
      },
    });
    expect(
      logOf(review({ files: [odd] })).runs[0]!.results![0]!.locations![0]!.physicalLocation!.artifactLocation!.uri,
    ).toBe('a%20b/%C3%BC%231%3F.runbook.yaml');
  });

  it('tells a problem that several runbooks see once', () => {
    const problems = {
      added: [problem({ place: { path: 'parts/one.runbook.yaml', line: 2, endLine: 2 } })],
      removed: [],
      kept: [],
    };
    const both = review({
      files: [runbook({ path: 'a.runbook.yaml', problems }), runbook({ path: 'b.runbook.yaml', problems })],
    });
    expect(logOf(both).runs[0]!.results).toHaveLength(1);
  });
});

describe('GitHub annotations', () => {
  /** As the runner reads a line of output. */
  function parsed(line: string): { level: string; properties: Record<string, string>; message: string } {
    const [, level, properties, message] = /^::(\w+) ([^:]*)::(.*)$/.exec(line) ?? [];
    const decode = (text: string): string =>
      text
        .replaceAll('%3A', ':')
        .replaceAll('%2C', ',')
        .replaceAll('%0D', '\r')
        .replaceAll('%0A', '\n')
        .replaceAll('%25', '%');
    const pairs = properties!.split(',').map(pair => pair.split(/=(.*)/s) as [string, string]);
    return {
      level: level!,
      properties: Object.fromEntries(pairs.map(([key, value]) => [key, decode(value)])),
      message: decode(message!),
    };
  }

  it('stand at lines, the most important first', () => {
    const lines = reviewGithub(rich).trimEnd().split('\n').map(parsed);
    expect(lines.map(({ level, properties: { file, line, endLine } }) => [level, file, line, endLine])).toEqual([
      ['error', 'runbooks/patch-web.runbook.yaml', '24', '27'],
      ['error', 'runbooks/patch-web.runbook.yaml', '24', '27'],
      ['error', 'runbooks/patch-web.runbook.yaml', '29', '30'],
      ['error', 'runbooks/patch-web.runbook.yaml', '31', '31'],
      ['warning', 'runbooks/patch-web.runbook.yaml', '27', '27'],
    ]);
    expect(lines[0]!.properties.title).toBe('Patch web1 does not come back');
    expect(lines[0]!.message.split('\n')).toHaveLength(6);
    expect(reviewGithub(harmless)).toBe('');
  });

  it('are one line each and say what was said, whatever that is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom('\n::error::x', '%0A', 'a,b=c:d', '\r', '100%'),
        (text, more) => {
          const title = `${text}${more}`;
          const point = failure({
            step: { pointer: '/', title, uses: title, key: title },
            place: { path: title, line: 2, endLine: 2 },
          });
          const output = reviewGithub(review({ files: [runbook({ rehearsal: rehearsal({ newlyBad: [point] }) })] }));
          expect(output.split(/[\r\n]/)).toHaveLength(2);
          const { level, properties, message } = parsed(output.trimEnd());
          expect(level).toBe('error');
          expect(properties.file).toBe(title);
          expect(properties.title).toBe(`${title} does not come back`);
          expect(message).toContain(title);
        },
      ),
    );
  });
});

describe('GitLab code quality', () => {
  // What GitLab's documentation asks for.
  const validate = new Ajv({ strict: true, allErrors: true }).compile({
    type: 'array',
    items: {
      type: 'object',
      required: ['description', 'check_name', 'fingerprint', 'severity', 'location'],
      additionalProperties: false,
      properties: {
        description: { type: 'string', minLength: 1 },
        check_name: { type: 'string', minLength: 1 },
        fingerprint: { type: 'string', pattern: '^[0-9a-f]{32,}$' },
        severity: { enum: ['info', 'minor', 'major', 'critical', 'blocker'] },
        location: {
          type: 'object',
          required: ['path', 'lines'],
          additionalProperties: false,
          properties: {
            path: { type: 'string', pattern: '^(?!\\./|/)' },
            lines: {
              type: 'object',
              required: ['begin'],
              additionalProperties: false,
              properties: { begin: { type: 'integer', minimum: 1 }, end: { type: 'integer', minimum: 1 } },
            },
          },
        },
      },
    },
  });

  it('has the shape that is documented, each finding once', () => {
    for (const one of Object.values(reviews)) {
      const issues = JSON.parse(reviewGitlab(one)) as { fingerprint: string }[];
      validate(issues);
      expect(validate.errors).toBeNull();
      expect(new Set(issues.map(({ fingerprint }) => fingerprint)).size).toBe(issues.length);
    }
    const severities = (JSON.parse(reviewGitlab(rich)) as { severity: string }[]).map(({ severity }) => severity);
    expect(severities).toEqual(['critical', 'critical', 'critical', 'major', 'minor']);
  });
});

describe('JUnit', () => {
  const reader = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    isArray: name => name === 'testsuite' || name === 'testcase',
    parseAttributeValue: false,
  });
  interface Case {
    name: string;
    classname: string;
    failure?: unknown;
    skipped?: unknown;
  }
  interface Suite {
    name: string;
    tests: string;
    failures: string;
    errors: string;
    skipped: string;
    testcase?: Case[];
  }
  const suitesOf = (one: Review): Suite[] =>
    (reader.parse(reviewJUnit(one)) as { testsuites: { testsuite?: Suite[] } }).testsuites.testsuite ?? [];

  it('is XML whose counts are right, a suite for each file', () => {
    for (const one of Object.values(reviews)) {
      expect(XMLValidator.validate(reviewJUnit(one))).toBe(true);
      const suites = suitesOf(one);
      expect(suites.map(({ name }) => name)).toEqual(one.files.map(({ path }) => path));
      for (const { name, tests, failures, errors, skipped, testcase = [] } of suites) {
        expect(Number(tests)).toBe(testcase.length);
        expect(Number(failures)).toBe(testcase.filter(it => 'failure' in it).length);
        expect(Number(skipped)).toBe(testcase.filter(it => 'skipped' in it).length);
        expect(errors).toBe('0');
        for (const one of testcase) expect(one.classname).toBe(name);
      }
    }
  });

  it('fails for what is new, and only for that', () => {
    const [patch, evacuate, , , stock, drain] = suitesOf(rich);
    const outcome = ({ testcase = [] }: Suite): string[] =>
      testcase.map(it => ('failure' in it ? 'failed' : 'skipped' in it ? 'skipped' : 'passed'));
    // Nothing goes wrong, 57 points, three bad ones, two problems, one from before.
    expect(outcome(patch!)).toEqual(['passed', 'passed', 'failed', 'failed', 'failed', 'skipped', 'failed', 'skipped']);
    expect(outcome(evacuate!)).toEqual(['passed', 'passed', 'skipped', 'passed', 'passed']);
    expect(outcome(stock!)).toEqual(['passed']);
    expect(outcome(drain!)).toEqual(['skipped']);
    expect(outcome(suitesOf(review({ files: [unreadable()] }))[0]!)).toEqual(['failed']);
    const ends = (base: string, head: string) =>
      outcome(
        suitesOf(
          review({
            files: [
              runbook({
                rehearsal: rehearsal({
                  base: rehearsed({ points: 0, clean: { status: base } }),
                  head: rehearsed({ points: 0, clean: { status: head } }),
                }),
              }),
            ],
          }),
        )[0]!,
      )[0];
    expect([ends('done', 'failed'), ends('failed', 'failed'), ends('failed', 'done')]).toEqual([
      'failed',
      'skipped',
      'passed',
    ]);
  });

  it('stays XML, whatever names and messages say', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(']]>', '<!--', '&amp;', '"', "'", '\u0000\ud800', '<x a="', '\ufffe'),
    );
    fc.assert(
      fc.property(odd, text => {
        const point = failure({
          step: { pointer: '/', title: text, uses: text, key: text },
          story: [text],
          left: [text],
        });
        const xml = reviewJUnit(
          review({
            files: [
              runbook({
                path: `a${text}`,
                rehearsal: rehearsal({ newlyBad: [point] }),
                problems: { added: [problem({ message: text })], removed: [], kept: [] },
              }),
              unreadable({ why: text }),
            ],
          }),
        );
        expect(XMLValidator.validate(xml)).toBe(true);
        expect(xml).not.toMatch(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
        expect((xml.match(/<testcase /g) ?? []).length).toBe(3);
      }),
    );
  });
});

describe('JSON', () => {
  const schema = JSON.parse(readFileSync(new URL('../../../schemas/review.schema.json', import.meta.url), 'utf8'));
  const validate = new Ajv({ strict: true, allErrors: true, strictTypes: false }).compile(schema);

  it('is the review, and keeps to its schema', () => {
    for (const one of Object.values(reviews)) {
      expect(JSON.parse(reviewJson(one))).toEqual(JSON.parse(JSON.stringify(one)));
      validate(JSON.parse(reviewJson(one)));
      expect(validate.errors).toBeNull();
    }
    expect(validate({ ...rich, more: 1 })).toBe(false);
    expect(validate({ ...rich, risk: undefined })).toBe(false);
  });

  it('has its keys in one order', () => {
    const turned = JSON.parse(JSON.stringify(rich), (_, value: unknown) =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    ) as Review;
    expect(reviewJson(turned)).toBe(reviewJson(rich));
  });

  it('has a schema with the fields of the types, no more and no fewer', () => {
    // Checked by the compiler: all fields as if none were optional.
    type Whole<T> = T extends readonly (infer U)[]
      ? Whole<U>[]
      : T extends object
        ? { [K in keyof T]-?: Whole<T[K]> }
        : T;
    const there = (one: Whole<Review>): Whole<ReviewOfSchema> => one;
    const back = (one: Whole<ReviewOfSchema>): Whole<Review> => one;
    expect([there, back]).toHaveLength(2);
  });
});

describe('text for a terminal', () => {
  it('is as it was looked at', async () => {
    await expect(reviewText(rich)).toMatchFileSnapshot('golden/rich.txt');
    await expect(reviewText(formatting)).toMatchFileSnapshot('golden/formatting.txt');
  });

  it('can neither drive the terminal nor command a CI log', () => {
    const text = '\n::set-env name=x::y\n##[group]x \u001b[31m\u0007\u202e';
    const odd = review({
      files: [
        runbook({
          path: `a${text}`,
          name: text,
          unknowns: [text],
          problems: { added: [problem({ message: text })], removed: [], kept: [] },
          rehearsal: rehearsal({ newlyBad: [failure({ story: [text], left: [text] })] }),
        }),
        inventory({ path: `b${text}`, risk: { level: 'low', reasons: [{ code: 'x', level: 'low', text, count: 1 }] } }),
        unreadable({ why: text }),
      ],
      reviewers: [{ team: text, because: [text] }],
      unknowns: [text],
    });
    const lines = reviewText(odd).split('\n');
    expect(lines.filter(line => /^\s*::/.test(line) || line.includes('##['))).toEqual([]);
    expect(lines.filter(line => /[\x00-\x1f\x7f-\x9f\u202e]/.test(line))).toEqual([]);
  });
});
