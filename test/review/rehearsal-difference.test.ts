import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FailurePoint, RehearsalDifference } from '../../src/review/model';
import { rehearsalDifference } from '../../src/review/rehearsal-difference';
import { matchesOf, rehearsalDifferenceOf, rehearsalOf, sideOf } from './sides';
import { withSteps } from './two-runbooks';

const stop = (vm: string, more = '') =>
  `- uses: guest.run\n  with: { vm: ${vm}, argv: [systemctl, stop, nginx]${more} }\n`;
const undo = ', undo: [systemctl, start, nginx]';
const snapshot = (vm: string, id = 'before') => `- id: ${id}\n  uses: vm.snapshot\n  with: { vm: ${vm}, name: x }\n`;
const loop = (vms: string, body: string, id = 'all') =>
  `- id: ${id}\n  forEach: { vm: [${vms}] }\n  steps:\n${body.replace(/^(?=.)/gm, '    ')}`;
const item = '"${{ vm }}"';

const names = (points: readonly FailurePoint[]): string[] => points.map(({ step, fault }) => `${step.key} ${fault}`);
const none = { newlyBad: [], noLongerBad: [], stillBad: [] };

describe('of two rehearsals', () => {
  test('what does not come back any more is told with what happens then, the worst first', async () => {
    const base = withSteps(stop('web1', undo) + snapshot('web2'));
    const head = withSteps(stop('web1') + snapshot('web2'));
    const found = await rehearsalDifferenceOf(base, head);
    expect(found.stillBad).toEqual([]);
    expect(found.noLongerBad).toEqual([]);
    const point = found.newlyBad.find(one => one.step.key === 'before' && one.fault === 'fails-before');
    expect(point).toMatchObject({
      step: { pointer: '/steps/1', uses: 'vm.snapshot', key: 'before', title: expect.stringContaining('web2') },
      verdict: 'left',
      other: 'came-back',
      otherBad: 0,
      bad: 1,
      ways: 1,
      left: ['vm web1: guest.services.nginx is "inactive", was "active"'],
      place: { path: 'main.runbook.yaml', line: 6, endLine: 8 },
    });
    expect(point!.story[0]).toMatch(/^before .*snapshots\.create fails and does nothing/);
    expect(found.base).toMatchObject({ clean: { status: 'done' }, bad: 0 });
    expect(found.head!.bad).toBeGreaterThan(0);
  });

  test('a fix is told as what comes back now, with the place that it had', async () => {
    const base = withSteps(stop('web1') + snapshot('web2'));
    const found = await rehearsalDifferenceOf(base, withSteps(stop('web1', undo) + snapshot('web2')));
    expect(found).toMatchObject({ newlyBad: [], stillBad: [] });
    expect(found.noLongerBad[0]).toMatchObject({ verdict: 'left', place: { path: 'main.runbook.yaml' } });
  });

  test('a step that goes takes its failures with it, one that comes brings new ones', async () => {
    const one = withSteps(stop('web1'));
    const two = withSteps(stop('web1') + snapshot('web2'));
    const added = await rehearsalDifferenceOf(one, two);
    const ofSnapshot = added.newlyBad.filter(point => point.step.key === 'before');
    expect(ofSnapshot.length).toBeGreaterThan(0);
    expect(ofSnapshot.every(point => point.other === undefined && point.otherBad === undefined)).toBe(true);
    const removed = await rehearsalDifferenceOf(two, one);
    expect(names(removed.noLongerBad)).toEqual(expect.arrayContaining(names(ofSnapshot)));
  });

  test('a name, another place without consequence, a block around them: nothing is new', async () => {
    const base = withSteps(stop('web1') + snapshot('web2') + snapshot('off1', 'other'));
    const head = withSteps(
      `${stop('web1').replace('- uses', '- name: Stop it\n  uses')}- steps:\n${(snapshot('off1', 'other') + snapshot('web2', 'renamed')).replace(/^(?=.)/gm, '    ')}`,
    );
    const found = await rehearsalDifferenceOf(base, head);
    expect(found.newlyBad).toEqual([]);
    expect(found.noLongerBad).toEqual([]);
    expect(found.stillBad.length).toBeGreaterThan(0);
    expect(found.stillBad.every(point => point.bad === point.otherBad)).toBe(true);
  });

  test('items of a loop are one failure point, and more items alone are no worse', async () => {
    const steps = (vms: string, id?: string) => withSteps(stop('web1') + loop(vms, snapshot(item), id));
    const found = await rehearsalDifferenceOf(steps('web1'), steps('web1, web2', 'each'));
    expect(found.newlyBad).toEqual([]);
    const point = found.stillBad.find(one => one.step.uses === 'vm.snapshot' && one.fault === 'fails-before');
    expect(point).toMatchObject({ step: { key: 'each[…]/before × 2', pointer: '/steps/1/steps/0' } });
    expect(point!.bad).toBe(2 * point!.otherBad!);
    const fewer = await rehearsalDifferenceOf(steps('web1, web2'), steps('web2'));
    expect(fewer).toMatchObject({ newlyBad: [], noLongerBad: [] });
  });

  test('more items that leave more behind are worse', async () => {
    const steps = (vms: string) => withSteps(loop(vms, stop(item)));
    const found = await rehearsalDifferenceOf(steps('web1'), steps('web1, web2'));
    expect(names(found.newlyBad)).toContain('all[…]/guest.run#1 × 2 fails-before');
  });

  test('a step that was put into a loop is the same step', async () => {
    const base = withSteps(stop('web1') + snapshot('web1'));
    const head = withSteps(stop('web1') + loop('web1, web2', snapshot(item)));
    const found = await rehearsalDifferenceOf(base, head);
    expect(found).toMatchObject({ newlyBad: [], noLongerBad: [] });
    expect(names(found.stillBad)).toContain('all[…]/before × 2 fails-before');
  });

  test('nothing at all on equal sides', async () => {
    const text = withSteps(stop('web1') + snapshot('web2'));
    const found = await rehearsalDifferenceOf(text, text);
    expect(found).toMatchObject({ newlyBad: [], noLongerBad: [] });
    expect(found.head).toEqual(found.base);
  });
});

