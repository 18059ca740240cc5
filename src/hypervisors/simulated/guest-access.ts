import { HypervisorError } from '../errors';
import type { Exec, GuestAgent, GuestExecOptions, GuestExecResult, Reach } from '../ports';
import type { LabCall } from './faults';
import { runInGuest } from './guest-commands';
import type { GuestEffect } from './guest-machine';
import type { SimulatedLab } from './lab';
import type { LabGuest, LabListener, LabVm } from './state';
import { agentHangs, agentSilent, requireAgent, type Visible, visibleVm } from './visible';

/** Runs a command in the guest that `find` gives, by a way in that `check` knows to be open. */
function execInGuest(
  lab: SimulatedLab,
  call: LabCall,
  find: () => LabVm,
  check: (vm: LabVm) => void,
  argv: string[],
  options: GuestExecOptions,
): Promise<GuestExecResult> {
  const run = (vm: LabVm): GuestEffect =>
    runInGuest(
      {
        name: vm.name,
        guest: vm.guest,
        repository: lab.repository(vm.guest.repository),
        stdin: options.stdin ?? '',
      },
      argv,
    );
  const put = (vm: LabVm, guest: LabGuest): void => {
    if (guest !== vm.guest) lab.putVm({ ...vm, guest });
  };
  return lab.call(call, {
    seconds: () => Math.min(run(find()).seconds, options.timeoutMs / 1000),
    options: options.signal ? { signal: options.signal } : undefined,
    agentTimeoutMs: options.timeoutMs,
    check: () => check(find()),
    effect: () => {
      const vm = find();
      const { result, guest, seconds } = run(vm);
      if (seconds * 1000 > options.timeoutMs) {
        throw new HypervisorError(
          'timeout',
          `${argv[0]} in ${vm.name} has not ended after ${options.timeoutMs / 1000} s and may still be running.`,
          { host: vm.host, vm: vm.name },
        );
      }
      put(vm, guest);
      if (result.stdout) options.onOutput?.('stdout', result.stdout);
      if (result.stderr) options.onOutput?.('stderr', result.stderr);
      return result;
    },
    halfway: () => {
      const vm = find();
      put(vm, interrupted(vm.guest, run(vm).guest));
      return undefined as never;
    },
  });
}

/** A guest whose command was cut off: of several packages only the first was touched, and it is half set up. */
function interrupted(before: LabGuest, after: LabGuest): LabGuest {
  const changed = Object.keys(after.packages).find(name => after.packages[name] !== before.packages[name]);
  if (changed === undefined) return after;
  const { version } = after.packages[changed]!;
  return { ...before, packages: { ...before.packages, [changed]: { version, status: 'half-configured' } } };
}

export function simulatedGuestAgent(visible: Visible): GuestAgent {
  const { lab } = visible;
  const called = (at: string, uuid: string): LabCall => {
    const vm = visibleVm(visible, uuid);
    return { at: `guestAgent.${at}`, vm: vm.name, host: vm.host };
  };
  /** Asks the agent something; a hung one costs the whole time-out. */
  async function ask<T>(at: string, uuid: string, timeoutMs: number, effect: (vm: LabVm) => T): Promise<T> {
    return lab.call(called(at, uuid), {
      seconds: () => (agentHangs(visibleVm(visible, uuid)) ? timeoutMs / 1000 : 0.02),
      agentTimeoutMs: timeoutMs,
      check: () => requireAgent(lab, visibleVm(visible, uuid)),
      effect: () => {
        const vm = visibleVm(visible, uuid);
        if (agentHangs(vm)) throw agentSilent(vm);
        return effect(vm);
      },
    });
  }
  return {
    ping: async (uuid, { timeoutMs }) => ask('ping', uuid, timeoutMs, () => undefined),
    isFrozen: async (uuid, { timeoutMs }) => ask('isFrozen', uuid, timeoutMs, vm => vm.frozen),
    thaw: async (uuid, { timeoutMs }) =>
      ask('thaw', uuid, timeoutMs, vm => {
        if (!vm.frozen) return 0;
        lab.putVm({ ...vm, frozen: false });
        return 1;
      }),
    async exec(uuid, argv, options) {
      const call = called('exec', uuid);
      if (agentHangs(visibleVm(visible, uuid))) {
        await lab.clock.pass(options.timeoutMs, options.signal);
        throw agentSilent(visibleVm(visible, uuid));
      }
      return execInGuest(
        lab,
        call,
        () => visibleVm(visible, uuid),
        vm => {
          requireAgent(lab, vm);
          if (vm.frozen) {
            throw new HypervisorError(
              'agent',
              `${vm.name} is frozen for a snapshot; thaw it before commands are run.`,
              {
                host: vm.host,
                vm: vm.name,
              },
            );
          }
        },
        argv,
        options,
      );
    },
  };
}

/** Commands in a guest over SSH. `vm` is a name or uuid; `unreachable` while it is off, booting, or has no sshd. */
export function simulatedSsh(lab: SimulatedLab, vm: string): Exec {
  const find = (): LabVm => {
    const found = lab.find(vm);
    if (!found) throw new HypervisorError('not-found', `There is no VM ${vm} in this lab.`, { vm });
    return found;
  };
  return {
    async exec(argv, options) {
      const { name, host } = find();
      return execInGuest(
        lab,
        { at: 'ssh.exec', vm: name, host },
        find,
        now => {
          if (isUp(lab, now) && now.guest.ssh) return;
          throw new HypervisorError(
            'unreachable',
            `No SSH connection to ${now.name}: it is ${now.state} or has no sshd.`,
            {
              vm: now.name,
              outcomeUnknown: false,
            },
          );
        },
        argv,
        options,
      );
    },
  };
}

function isUp(lab: SimulatedLab, vm: LabVm): boolean {
  return vm.state === 'running' && vm.readyAt <= lab.clock.now() && !lab.isLost(vm.host);
}

function listenerOf(
  lab: SimulatedLab,
  address: string,
  port: number,
): { vm: LabVm; listener: LabListener } | undefined {
  for (const [, vm] of lab.vms.entries()) {
    if (vm.name !== address && vm.guest.address !== address) continue;
    const listener = vm.guest.listens.find(entry => entry.port === port);
    if (!listener || !isUp(lab, vm)) return undefined;
    const active = listener.service === undefined || vm.guest.services[listener.service] === 'active';
    return active ? { vm, listener } : undefined;
  }
  return undefined;
}

/** Network probes into the lab: guests by their address or name. */
export function simulatedReach(lab: SimulatedLab): Reach {
  const connect = (address: string, port: number): LabListener => {
    const found = listenerOf(lab, address, port);
    if (found) return found.listener;
    throw new HypervisorError('unreachable', `Nothing answers on ${address}:${port}.`, { outcomeUnknown: false });
  };
  return {
    async tcp(host, port) {
      await lab.read({ at: 'reach.tcp', vm: host }, () => connect(host, port));
    },
    async http(url) {
      const { hostname, port, pathname, protocol } = new URL(url);
      const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
      return lab.read({ at: 'reach.http', vm: hostname }, () => {
        const { http } = connect(hostname, number);
        if (!http) throw new HypervisorError('failed', `${url} does not speak HTTP.`);
        return http[pathname] ?? { status: 404, body: 'not found' };
      });
    },
  };
}
