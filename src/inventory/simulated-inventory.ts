import { HypervisorError } from '../hypervisors/errors';
import type { BackupProxy, Exec, Hypervisor, Reach } from '../hypervisors/ports';
import { alike } from '../hypervisors/simulated/alike';
import { connectSimulated } from '../hypervisors/simulated/connection';
import { type Difference, differences } from '../hypervisors/simulated/difference';
import type { FaultHook } from '../hypervisors/simulated/faults';
import { Footprint } from '../hypervisors/simulated/footprint';
import { simulatedReach, simulatedSsh } from '../hypervisors/simulated/guest-access';
import { lossReasons, type SimulatedLab } from '../hypervisors/simulated/lab';
import { type MeasuredOutage, OutageMeter } from '../hypervisors/simulated/outage-meter';
import { simulatedProxy } from '../hypervisors/simulated/proxy';
import { SettledClock } from '../hypervisors/simulated/settled-clock';
import type { Fleet, VmLocation } from './fleet';
import type { Inventory } from './model';

/** One connection of the inventory over a lab. */
export interface SimulatedPlace {
  connection: string;
  lab: SimulatedLab;
  hosts: readonly string[];
}

/** What a difference is; `byLoss`: the loss of a host or of a VM's process did it, whatever the run does. */
export interface InventoryDifference extends Difference {
  byLoss: boolean;
}

/** What was done in an inventory, and what it had looked at. */
export interface InventoryDeed {
  /** All that it looked at is the same in this one, a fork of what the other was forked from: it would go the same way. */
  fits(inventory: SimulatedInventory): boolean;
  /** Does it there, at once, in as much of its time. */
  repeat(inventory: SimulatedInventory): void;
}

/** How much there is in use. Memory in MiB, space in GiB. */
export interface InventoryLoad {
  hosts: Record<string, { used: number; capacity: number }>;
  datastores: Record<string, { used: number; capacity: number }>;
}

/** A whole inventory in simulation: its labs on one clock, and a fleet over them. Forks are cheap and independent. */
export class SimulatedInventory {
  readonly clock: SettledClock;
  readonly fleet: Fleet;
  readonly #labs: SimulatedLab[];