describe('a failure that was bad before', () => {
  const side = sideOf(withSteps(loop('web1, web2', stop(item)) + snapshot('off1')));

  /** With so many ways that are not back, by item, of one fault. */
  async function changed(bad: Record<string, number>, verdict: 'left' | 'left-unsaid' = 'left') {
    const rehearsal = structuredClone(await rehearsalOf(side));
    for (const step of rehearsal.steps) {
      for (const cell of Object.values(step.faults)) Object.assign(cell, { points: 0, counts: {}, worst: 'not-hit' });
      const count = Object.entries(bad).find(([vm]) => step.key.includes(`[${vm}]`))?.[1];
      if (count === undefined) continue;
      const back = 5 - count;
      step.faults.unknown = {
        points: 5,
        counts: { 'came-back': back, [verdict]: count },
        worst: count > 0 ? verdict : 'came-back',
      };
    }
    return { rehearsal, assumed: [] };
  }
  async function compared(base: Parameters<typeof changed>, head: Parameters<typeof changed>) {
    const none = { base: () => undefined, head: () => undefined };
    return rehearsalDifference(await changed(...base), await changed(...head), {}, matchesOf(side, side), none);
  }

  test.each([
    ['of which more ways do not come back', [{ web1: 1, web2: 1 }], [{ web1: 1, web2: 2 }], 'newlyBad'],
    ['of which fewer ways do not come back', [{ web1: 2, web2: 1 }], [{ web1: 1, web2: 1 }], 'stillBad'],
    ['that ends worse', [{ web1: 1 }], [{ web1: 1 }, 'left-unsaid'], 'newlyBad'],
    ['that ends better', [{ web1: 1 }, 'left-unsaid'], [{ web1: 1 }], 'stillBad'],
    ['of an item that came back before', [{ web1: 1, web2: 0 }], [{ web1: 1, web2: 1 }], 'newlyBad'],
    ['of a new item, no worse than another one', [{ web1: 1 }], [{ web1: 1, web2: 1 }], 'stillBad'],
    ['of a new item, worse than any other', [{ web1: 1 }], [{ web1: 1, web2: 2 }], 'newlyBad'],
    ['of all items but one', [{ web1: 1, web2: 1 }], [{ web1: 1, web2: 0 }], 'stillBad'],
  ] as const)('%s', async (_, base, head, where) => {
    const found = await compared([...base] as Parameters<typeof changed>, [...head] as Parameters<typeof changed>);
    expect({
      newlyBad: found.newlyBad.length,
      stillBad: found.stillBad.length,
      noLongerBad: found.noLongerBad.length,
    }).toEqual({
      newlyBad: 0,
      stillBad: 0,
      noLongerBad: 0,
      [where]: 1,
    });
  });
});

