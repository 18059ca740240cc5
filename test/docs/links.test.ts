import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json';
import words from '../../package.nls.json';
import { findAll, pages } from './pages';

/** The text of a page without what stands in blocks and in quotes of code. */
const prose = (page: string) =>
  readFileSync(page, 'utf8')
    .replace(/^( *)```[\s\S]*?^\1```$/gm, block => block.replace(/[^\n]/g, ' '))
    .replace(/`[^`\n]*`/g, code => ' '.repeat(code.length));

/** Anchors of the headings of a page, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const blocks = readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  const seen = new Map<string, number>();
  return [...blocks.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const anchor = heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times === 0 ? anchor : `${anchor}-${times}`;
  });
}

interface Link {
  at: string;
  page: string;
  target: string;
}

const links: Link[] = pages.flatMap(page => {
  const text = prose(page);
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(found => ({
    at: `${page}:${text.slice(0, found.index).split('\n').length}`,
    page,
    target: found[1]!,
  }));
});
const inside = links.filter(({ target }) => !/^(https?|command|mailto):/.test(target));

describe('links in the documentation', () => {
  test('there are many', () => expect(inside.length).toBeGreaterThan(80));

  test.each(inside.map(link => [`${link.at} → ${link.target}`, link] as const))('%s', (_, { page, target }) => {
    const [path, anchor] = target.split('#') as [string, string?];
    const file = path === '' ? page : join(dirname(page), path);
    expect(existsSync(file), `${file} is there`).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(file)).toContain(anchor);
  });

  test('every page is reached from the README, and every picture is shown', () => {
    const reached = new Set(['README.md']);
    for (const page of reached) {
      for (const link of inside) {
        if (link.page === page) reached.add(join(dirname(page), link.target.split('#')[0] || '.'));
      }
    }
    const all = [
      ...pages.filter(page => !page.startsWith('media/')),
      ...readdirSync('docs/images').map(name => `docs/images/${name}`),
    ];
    expect(all.filter(page => !reached.has(page))).toEqual([]);
  });
});

describe('what the documentation names is there', () => {
  const rooms = ['src', 'test', 'docs', 'ci', 'examples', 'scripts', 'bench', 'schemas', 'media'];
  // What is only there once it has been made, or installed.
  const made = ['bench/results.json', 'bench/node_modules'];
  const files = pages
    .flatMap(page => findAll(page, new RegExp(`\`((?:${rooms.join('|')})/[\\w./-]+)\``, 'g')))
    .filter(({ found }) => !made.includes(found[1]!));
  test.each(files.map(({ at, found }) => [at, found[1]!] as const))('%s: the file %s', (_, file) => {
    expect(existsSync(file)).toBe(true);
    expect(file.endsWith('/')).toBe(file.endsWith('/') && statSync(file).isDirectory());
  });

  const scripts = pages.flatMap(page => findAll(page, /npm run ([\w:-]+)/g));
  test.each(scripts.map(({ at, found }) => [at, found[1]!] as const))('%s: npm run %s', (_, script) => {
    expect(Object.keys(packageJson.scripts)).toContain(script);
  });

  const commands = pages.flatMap(page => findAll(page, /\*Virtbook: ([^*\n]+)\*/g));
  test.each(commands.map(({ at, found }) => [at, found[1]!] as const))('%s: the command %s', (_, title) => {
    expect(Object.values(words)).toContain(title);
  });

  const settings = Object.keys(packageJson.contributes.configuration.properties);
  const named = pages.flatMap(page => findAll(page, /^\| `(virtbook\.\w+)` \|/gm));
  test('the settings', () => {
    expect(named.map(({ found }) => found[1]).sort()).toEqual(settings.sort());
  });
});