  private constructor(
    readonly inventory: Inventory,
    /** `lab`: which of the labs. */
    private readonly places: readonly { connection: string; lab: number; hosts: readonly string[] }[],
    private readonly hostPlaces: ReadonlyMap<string, string>,
    labs: readonly SimulatedLab[],
    time: number,
  ) {
    this.clock = new SettledClock(time);
    this.#labs = labs.map(lab => lab.fork({ clock: this.clock }));
    this.fleet = new SimulatedFleet(inventory, this.#labs, places, hostPlaces);
  }

  /** The places must show each host once. They are forked, so that theirs never change. */
  static over(inventory: Inventory, places: readonly SimulatedPlace[]): SimulatedInventory {
    const labs = [...new Set(places.map(place => place.lab))];
    const hosts = new Map<string, string>();
    for (const { connection, hosts: shown } of places) for (const host of shown) hosts.set(host, connection);
    return new SimulatedInventory(
      inventory,
      places.map(({ connection, lab, hosts }) => ({ connection, lab: labs.indexOf(lab), hosts })),
      hosts,
      labs,
      Math.max(0, ...labs.map(lab => lab.clock.now())),
    );
  }

  /** An independent copy, without fault hook and without what is under way. */
  fork(): SimulatedInventory {
    return new SimulatedInventory(this.inventory, this.places, this.hostPlaces, this.#labs, this.clock.now());
  }

  /** Asked on every call. */
  set onCall(hook: FaultHook | undefined) {
    for (const lab of this.#labs) lab.onCall = hook;
  }

  /** From now on; gives the longest outage of each VM that has had one until it is asked, the longest first. */
  measureOutages(): () => MeasuredOutage[] {
    const meter = new OutageMeter();
    for (const lab of this.#labs) {
      lab.onVm = (vm, before, goneMs) => meter.changed(vm, before, goneMs, this.clock.now());
    }
    return () => meter.longest(this.clock.now());
  }

  /** Nothing is under way: no call, no wait, no time-out. */
  get quiet(): boolean {
    return this.clock.quiet && this.#labs.every(lab => lab.quiet);
  }

  /** Equal in all that anything can find out, apart from what time it is. */
  isLike(other: SimulatedInventory): boolean {
    return this.#labs.every((lab, at) => alike(lab, other.#labs[at]!));
  }

  /** Goes on from where `to` is, a fork of what this was forked from, with as much time passed as between `from` and `to`. */
  become(to: SimulatedInventory, from: SimulatedInventory): void {
    const shiftMs = this.clock.now() - from.clock.now();
    this.clock.catchUp(to.clock.now() + shiftMs);
    for (const [at, lab] of this.#labs.entries()) lab.become(to.#labs[at]!, shiftMs);
  }

  /** Notes what is looked at and changed from now on, until what it gives is called: nothing else may go on meanwhile. */
  watch(): () => InventoryDeed {
    const since = this.clock.now();
    const footprints = this.#labs.map(lab => new Footprint(lab));
    return () => {
      for (const footprint of footprints) footprint.end();
      const ms = this.clock.now() - since;
      return {
        fits: inventory => footprints.every((footprint, at) => footprint.fits(inventory.#labs[at]!)),
        repeat: inventory => {
          for (const [at, footprint] of footprints.entries()) footprint.repeat(inventory.#labs[at]!);
          inventory.clock.catchUp(inventory.clock.now() + ms);
        },
      };
    };
  }

  /** What is different in `later`, a fork of this or of what this was forked from. Times, and what a boot clears (`/run`), don't count. */
  differences(later: SimulatedInventory): InventoryDifference[] {
    return this.#labs.flatMap((lab, at) => {
      const after = later.#labs[at]!;
      return butForTime(differences(lab, after))
        .filter(one => !one.path.startsWith('guest.files./run/'))
        .map(one => Object.assign(one, { byLoss: isByLoss(one, after) }));
    });
  }

  /** Starts the VMs that were lost, where their host is back, and agents that have fallen silent. */
  startLost(): void {
    for (const lab of this.#labs) {
      for (const [, vm] of [...lab.vms.entries()]) {
        if ((!isLost(vm.stateReason) && !vm.agentSilent) || lab.isLost(vm.host)) continue;
        const { stateReason, agentSilent, ...rest } = vm;
        if (isLost(stateReason)) lab.putVm({ ...rest, state: 'running', readyAt: 0 });
        else lab.putVm({ ...rest, ...(stateReason !== undefined && { stateReason }) });
      }
    }
  }

  load(): InventoryLoad {
    const load: InventoryLoad = { hosts: {}, datastores: {} };
    for (const lab of this.#labs) {
      for (const [name, { memoryMiB }] of lab.hosts.entries()) {
        load.hosts[name] = { used: memoryMiB - lab.freeMemoryMiB(name), capacity: memoryMiB };
      }
      for (const [name, { capacityGiB }] of lab.datastores.entries()) {
        load.datastores[name] = { used: capacityGiB - lab.freeGiB(name), capacity: capacityGiB };
      }
    }
    return load;
  }
}

/** Without those that only say when something was done: a backup made later has another name and another date in it. */
function butForTime(found: Difference[]): Difference[] {
  const gone = new Map<string, Difference[]>();
  const kept = new Set<Difference>();
  for (const one of found) {
    if (one.was !== undefined && one.is !== undefined) {
      if (!isText(one.was) || timeless(one.was) !== timeless(one.is)) kept.add(one);
    } else if (one.is === undefined) {
      const id = `${one.kind} ${one.name} ${timeless(one.path)} ${timeless(one.was)}`;
      gone.set(id, [...(gone.get(id) ?? []), one]);
      kept.add(one);
    }
  }
  for (const one of found) {
    if (one.was !== undefined || one.is === undefined) continue;
    const twin = gone.get(`${one.kind} ${one.name} ${timeless(one.path)} ${timeless(one.is)}`)?.pop();
    if (twin) kept.delete(twin);
    else kept.add(one);
  }
  return found.filter(one => kept.has(one));
}

/** Only a text can tell a time. */
function isText(value: unknown): boolean {
  return typeof value === 'object' || (typeof value === 'string' && value.length >= 'YYYYMMDDTHHMMSSZ'.length);
}

function timeless(value: unknown): string {
  return (JSON.stringify(value) ?? '').replace(/\d{4}-?\d\d-?\d\dT[\d:.]+Z/g, 'TIME');
}

/** Whether that says that nobody turned the VM off: it went with its host or its process. */
function isLost(stateReason: string | undefined): boolean {
  return lossReasons.some(reason => reason === stateReason);
}

function isByLoss({ kind, name, path }: Difference, after: SimulatedLab): boolean {
  if (kind === 'host') return path === 'lost' || path.startsWith('lost.');
  if (kind !== 'vm') return false;
  if (path === 'agentSilent') return true;
  return (path === 'state' || path === 'stateReason') && isLost(after.vms.get(name)?.stateReason);
}

class SimulatedFleet implements Fleet {
  readonly connections: string[];
  readonly #open = new Map<string, Hypervisor>();

  constructor(
    private readonly inventory: Inventory,
    private readonly labs: readonly SimulatedLab[],
    private readonly places: readonly { connection: string; lab: number; hosts: readonly string[] }[],
    private readonly hostPlaces: ReadonlyMap<string, string>,
  ) {
    this.connections = places.map(place => place.connection);
  }

  get reach(): Reach {
    return simulatedReach(this.labs[0]!);
  }

  async hypervisor(connection: string): Promise<Hypervisor> {
    return this.#hypervisor(connection);
  }

  #hypervisor(connection: string): Hypervisor {
    const open = this.#open.get(connection);
    if (open) return open;
    const place = this.places.find(one => one.connection === connection);
    if (!place) {
      throw new HypervisorError('not-found', `The inventory has no connection ${connection}.`, { connection });
    }
    const made = connectSimulated(this.labs[place.lab]!, connection, { hosts: place.hosts });
    this.#open.set(connection, made);
    return made;
  }

  async host(name: string): Promise<Hypervisor> {
    const connection = this.hostPlaces.get(name);
    if (connection === undefined) {
      throw new HypervisorError('not-found', `There is no host ${name} in the inventory. Correct the name.`, {
        host: name,
        outcomeUnknown: false,
      });
    }
    this.#requireHost(name);
    return this.#hypervisor(connection);
  }

  #requireHost(host: string): void {
    if (!this.labs.some(lab => lab.isLost(host))) return;
    throw new HypervisorError('unreachable', `The host ${host} does not answer.`, { host, outcomeUnknown: false });
  }

  async locate(vm: string): Promise<VmLocation> {
    const host = this.#record(vm)?.host;
    const connection = host === undefined ? undefined : this.hostPlaces.get(host);
    if (host !== undefined && connection !== undefined) {
      this.#requireHost(host);
      const hypervisor = this.#hypervisor(connection);
      const info = await hypervisor.vm(vm);
      if (info) return { hypervisor, host: info.host, vm: info };
    }
    throw new HypervisorError('not-found', `There is no VM ${vm} in the inventory. Correct the name.`, {
      vm,
      outcomeUnknown: false,
    });
  }

  #record(vm: string) {
    for (const lab of this.labs) {
      const found = lab.find(vm);
      if (found) return found;
    }
    return undefined;
  }

  async proxy(name: string): Promise<BackupProxy> {
    const { proxies } = this.inventory;
    const definition = Object.hasOwn(proxies, name) ? proxies[name] : undefined;
    if (!definition) throw new HypervisorError('not-found', `The inventory has no proxy ${name}.`);
    const transport = definition.transport === 'relay' ? 'unix' : 'tcp';
    return simulatedProxy(this.labs[0]!, name, definition.directory, transport);
  }

  async guest(vm: string, via: 'auto' | 'agent' | 'ssh'): Promise<Exec> {
    const { hypervisor, vm: info } = await this.locate(vm);
    const hasAgent = info.agent !== 'none' && info.agent !== 'disconnected';
    if (via === 'agent' || (via === 'auto' && hasAgent)) {
      return { exec: (argv, options) => hypervisor.guestAgent!.exec(info.uuid, argv, options) };
    }
    const lab = this.labs.find(one => one.find(vm))!;
    return simulatedSsh(lab, info.name);
  }

  async address(vm: string): Promise<string | undefined> {
    const { vms } = this.inventory;
    const own = Object.hasOwn(vms, vm) ? vms[vm]?.address : undefined;
    return this.#record(vm)?.guest.address ?? own;
  }

  async close(): Promise<void> {}
}
