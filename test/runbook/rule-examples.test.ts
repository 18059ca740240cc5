import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { checkRunbook } from '../../src/runbook/check';
import { parseRunbook } from '../../src/runbook/parse';
import { type Rule, rules } from '../../src/runbook/rules';
import { marked } from './marked';

const { inventory } = parseInventory(readFileSync('examples/lab.inventory.yaml', 'utf8'));
const known = knownNames(inventory!, {
  hosts: { lab: ['hv1', 'hv2', 'hv3'] },
  vms: Object.keys(inventory!.vms),
});
const shown = Object.entries(rules as Record<string, Rule>).filter(([, rule]) => rule.bad !== undefined);

/** An example as a whole file. */
function whole(example: string): string {
  const head = 'version: 1\nname: Sample\n';
  return example.startsWith('- ') ? `${head}steps:\n${example.replace(/^(?=.)/gm, '  ')}\n` : `${head}${example}\n`;
}

function found(example: string) {
  return checkRunbook(parseRunbook(whole(example)), { actions, inventory: known });
}

describe('examples of the rules', () => {
  test('there are some, each with what is wrong and what is right', () => {
    expect(shown.length).toBeGreaterThanOrEqual(14);
    for (const [, rule] of shown) expect(rule.good).toBeDefined();
  });
  test.each(shown)('%s: the bad one has this and nothing else', (code, { bad }) => {
    expect(found(bad!).map(item => item.code)).toEqual([code]);
  });
  test.each(shown)('%s: the good one has nothing', (_, { good }) => {
    expect(marked(whole(good!), found(good!))).toBe(whole(good!).trimEnd());
  });
  test.each(shown)('%s: the bad one can be suppressed where it is found', (code, { bad }) => {
    const text = whole(bad!);
    const [first] = found(bad!);
    const line = text.lastIndexOf('\n', first!.range.start) + 1;
    const quiet = `${text.slice(0, line)}# virtbook-ignore: ${code}\n${text.slice(line)}`;
    expect(checkRunbook(parseRunbook(quiet), { actions, inventory: known })).toEqual([]);
  });
});
