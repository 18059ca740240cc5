import { describe, expect, test } from 'vitest';
import { actionNamed, actions } from '../../src/actions/catalogue';
import { bootSeconds } from '../../src/actions/guest-command';
import { vmMigrate } from '../../src/actions/vm.migrate';
import { vmRevert } from '../../src/actions/vm.revert';
import { vmShutdown } from '../../src/actions/vm.shutdown';
import { savingSeconds } from '../../src/actions/vm.snapshot';
import { vmStart } from '../../src/actions/vm.start';
import { History } from '../../src/engine/history';
import { interpret } from '../../src/engine/interpret';
import type { JournalRecord, RunEvent } from '../../src/engine/journal';
import { JournalDurable } from '../../src/engine/journal-durable';
import { switchOverMs } from '../../src/hypervisors/simulated/migration';
import { estimatedOutages, outagesOf } from '../../src/review/outage';
import { riskOf } from '../../src/review/risk';
import { smallInventory } from '../engine/rehearse-lab';
import { planDifferenceOf, rehearsalOf, sideOf } from './sides';
import { withSteps } from './two-runbooks';

const shutdown = (vm: string) => `- uses: vm.shutdown\n  with: { vm: ${vm} }\n`;
const start = (vm: string) => `- uses: vm.start\n  with: { vm: ${vm} }\n`;
const restart = (vm: string) => shutdown(vm) + start(vm);
const estimated = (steps: string, before = '') => estimatedOutages(sideOf(withSteps(steps, before)));

/** In seconds, as the actions estimate. */
const stopping = vmShutdown.estimateSeconds({ vm: '' });
const booting = vmStart.outageSeconds!({ vm: '' });

describe('an estimated outage', () => {
  test('lasts from the shutdown until the guest has booted, whether or not the step waits for it', () => {
    const outage = { vm: 'web1', seconds: stopping + 60 + booting, from: 'estimated' };
    expect(estimated(`${shutdown('web1')}- wait: 1m\n${start('web1')}`)).toEqual([outage]);
    const waiting = start('web1').replace('web1 }', 'web1, waitForGuest: 120 }');
    expect(estimated(`${shutdown('web1')}- wait: 1m\n${waiting}`)).toEqual([outage]);
  });

  test('of a VM that stays off lasts to the end of the run', () => {
    expect(estimated(`${shutdown('web1')}- wait: 1m`)).toEqual([
      { vm: 'web1', seconds: stopping + 60, from: 'estimated', staysOff: true },
    ]);
  });

  test('is the longest of several, the longest first', () => {
    const steps = `${restart('web1')}${shutdown('web2')}- wait: 5m\n${start('web2')}${restart('web2')}`;
    expect(estimated(steps)).toEqual([
      { vm: 'web2', seconds: stopping + 300 + booting, from: 'estimated' },
      { vm: 'web1', seconds: stopping + booting, from: 'estimated' },
    ]);
  });

  test('takes limits into account: whoever waits for a turn to be started is off longer', () => {
    const both = `- forEach: { vm: [web1, web2], batch: 2 }\n  steps:\n${restart('"${{ vm }}"').replace(/^/gm, '    ')}`;
    const longest = (before: string): number => estimated(both, before)[0]!.seconds;
    expect(longest('limits: { total: 1 }\n')).toBeGreaterThan(longest(''));
  });

  test('is none where a guest goes on, and none of a VM that was off', () => {
    const steps = `- uses: vm.snapshot
  with: { vm: web1 }
- uses: guest.patch
  with: { vm: web1 }
- uses: check.guest
  with: { vm: web1, agent: true }
${start('off1')}- uses: vm.migrate
  with: { vm: off1, to: hv2, live: false }`;
    expect(estimated(steps)).toEqual([]);
  });

  test('is what each action says of itself', () => {
    const of = (uses: string, given: string) => estimated(`- uses: ${uses}\n  with: { vm: web1, ${given} }`);
    expect(of('vm.snapshot', 'memory: true')).toMatchObject([{ seconds: savingSeconds }]);
    expect(of('guest.patch', 'memory: true')).toMatchObject([{ seconds: savingSeconds }]);
    expect(of('guest.patch', 'memory: true, snapshot: false')).toEqual([]);
    const given = { vm: 'web1', snapshot: 'old' };
    const revertSeconds = vmRevert.estimateSeconds(given);
    expect(of('vm.revert', 'snapshot: old')).toMatchObject([{ seconds: revertSeconds + bootSeconds }]);
    expect(of('vm.revert', 'snapshot: old, running: false')).toMatchObject([{ staysOff: true }]);
    expect(of('vm.migrate', 'to: hv2')).toMatchObject([{ seconds: vmMigrate.outageSeconds!({ vm: '', to: '' }) }]);
  });

  test('is said by all actions that turn a VM off or on', () => {
    const switching = actions.filter(one => one.operation?.({ vm: 'web1' } as never).leaves !== undefined);
    expect(switching.map(one => one.name)).toEqual(['vm.start', 'vm.shutdown']);
    expect(switching.every(one => one.outageSeconds)).toBe(true);
  });
});

