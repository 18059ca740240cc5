import { describe, expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { type LiveFindings, lookAhead } from '../../src/engine/look-ahead';
import type { Step } from '../../src/runbook/model';
import { action, planOf, smallInventory } from './rehearse-lab';

async function found(...steps: Step[]): Promise<Record<string, LiveFindings>> {
  const { fleet, clock } = smallInventory();
  return Object.fromEntries(await lookAhead(planOf(steps), { action: actionNamed, fleet, clock }));
}

const move = (vm: string, more = {}) => action('vm.migrate', { vm, to: 'hv2', ...more }, { id: vm });
const off = "off1 is off and can't be migrated live; use `live: false`.";

describe('what stands in the way of a plan now', () => {
  it('is found before anything runs', async () => {
    expect(await found(move('off1'))).toEqual({ off1: { blockers: [off], warnings: [] } });
    expect(await found(move('web1'))).toEqual({});
  });

  it('is a warning where an earlier step changes the host: there it may be otherwise by then', async () => {
    expect(await found(move('web1'), move('off1'))).toEqual({
      off1: { blockers: [], warnings: [`As things stand before the run: ${off}`] },
    });
  });

  it('is not asked of a VM that an earlier step changes', async () => {
    expect(await found(action('vm.start', { vm: 'off1' }), move('off1'))).toEqual({});
  });

  it('says to start a VM whose disks have to be copied, not to move it while it is off', async () => {
    const { off1 } = await found(move('off1', { storage: 'copy' }));
    expect(off1?.blockers).toContain('off1 is shutoff, and its disks are copied only while it runs. Start it first.');
    expect(off1?.blockers).not.toContain(off);
  });
});
