import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { FileChange } from '../../../src/review/revision';
import type { ExpectedFacts } from './facts';

/** A state of a repository: bytes by path. */
export type Files = ReadonlyMap<string, Buffer>;

export interface Pair {
  name: string;
  about: string;
  base: Files;
  head: Files;
  changes: FileChange[];
  git: boolean;
  capture?: { name: string; text: string };
  expect: ExpectedFacts;
  /** The file with the report. */
  expected: string;
}

interface PairFile {
  about: string;
  gone?: string[];
  renames?: Record<string, string>;
  git?: boolean;
  made?: Record<string, 'huge'>;
  capture?: string;
  expect: ExpectedFacts;
}

const folder = path.join(import.meta.dirname, 'pairs');

export function readPairs(): Pair[] {
  return readdirSync(folder).sort().map(readPair);
}

export function readPair(name: string): Pair {
  const own = path.join(folder, name);
  const file = parse(readFileSync(path.join(own, 'pair.yaml'), 'utf8')) as PairFile;
  const base = new Map([...filesIn(path.join(import.meta.dirname, 'common')), ...filesIn(path.join(own, 'base'))]);
  const head = new Map([...base, ...filesIn(path.join(own, 'head'))]);
  for (const gone of [...(file.gone ?? []), ...Object.values(file.renames ?? {})]) head.delete(gone);
  for (const made of Object.keys(file.made ?? {})) head.set(made, hugeRunbook());
  return {
    name,
    about: file.about,
    base,
    head,
    changes: changesBetween(base, head, file.renames),
    git: file.git ?? false,
    ...(file.capture !== undefined && {
      capture: { name: path.basename(file.capture), text: readFileSync(path.join(folder, file.capture), 'utf8') },
    }),
    expect: file.expect,
    expected: path.join(own, 'expected.md'),
  };
}

export function changesBetween(base: Files, head: Files, renames: Record<string, string> = {}): FileChange[] {
  const from = new Set(Object.values(renames));
  return [...new Set([...base.keys(), ...head.keys()])].sort().flatMap((path): FileChange[] => {
    const [before, after] = [base.get(path), head.get(path)];
    const basePath = renames[path];
    if (basePath !== undefined) return [{ status: 'renamed', path, basePath }];
    if (before && after) return before.equals(after) ? [] : [{ status: 'changed', path }];
    if (before) return from.has(path) ? [] : [{ status: 'deleted', path }];
    return [{ status: 'added', path }];
  });
}

function filesIn(root: string): [string, Buffer][] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.join(entry.parentPath, entry.name))
    .map(file => [path.relative(root, file).replaceAll('\\', '/'), readFileSync(file)]);
}

function hugeRunbook(): Buffer {
  const step = '  - name: Look at it once more\n    uses: check.guest\n    with: { vm: web1, agent: true }\n';
  return Buffer.from(
    `version: 1\nname: Far too much\ninventory: ./prod.inventory.yaml\nsteps:\n${step.repeat(120_000)}`,
  );
}
