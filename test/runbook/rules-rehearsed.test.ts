import { describe, expect, test } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { rehearse } from '../../src/engine/rehearse';
import { parseRunbook } from '../../src/runbook/parse';
import { rules } from '../../src/runbook/rules';
import { planOf, smallInventory } from '../engine/rehearse-lab';

// What a rule says of its example is what a rehearsal of it finds.

function rehearsed(example: string) {
  const { runbook } = parseRunbook(`version: 1\nname: Sample\nsteps:\n${example.replace(/^(?=.)/gm, '  ')}\n`);
  return rehearse({ plan: planOf(runbook!.steps), action: actionNamed, inventory: smallInventory(), pairs: false });
}

describe('examples of the rules in a rehearsal', () => {
  test.each(['migrate-with-snapshot', 'snapshot-exists', 'vm-is-off', 'migrate-during-backup'] as const)(
    '%s: the bad one fails by itself, the good one does not',
    async code => {
      expect((await rehearsed(rules[code].bad)).clean.status).toBe('rolled-back');
      const { clean, ok } = await rehearsed(rules[code].good);
      expect(clean.status).toBe('done');
      expect(ok).toBe(true);
    },
  );

  test('missing-undo: of the bad one something is left, of the good one all comes back', async () => {
    const bad = await rehearsed(rules['missing-undo'].bad);
    expect(bad.clean.status).toBe('done');
    expect(bad.ok).toBe(false);
    expect((await rehearsed(rules['missing-undo'].good)).ok).toBe(true);
  });
});
