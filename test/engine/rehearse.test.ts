import { describe, expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { rehearsalMarkdown, rehearsalText } from '../../src/engine/rehearsal-report';
import { rehearse } from '../../src/engine/rehearse';
import { time } from '../../src/engine/text-table';
import type { MaintenanceWindow, Step } from '../../src/runbook/model';
import { approve, each, noReturn, parallel, wait } from './harness';
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

  it('brings a VM home that was moved there and back, when a person rolls back again what a lost host was in the way of', async () => {
    const moved = (vm: string, to: string, id: string) => action('vm.migrate', { vm, to }, { id });
    const found = await rehearsalOf([
      moved('web1', 'hv2', 'out'),
      moved('web1', 'hv1', 'back'),
      moved('web2', 'hv1', 'other'),
      moved('web1', 'hv2', 'again'),
    ]);
    expect(found.stories).toEqual([]);
    expect(
      found.steps.find(({ key }) => key === 'other')!.faults['host-lost'].counts['came-back-later'],
    ).toBeGreaterThan(0);
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

  it('tells the longest outages, those that end and those that do not', async () => {
    const quiet = await rehearsalOf([snapshot]);
    expect(quiet.clean.outages).toEqual([]);
    expect(rehearsalText(quiet)).toContain('\nNo VM that is on stops serving.\n');
    const off = (vm: string) => action('vm.shutdown', { vm });
    const found = await rehearsalOf([off('web1'), wait('2m'), action('vm.start', { vm: 'web1' }), off('web2')]);
    expect(found.clean.outages.map(({ vm, staysOff }) => ({ vm, staysOff }))).toEqual([
      { vm: 'web2', staysOff: true },
      { vm: 'web1', staysOff: false },
    ]);
    const [, web1] = found.clean.outages;
    const [shut, pause, start] = found.clean.timetable;
    // From the shutdown on; the guest boots when it has been started.
    expect(web1!.ms).toBeGreaterThan(start!.toMs - shut!.fromMs);
    expect(pause!.toMs - pause!.fromMs).toBe(120_000);
    const line = `Longest outage: web1 ${time(web1!.ms)}. Off at the end: web2.`;
    expect(rehearsalText(found)).toContain(`\n${line}\n`);
    expect(rehearsalMarkdown(found)).toContain(`- ${line}\n`);
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

  it('goes forward after the point of no return, and says that a person is needed', async () => {
    const drop = action('guest.run', { vm: 'web2', argv: ['rm', '-f', '/etc/motd'] }, { id: 'drop' });
    const found = await rehearsalOf([snapshot, noReturn({ id: 'point', message: 'The old is gone' }), drop]);
    expect(found.clean.noReturn).toMatchObject([{ key: 'point', message: 'The old is gone' }]);
    expect(found.steps.find(step => step.key === 'drop')!.faults).toMatchObject({
      'fails-before': { worst: 'finished' },
      'host-lost': { points: 2, worst: 'finished' },
      cancelled: { points: 2, counts: { forward: 1, finished: 1 } },
    });
    expect(found.ok).toBe(true);
    expect(found.needPerson).toBe(found.counts.forward + found.counts['came-back-later']);
    expect(found.asked).toBeGreaterThan(0);
    const text = rehearsalText(found);
    expect(text).toMatch(/passes its point of no return, point: The old is gone/);
    expect(text).toMatch(/need a person before all is well: see later, forward below/);
  });

  it('rejects approvals, lets them expire, and dies and is cancelled while it waits', async () => {
    const found = await rehearsalOf([
      snapshot,
      approve({ id: 'gate', by: 2, expires: '1h' }),
      wait('5m', { id: 'pause' }),
    ]);
    const [, gate, pause] = found.steps;
    expect(gate!.faults).toMatchObject({
      rejected: { points: 1, worst: 'came-back' },
      expired: { points: 1, worst: 'came-back' },
      cancelled: { points: 1, worst: 'came-back' },
      'runner-killed': { points: 1, worst: 'finished' },
    });
    expect(pause!.faults).toMatchObject({ cancelled: { worst: 'came-back' }, 'runner-killed': { worst: 'finished' } });
    expect(found.clean.durationMs).toBeGreaterThanOrEqual(300_000);
    expect(found.ok).toBe(true);
  });

  it('tells a failed step of finally from what does not come back', async () => {
    const plan = planOf([move], { finally: [action('vm.snapshot', { vm: 'off1', name: 'last' }, { id: 'last' })] });
    const found = await rehearse({ plan, action: actionNamed, inventory: smallInventory() });
    expect(found.steps.map(step => step.key)).toEqual(['move', '~finally/last']);
    expect(found.steps[0]!.faults['fails-before'].worst).toBe('came-back');
    expect(found.steps[1]!.faults['fails-before'].worst).toBe('finally-open');
    expect(found.ok).toBe(true);
  });

  it('keeps to limits, and begins when its window is open', async () => {
    const busy = (vm: string) => action('guest.run', { vm, argv: ['sleep', '10'], changes: false });
    const both = [parallel([busy('web1'), busy('web2')])];
    const free = await rehearse({ plan: planOf(both), action: actionNamed, inventory: smallInventory() });
    const window: MaintenanceWindow = { allow: ['Mon 22:00-23:00'], zone: 'UTC', outside: 'wait', closing: 'drain' };
    const plan = planOf(both, { limits: { total: 1 }, window });
    const found = await rehearse({ plan, action: actionNamed, inventory: smallInventory() });
    expect(found.clean.durationMs).toBeGreaterThan(free.clean.durationMs + 9_000);
    expect(new Date(found.clean.windowOpens!).toISOString()).toMatch(/^2026-01-05T22:00/);
    expect(rehearsalText(found)).toMatch(/begun when its maintenance window is open, at Mon 2026-01-05 22:00 UTC/);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const whole = rehearse({
      plan: planOf([move]),
      action: actionNamed,
      inventory: smallInventory(),
      signal: stop.signal,
      onProgress: done => {
        seen.push(done);
        if (done === 2) stop.abort();
      },
    });
    await expect(whole).rejects.toThrow('aborted');
    expect(seen).toEqual([1, 2]);
  });

  it('goes into Markdown as text and nothing else', async () => {
    const found = await rehearsalOf([action('vm.snapshot', { vm: 'web1', name: 'x' }, { name: '<b>|[x](y)`' })]);
    expect(rehearsalMarkdown(found)).toContain('\\<b\\>\\|\\[x\\](y)\\`');
  });
});
