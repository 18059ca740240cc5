import { describe, expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { rehearsalMarkdown, rehearsalText } from '../../src/engine/rehearsal-report';
import { rehearse } from '../../src/engine/rehearse';
import type { Step } from '../../src/runbook/model';
import { each } from './harness';
import { action, planOf, smallInventory } from './rehearse-lab';

const rehearsalOf = (steps: Step[], pairs = false) =>
  rehearse({ plan: planOf(steps), action: actionNamed, inventory: smallInventory(), pairs });

const snapshot = action('vm.snapshot', { vm: 'web1', name: 'before' }, { id: 'before' });
const move = action('vm.migrate', { vm: 'web1', to: 'hv2' }, { id: 'move' });

describe('a rehearsal', () => {
  it('finds that everything comes back where every step can be undone', async () => {
    const found = await rehearsalOf([move, snapshot], true);
    expect(found.stories).toEqual([]);
    expect(found.ok).toBe(true);
    expect(found.clean.status).toBe('done');
    expect(found.steps.map(step => step.key)).toEqual(['move', 'before']);
    expect(found.steps[0]!.faults).toMatchObject({
      'fails-before': { points: 1, worst: 'came-back' },
      unknown: { points: 3, counts: { finished: 1, 'came-back': 2 } },
      'host-lost': { points: 2 },
      'datastore-full': { worst: 'came-back' },
      'runner-killed': { points: 3, worst: 'finished' },
      cancelled: { points: 2, worst: 'came-back' },
    });
    // A migration asks no agent anything.
    expect(found.steps[0]!.faults['agent-silent']).toEqual({ points: 0, counts: {}, worst: 'not-hit' });
    expect(found.pairs!.points).toBeGreaterThan(20);
  });

  it('says what is left of a step that can not be undone, and that the run says it', async () => {
    const burn = action('guest.run', { vm: 'web1', argv: ['systemctl', 'stop', 'nginx'] }, { id: 'burn' });
    const found = await rehearsalOf([burn, snapshot]);
    expect(found.ok).toBe(false);
    const story = found.stories.find(one => one.key === 'before' && one.fault === 'fails-before');
    expect(story).toMatchObject({ verdict: 'left' });
    expect(story!.left).toEqual(['vm web1: guest.services.nginx is "inactive", was "active"']);
    expect(story!.text.join('\n')).toMatch(/before .*snapshots\.create fails and does nothing/);
    expect(story!.text.join('\n')).toMatch(/It says that burn is left/);
  });

  it('knows what a runbook declares to leave', async () => {
    const kept = action(
      'guest.run',
      { vm: 'web1', argv: ['systemctl', 'stop', 'nginx'] },
      { id: 'k', rollback: 'none' },
    );
    const found = await rehearsalOf([kept, action('vm.snapshot', { vm: 'web2', name: 'x' }, { id: 's' })]);
    expect(found.steps[1]!.faults['fails-before'].worst).toBe('as-declared');
    expect(found.stories).toEqual([]);
    expect(found.ok).toBe(true);
  });

  it('rehearses nothing of a runbook that fails by itself, and says why', async () => {
    const found = await rehearsalOf([snapshot, action('vm.migrate', { vm: 'web1', to: 'hv2' }, { id: 'move' })]);
    expect(found.clean).toMatchObject({ status: 'rolled-back', failedStep: 'move' });
    expect(found).toMatchObject({ ok: false, runs: 1, stories: [] });
    expect(rehearsalText(found)).toMatch(/Even when nothing is made to go wrong, it ends rolled-back: move .*snapshot/);
  });

  it('predicts the timetable, with what goes on side by side', async () => {
    const loop = (batch: number) =>
      each(['web1', 'web2'], [action('guest.run', { vm: '${{ item }}', argv: ['sleep', '10'], changes: false })], {
        batch,
      });
    const one = await rehearsalOf([loop(1)]);
    const two = await rehearsalOf([loop(2)]);
    expect(two.clean.durationMs).toBeGreaterThanOrEqual(10_000);
    expect(one.clean.durationMs).toBe(2 * two.clean.durationMs);
    const [first, second] = two.clean.timetable;
    expect(second).toMatchObject({ fromMs: first!.fromMs, toMs: first!.toMs });
  });

  it('keeps to time-outs, which come only when time has passed', async () => {
    const slow = action(
      'guest.run',
      { vm: 'web1', argv: ['sleep', '10'], changes: false },
      { id: 'slow', timeoutMs: 11_000 },
    );
    expect((await rehearsalOf([slow])).clean.status).toBe('done');
    const late = { ...slow, timeoutMs: 9_000 };
    expect((await rehearsalOf([late])).clean).toMatchObject({ status: 'failed', failure: { class: 'timeout' } });
  });

  it('is the same every time', async () => {
    const steps = [move, snapshot, action('guest.patch', { vm: 'web2' }, { id: 'patch' })];
    expect(await rehearsalOf(steps)).toEqual(await rehearsalOf(steps));
  });

  it('leaves the inventory that it was given as it was', async () => {
    const inventory = smallInventory();
    const before = inventory.fork();
    await rehearse({ plan: planOf([move, snapshot]), action: actionNamed, inventory });
    expect(before.differences(inventory)).toEqual([]);
  });

  it('goes into Markdown as text and nothing else', async () => {
    const found = await rehearsalOf([action('vm.snapshot', { vm: 'web1', name: 'x' }, { name: '<b>|[x](y)`' })]);
    expect(rehearsalMarkdown(found)).toContain('\\<b\\>\\|\\[x\\](y)\\`');
  });
});
