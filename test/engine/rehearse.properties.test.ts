import fc from 'fast-check';
import { expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { History } from '../../src/engine/history';
import { interpret } from '../../src/engine/interpret';
import type { RunEnded, RunEvent } from '../../src/engine/journal';
import { JournalDurable } from '../../src/engine/journal-durable';
import type { Plan } from '../../src/engine/plan';
import { Rehearsing } from '../../src/engine/rehearse';
import { type Injection, rehearsalRunId, type SimulatedRun, simulate } from '../../src/engine/rehearse-run';
import type { SimulatedInventory } from '../../src/inventory/simulated-inventory';
import type { Step } from '../../src/runbook/model';
import { each } from './harness';
import { action, planOf, smallInventory } from './rehearse-lab';

const actionOn = (vm: string): fc.Arbitrary<Step> =>
  fc.oneof(
    fc.boolean().map(memory => action('vm.snapshot', { vm, memory })),
    fc.constantFrom('hv1', 'hv2').map(to => action('vm.migrate', { vm, to })),
    fc.constant(
      action('guest.run', { vm, argv: ['systemctl', 'stop', 'nginx'], undo: ['systemctl', 'start', 'nginx'] }),
    ),
    fc.constant(action('guest.run', { vm, argv: ['rm', '-f', '/etc/motd'] })),
    fc.boolean().map(shot => action('guest.patch', { vm, snapshot: shot })),
    fc.constant(action('check.guest', { vm, agent: true, timeout: 10 })),
    fc.constant(action('backup.image', { vm, proxy: 'backup1' })),
    fc.constant(action('vm.shutdown', { vm })),
  );
const runbook: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('web1', 'web2').chain(actionOn) },
    {
      weight: 1,
      arbitrary: fc
        .record({
          body: fc.array(actionOn('${{ item }}'), { minLength: 1, maxLength: 2 }),
          maxFailures: fc.integer({ min: 0, max: 1 }),
        })
        .map(({ body, maxFailures }) => each(['web1', 'web2'], body, { maxFailures })),
    },
  ),
  { minLength: 1, maxLength: 4 },
);

/** A run from its beginning, with the fault put into the lab's calls by other means than the rehearsal's. */
async function runWithFault(plan: Plan, inventory: SimulatedInventory, injection: Injection): Promise<RunEnded> {
  const { how, call, key } = injection;
  if (how.do !== 'fault' || !call) throw new Error('Only faults of calls are put in here.');
  let begun = false;
  let seen = 0;
  inventory.onCall = ({ at, vm }) => {
    if (!begun || at !== call.at || vm !== call.vm) return undefined;
    return ++seen === call.nth ? how.fault : undefined;
  };
  let records = 0;
  const durable: JournalDurable = new JournalDurable(
    rehearsalRunId,
    new History(),
    {
      append: async (event: RunEvent) => {
        if (event.type === 'step.intent' && event.key === key) begun = true;
        if (event.type === 'question.asked') setImmediate(() => void durable.answer(event.id, 'rollback', 'rehearsal'));
        return structuredClone({ n: records++, t: inventory.clock.now(), ...event });
      },
    },
    inventory.clock,
  );
  return interpret(durable, plan, { action: actionNamed, fleet: inventory.fleet, clock: inventory.clock });
}

/** Each line, but for the times in it: a run that goes on as another one did has its. */
function whatIsLeft(start: SimulatedInventory, run: Pick<SimulatedRun, 'inventory'>): string[] {
  const left = start.differences(run.inventory as SimulatedInventory);
  return left.map(one => one.text.replace(/\d{4}-?\d\d-?\d\dT[\d:.]+Z/g, 'TIME'));
}

it('what a rehearsal says of a failure point is what happens when a run meets that fault', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(runbook, fc.nat(), async (steps, which) => {
      const plan = planOf(steps);
      const start = smallInventory();
      const rehearsing = new Rehearsing({ plan, action: actionNamed, inventory: start });
      const clean = await rehearsing.clean();
      fc.pre(clean.status === 'done');
      const points = rehearsing.points().filter(point => point.injection.how.do === 'fault');
      fc.pre(points.length > 0);
      const point = points[which % points.length]!;
      const said = await rehearsing.at(point);
      const inventory = start.fork();
      const ended = await runWithFault(plan, inventory, point.injection);
      expect(said.run.ended).toEqual(ended);
      expect(said.run.inventory.clock.now()).toBe(inventory.clock.now());
      expect(whatIsLeft(start, said.run)).toEqual(whatIsLeft(start, { inventory }));
      compared++;
    }),
    { numRuns: 150, seed: 20260103 },
  );
  // The law says little when runbooks seldom get through.
  expect(compared).toBeGreaterThan(60);
}, 60_000);

it('a run that goes on from the middle of the clean one ends as one from the beginning: faults, dying runners, cancels', async () => {
  await fc.assert(
    fc.asyncProperty(runbook, fc.nat(), async (steps, which) => {
      const plan = planOf(steps);
      const start = smallInventory();
      const rehearsing = new Rehearsing({ plan, action: actionNamed, inventory: start });
      fc.pre((await rehearsing.clean()).status === 'done');
      const points = rehearsing.points();
      const point = points[which % points.length]!;
      const said = await rehearsing.at(point);
      const whole = await simulate({ plan, action: actionNamed }, { records: [], count: 0, inventory: start }, [
        point.injection,
      ]);
      expect(said.run.ended).toEqual(whole.ended);
      expect(said.run.fired).toBe(whole.fired);
      expect(whatIsLeft(start, said.run)).toEqual(whatIsLeft(start, whole));
    }),
    { numRuns: 150, seed: 20260103 },
  );
}, 60_000);

it('whatever goes wrong: the inventory is back, or the run names what is left', async () => {
  await fc.assert(
    fc.asyncProperty(runbook, fc.nat(), async (steps, which) => {
      const rehearsing = new Rehearsing({ plan: planOf(steps), action: actionNamed, inventory: smallInventory() });
      fc.pre((await rehearsing.clean()).status === 'done');
      const points = rehearsing.points();
      const { verdict, left, run } = await rehearsing.at(points[which % points.length]!);
      expect(['stuck', 'left-unsaid'], JSON.stringify({ left, ended: run.ended })).not.toContain(verdict);
    }),
    { numRuns: 300, seed: 20260103 },
  );
}, 60_000);