/** For how long somebody finds web1 gone who asks its port again and again: from when its guest is asked to go down until it answers. In seconds. */
async function seen(text: string): Promise<{ outages: number[]; offFor: number }> {
  const { plan } = sideOf(text);
  const { fleet, clock } = smallInventory();
  const askedAt: number[] = [];
  const backAt: number[] = [];
  const journal = {
    append: async (event: RunEvent): Promise<JournalRecord> => {
      if (event.type === 'step.intent' && event.uses === 'vm.shutdown') askedAt.push(clock.now());
      return { n: 0, t: clock.now(), ...event };
    },
  };
  const address = (await fleet.address('web1'))!;
  let wasUp = true;
  const look = async (): Promise<void> => {
    const up = await fleet.reach.tcp(address, 80, { timeoutMs: 60_000 }).then(
      () => true,
      () => false,
    );
    if (up && !wasUp) backAt.push(clock.now());
    wasUp = up;
  };
  let over = false;
  const asking = (async () => {
    for (; !over; await clock.sleep(askAgainMs)) await look();
  })();
  const durable = new JournalDurable('run', new History(), journal, clock);
  const { status } = await interpret(durable, plan, { action: actionNamed, fleet, clock });
  const endedAt = clock.now();
  over = true;
  await asking;
  expect(status).toBe('done');
  return {
    outages: backAt.map((at, which) => (at - askedAt[which]!) / 1000),
    offFor: (endedAt - askedAt.at(-1)!) / 1000,
  };
}

const askAgainMs = 100;

describe('a rehearsed outage', () => {
  test('is what somebody sees who asks the VM again and again while a run goes on', async () => {
    const text = withSteps(`${restart('web1')}- wait: 1m\n${shutdown('web1')}- wait: 2m\n${start('web1')}- wait: 1m`);
    const { outages } = await seen(text);
    expect(outages).toHaveLength(2);
    const side = sideOf(text);
    const [outage] = outagesOf(side, await rehearsalOf(side));
    expect(outage).toMatchObject({ vm: 'web1', from: 'rehearsed' });
    const late = Math.max(...outages) - outage!.seconds;
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan((2 * askAgainMs) / 1000);
  });

  test('of a VM that stays off lasts to the end of the run', async () => {
    const text = withSteps(`${shutdown('web1')}- wait: 2m`);
    const { outages, offFor } = await seen(text);
    expect(outages).toEqual([]);
    const side = sideOf(text);
    expect(outagesOf(side, await rehearsalOf(side))).toEqual([
      { vm: 'web1', seconds: offFor, from: 'rehearsed', staysOff: true },
    ]);
  });

  test('is told instead of the estimate, unless the run does not even come to its end', async () => {
    const moved = sideOf(withSteps('- uses: vm.migrate\n  with: { vm: web1, to: hv2 }'));
    expect(outagesOf(moved, await rehearsalOf(moved))).toEqual([
      { vm: 'web1', seconds: switchOverMs / 1000, from: 'rehearsed' },
    ]);
    const broken = sideOf(withSteps(`${restart('web1')}- uses: vm.revert\n  with: { vm: web1, snapshot: none }`));
    const rehearsal = await rehearsalOf(broken);
    expect(rehearsal.clean.status).not.toBe('done');
    expect(outagesOf(broken, rehearsal)).toEqual(estimatedOutages(broken));
  });

  test('of a VM that was off before is none', async () => {
    const side = sideOf(withSteps(`${start('off1')}${restart('off1')}`));
    expect(outagesOf(side, await rehearsalOf(side))).toEqual([]);
  });
});

