import { type Capability, capabilities } from '../capability';
import { HypervisorError } from '../errors';
import type { ConnectionState, DatastoreInfo, HostInfo, Hypervisor, VmInfo } from '../ports';
import { SummingClock } from './clock';
import { simulatedConsoles } from './consoles';
import { simulatedGuestAgent } from './guest-access';
import { simulatedImageBackup } from './image-backup';
import type { SimulatedLab } from './lab';
import { SimulatedLocks } from './locks';
import { simulatedMigration } from './migration';
import { simulatedPower } from './power';
import { simulatedSnapshots } from './snapshots';
import { GiB, type LabVm } from './state';
import { shows, type Visible } from './visible';
import { simulatedVolumes } from './volumes';

const everything: ReadonlySet<Capability> = new Set(capabilities);

/** What was told of a record before; records never change, so forks share it. */
const told = new WeakMap<LabVm, VmInfo>();

function vmInfo(lab: SimulatedLab, vm: LabVm): VmInfo {
  const known = told.get(vm);
  const booting = vm.readyAt > lab.clock.now();
  if (known && !booting && !lab.isLost(vm.host)) return known;
  const connected = vm.state === 'running' && !booting;
  const info: VmInfo = {
    uuid: vm.uuid,
    name: vm.name,
    host: vm.host,
    state: lab.isLost(vm.host) ? 'unknown' : vm.state,
    ...(vm.stateReason === undefined ? {} : { stateReason: vm.stateReason }),
    vcpus: vm.vcpus,
    memoryMiB: vm.memoryMiB,
    persistent: true,
    disks: [
      ...vm.disks.map(disk => ({
        target: disk.target,
        source: `${lab.datastores.get(disk.datastore)?.path ?? ''}/${disk.volume}`,
        format: disk.format,
        datastore: disk.datastore,
        capacityBytes: disk.capacityGiB * GiB,
        allocationBytes: disk.allocatedGiB * GiB,
        writable: true,
      })),
      ...(vm.cdrom === undefined ? [] : [{ target: 'sda', source: vm.cdrom, format: 'raw', writable: false }]),
    ],
    ...(vm.nics && { nics: vm.nics }),
    snapshotCount: vm.snapshots.length,
    agent: vm.guest.agent === 'none' ? 'none' : connected ? 'connected' : 'disconnected',
  };
  if (!booting && !lab.isLost(vm.host)) told.set(vm, info);
  return info;
}

/** What a connection shows of a lab that stands still. Each part is made when it is looked at: most callers want only one. */
function stateOf(visible: Visible, still: SimulatedLab): ConnectionState {
  let hosts: HostInfo[] | undefined;
  let datastores: DatastoreInfo[] | undefined;
  let vms: VmInfo[] | undefined;
  return {
    get hosts() {
      hosts ??= hostInfos(visible, still);
      return hosts;
    },
    get datastores() {
      datastores ??= datastoreInfos(visible, still);
      return datastores;
    },
    get vms() {
      vms ??= [...still.vms.entries()].filter(([, vm]) => shows(visible, vm.host)).map(([, vm]) => vmInfo(still, vm));
      return vms;
    },
  };
}

function hostInfos(visible: Visible, lab: SimulatedLab): HostInfo[] {
  const infos: HostInfo[] = [];
  for (const [name, host] of lab.hosts.entries()) {
    if (!shows(visible, name) || lab.isLost(name)) continue;
    const freeMemoryMiB = lab.freeMemoryMiB(name);
    infos.push({ name, version: host.version, cpus: host.cpus, memoryMiB: host.memoryMiB, freeMemoryMiB });
  }
  return infos;
}

function datastoreInfos(visible: Visible, lab: SimulatedLab): DatastoreInfo[] {
  const infos: DatastoreInfo[] = [];
  for (const [name, datastore] of lab.datastores.entries()) {
    for (const host of datastore.hosts) {
      if (!shows(visible, host) || lab.isLost(host)) continue;
      infos.push({
        name,
        host,
        capacityBytes: datastore.capacityGiB * GiB,
        freeBytes: lab.freeGiB(name) * GiB,
        shared: datastore.hosts.length > 1,
        path: datastore.path,
      });
    }
  }
  return infos;
}

class SimulatedConnection implements Hypervisor, Visible {
  readonly kind = 'simulated';
  readonly capabilities = everything;
  readonly power: NonNullable<Hypervisor['power']>;
  readonly snapshots: NonNullable<Hypervisor['snapshots']>;
  readonly volumes: NonNullable<Hypervisor['volumes']>;
  readonly migration: NonNullable<Hypervisor['migration']>;
  readonly imageBackup: NonNullable<Hypervisor['imageBackup']>;
  readonly guestAgent: NonNullable<Hypervisor['guestAgent']>;
  readonly events: NonNullable<Hypervisor['events']>;
  readonly consoles: NonNullable<Hypervisor['consoles']>;
  readonly locks: NonNullable<Hypervisor['locks']>;
  private readonly unsubscribe = new Set<() => void>();

  constructor(
    readonly lab: SimulatedLab,
    readonly connection: string,
    readonly hosts: ReadonlySet<string> | undefined,
  ) {
    this.power = simulatedPower(this);
    this.snapshots = simulatedSnapshots(this);
    this.volumes = simulatedVolumes(this);
    this.migration = simulatedMigration(this);
    this.imageBackup = simulatedImageBackup(this);
    this.guestAgent = simulatedGuestAgent(this);
    this.consoles = simulatedConsoles(this);
    this.locks = new SimulatedLocks(lab, connection, () => this.answers());
    this.events = {
      subscribe: async listener => {
        const stop = lab.subscribe((event, host) => {
          if (shows(this, host)) listener(event);
        });
        this.unsubscribe.add(stop);
        return async () => {
          this.unsubscribe.delete(stop);
          stop();
        };
      },
    };
  }

  async state(): Promise<ConnectionState> {
    const { lab } = this;
    return lab.read({ at: 'hypervisor.state' }, () => {
      if (!this.answers()) {
        throw new HypervisorError('unreachable', `No host of ${this.connection} answers.`, {
          connection: this.connection,
          outcomeUnknown: false,
        });
      }
      return stateOf(this, lab.fork({ clock: new SummingClock(lab.clock.now()) }));
    });
  }

  private answers(): boolean {
    for (const host of this.hosts ?? this.lab.hosts.names()) if (!this.lab.isLost(host)) return true;
    return false;
  }

  async vm(uuidOrName: string): Promise<VmInfo | undefined> {
    const { lab } = this;
    return lab.read({ at: 'hypervisor.vm', vm: uuidOrName }, () => {
      const vm = lab.find(uuidOrName);
      return vm && shows(this, vm.host) ? vmInfo(lab, vm) : undefined;
    });
  }

  async close(): Promise<void> {
    for (const stop of this.unsubscribe) stop();
    this.unsubscribe.clear();
  }
}

/** Opens a connection over a lab. `hosts`: only these; default all. Throws when the lab has no such host. */
export function connectSimulated(
  lab: SimulatedLab,
  connection: string,
  options: { hosts?: readonly string[] } = {},
): Hypervisor {
  const missing = options.hosts?.find(host => lab.hosts.get(host) === undefined);
  if (missing !== undefined) {
    throw new HypervisorError('not-found', `The lab of ${connection} has no host ${missing}.`, {
      connection,
      host: missing,
    });
  }
  return new SimulatedConnection(lab, connection, options.hosts && new Set(options.hosts));
}
