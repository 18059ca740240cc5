import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { checkRunbook } from '../../src/runbook/check';
import { parseRunbook } from '../../src/runbook/parse';
import { YamlSource } from '../../src/runbook/yaml-source';
import { marked } from './marked';

const read = (name: string) => readFileSync(`examples/${name}`, 'utf8');
const runbooks = readdirSync('examples').filter(name => name.endsWith('.runbook.yaml'));

describe('examples', () => {
  test('the five are there', () => {
    expect(runbooks).toEqual(
      expect.arrayContaining(
        ['backup', 'hello', 'migrate', 'patch', 'patch-fails'].map(name => `${name}.runbook.yaml`),
      ),
    );
  });

  test('the inventory has no problem', () => {
    const text = read('lab.inventory.yaml');
    expect(marked(text, parseInventory(text).diagnostics)).toBe(text.trimEnd());
  });

  test.each(runbooks)('%s has no problem, every name in it known to exist', name => {
    const { inventory } = parseInventory(read('lab.inventory.yaml'));
    // Merge keys are part of the lab's own format, not of the language: only the names are of interest here.
    const lab = new YamlSource(read('lab/demo.lab.yaml')).data as { hosts: object; vms: object };
    const known = knownNames(inventory!, { hosts: { lab: Object.keys(lab.hosts) }, vms: Object.keys(lab.vms) });
    const text = read(name);
    expect(marked(text, checkRunbook(parseRunbook(text), { actions, inventory: known }))).toBe(text.trimEnd());
  });
});

describe('examples in the documentation of the actions', () => {
  test.each(actions.map(action => [action.name, action] as const))(
    '%s: its example is a step without problems',
    (_, action) => {
      const text = `version: 1\nname: Sample\nsteps:\n${action.example.replace(/^/gm, '  ')}\n`;
      expect(marked(text, checkRunbook(parseRunbook(text), { actions }))).toBe(text.trimEnd());
    },
  );
});
