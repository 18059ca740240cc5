import { HypervisorError } from '../hypervisors/errors';
import type { CallOptions, Consistency, Quiesce } from '../hypervisors/ports';
import type { VmLocation } from '../inventory/fleet';
import type { ActionContext } from './action';
import { portOf } from './located-vm';

/** Name of what a step of a run makes: the same after a resume, and nobody else's. */
export function markOf(context: ActionContext): string {
  return `virtbook-${context.runId}-${context.stepKey}`.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/-+$/, '');
}

export async function hasSnapshot(location: VmLocation, name: string): Promise<boolean> {
  const list = await portOf(location, 'snapshots').list(location.vm.uuid);
  return list.some(snapshot => snapshot.name === name);
}

/** Takes the snapshot unless it is there already from an earlier attempt of the same step. */
export async function ensureSnapshot(
  context: ActionContext,
  location: VmLocation,
  options: { name: string; description: string; memory: boolean; quiesce: Quiesce },
): Promise<Consistency | undefined> {
  const snapshots = portOf(location, 'snapshots');
  const { uuid } = location.vm;
  // An earlier attempt's may still be in the making: cleaning up waits for that.
  if (await hasSnapshot(location, options.name)) await snapshots.cleanUp(uuid, options.name);
  for (let tries = 1; ; tries++) {
    if (await hasSnapshot(location, options.name)) return undefined;
    try {
      const call = { ...options, signal: context.signal, onProgress: context.progress };
      return (await snapshots.create(uuid, call)).consistency;
    } catch (error) {
      if (!(error instanceof HypervisorError && error.kind === 'busy') || tries === 2) throw error;
      await snapshots.cleanUp(uuid, options.name);
    }
  }
}

/** Removes the snapshot of that name, whole or half made, and thaws the guest. Idempotent. */
export async function removeSnapshot(location: VmLocation, name: string, options?: CallOptions): Promise<void> {
  const snapshots = portOf(location, 'snapshots');
  await snapshots.cleanUp(location.vm.uuid, name);
  if (!(await hasSnapshot(location, name))) return;
  try {
    await snapshots.delete(location.vm.uuid, name, options);
  } catch (error) {
    if (!(error instanceof HypervisorError && error.kind === 'not-found')) throw error;
  }
}
