import fc from 'fast-check';
import { expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { History } from '../../src/engine/history';
import { interpret } from '../../src/engine/interpret';
import type { RunEnded, RunEvent } from '../../src/engine/journal';
import { JournalDurable } from '../../src/engine/journal-durable';
import { makeGate, whereNow } from '../../src/engine/limits';
import type { Plan } from '../../src/engine/plan';
import { Rehearsing } from '../../src/engine/rehearse';
import { type Injection, rehearsalRunId, type SimulatedRun } from '../../src/engine/rehearse-run';
import type { SimulatedInventory } from '../../src/inventory/simulated-inventory';
import { smallInventory } from './rehearse-lab';
import { anyPlan } from './rehearse-runbooks';

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
        if (event.type === 'question.asked') void answer(event.id);
        if (event.type === 'approval.asked') void approve(event.key, event.by);
        return structuredClone({ n: records++, t: inventory.clock.now(), ...event });
      },
    },
    inventory.clock,
  );
  const { fleet, clock } = inventory;
  // What is asked is open a moment after it was recorded, before any time passes.
  const say = async (tell: () => Promise<boolean>): Promise<void> => {
    for (let turn = 0; turn < 100; turn++) if (await tell()) return;
  };
  const asked = new Map<string, number>();
  const answer = async (id: string): Promise<void> => {
    if (!id.startsWith('forward ')) return say(() => durable.answer(id, 'rollback', 'rehearsal'));
    const step = id.slice(0, id.lastIndexOf('#'));
    const tries = (asked.get(step) ?? 0) + 1;
    asked.set(step, tries);
    if (tries > 3) return say(() => durable.answer(id, 'stop', 'rehearsal'));
    await clock.sleep(300_000);
    inventory.startLost();
    return say(() => durable.answer(id, 'again', 'rehearsal'));
  };
  const approve = async (key: string, by: number): Promise<void> => {
    for (let person = 1; person <= by; person++) {
      await say(async () => (await durable.approve(key, 'approve', `person ${person}`)) === undefined);
    }
  };
  const limits = plan.limits && { limits: makeGate(plan.limits, whereNow(fleet)) };
  return interpret(durable, plan, { action: actionNamed, fleet, clock, ...limits });
}

/** Each line, but for the times in it: a run that goes on as another one did has its. */
function whatIsLeft(start: SimulatedInventory, run: Pick<SimulatedRun, 'inventory'>): string[] {
  const left = start.differences(run.inventory as SimulatedInventory);
  return left.map(one => one.text.replace(/\d{4}-?\d\d-?\d\dT[\d:.]+Z|createdAt\W+\d+/g, 'TIME'));
}

it('what a rehearsal says of a failure point is what happens when a run meets that fault', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(anyPlan, fc.nat(), async (plan, which) => {
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
