import fc from 'fast-check';
import { expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import type { Plan } from '../../src/engine/plan';
import { Rehearsing } from '../../src/engine/rehearse';
import { CallRecorder, injectionsFor, rehearsedFaults } from '../../src/engine/rehearse-points';
import { type Injection, type SimulatedRun, simulate } from '../../src/engine/rehearse-run';
import type { SimulatedInventory } from '../../src/inventory/simulated-inventory';
import { smallInventory } from './rehearse-lab';
import { anyPlan } from './rehearse-runbooks';

/** What became of it: its end, how long it took, and each thing that is not as it was. Moments in it are not told. */
function outcome(start: SimulatedInventory, run: SimulatedRun) {
  const left = start.differences(run.inventory as SimulatedInventory).map(one => one.text);
  const text = JSON.stringify({ ended: run.ended, left: left.sort(), questions: run.questions });
  return {
    // What is said in an end may be cut off in the middle of a moment.
    text: text.replace(/\d{4}-?\d\d-?\d\dT[\d:.]*Z?/g, 'TIME').replace(/createdAt\W+\d+/g, 'createdAt'),
    ms: Math.round(run.inventory.clock.now() - start.clock.now()),
    fired: run.fired,
  };
}

async function prepared(plan: Plan): Promise<{ rehearsing: Rehearsing; start: SimulatedInventory }> {
  const start = smallInventory();
  const rehearsing = new Rehearsing({ plan, action: actionNamed, inventory: start });
  fc.pre((await rehearsing.clean()).status === 'done');
  return { rehearsing, start };
}

const alone = (plan: Plan, inventory: SimulatedInventory, injections: Injection[]) =>
  simulate({ plan, action: actionNamed }, { records: [], count: 0, inventory }, injections);

it('a run whose last part is taken from an equal one ends as if it had gone through all of it from the beginning', async () => {
  let shared = 0;
  let rejoined = 0;
  await fc.assert(
    fc.asyncProperty(anyPlan, fc.nat(), async (plan, which) => {
      const { rehearsing, start } = await prepared(plan);
      const points = rehearsing.points();
      // Those before it are what it may take its last part from.
      const chosen = new Set([0, 1, 2, 3, 4, 5].map(at => (which + at * 7) % points.length));
      for (const at of [...chosen].sort((left, right) => left - right)) {
        const { run } = await rehearsing.at(points[at]!, []);
        if (run.shared > 0) shared++;
        if (run.rejoined) rejoined++;
        const whole = await alone(plan, start, [points[at]!.injection]);
        expect(outcome(start, run), JSON.stringify(points[at]!.injection)).toEqual(outcome(start, whole));
      }
    }),
    { numRuns: 100, seed: 20260104 },
  );
  // The law says little where nothing is shared.
  expect(shared).toBeGreaterThan(30);
  expect(rejoined).toBeGreaterThan(30);
}, 120_000);

it('so does one in which a second thing goes wrong in the rollback', async () => {
  let shared = 0;
  await fc.assert(
    fc.asyncProperty(anyPlan, fc.nat(), fc.nat(), async (plan, which, next) => {
      const { rehearsing, start } = await prepared(plan);
      const points = rehearsing.points();
      const at = which % points.length;
      // What it may take its last part from.
      for (const point of points.slice(Math.max(0, at - 25), at)) await rehearsing.at(point);
      const recorder = new CallRecorder(() => 0);
      await rehearsing.at(points[at]!, [], { recorder, ownUndos: 'all' });
      const undos = recorder.effects.filter(effect => effect.phase === 'undo');
      const seconds = undos.flatMap(undo => rehearsedFaults.flatMap(fault => injectionsFor(undo, fault)));
      fc.pre(seconds.length > 0);
      const second = seconds[next % seconds.length]!;
      const { run } = await rehearsing.at(points[at]!, [second]);
      if (run.shared > 0) shared++;
      const whole = await alone(plan, start, [points[at]!.injection, second]);
      expect(outcome(start, run), JSON.stringify([points[at]!.injection, second])).toEqual(outcome(start, whole));
    }),
    { numRuns: 60, seed: 20260105 },
  );
  expect(shared).toBeGreaterThan(1);
}, 120_000);

it('whatever goes wrong, in whatever kind of step: it is back, as declared, past its point of no return, or the run names what is left', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(anyPlan, fc.nat(), async (plan, which) => {
      const { rehearsing } = await prepared(plan);
      const points = rehearsing.points();
      for (const at of [0, 1, 2, 3]) {
        const { verdict, left, run } = await rehearsing.at(points[(which + at * 5) % points.length]!);
        seen.add(verdict);
        // Where nginx was stopped already, starting it again is no undo of stopping it: the rehearsal rightly finds that.
        const wrongUndo = verdict === 'left-unsaid' && left.every(one => one.path === 'guest.services.nginx');
        const what = JSON.stringify({ left, run: run.records.slice(-8), questions: run.questions });
        if (!wrongUndo) expect(['stuck', 'left-unsaid'], what).not.toContain(verdict);
      }
    }),
    { numRuns: 150, seed: 20260106 },
  );
  expect([...seen].sort()).toEqual(
    expect.arrayContaining([
      'as-declared',
      'came-back',
      'came-back-later',
      'finally-open',
      'finished',
      'forward',
      'left',
    ]),
  );
}, 120_000);
