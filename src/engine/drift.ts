import type { Target } from '../actions/action';
import { HypervisorError } from '../hypervisors/errors';
import type { VmInfo } from '../hypervisors/ports';
import type { Fleet } from '../inventory/fleet';
import { classifyRead } from './failure';
import type { Failure, Observed, ObservedVm } from './journal';
import type { Plan } from './plan';
import { reachableActions } from './planned-steps';
import { seeConnections, vmsByName } from './seen';
import type { Claim, Guard } from './world';

/**
 * How the VMs that a plan acts on stand now, for `Submission.observed`: one look per connection. A VM that is not found, or whose connection
 * does not answer, is left out, and its steps are not compared with anything.
 */
export async function observe(plan: Plan, fleet: Fleet): Promise<Observed> {
  return vmsOf(plan).size === 0 ? {} : observedIn(plan, await seeConnections(fleet));
}

/** The same of connections that have been looked at. */
export function observedIn(plan: Plan, seen: readonly { connection: string; vms: readonly VmInfo[] }[]): Observed {
  const found = vmsByName(seen);
  return Object.fromEntries(
    [...vmsOf(plan)].flatMap(name => {
      const vm = found.get(name)?.vm;
      return vm ? [[name, observed(vm)]] : [];
    }),
  );
}

/** Names of the VMs that a plan acts on, as far as they are known. */
function vmsOf(plan: Plan): Set<string> {
  const names = new Set<string>();
  for (const step of reachableActions([...plan.steps, ...(plan.finally ?? [])])) {
    for (const { kind, name } of [...step.reads, ...step.changes]) if (kind === 'vm') names.add(name);
  }
  return names;
}

function observed(vm: VmInfo): ObservedVm {
  const disks = vm.disks.filter(disk => disk.writable).map(disk => [disk.target, disk.source] as const);
  const { uuid, host, state, snapshotCount: snapshots } = vm;
  return { uuid, host, state, snapshots, disks: Object.fromEntries(disks) };
}

/**
 * Stops a step that finds a VM otherwise than it was when the run was planned, before it changes anything. What the run itself has changed
 * is not compared. `touched`: what steps of earlier runners changed. It must be asked last of all guards: after it the step begins.
 */
export function driftGuard(then: Observed, fleet: Fleet, touched: Iterable<readonly Target[]> = []): Guard {
  const own = new Set<string>();
  const idOf = (name: string): string => (Object.hasOwn(then, name) ? then[name]!.uuid : name);
  const touch = (targets: readonly Target[]): void => {
    for (const { kind, name } of targets) if (kind === 'vm') own.add(idOf(name));
  };
  for (const targets of touched) touch(targets);
  return {
    async check({ targets }: Claim, phase): Promise<Failure | undefined> {
      if (phase === 'undo') return undefined;
      const names = new Set(
        [...targets.reads, ...targets.changes].flatMap(({ kind, name }) =>
          kind === 'vm' && Object.hasOwn(then, name) && !own.has(idOf(name)) ? [name] : [],
        ),
      );
      try {
        const found = await Promise.all([...names].map(name => changesOf(name, then[name]!, fleet)));
        const differences = found.flat();
        if (differences.length > 0) {
          const message = `Since this was planned, things have changed: ${differences.join('; ')}. Plan and start it again.`;
          return { class: 'drift', message };
        }
      } catch (error) {
        return classifyRead(error);
      }
      touch(targets.changes);
      return undefined;
    },
  };
}

async function changesOf(name: string, then: ObservedVm, fleet: Fleet): Promise<string[]> {
  try {
    return differences(name, then, observed((await fleet.locate(name)).vm));
  } catch (error) {
    if (!(error instanceof HypervisorError) || error.kind !== 'not-found') throw error;
    return [`${name} was on ${then.host} when this was planned and is nowhere now`];
  }
}

/** What is not as it was, each a clause. */
export function differences(name: string, then: ObservedVm, now: ObservedVm): string[] {
  if (then.uuid !== now.uuid) {
    return [`${name} was the VM ${then.uuid} when this was planned and is another one now, ${now.uuid}`];
  }
  const found: string[] = [];
  const differ = (was: string, is: string): void => {
    found.push(`${was} when this was planned and ${is} now`);
  };
  if (then.host !== now.host) differ(`${name} was on ${then.host}`, `is on ${now.host}`);
  if (then.state !== now.state) differ(`${name} was ${then.state}`, `is ${now.state}`);
  if (then.snapshots !== now.snapshots) differ(`${name} had ${counted(then.snapshots)}`, `has ${now.snapshots}`);
  for (const disk of new Set([...Object.keys(then.disks), ...Object.keys(now.disks)])) {
    const [was, is] = [then.disks[disk], now.disks[disk]];
    if (was === is) continue;
    differ(
      was === undefined ? `${name} had no disk ${disk}` : `the disk ${disk} of ${name} was ${was}`,
      is === undefined ? 'is gone' : was === undefined ? `has it, ${is},` : `is ${is}`,
    );
  }
  return found;
}

function counted(snapshots: number): string {
  return snapshots === 0 ? 'no snapshots' : snapshots === 1 ? '1 snapshot' : `${snapshots} snapshots`;
}
