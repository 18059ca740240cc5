import type { ActionContext } from '../actions/action';
import { messageOf } from './failure';
import type { Plan } from './plan';
import { plannedActions } from './planned-steps';
import type { World } from './world';

export interface LiveFindings {
  blockers: string[];
  warnings: string[];
}

/** How many preflights look at once. */
const atOnce = 16;

/**
 * What the preflights of a plan find now, by key; steps with nothing to say are left out. Of steps after the first it can only be said how
 * things stand before the run, so steps that change a target that an earlier step changes are not asked.
 */
export async function lookAhead(plan: Plan, world: World): Promise<Map<string, LiveFindings>> {
  const changed = new Set<string>();
  const asked = plannedActions(plan.steps).filter(step => {
    const touches = [...step.reads, ...step.changes].map(target => `${target.kind} ${target.name}`);
    const first = touches.every(target => !changed.has(target));
    for (const { kind, name } of step.changes) changed.add(`${kind} ${name}`);
    // An input that still holds a template has no value to look with.
    return first && step.when === true && !JSON.stringify(step.inputs).includes('${{');
  });
  const found = new Map<string, LiveFindings>();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let step = asked[next++]; step; step = asked[next++]) {
      const definition = world.action(step.uses);
      if (!definition) continue;
      const findings: LiveFindings = { blockers: [], warnings: [] };
      try {
        for (const { level, message } of await definition.preflight(lookingContext(world, step.key), step.inputs)) {
          (level === 'blocker' ? findings.blockers : findings.warnings).push(message);
        }
      } catch (error) {
        findings.blockers.push(messageOf(error));
      }
      if (findings.blockers.length + findings.warnings.length > 0) found.set(step.key, findings);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, asked.length) }, worker));
  // In the order of the plan, whoever answered first.
  return new Map(asked.flatMap(step => (found.has(step.key) ? [[step.key, found.get(step.key)!] as const] : [])));
}

function lookingContext(world: World, stepKey: string): ActionContext {
  const { signal } = new AbortController();
  return {
    fleet: world.fleet,
    runId: 'plan',
    stepKey,
    signal,
    now: () => world.clock.now(),
    sleep: ms => world.clock.sleep(ms, signal),
    progress: () => undefined,
    log: () => undefined,
  };
}
