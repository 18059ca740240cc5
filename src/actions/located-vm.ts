import { HypervisorError } from '../hypervisors/errors';
import type { Hypervisor } from '../hypervisors/ports';
import type { VmLocation } from '../inventory/fleet';
import type { ActionContext, Finding } from './action';

type Port = 'power' | 'snapshots' | 'migration' | 'imageBackup' | 'guestAgent';

/** The port of the hypervisor that a VM is on. Throws `unsupported`. */
export function portOf<P extends Port>(location: VmLocation, port: P): NonNullable<Hypervisor[P]> {
  const found = location.hypervisor[port];
  if (found) return found;
  const { connection } = location.hypervisor;
  throw new HypervisorError(
    'unsupported',
    `${connection} has no ${port}, so ${location.vm.name} can't do this there.`,
    {
      connection,
      vm: location.vm.name,
    },
  );
}

export function blocker(message: string): Finding {
  return { level: 'blocker', message };
}

export function warning(message: string): Finding {
  return { level: 'warning', message };
}

/** Looks at a VM for a preflight; that it can't be found or looked at is a finding too. */
export async function inspect(
  context: ActionContext,
  vm: string,
  look: (location: VmLocation) => Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await look(await context.fleet.locate(vm));
  } catch (error) {
    if (error instanceof HypervisorError) return [blocker(error.message)];
    throw error;
  }
}

/** A paused VM is paused for a reason (a full datastore, an I/O error); it is never resumed or used blindly. */
export function pausedBlocker(location: VmLocation): Finding[] {
  const { name, state, stateReason } = location.vm;
  if (state !== 'paused' && state !== 'crashed') return [];
  const reason = stateReason ? ` (${stateReason})` : '';
  return [blocker(`${name} is ${state}${reason}; find out why and resume or stop it by hand first.`)];
}

/** Whether the guest agent answers within a few seconds. */
export async function agentAnswers(location: VmLocation): Promise<boolean> {
  try {
    await location.hypervisor.guestAgent?.ping(location.vm.uuid, { timeoutMs: 3000 });
    return location.hypervisor.guestAgent !== undefined;
  } catch (error) {
    if (error instanceof HypervisorError) return false;
    throw error;
  }
}
