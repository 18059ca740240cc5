import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { checkRunbook } from '../../src/runbook/check';
import { linkRunbooks } from '../../src/runbook/link';
import { everyStep } from '../../src/runbook/model';
import { parseRunbook } from '../../src/runbook/parse';
import { YamlSource } from '../../src/runbook/yaml-source';
import { marked } from './marked';

const read = (name: string) => readFileSync(`examples/${name}`, 'utf8');
const runbooks = readdirSync('examples', { recursive: true, encoding: 'utf8' })
  .map(name => name.replaceAll('\\', '/'))
  .filter(name => name.endsWith('.runbook.yaml'));

describe('examples', () => {
  test('they are there', () => {
    expect(runbooks).toEqual(
      expect.arrayContaining(
        ['backup', 'hello', 'maintenance', 'migrate', 'patch', 'patch-fails', 'parts/patch-one'].map(
          name => `${name}.runbook.yaml`,
        ),
      ),
    );
  });

  test('one shows what keeps a run in bounds: calls, limits, a window, an approval, a canary, branches and finally', async () => {
    const path = 'maintenance.runbook.yaml';
    const { runbook, problems } = await linkRunbooks(
      parseRunbook(read(path)).draft,
      path,
      called => Promise.resolve(read(called)),
      { actions },
    );
    expect(problems).toEqual([]);
    const steps = everyStep(runbook);
    expect(steps.map(step => step.kind)).toEqual(
      expect.arrayContaining(['approve', 'parallel', 'forEach', 'call', 'assert', 'wait', 'action']),
    );
    expect(steps.some(step => step.kind === 'forEach' && step.canary === 1)).toBe(true);
    expect(steps.find(step => step.kind === 'call')?.runbook?.steps).toHaveLength(4);
    expect(runbook).toMatchObject({
      limits: { perHost: 1, perProxy: 2 },
      window: { zone: 'Europe/London', outside: 'wait', closing: 'drain' },
      finally: [{ kind: 'action', pointer: '/finally/0' }],
    });
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
    const runbooks = (path: string) => parseRunbook(read(join(dirname(name), path)));
    const found = checkRunbook(parseRunbook(text), { actions, inventory: known, runbooks, path: basename(name) });
    expect(marked(text, found)).toBe(text.trimEnd());
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
