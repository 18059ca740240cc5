import { actions } from '../../src/actions/catalogue';
import { checkRunbook } from '../../src/runbook/check';
import type { KnownNames } from '../../src/runbook/check-context';
import type { Diagnostic } from '../../src/runbook/diagnostic';
import { parseRunbook } from '../../src/runbook/parse';
import { ruleOf } from '../../src/runbook/rules';

/** Checks a sample and shows what was found below the lines it was found on: `^^^^ code: message`. */
export function squiggles(text: string, inventory?: KnownNames): string {
  return marked(text, ofLanguage(checkRunbook(parseRunbook(text), { actions, inventory })));
}

/** Without what the rules of operations say: samples of the language are no runbooks that anybody would run. */
export function ofLanguage<T extends { code?: string | number }>(found: readonly T[]): T[] {
  return found.filter(({ code }) => ruleOf(String(code))?.bad === undefined);
}

export function marked(text: string, diagnostics: readonly Diagnostic[]): string {
  const out: string[] = [];
  let start = 0;
  for (const line of text.split('\n')) {
    const stop = start + line.length;
    out.push(line.replaceAll('\r', '␍').replaceAll('\t', '→'));
    for (const { range, code, message } of diagnostics) {
      if (range.start < start || range.start > stop) continue;
      const length = Math.max(1, Math.min(range.end, stop) - range.start);
      out.push(`${' '.repeat(range.start - start)}${'^'.repeat(length)} ${code}: ${message}`);
    }
    start = stop + 1;
  }
  return out.join('\n').trimEnd();
}

export function codes(text: string, inventory?: KnownNames): string[] {
  return ofLanguage(checkRunbook(parseRunbook(text), { actions, inventory })).map(item => item.code);
}

/** Steps in a runbook that is otherwise whole. */
export function runbook(steps: string, inputs = ''): string {
  return `version: 1\nname: Sample\n${inputs}steps:\n${steps}`;
}
