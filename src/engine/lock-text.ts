import { heldMs, isStale } from '../hypervisors/lock-age';
import type { HeldLock, LockRecord } from '../hypervisors/ports';
import type { Plan } from './plan';
import { changedTargets } from './plan-summary';

/** Why a run can't have a lock, and what to do. `known`: what this computer knows of the run that has it. */
export function heldText(lock: HeldLock, known?: string): string {
  const release = `virtbook release ${lock.runId || `'${lock.name}'`}`;
  const next = isStale(lock)
    ? `It is stale: its runner has died, or its computer sleeps. Resume or roll back that run where it was started, or take its locks away with \`${release}\`, which shows what would be left undone.`
    : `Wait until it has ended (\`virtbook locks\` shows it). If its runner has died, resume or roll back that run where it was started, or take its locks away: \`${release}\`.`;
  return `${lock.label} is locked by ${holderText(lock)}. ${known ?? next}`;
}

/** Who, which run, since when. */
export function holderText(lock: HeldLock): string {
  const who = lock.runId === '' ? `somebody unknown (${lock.note})` : `${lock.owner} (run ${lock.runId}, ${lock.note})`;
  return `${who} for ${ageText(heldMs(lock))}; last heartbeat ${ageText(lock.heartbeatAgeMs)} ago`;
}

/** What became of a lock that a run had. */
export function lostText(
  lost: Pick<LockRecord, 'label' | 'name'>,
  runId: string,
  holder: HeldLock | undefined,
): string {
  const now = holder ? `${holder.owner} has it now (run ${holder.runId}, ${holder.note})` : 'nobody has it now';
  return (
    `The lock on ${lost.label} was taken away from this run: ${now}. Somebody else may be at work on it, so nothing more is done and nothing ` +
    `is undone. Look at ${lost.label}; \`virtbook rollback ${runId}\` takes the locks anew and undoes what is left.`
  );
}

/** `12 s`, `3 min`, `2 h`, `4 days`. */
export function ageText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** That nobody is kept away where the inventory says so; undefined when it doesn't. */
export function unlockedText(connections: readonly string[]): string | undefined {
  if (connections.length === 0) return undefined;
  const are = connections.length === 1 ? 'keeps' : 'keep';
  return `${connections.join(', ')} ${are} no locks (\`locks: none\` in the inventory): nobody is kept from changing the same VMs during the run.`;
}

/** The same of a plan that changes something; undefined when all connections of its inventory keep locks. */
export function unlockedPlanText(plan: Plan): string | undefined {
  if (changedTargets(plan).length === 0 && plan.unknowns.length === 0) return undefined;
  const connections = Object.entries(plan.inventory?.connections ?? {});
  return unlockedText(
    connections.flatMap(([name, one]) => (one.type === 'libvirt' && one.locks === 'none' ? [name] : [])),
  );
}
