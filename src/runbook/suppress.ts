import type { Diagnostic } from './diagnostic';
import { diagnostic, ruleOf } from './rules';

const comment = /(?:^|\s)#\s*virtbook-ignore(-file)?:([^\r\n]*)/g;

/**
 * Leaves out what the file suppresses: `# virtbook-ignore: code, code` on the same line or on the line above, `# virtbook-ignore-file: code`
 * anywhere. Adds what is suppressed in vain. The result is in order of place.
 */
export function suppress(text: string, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const sorted = [...diagnostics].sort(
    (left, right) => left.range.start - right.range.start || left.range.end - right.range.end,
  );
  if (!text.includes('virtbook-ignore')) return sorted;
  const starts = lineStarts(text);
  const ofLine = new Map<number, Ignore[]>();
  const ofFile: Ignore[] = [];
  const all: Ignore[] = [];
  for (const match of text.matchAll(comment)) {
    const from = match.index + match[0].length - match[2]!.length;
    for (const code of match[2]!.matchAll(/[A-Za-z0-9-]+/g)) {
      const start = from + code.index;
      const ignore: Ignore = { code: code[0], range: { start, end: start + code[0].length }, used: false };
      all.push(ignore);
      if (match[1]) ofFile.push(ignore);
      else {
        const line = lineOf(starts, start);
        // A comment on a line of its own is about the next line; one behind something is about its own line.
        const alone = text.slice(starts[line], start).trimStart().startsWith('#');
        const about = alone ? line + 1 : line;
        ofLine.set(about, [...(ofLine.get(about) ?? []), ignore]);
      }
    }
  }
  const kept = sorted.filter(item => {
    const ignores = [...(ofLine.get(lineOf(starts, item.range.start)) ?? []), ...ofFile].filter(
      ignore => ignore.code === item.code,
    );
    for (const ignore of ignores) ignore.used = true;
    return ignores.length === 0;
  });
  const unused = all
    .filter(ignore => !ignore.used)
    .map(({ code, range }) =>
      diagnostic(
        'unused-ignore',
        range,
        ruleOf(code)
          ? `Nothing here breaks \`${code}\`. Remove this.`
          : `There is no rule \`${code}\`. See docs/rules.md.`,
      ),
    );
  return [...kept, ...unused].sort((left, right) => left.range.start - right.range.start);
}

/** Of text that can't be read, and of comments that ignore nothing, no comment keeps quiet. */
export function isSuppressible(code: string): boolean {
  return !unreadable.has(code) && code !== 'unused-ignore';
}

const unreadable = new Set(['yaml-syntax', 'multi-document', 'not-text', 'file-too-large', 'too-deep', 'empty-file']);

interface Ignore {
  code: string;
  range: { start: number; end: number };
  used: boolean;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
