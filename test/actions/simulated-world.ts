import type { Static, TSchema } from 'typebox';
import {
  type ActionContext,
  type ActionDefinition,
  type Finding,
  isIdempotent,
  undoClassOf,
} from '../../src/actions/action';
import { HypervisorError } from '../../src/hypervisors/errors';
import type { Hypervisor } from '../../src/hypervisors/ports';
import { connectSimulated } from '../../src/hypervisors/simulated/connection';
import { describeDifference } from '../../src/hypervisors/simulated/difference';
import type { Fault, LabCall } from '../../src/hypervisors/simulated/faults';
import { simulatedReach, simulatedSsh } from '../../src/hypervisors/simulated/guest-access';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import { simulatedProxy } from '../../src/hypervisors/simulated/proxy';
import type { LabGuest, LabVm } from '../../src/hypervisors/simulated/state';
import type { Fleet } from '../../src/inventory/fleet';

/** Three hosts: hv1 and hv2 share a datastore, hv3 is older and small; each has a datastore of its own at the same path. */
const labFile = `
version: 1
hosts:
  hv1: { cpus: 8, memoryMiB: 16384, cpuLevel: 3 }
  hv2: { cpus: 8, memoryMiB: 16384, cpuLevel: 3 }
  hv3: { cpus: 4, memoryMiB: 3072, cpu: Westmere, cpuLevel: 2 }
datastores:
  shared: { capacityGiB: 200, hosts: [hv1, hv2] }
  local1: { capacityGiB: 50, hosts: [hv1], path: /images }
  local2: { capacityGiB: 50, hosts: [hv2], path: /images }
  local3: { capacityGiB: 8, hosts: [hv3], path: /images }
repositories:
  main:
    nginx: ["1.0", "1.1"]
    openssl: ["3.0", { version: "3.1", rebootRequired: true }]
    shaky: ["1.0", { version: "1.2", postinst: fails }]
vms:
  web1:
    host: hv1
    state: running
    memoryMiB: 2048
    disks: [{ datastore: shared, capacityGiB: 10, allocatedGiB: 4 }]
    guest: &guest
      address: 192.0.2.11
      agent: running
      repository: main
      packages: { nginx: "1.0", openssl: "3.0" }
      services: { nginx: active }
      files: { /etc/motd: "hello\\n" }
      listens: [{ port: 80, service: nginx, http: { /health: { status: 200, body: all is well } } }]
  local1:
    host: hv1
    state: running
    memoryMiB: 1024
    disks: [{ datastore: local1, capacityGiB: 10, allocatedGiB: 6 }]
    guest: { <<: *guest, address: 192.0.2.12 }
  app1:
    host: hv2
    state: running
    memoryMiB: 1024
    disks: [{ datastore: shared, capacityGiB: 10, allocatedGiB: 3 }]
    guest: { <<: *guest, address: 192.0.2.13, packages: { nginx: "1.0", shaky: "1.0" } }
  off1:
    host: hv1
    memoryMiB: 1024
    disks: [{ datastore: shared, capacityGiB: 10, allocatedGiB: 2 }]
    guest: { <<: *guest, address: 192.0.2.14 }
  mute1:
    host: hv1
    state: running
    memoryMiB: 512
    disks: [{ datastore: shared, capacityGiB: 10, allocatedGiB: 2 }]
  kept1:
    host: hv1
    state: running
    memoryMiB: 512
    disks: [{ datastore: shared, capacityGiB: 10, allocatedGiB: 2 }]
    guest: { <<: *guest, address: 192.0.2.16, files: { /etc/motd: "now\\n" } }
    currentSnapshot: old
    snapshots:
      - { name: old, createdAt: 2025-01-01T00:00:00Z, memory: true, state: running, guest: { <<: *guest, files: { /etc/motd: "then\\n" } } }
proxies:
  backup1: { capacityGiB: 100 }
`;

export interface SimulatedWorld {
  lab: SimulatedLab;
  fleet: Fleet;
  context: ActionContext;
  /** What the action said. */
  log: string[];
  vm(name: string): LabVm;
  change(name: string, change: Partial<Omit<LabVm, 'guest'>> & { guest?: Partial<LabGuest> }): void;
  /** Makes the next call that fits go wrong. */
  fault(at: string, fault: Fault, nth?: number): void;
  /** From now on every call is seen; what it gives back happens. */
  onCall(hook: ((call: LabCall) => Fault | undefined) | undefined): void;
  /** What differs from the lab as it was when this was called first (at the start). */
  changes(): string[];
}

const start = SimulatedLab.parse(labFile, { file: 'test lab' });

