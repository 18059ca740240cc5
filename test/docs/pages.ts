import { readdirSync, readFileSync } from 'node:fs';

/** Every page that people read, by its path from the root of the repository. */
export const pages: readonly string[] = [
  ...readdirSync('.').filter(name => name.endsWith('.md')),
  ...['docs', 'media/walkthrough'].flatMap(folder =>
    readdirSync(folder).flatMap(name => (name.endsWith('.md') ? [`${folder}/${name}`] : [])),
  ),
];

export interface Place<T> {
  /** `file:line` */
  at: string;
  found: T;
}

/** What a pattern finds in a page. */
export function findAll(page: string, pattern: RegExp): Place<RegExpExecArray>[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(pattern)].map(found => ({ at: placeOf(page, text, found.index), found }));
}

export function placeOf(page: string, text: string, index: number): string {
  return `${page}:${text.slice(0, index).split('\n').length}`;
}
