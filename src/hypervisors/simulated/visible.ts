import { HypervisorError } from '../errors';
import type { SimulatedLab } from './lab';
import type { LabVm } from './state';

/** The part of a lab that one connection shows. */
export interface Visible {
  readonly lab: SimulatedLab;
  readonly connection: string;
  /** undefined: every host. */
  readonly hosts: ReadonlySet<string> | undefined;
}

export function shows(visible: Visible, host: string): boolean {
  return visible.hosts ? visible.hosts.has(host) : visible.lab.hosts.get(host) !== undefined;
}

/** The VM, when it is on a host that this connection shows. Throws `not-found`. */
export function visibleVm(visible: Visible, vm: string): LabVm {
  const found = visible.lab.find(vm);
  if (!found || !shows(visible, found.host)) {
    throw new HypervisorError('not-found', `There is no VM ${vm} on ${visible.connection}.`, {
      connection: visible.connection,
      vm,
    });
  }
  return found;
}

export function refused(vm: LabVm, message: string): HypervisorError {
  return new HypervisorError('refused', message, { host: vm.host, vm: vm.name });
}

export function busy(vm: LabVm, message: string): HypervisorError {
  return new HypervisorError('busy', message, { host: vm.host, vm: vm.name });
}

/** Throws unless the agent answers now: the VM is on, has booted, has one, and it isn't hung. */
export function requireAgent(lab: SimulatedLab, vm: LabVm): void {
  const details = { host: vm.host, vm: vm.name };
  if (vm.state !== 'running') {
    throw new HypervisorError(
      'agent',
      `${vm.name} is ${vm.state}; its guest agent answers only while it runs.`,
      details,
    );
  }
  if (vm.guest.agent === 'none') {
    throw new HypervisorError('agent', `${vm.name} has no guest agent; install qemu-guest-agent in it.`, details);
  }
  if (vm.readyAt > lab.clock.now()) {
    throw new HypervisorError(
      'agent',
      `The guest agent of ${vm.name} is not connected yet; it is still booting.`,
      details,
    );
  }
}

/** True when the agent's channel is connected and it never answers. */
export function agentHangs(vm: LabVm): boolean {
  return vm.guest.agent === 'hung' || vm.agentSilent === true;
}

export function agentSilent(vm: LabVm): HypervisorError {
  return new HypervisorError(
    'agent',
    `The guest agent of ${vm.name} does not answer; look at qemu-guest-agent in it.`,
    {
      host: vm.host,
      vm: vm.name,
    },
  );
}
