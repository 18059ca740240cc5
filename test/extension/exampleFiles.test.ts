import { describe, expect, it } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { checkRunbook } from '../../src/runbook/check';
import { parseRunbook } from '../../src/runbook/parse';
import { exampleInventory, exampleLab, exampleRunbook } from '../../src/vscode/inventory/exampleFiles';
import { stepRunbook, stepRunbookName } from '../../src/vscode/vm/stepRunbook';

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

describe('runbook of one step', () => {
  it('says what the menu chose and nothing else', () => {
    const { runbook } = parseRunbook(
      stepRunbook({
        name: 'Snapshot before of web1',
        uses: 'vm.snapshot',
        with: { vm: 'web1', name: 'before' },
        inventory: '/srv/lab.inventory.yaml',
      }),
    );
    expect(runbook?.steps).toMatchObject([
      { kind: 'action', uses: 'vm.snapshot', with: { vm: 'web1', name: 'before' } },
    ]);
    expect(runbook?.inventory).toBe('/srv/lab.inventory.yaml');
  });

  it('evaluates no name that came from a hypervisor', () => {
    const text = stepRunbook({ name: 'x', uses: 'vm.start', with: { vm: 'a${{ inputs.b }}"\n' }, inventory: 'i' });
    const parsed = parseRunbook(text);
    expect(checkRunbook(parsed, { actions })).toEqual([]);
  });

  it('has a file name that every file system takes', () => {
    expect(stepRunbookName('vm.start', '../a b:c')).toBe('vm.start-.._a_b_c.runbook.yaml');
  });
});
