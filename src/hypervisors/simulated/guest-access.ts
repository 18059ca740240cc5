import { HypervisorError } from '../errors';
import type { Exec, GuestAgent, GuestExecOptions, GuestExecResult, Reach } from '../ports';
import type { LabCall } from './faults';
import { runInGuest } from './guest-commands';
import type { GuestEffect } from './guest-machine';
import type { SimulatedLab } from './lab';
import type { LabGuest, LabListener, LabVm } from './state';
import { agentHangs, agentSilent, requireAgent, type Visible, visibleVm } from './visible';

/** How long a try at a guest that is still booting takes before it fails, at most. */
const attemptMs = 5000;

/** What a caller waits in vain: the whole time-out for an agent that hangs, a while for a guest that is not up yet. */
function waitInVain(lab: SimulatedLab, vm: LabVm, timeoutMs: number): number {
  if (vm.state !== 'running') return 0;
  const booting = vm.readyAt - lab.clock.now();
  if (booting > 0) return Math.min(booting, timeoutMs, attemptMs);
  return agentHangs(vm) ? timeoutMs : 0;
}

function requireAnswer(lab: SimulatedLab, vm: LabVm): void {
  requireAgent(lab, vm);
  if (agentHangs(vm)) throw agentSilent(vm);
}

/** Runs a command in the guest that `find` gives, by a way in that `check` knows to be open. */
export function execInGuest(
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
    refusalMs: () => waitInVain(lab, find(), options.timeoutMs),
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
  async function ask<T>(at: string, uuid: string, timeoutMs: number, effect: (vm: LabVm) => T): Promise<T> {
    return lab.call(called(at, uuid), {
      seconds: 0.02,
      agentTimeoutMs: timeoutMs,
      refusalMs: () => waitInVain(lab, visibleVm(visible, uuid), timeoutMs),
      check: () => requireAnswer(lab, visibleVm(visible, uuid)),
      effect: () => effect(visibleVm(visible, uuid)),
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
      return execInGuest(
        lab,
        called('exec', uuid),
        () => visibleVm(visible, uuid),
        vm => {
          requireAnswer(lab, vm);
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

function guestAt(lab: SimulatedLab, address: string): LabVm | undefined {
  const named = lab.find(address);
  if (named) return named;
  for (const [, vm] of lab.vms.entries()) if (vm.guest.address === address) return vm;
  return undefined;
}

/** Network probes into the lab: guests by their address or name. */
export function simulatedReach(lab: SimulatedLab): Reach {
  /** What listens there. Throws `unreachable`. */
  function listener(address: string, port: number): LabListener {
    const vm = guestAt(lab, address);
    const found = vm && isUp(lab, vm) ? vm.guest.listens.find(entry => entry.port === port) : undefined;
    if (vm && found && (found.service === undefined || vm.guest.services[found.service] === 'active')) return found;
    throw new HypervisorError('unreachable', `Nothing answers on ${address}:${port}.`, { outcomeUnknown: false });
  }
  function connect<T>(
    at: string,
    address: string,
    port: number,
    options: { timeoutMs: number; signal?: AbortSignal },
    effect: (listener: LabListener) => T,
  ): Promise<T> {
    const vm = guestAt(lab, address);
    return lab.call(
      { at, vm: vm?.name ?? address },
      {
        seconds: 0.01,
        options: options.signal ? { signal: options.signal } : undefined,
        refusalMs: () => (vm ? waitInVain(lab, vm, options.timeoutMs) : 0),
        check: () => void listener(address, port),
        effect: () => effect(listener(address, port)),
      },
    );
  }
  return {
    tcp: (host, port, options) => connect('reach.tcp', host, port, options, () => undefined),
    async http(url, options) {
      const { hostname, port, pathname, protocol } = new URL(url);
      const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
      return connect('reach.http', hostname, number, options, ({ http }) => {
        if (!http) throw new HypervisorError('failed', `${url} does not speak HTTP.`);
        return http[pathname] ?? { status: 404, body: 'not found' };
      });
    },
  };
}
