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
 * things stand before the run: those with a VM that an earlier step changes are not asked, and where an earlier step changes the host, proxy or
 * datastore, which many share, what is in the way now is a warning.
 */
export async function lookAhead(plan: Plan, world: World): Promise<Map<string, LiveFindings>> {
  const changed = new Set<string>();
  const asked = plannedActions(plan.steps).flatMap(step => {
    const touched = [...step.reads, ...step.changes].filter(({ kind, name }) => changed.has(`${kind} ${name}`));
    for (const { kind, name } of step.changes) changed.add(`${kind} ${name}`);
    // An input that still holds a template has no value to look with.
    const known = step.when === true && !JSON.stringify(step.inputs).includes('${{');
    return known && touched.every(({ kind }) => kind !== 'vm') ? [{ step, first: touched.length === 0 }] : [];
  });
  const found = new Map<string, LiveFindings>();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let one = asked[next++]; one; one = asked[next++]) {
      const { step, first } = one;
      const definition = world.action(step.uses);
      if (!definition) continue;
      const findings: LiveFindings = { blockers: [], warnings: [] };
      try {
        for (const { level, message } of await definition.preflight(lookingContext(world, step.key), step.inputs)) {
          if (level === 'blocker' && first) findings.blockers.push(message);
          else findings.warnings.push(level === 'blocker' ? `As things stand before the run: ${message}` : message);
        }
      } catch (error) {
        findings.blockers.push(messageOf(error));
      }
      if (findings.blockers.length + findings.warnings.length > 0) found.set(step.key, findings);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, asked.length) }, worker));
  // In the order of the plan, whoever answered first.
  return new Map(asked.flatMap(({ step }) => (found.has(step.key) ? [[step.key, found.get(step.key)!] as const] : [])));
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
