import { describe, expect, it } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { checkRunbook } from '../../src/runbook/check';
import { parseRunbook } from '../../src/runbook/parse';
import { exampleInventory, exampleLab, exampleRunbook, exampleToFix } from '../../src/vscode/inventory/exampleFiles';
import { listed, stepLines, stepRunbook, stepRunbookName } from '../../src/vscode/vm/stepRunbook';

const { inventory, diagnostics } = parseInventory(exampleInventory);

describe('example files', () => {
  it('are an inventory and a lab without mistakes', () => {
    expect(diagnostics).toEqual([]);
    expect(inventory?.connections.lab?.type).toBe('simulated');
    expect(SimulatedLab.parse(exampleLab).find('web1')?.host).toBe('hv1');
  });

  it('are a runbook without mistakes, whatever its name', () => {
    const parsed = parseRunbook(exampleRunbook('a "quoted" name', './lab.inventory.yaml'));
    expect(checkRunbook(parsed, { actions, inventory: inventory && knownNames(inventory) })).toEqual([]);
    expect(parsed.runbook?.name).toBe('a "quoted" name');
  });
});

describe('the runbook of the walkthrough', () => {
  const problems = (text: string) =>
    checkRunbook(parseRunbook(text), { actions, inventory: inventory && knownNames(inventory) });

  it('has one mistake, and its fix is all that it needs', () => {
    const found = problems(exampleToFix);
    expect(found.map(({ code, range }) => [code, exampleToFix.slice(range.start, range.end)])).toEqual([
      ['unknown-action', 'vm.snapshoot'],
    ]);
    expect(problems(exampleToFix.replace('vm.snapshoot', 'vm.snapshot'))).toEqual([]);
  });
});

describe('runbook of one step', () => {
  it('says what the menu chose and nothing else', () => {
    const { runbook } = parseRunbook(
      stepRunbook({
        name: 'Snapshot before of web1',
        uses: 'vm.snapshot',
        input: 'vm',
        on: ['web1'],
        with: { name: 'before' },
        inventory: '/srv/lab.inventory.yaml',
      }),
    );
    expect(runbook?.steps).toMatchObject([
      { kind: 'action', uses: 'vm.snapshot', with: { vm: 'web1', name: 'before' } },
    ]);
    expect(runbook?.inventory).toBe('/srv/lab.inventory.yaml');
  });

  it('is a loop over several VMs', () => {
    const text = stepRunbook({ name: 'Start two', uses: 'vm.start', input: 'vm', on: ['web1', 'on'], inventory: 'i' });
    const parsed = parseRunbook(text);
    expect(checkRunbook(parsed, { actions })).toEqual([]);
    expect(parsed.runbook?.steps).toMatchObject([
      { kind: 'forEach', variable: 'vm', steps: [{ uses: 'vm.start', with: { vm: '${{ vm }}' } }] },
    ]);
    expect(text).toContain('[web1, "on"]');
  });

  it('leaves what is not given to be filled in', () => {
    const lines = stepLines({ uses: 'vm.migrate', input: 'to', on: ['hv2'], fill: ['vm'] });
    expect(lines).toEqual(['- uses: vm.migrate', '  with:', '    to: hv2', '    vm: ']);
  });

  it('lists names as people do', () => {
    expect([['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd', 'e']].map(listed)).toEqual([
      'a',
      'a and b',
      'a, b and c',
      'a, b and 3 more',
    ]);
  });

  it('evaluates no name that came from a hypervisor', () => {
    const text = stepRunbook({ name: 'x', uses: 'vm.start', input: 'vm', on: ['a${{ inputs.b }}"\n'], inventory: 'i' });
    const parsed = parseRunbook(text);
    expect(checkRunbook(parsed, { actions })).toEqual([]);
  });

  it('has a file name that every file system takes', () => {
    expect(stepRunbookName('vm.start', ['../a b:c'])).toBe('vm.start-.._a_b_c.runbook.yaml');
    expect(stepRunbookName('vm.start', ['a', 'b'])).toBe('vm.start-2-vms.runbook.yaml');
  });
});