describe('a side without a rehearsal', () => {
  const bad = withSteps(stop('web1') + snapshot('web2'));
  const failing = withSteps(`${stop('web1')}- uses: vm.revert\n  with: { vm: web2, snapshot: none }`);

  test('at the base: all of the head is new, and why is said', async () => {
    const found = await rehearsalDifferenceOf(failing, bad);
    expect(found.baseProblem).toMatch(
      /^Even when nothing is made to go wrong, it ends \S+: .*web2 has no snapshot none/,
    );
    expect(found.newlyBad.length).toBeGreaterThan(0);
    expect(found).toMatchObject({ noLongerBad: [], stillBad: [] });
  });

  test('at the head: nothing is said to come back', async () => {
    const found = await rehearsalDifferenceOf(bad, failing);
    expect(found.headProblem).toMatch(/^Even when nothing is made to go wrong/);
    expect(found).toMatchObject(none);
  });

  test('because there is no such file: what it had is gone', async () => {
    const gone = await rehearsalDifferenceOf(bad, undefined);
    expect(gone.noLongerBad.length).toBeGreaterThan(0);
    expect(gone).toMatchObject({ newlyBad: [], stillBad: [] });
    expect(gone).not.toHaveProperty('headProblem');
    expect(names((await rehearsalDifferenceOf(undefined, bad)).newlyBad)).toEqual(names(gone.noLongerBad));
  });

  test('keeps the reason that it was given', () => {
    const found = rehearsalDifference(undefined, undefined, { base: 'No lab.' }, matchesOf(undefined, undefined), {
      base: () => undefined,
      head: () => undefined,
    });
    expect(found).toEqual({ ...none, baseProblem: 'No lab.' });
  });
});

const blocks = fc.constantFrom(
  stop('web1'),
  stop('web1', undo),
  stop('web2'),
  snapshot('web1', 'one'),
  snapshot('off1', 'two'),
  loop('web1, web2', stop(item)),
  loop('web2', stop(item)),
  loop('web1, web2', stop(item, undo)),
);
const anyRunbook = fc
  .uniqueArray(blocks, { minLength: 1, maxLength: 3, selector: block => block.split('\n')[0] })
  .map(all => withSteps(all.join('')));

/** What is bad on one side only, and what on both, without what it is called there. */
function sets({ newlyBad, noLongerBad, stillBad }: RehearsalDifference) {
  const before = (point: FailurePoint): boolean => (point.otherBad ?? 0) > 0;
  return {
    onlyHead: names(newlyBad.filter(point => !before(point))).sort(),
    onlyBase: names(noLongerBad).sort(),
    both: newlyBad.filter(before).length + stillBad.length,
  };
}

test('with base and head changed over, what is bad on one side only changes over, and what is bad on both stays', async () => {
  let bad = 0;
  await fc.assert(
    fc.asyncProperty(anyRunbook, anyRunbook, async (base, head) => {
      const there = await rehearsalDifferenceOf(base, head);
      fc.pre(there.baseProblem === undefined && there.headProblem === undefined);
      const back = sets(await rehearsalDifferenceOf(head, base));
      const { onlyHead, onlyBase, both } = sets(there);
      expect({ onlyHead: back.onlyBase, onlyBase: back.onlyHead, both: back.both }).toEqual({
        onlyHead,
        onlyBase,
        both,
      });
      expect(new Set([...names(there.newlyBad), ...names(there.stillBad)]).size).toBe(
        there.newlyBad.length + there.stillBad.length,
      );
      bad += onlyHead.length + onlyBase.length;
    }),
    { numRuns: 40, seed: 20261123 },
  );
  // The law says little where nothing is bad.
  expect(bad).toBeGreaterThan(50);
}, 120_000);
