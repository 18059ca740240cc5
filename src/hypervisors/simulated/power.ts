import { HypervisorError } from '../errors';
import type { Power } from '../ports';
import type { SimulatedLab } from './lab';
import type { LabVm } from './state';
import { agentHangs, agentSilent, refused, requireAgent, type Visible, visibleVm } from './visible';

const startSeconds = 1;

/** The VM's record after power-on: booting, and with an empty /run. */
export function poweredOn(lab: SimulatedLab, vm: LabVm): LabVm {
  const files = Object.entries(vm.guest.files);
  const kept = files.filter(([path]) => !path.startsWith('/run/'));
  const guest = kept.length === files.length ? vm.guest : { ...vm.guest, files: Object.fromEntries(kept) };
  const { stateReason: _, ...rest } = vm;
  return { ...rest, state: 'running', guest, readyAt: lab.clock.now() + guest.bootSeconds * 1000 };
}

export function poweredOff(vm: LabVm): LabVm {
  const { job: _, stateReason: __, ...rest } = vm;
  return { ...rest, state: 'shutoff', frozen: false };
}

/** Throws when its host has not enough memory left for it. */
export function requireMemory(lab: SimulatedLab, vm: LabVm, host: string): void {
  const free = lab.freeMemoryMiB(host);
  if (free < vm.memoryMiB) {
    throw refused(vm, `${host} has ${free} MiB of memory left, ${vm.name} needs ${vm.memoryMiB}; free some first.`);
  }
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
            if (now.state === 'running' || now.state === 'paused') {
              throw refused(now, `${now.name} is ${now.state} already; it can't be started.`);
            }
            requireMemory(lab, now, now.host);
          },
          effect: () => lab.putVm(poweredOn(lab, visibleVm(visible, uuid))),
        },
      );
    },

    async shutdown(uuid, options) {
      const vm = visibleVm(visible, uuid);
      // A guest that is being backed up stays "in shutdown" until the job ends.
      const stuck = (now: LabVm): boolean =>
        now.guest.ignoresShutdown || now.job !== undefined || now.guest.shutdownSeconds * 1000 > options.timeoutMs;
      await lab.call(
        { at: 'power.shutdown', vm: vm.name, host: vm.host },
        {
          seconds: () => {
            const now = visibleVm(visible, uuid);
            return stuck(now) ? options.timeoutMs / 1000 : now.guest.shutdownSeconds;
          },
          options,
          agentTimeoutMs: options.timeoutMs,
          check: () => {
            const now = visibleVm(visible, uuid);
            if (now.state !== 'running')
              throw refused(now, `${now.name} is ${now.state}; there is nothing to shut down.`);
            if (options.mode === 'agent') {
              requireAgent(lab, now);
              if (agentHangs(now)) throw agentSilent(now);
            }
          },
          effect: () => {
            const now = visibleVm(visible, uuid);
            if (stuck(now)) {
              throw new HypervisorError(
                'timeout',
                `${now.name} is not off after ${options.timeoutMs / 1000} s; look at its console, or cut its power.`,
                { host: now.host, vm: now.name },
              );
            }
            lab.putVm(poweredOff(now));
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
          check: () => {
            const now = visibleVm(visible, uuid);
            if (now.state === 'shutoff') throw refused(now, `${now.name} is off already.`);
          },
          effect: () => lab.putVm(poweredOff(visibleVm(visible, uuid))),
        },
      );
    },
  };
}
