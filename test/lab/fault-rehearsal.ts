import { actionNamed } from '../../src/actions/catalogue';
import type { Failure, RunEnded } from '../../src/engine/journal';
import type { Plan } from '../../src/engine/plan';
import type { RehearsalInventory } from '../../src/engine/rehearsal-world';
import { Rehearsing } from '../../src/engine/rehearse';
import type { Injection } from '../../src/engine/rehearse-run';

/** What is compared between a real run and its rehearsal. */
export interface Outcome {
  status: RunEnded['status'] | 'stuck';
  /** Class of the failure of the step. */
  failure?: Failure['class'];
  /** A person had to say what became of it; the answer was to roll back. */
  asked?: true;
  /** `back`: as before the run; `done`: as after the run without a fault; `left`: neither. */
  inventory: 'back' | 'done' | 'left';
  /** VMs that the fault itself turned off, and that are still off. */
  lost?: string[];
}

/** The call of a step that a fault strikes in the simulation, and how. */
export interface SimulatedStrike {
  /** e.g. `snapshots.create`. */
  at: string;
  /** Which of these calls of the step, from 1. */
  nth?: number;
  how: Injection['how'];
}

/** Faults that can strike some step of the plan. */
export async function faultsOf(plan: Plan, inventory: RehearsalInventory): Promise<string[]> {
  const rehearsing = new Rehearsing({ plan, action: actionNamed, inventory });
  await rehearsing.clean();
  return [...new Set(rehearsing.points().map(point => point.fault))];
}

/** Runs the plan on the simulated copy with the fault at its first step, as a rehearsal does, and judges it as a rehearsal does. */
export async function rehearsed(
  plan: Plan,
  inventory: RehearsalInventory,
  { at, nth = 1, how }: SimulatedStrike,
): Promise<Outcome> {
  const rehearsing = new Rehearsing({ plan, action: actionNamed, inventory });
  const clean = await rehearsing.clean();
  if (clean.status !== 'done') throw new Error(`the clean rehearsal ended ${clean.status}: ${JSON.stringify(clean)}`);
  const [first] = clean.timetable;
  const point = rehearsing
    .points()
    .find(({ effect, injection: { call } }) => effect.key === first?.key && call?.at === at && call.nth === nth);
  if (!point) throw new Error(`the rehearsal of ${first?.key} makes no call ${at} number ${nth}`);
  const { run, verdict, byLoss } = await rehearsing.at({ ...point, injection: { ...point.injection, how } });
  if (run.fired !== 1) throw new Error(`the fault at ${at} did not strike`);
  const lost = byLoss.flatMap(one => (one.kind === 'vm' && one.path === 'state' ? [one.name] : []));
  return {
    status: run.ended?.status ?? 'stuck',
    ...(run.ended?.failure && { failure: run.ended.failure.class }),
    ...(run.questions.length > 0 && { asked: true }),
    inventory: verdict === 'finished' ? 'done' : verdict === 'came-back' ? 'back' : 'left',
    ...(lost.length > 0 && { lost }),
  };
}
