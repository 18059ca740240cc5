import type { Target } from '../actions/action';
import type { Plan } from './plan';
import { type PlannedControl, reachableActions } from './planned-steps';

/** What people are told of a plan before it runs, in the terminal and in VS Code alike. */

/** How much of a hash is shown to people. */
export function shortHash(hash: string): string {
  return hash.slice(0, 12);
}

const kinds = ['vm', 'host', 'datastore', 'proxy'] as const;
const nouns = {
  vm: ['VM', 'VMs'],
  host: ['host', 'hosts'],
  datastore: ['datastore', 'datastores'],
  proxy: ['proxy', 'proxies'],
} as const;

/** What a run of this plan would change, each once, VMs first. */
export function changedTargets(plan: Plan): Target[] {
  const seen = new Map<string, Target>();
  for (const step of reachableActions([...plan.steps, ...(plan.finally ?? [])])) {
    for (const target of step.changes) seen.set(`${target.kind} ${target.name}`, target);
  }
  return [...seen.values()].sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
}

/** `Changes VMs web1, web2; host hv1`, without a full stop. Says what is simulated. */
export function changesText(plan: Plan): string {
  const targets = changedTargets(plan);
  if (targets.length === 0) return plan.unknowns.length > 0 ? 'What it changes is not known yet' : 'Changes nothing';
  const parts = kinds.flatMap(kind => {
    const names = targets.filter(target => target.kind === kind).map(target => target.name);
    return names.length === 0 ? [] : [`${nouns[kind][names.length > 1 ? 1 : 0]} ${listed(names)}`];
  });
  return `Changes ${parts.join('; ')}${simulatedText(plan)}`;
}

/** So that nobody takes what is simulated for real hosts, or the other way round. */
function simulatedText(plan: Plan): string {
  const connections = Object.entries(plan.inventory?.connections ?? {});
  const simulated = connections.flatMap(([name, { type }]) => (type === 'simulated' ? [name] : []));
  if (simulated.length === 0) return '';
  if (simulated.length === connections.length) return ' (simulated)';
  const are = simulated.length > 1 ? 'are' : 'is';
  return ` (of the connections, ${simulated.join(', ')} ${are} simulated, the others are real)`;
}

/** `a, b and 12 more` */
export function listed(names: readonly string[]): string {
  if (names.length <= 8) return names.join(', ');
  return `${names.slice(0, 7).join(', ')} and ${names.length - 7} more`;
}

/** Steps after which nothing is undone; they only stand in the outermost steps. */
export function pointsOfNoReturn(plan: Plan): PlannedControl[] {
  return plan.steps.filter(
    (step): step is PlannedControl =>
      step.kind === 'control' && step.control === 'pointOfNoReturn' && step.when !== false,
  );
}
