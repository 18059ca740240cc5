import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { actions } from '../../src/actions/catalogue';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { checkRunbook } from '../../src/runbook/check';
import { parseRunbook, schema } from '../../src/runbook/parse';
import { marked } from '../runbook/marked';

const files = [
  ...readdirSync('.').filter(name => name.endsWith('.md')),
  ...readdirSync('docs').flatMap(name => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

interface Block {
  file: string;
  line: number;
  text: string;
}

/** Every ```yaml block, also inside a list, where it is indented. */
function blocksOf(file: string): Block[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^( *)```yaml\n([\s\S]*?)^\1```$/gm)].map(match => ({
    file,
    line: text.slice(0, match.index).split('\n').length,
    text: match[2]!.replace(new RegExp(`^${match[1]}`, 'gm'), ''),
  }));
}

type Kind = 'runbook' | 'part of a runbook' | 'inventory' | 'steps' | 'part of a lab' | 'comments';

/** @throws where a block is nothing that a reader could use. */
function kindOf({ file, line, text }: Block): Kind {
  const data: unknown = parse(text);
  if (data === null) return 'comments';
  if (Array.isArray(data)) return 'steps';
  const keys = Object.keys(data as object);
  if (keys.includes('version') && keys.includes('steps')) return 'runbook';
  if (keys.includes('connections')) return 'inventory';
  if (keys.includes('faults')) return 'part of a lab';
  if (keys.every(key => Object.hasOwn(schema.properties ?? {}, key))) return 'part of a runbook';
  throw new Error(`${file}:${line}: neither a runbook, an inventory, nor steps: ${keys.join(', ')}`);
}

const blocks = files.flatMap(blocksOf);

describe('examples in the documentation are what the program takes', () => {
  test('there are some of each kind', () => {
    const kinds = new Map<string, number>();
    for (const block of blocks) kinds.set(kindOf(block), (kinds.get(kindOf(block)) ?? 0) + 1);
    expect(kinds.get('runbook')).toBeGreaterThanOrEqual(4);
    expect(kinds.get('inventory')).toBeGreaterThanOrEqual(3);
    expect(kinds.get('steps')).toBeGreaterThanOrEqual(10);
  });

  test.each(blocks.map(block => [`${block.file}:${block.line}`, block] as const))('%s', (_, block) => {
    const kind = kindOf(block);
    if (kind === 'inventory') {
      expect(marked(block.text, parseInventory(block.text).diagnostics)).toBe(block.text.trimEnd());
    } else if (kind === 'runbook' || kind === 'part of a runbook' || kind === 'steps') {
      const text = wholeRunbook(block, kind);
      const context = { actions, ...namesFor(block), runbooks: exampleRunbook };
      expect(marked(text, checkRunbook(parseRunbook(text), context))).toBe(text.trimEnd());
    }
  });
});

/** With what a part leaves out, so that it can be checked. */
function wholeRunbook({ text }: Block, kind: 'runbook' | 'part of a runbook' | 'steps'): string {
  const head = 'version: 1\nname: Sample\n';
  if (kind === 'runbook') return text;
  if (kind === 'steps') return `${head}steps:\n${text.replace(/^(?=.)/gm, '  ')}`;
  return `${head}${text}${/^steps:/m.test(text) ? '' : 'steps:\n  - wait: 1m\n'}`;
}

/** Pages call the runbooks of the examples. */
function exampleRunbook(path: string) {
  const file = `examples/${path}`;
  return existsSync(file) ? parseRunbook(readFileSync(file, 'utf8')) : null;
}

/** A page that shows an inventory means that one; the others mean the examples'. All VMs are known, so that a suppression is needed. */
function namesFor({ file }: Block) {
  const shown =
    file === 'README.md' ? blocks.find(block => block.file === file && kindOf(block) === 'inventory') : undefined;
  const { inventory } = parseInventory(shown?.text ?? readFileSync('examples/lab.inventory.yaml', 'utf8'));
  const vms = Object.keys(inventory?.vms ?? {});
  return { inventory: knownNames(inventory!, { ...(!shown && { hosts: { lab: ['hv1', 'hv2', 'hv3'] }, vms }) }) };
}
