import { HypervisorError } from '../errors';
import type { Power } from '../ports';
import type { SimulatedLab } from './lab';
import type { LabVm } from './state';
import { agentHangs, agentSilent, busy, refused, requireAgent, type Visible, visibleVm } from './visible';

export const startSeconds = 1;

/** The VM's record after power-on: booting, and with an empty /run. */
export function poweredOn(lab: SimulatedLab, vm: LabVm): LabVm {
  const files = Object.entries(vm.guest.files);
  const kept = files.filter(([path]) => !path.startsWith('/run/'));
  const guest = kept.length === files.length ? vm.guest : { ...vm.guest, files: Object.fromEntries(kept) };
  const { stateReason: _, agentSilent: __, ...rest } = vm;
  return { ...rest, state: 'running', guest, readyAt: lab.clock.now() + guest.bootSeconds * 1000 };
}

export function poweredOff(vm: LabVm): LabVm {
  const { job: _, stateReason: __, agentSilent: ___, ...rest } = vm;
  return { ...rest, state: 'shutoff', frozen: false };
}

/** Throws when its host has not enough memory left for it. */
export function requireMemory(lab: SimulatedLab, vm: LabVm, host: string): void {
  const free = lab.freeMemoryMiB(host);
  if (free < vm.memoryMiB) {
    throw refused(vm, `${host} has ${free} MiB of memory left, ${vm.name} needs ${vm.memoryMiB}; free some first.`);
  }
}

function isOff(vm: LabVm): boolean {
  return vm.state === 'shutoff' || vm.state === 'crashed';
}

export function requireNoJob(vm: LabVm): void {
  if (vm.job) throw busy(vm, `${vm.name} is being backed up (${vm.job.mark}); wait for the backup to end.`);
}

export function simulatedPower(visible: Visible): Power {
  const { lab } = visible;
  return {
    async start(uuid, options) {
      const vm = visibleVm(visible, uuid);
      await lab.call(
        { at: 'power.start', vm: vm.name, host: vm.host },
        {
          seconds: startSeconds,
          options,
          check: () => {
            const now = visibleVm(visible, uuid);
            if (now.state === 'running') throw refused(now, `${now.name} is running already.`);
            if (now.state !== 'paused') requireMemory(lab, now, now.host);
            else if (now.stateReason !== undefined) {
              throw refused(now, `${now.name} is paused (${now.stateReason}); find out why before it goes on.`);
            }
          },
          effect: () => {
            const now = visibleVm(visible, uuid);
            lab.putVm(now.state === 'paused' ? { ...now, state: 'running' } : poweredOn(lab, now));
          },
        },
      );
    },

    async shutdown(uuid, options) {
      const vm = visibleVm(visible, uuid);
      const stuck = (now: LabVm): boolean =>
        now.guest.ignoresShutdown || now.guest.shutdownSeconds * 1000 > options.timeoutMs;
      await lab.call(
        { at: 'power.shutdown', vm: vm.name, host: vm.host },
        {
          seconds: () => {
            const now = visibleVm(visible, uuid);
            if (isOff(now)) return 0;
            return stuck(now) ? options.timeoutMs / 1000 : now.guest.shutdownSeconds;
          },
          options,
          agentTimeoutMs: options.timeoutMs,
          check: () => {
            const now = visibleVm(visible, uuid);
            if (isOff(now)) return;
            // The guest would hang "in shutdown" until the job ends.
            requireNoJob(now);
            if (options.mode === 'agent') {
              requireAgent(lab, now);
              if (agentHangs(now)) throw agentSilent(now);
            }
          },
          effect: () => {
            const now = visibleVm(visible, uuid);
            if (isOff(now)) return;
            if (stuck(now)) {
              throw new HypervisorError(
                'timeout',
                `${now.name} is not off after ${options.timeoutMs / 1000} s; look at its console, or cut its power.`,
                { host: now.host, vm: now.name },
              );
            }
            lab.putVm(poweredOff(now), now.guest.shutdownSeconds * 1000);
          },
        },
      );
    },

    async destroy(uuid, options) {
      const vm = visibleVm(visible, uuid);
      await lab.call(
        { at: 'power.destroy', vm: vm.name, host: vm.host },
        {
          seconds: 0.3,
          options,
          effect: () => {
            const now = visibleVm(visible, uuid);
            if (now.state !== 'shutoff') lab.putVm(poweredOff(now));
          },
        },
      );
    },
  };
}
