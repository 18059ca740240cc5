import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { makePlan } from '../../src/engine/make-plan';
import { timetableOf } from '../../src/engine/timetable';
import { parseInventory } from '../../src/inventory/file';
import { parseRunbook } from '../../src/runbook/parse';
import { planLines } from '../../src/vscode/review/planLines';

const inventory = parseInventory(readFileSync('examples/lab.inventory.yaml', 'utf8')).inventory!;
const patch = readFileSync('examples/patch.runbook.yaml', 'utf8');

function linesOf(text: string): string[] {
  const { runbook } = parseRunbook(text);
  if (!runbook) throw new Error(text);
  const { plan, hash } = makePlan({
    runbook,
    inventory,
    inputs: { vms: ['web1', 'web2'] },
    action: actionNamed,
    hosts: {},
  });
  return planLines({ plan, hash, timetable: timetableOf(plan) }).split('\n');
}

/** Lines that are on one side only. */
function changed(before: string[], after: string[]): { gone: string[]; come: string[] } {
  const trimmed = (lines: string[]) => lines.map(line => line.trim());
  const rest = trimmed(after);
  const gone = trimmed(before).filter(line => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return { gone, come: rest };
}

describe('a plan as lines to compare', () => {
  it('has a line for each step, its inputs and its undo', () => {
    expect(linesOf(patch)).toMatchSnapshot();
  });

  it('differs only in the lines of what differs: nothing is numbered, and no hash stands in it', () => {
    const before = linesOf(patch);
    const after = linesOf(patch.replace('[openssl, nginx]', '[openssl]'));
    const { gone, come } = changed(before, after);
    expect(gone).toEqual(Array(3).fill('packages: ["openssl","nginx"]'));
    expect(come).toEqual(Array(3).fill('packages: ["openssl"]'));
  });

  it('shows a new step as added lines alone', () => {
    const step =
      '      - { id: snap, uses: vm.snapshot, with: { vm: "${{ vm }}", name: before } }\n\n      - id: patch\n';
    const { gone, come } = changed(linesOf(patch), linesOf(patch.replace('      - id: patch\n', step)));
    expect(come.filter(line => line.includes('vm.snapshot'))).toHaveLength(2);
    expect(gone.every(line => /^\d+:\d\d/.test(line))).toBe(true);
  });
});
