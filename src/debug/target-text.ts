import type { Plan } from '../engine/plan';
import { changesText, shortHash } from '../engine/plan-summary';
import type { DebugTarget } from './arguments';

/** Where a plan will run, so that nobody takes one for the other. */
export function targetText(plan: Plan, planHash: string, target: DebugTarget, assumed: readonly string[] = []): string {
  const head = `${plan.name}, plan ${shortHash(planHash)}.`;
  if (target === 'simulated') {
    return [
      `SIMULATED: ${head} It runs on a copy of the inventory; nothing real is touched.`,
      ...assumed.map(text => `  Taken for granted: ${text}`),
    ].join('\n');
  }
  const types = Object.values(plan.inventory?.connections ?? {}).map(({ type }) => type);
  if (types.length > 0 && types.every(type => type === 'simulated'))
    return `SIMULATED: ${head} Its inventory is a simulated lab. ${changesText(plan)}.`;
  return `REAL: ${head} ${changesText(plan)}.`;
}