describe('of outages before and after', () => {
  test('those that are others are told, the longest first, on both sides of a file that comes or goes', () => {
    const base = withSteps(`${restart('web1')}${restart('web2')}`);
    const head = withSteps(`${shutdown('web1')}- wait: 1m\n${start('web1')}${restart('web2')}${restart('off1')}`);
    const short = { seconds: stopping + booting, from: 'estimated' };
    const long = { seconds: stopping + 60 + booting, from: 'estimated' };
    expect(planDifferenceOf(base, head).outages).toEqual([
      { vm: 'web1', before: short, after: long },
      { vm: 'off1', after: short },
    ]);
    expect(planDifferenceOf(head, base).outages).toEqual([
      { vm: 'web1', before: long, after: short },
      { vm: 'off1', before: short },
    ]);
    expect(planDifferenceOf(undefined, base).outages).toEqual([
      { vm: 'web1', after: short },
      { vm: 'web2', after: short },
    ]);
  });

  test('one that stays off now is another, however long it takes', () => {
    const base = withSteps(`${shutdown('web1')}${start('web1')}`);
    const head = withSteps(`${shutdown('web1')}- wait: ${booting}s`);
    expect(planDifferenceOf(base, head).outages).toMatchObject([
      { vm: 'web1', before: { seconds: stopping + booting }, after: { seconds: stopping + booting, staysOff: true } },
    ]);
  });

  test('one that does not end any more is a risk, however soon the run ends', () => {
    const base = withSteps(`${shutdown('web1')}- wait: 5m\n${start('web1')}`);
    const head = withSteps(shutdown('web1'));
    const longer = (from: string, to: string): string[] => {
      const plan = planDifferenceOf(from, to);
      const nothing = { newlyBad: [], noLongerBad: [], stillBad: [] };
      const problems = { added: [], removed: [], kept: [] };
      const file = { kind: 'runbook', path: 'a.runbook.yaml', change: 'changed', name: 'A', because: [] } as const;
      const reviewed = { ...file, because: [], differences: [], plan, rehearsal: nothing, problems, unknowns: [] };
      return riskOf(reviewed).reasons.flatMap(({ code, level }) => (code === 'longer-outage' ? [level] : []));
    };
    expect(longer(base, head)).toEqual(['medium']);
    expect(longer(head, base)).toEqual([]);
  });

  test('an estimate is compared with an estimate only', async () => {
    const text = withSteps(restart('web1'));
    const rehearsal = await rehearsalOf(sideOf(text));
    const both = planDifferenceOf(text, text, { rehearsals: { base: rehearsal, head: rehearsal } });
    const one = planDifferenceOf(text, text, { rehearsals: { head: rehearsal } });
    expect([both.outages, one.outages]).toEqual([[], []]);
    expect(one.base!.outages[0]!.from).toBe('estimated');
    expect(one.head!.outages[0]!.from).toBe('rehearsed');
  });

  test('a rename of the runbook or of its steps makes no difference', () => {
    const base = withSteps(restart('web1'));
    const head = base.replace('name: Test', 'name: Other').replace('- uses', '- id: off\n    name: Off\n    uses');
    expect(planDifferenceOf(base, head)).toMatchObject({ same: true, outages: [] });
  });
});