export function simulatedWorld(): SimulatedWorld {
  const lab = start.fork();
  const log: string[] = [];
  const connections: Record<string, Hypervisor> = {
    east: connectSimulated(lab, 'east', { hosts: ['hv1', 'hv3'] }),
    west: connectSimulated(lab, 'west', { hosts: ['hv2'] }),
  };
  const fleet: Fleet = {
    connections: Object.keys(connections),
    async hypervisor(name) {
      const found = connections[name];
      if (!found) throw new HypervisorError('not-found', `There is no connection ${name}.`);
      return found;
    },
    async host(name) {
      return fleet.hypervisor(name === 'hv2' ? 'west' : 'east');
    },
    async locate(vm) {
      for (const hypervisor of Object.values(connections)) {
        const info = await hypervisor.vm(vm);
        if (info) return { hypervisor, host: info.host, vm: info };
      }
      throw new HypervisorError('not-found', `There is no VM ${vm} in the inventory.`, { vm });
    },
    proxy: async name => simulatedProxy(lab, name, '/srv/backup'),
    async guest(vm, via) {
      const { hypervisor, vm: info } = await fleet.locate(vm);
      if (via === 'ssh' || (via === 'auto' && info.agent === 'none')) return simulatedSsh(lab, vm);
      return { exec: (argv, options) => hypervisor.guestAgent!.exec(info.uuid, argv, options) };
    },
    address: async vm => lab.find(vm)?.guest.address,
    reach: simulatedReach(lab),
    close: async () => undefined,
  };
  let before = lab.fork();
  const world: SimulatedWorld = {
    lab,
    fleet,
    log,
    context: {
      fleet,
      runId: 'r1',
      stepKey: 'steps[web1]/do',
      signal: new AbortController().signal,
      now: () => lab.clock.now(),
      sleep: ms => lab.clock.pass(ms),
      progress: () => undefined,
      log: text => log.push(text),
    },
    vm(name) {
      const found = lab.find(name);
      if (!found) throw new Error(`no VM ${name} in the test lab`);
      return found;
    },
    change(name, { guest, ...change }) {
      const vm = world.vm(name);
      lab.putVm({ ...vm, ...change, guest: { ...vm.guest, ...guest } });
      before = lab.fork();
    },
    fault(at, fault, nth = 1) {
      let seen = 0;
      lab.onCall = call => (call.at === at && ++seen === nth ? fault : undefined);
    },
    onCall(hook) {
      lab.onCall = hook;
    },
    changes: () => describeDifference(before, lab),
  };
  return world;
}

export async function blockersOf<I extends TSchema, O extends TSchema, B extends TSchema>(
  world: SimulatedWorld,
  action: ActionDefinition<I, O, B>,
  inputs: Static<I>,
): Promise<string> {
  return messages(await action.preflight(world.context, inputs), 'blocker');
}

export async function warningsOf<I extends TSchema, O extends TSchema, B extends TSchema>(
  world: SimulatedWorld,
  action: ActionDefinition<I, O, B>,
  inputs: Static<I>,
): Promise<string> {
  return messages(await action.preflight(world.context, inputs), 'warning');
}

function messages(findings: Finding[], level: Finding['level']): string {
  return findings
    .filter(finding => finding.level === level)
    .map(finding => finding.message)
    .join('\n');
}

export interface Applied<I extends TSchema, O extends TSchema, B extends TSchema> {
  before: Static<B>;
  outputs: Static<O> | undefined;
  error: (Error & { kind?: string; outcomeUnknown?: boolean }) | undefined;
  undo(): Promise<void>;
  probe(): ReturnType<ActionDefinition<I, O, B>['probe']>;
  commit(): Promise<void>;
}

/** prepare and apply; an error is kept, so that what comes after it can be looked at. */
export async function applied<I extends TSchema, O extends TSchema, B extends TSchema>(
  world: SimulatedWorld,
  action: ActionDefinition<I, O, B>,
  inputs: Static<I>,
  fault?: { at: string; kind: Fault['kind']; happened?: boolean; nth?: number },
): Promise<Applied<I, O, B>> {
  const before = await action.prepare(world.context, inputs);
  let outputs: Static<O> | undefined;
  let error: Applied<I, O, B>['error'];
  if (fault) world.fault(fault.at, fault, fault.nth);
  try {
    outputs = await action.apply(world.context, inputs, before);
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    error = thrown;
  }
  world.onCall(undefined);
  return {
    before,
    outputs,
    error,
    undo: async () => action.undo?.(world.context, inputs, before, outputs),
    probe: async () => action.probe(world.context, inputs, before),
    commit: async () => action.commit?.(world.context, inputs, before, outputs!),
  };
}

export { isIdempotent, undoClassOf };
