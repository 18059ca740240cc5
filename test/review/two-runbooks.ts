import type { Difference, Place } from '../../src/review/model';
import { runbookDifferences } from '../../src/review/runbook-difference';
import { linkLoaded } from '../../src/runbook/link';
import type { Runbook } from '../../src/runbook/model';
import { parseRunbook } from '../../src/runbook/parse';

/** A runbook of these steps, with lines before them. */
export function withSteps(steps: string, before = ''): string {
  return `version: 1\nname: Test\n${before}steps:\n${steps.replace(/^/gm, '  ')}\n`;
}

/** Reads and links a runbook; `others` are those it calls, by path. */
export function runbook(text: string, others: Record<string, string> = {}): Runbook {
  const parsed = parseRunbook(text);
  if (!parsed.runbook) throw new Error(parsed.diagnostics.map(one => one.message).join('\n'));
  const linked = linkLoaded(parsed.runbook, 'main.runbook.yaml', path => {
    const called = others[path];
    return called === undefined ? null : parseRunbook(called);
  });
  if (!linked) throw new Error('The runbook calls what is not there.');
  return linked;
}

/** Places of a text; of called runbooks there are none. */
export function placesOf(text: string): (pointer: string) => Place | undefined {
  const { source } = parseRunbook(text);
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  return pointer => {
    if (pointer.includes('#')) return undefined;
    const range = source.wholeRange(pointer);
    return range && { path: 'main.runbook.yaml', line: lineAt(range.start), endLine: lineAt(range.end) };
  };
}

/** Differences of two texts. */
export function differences(base: string | undefined, head: string | undefined): Difference[] {
  return runbookDifferences(
    base === undefined ? undefined : runbook(base),
    head === undefined ? undefined : runbook(head),
    { base: placesOf(base ?? ''), head: placesOf(head ?? '') },
  );
}

/** As a reader sees them, safer and riskier ones marked. */
export function told(found: readonly Difference[]): string[] {
  const marks = { riskier: ' [riskier]', safer: ' [safer]', neutral: '' };
  return found.map(({ text, effect }) => `${text}${marks[effect]}`);
}
