import { innerSteps, type Runbook, type Step } from '../runbook/model';

const known = new WeakMap<Runbook, Map<string, Step>>();

/** By pointer: all steps, with those of `rollback:`, `finally` and the runbooks it calls. */
export function programSteps(runbook: Runbook): Map<string, Step> {
  const found = known.get(runbook) ?? new Map<string, Step>();
  if (known.has(runbook)) return found;
  known.set(runbook, found);
  const visit = (steps: readonly Step[]): void => {
    for (const step of steps) {
      found.set(step.pointer, step);
      visit(innerSteps(step));
      if (step.kind === 'action' && typeof step.rollback === 'object') visit(step.rollback);
      if (step.kind === 'call' && step.runbook) {
        visit(step.runbook.steps);
        visit(step.runbook.finally ?? []);
      }
    }
  };
  visit(runbook.steps);
  visit(runbook.finally ?? []);
  return found;
}
