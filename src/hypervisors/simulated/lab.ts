import { HypervisorError } from '../errors';
import type { CallOptions, HypervisorEvent } from '../ports';
import { type SimulatedClock, VirtualClock } from './clock';
import { type Fault, type FaultHook, type LabCall, type ScriptedFault, scriptedFaults } from './faults';
import { type LabRecords, parseLabFile, serializeLab } from './lab-file';
import type { LabDatastore, LabHost, LabLock, LabProxy, LabRepository, LabVm } from './state';
import { Table } from './table';

/** Why a VM is off that nobody turned off. */
export const lossReasons = ['host lost', 'VM lost'] as const;
export type LossReason = (typeof lossReasons)[number];

/** Where a lab that several processes share is kept, e.g. a file. */
export interface LabStore {
  /** Runs the body while no other process is inside one. */
  exclusive<T>(body: () => Promise<T>): Promise<T>;
  /** The stored text when it is newer than `revision`, else undefined. */
  read(revision: number): Promise<string | undefined>;
  write(text: string, revision: number): Promise<void>;
}

export interface LabOptions {
  /** Default: a virtual clock that starts at the lab file's `clock`. */
  clock?: SimulatedClock;
  /** Default: the faults of the lab file. */
  onCall?: FaultHook;
  store?: LabStore;
}

/** What one call of a port does. `check` and `effect` are synchronous, so nothing comes between them. */
export interface Work<T> {
  seconds?: number | (() => number);
  options?: CallOptions | undefined;
  /** Throws what stands in the way; asked before time passes and again right before the effect. */
  check?(): void;
  effect(): T;
  /** How long the caller waits, in ms, before it is told what `check` threw. */
  refusalMs?: () => number;
  /** What an interruption in the middle leaves behind. */
  halfway?(): void;
  /** Name of a VM that no other job may hold meanwhile. */
  holds?: string;
  /** How long the caller waits for a silent agent. */
  agentTimeoutMs?: number;
}

/**
 * A simulated world: hosts, datastores, VMs with what is inside them, and proxies, on one clock. Connections over it come from
 * `connectSimulated`. Forks are cheap and independent.
 */
export class SimulatedLab {
  hosts: Table<LabHost>;
  datastores: Table<LabDatastore>;
  vms: Table<LabVm>;
  proxies: Table<LabProxy>;
  /** Of runs, by name. A fork has none. */
  locks: Readonly<Record<string, LabLock>> = {};
  /** Grows with every change. */
  revision: number;
  readonly clock: SimulatedClock;
  onCall: FaultHook | undefined;
  /** Sees each change of a VM's record; `goneMs` as in `putVm`. A fork has none. */
  onVm: ((vm: LabVm, before: LabVm, goneMs: number) => void) | undefined;
  private repositories: Record<string, LabRepository>;
  private faults: ScriptedFault[];
  private names: Map<string, string>;
  /** Of VMs that are on, by host, in MiB. */
  memory: Table<number>;
  /** What is taken, by datastore, in GiB. */
  space: Table<number>;
  private readonly store: LabStore | undefined;
  private readonly jobs = new Set<string>();
  private readonly listeners = new Set<(event: HypervisorEvent, host: string) => void>();

  private constructor(records: LabRecords | SimulatedLab, options: LabOptions) {
    if (records instanceof SimulatedLab) {
      this.hosts = records.hosts.fork();
      this.datastores = records.datastores.fork();
      this.vms = records.vms.fork();
      this.proxies = records.proxies.fork();
      this.revision = records.revision;
      this.repositories = records.repositories;
      this.faults = records.faults;
      this.names = records.names;
      this.memory = records.memory.fork();
      this.space = records.space.fork();
      this.clock = options.clock ?? records.clock.fork();
      this.onCall = options.onCall;
    } else {
      this.hosts = Table.from(Object.entries(records.hosts));
      this.datastores = Table.from(Object.entries(records.datastores));
      this.vms = Table.from(records.vms.map(vm => [vm.name, vm] as const));
      this.proxies = Table.from(Object.entries(records.proxies));
      this.locks = records.locks ?? {};
      this.revision = records.revision;
      this.repositories = records.repositories;
      this.faults = records.faults;
      this.names = new Map(records.vms.map(vm => [vm.uuid, vm.name] as const));
      this.memory = Table.from<number>([]);
      this.space = Table.from<number>([]);
      this.account();
      this.clock = options.clock ?? new VirtualClock(records.clock);
      this.onCall = options.onCall ?? (records.faults.length > 0 ? scriptedFaults(records.faults) : undefined);
    }
    this.store = options.store;
  }

  /** Reads a lab file (YAML or JSON). Throws `LabFileError` with the line and what to write instead. */
  static parse(text: string, options: LabOptions & { file?: string } = {}): SimulatedLab {
    return new SimulatedLab(parseLabFile(text, options.file), options);
  }

  /** The whole state as a lab file in JSON; `parse` reads it back without loss. */
  serialize(): string {
    return serializeLab({
      revision: this.revision,
      clock: this.clock.now(),
      hosts: Object.fromEntries(this.hosts.entries()),
      datastores: Object.fromEntries(this.datastores.entries()),
      repositories: this.repositories,
      vms: [...this.vms.entries()].map(([, vm]) => vm),
      proxies: Object.fromEntries(this.proxies.entries()),
      locks: this.locks,
      faults: this.faults,
    });
  }

  /** An independent copy, without store, listeners, jobs under way, and, unless given, without faults. */
  fork(options: Omit<LabOptions, 'store'> = {}): SimulatedLab {
    return new SimulatedLab(this, options);
  }

  /** No job is under way. */
  get quiet(): boolean {
    return this.jobs.size === 0;
  }

  /** Goes on from where `to` is; what is to happen by the clock there happens `shiftMs` later here. */
  become(to: SimulatedLab, shiftMs: number): void {
    this.hosts = to.hosts.fork();
    this.datastores = to.datastores.fork();
    this.vms = to.vms.fork();
    this.proxies = to.proxies.fork();
    this.memory = to.memory.fork();
    this.space = to.space.fork();
    this.revision = to.revision;
    const now = to.clock.now();
    for (const vm of this.vms.changes()) {
      if (vm.readyAt > now) this.vms.set(vm.name, { ...vm, readyAt: vm.readyAt + shiftMs });
    }
    for (const [name, host] of this.hosts.entries()) {
      const until = host.lost?.until;
      if (until !== undefined && until > now) this.hosts.set(name, { ...host, lost: { until: until + shiftMs } });
    }
  }

  repository(name: string | undefined): LabRepository | undefined {
    return name === undefined ? undefined : this.repositories[name];
  }

  /** By name or uuid. */
  find(vm: string): LabVm | undefined {
    return this.vms.get(vm) ?? this.vms.get(this.names.get(vm.toLowerCase()) ?? '');
  }

  freeMemoryMiB(host: string): number {
    return (this.hosts.get(host)?.memoryMiB ?? 0) - (this.memory.get(host) ?? 0);
  }

  freeGiB(datastore: string): number {
    return (this.datastores.get(datastore)?.capacityGiB ?? 0) - (this.space.get(datastore) ?? 0);
  }

  isLost(host: string): boolean {
    const lost = this.hosts.get(host)?.lost;
    return lost !== undefined && (lost.until === undefined || lost.until > this.clock.now());
  }

  /** Puts a VM's new record in place and keeps the books. `goneMs`: so long before this its guest went down, or stood still until now. */
  putVm(vm: LabVm, goneMs = 0): void {
    const old = this.vms.get(vm.name);
    this.vms.set(vm.name, vm);
    if (old) this.book(old, -1, vm);
    this.book(vm, 1, old);
    if (old) this.onVm?.(vm, old, goneMs);
    if (old && old.state !== vm.state) {
      const what =
        vm.state === 'running'
          ? old.state === 'paused'
            ? 'resumed'
            : 'started'
          : vm.state === 'paused'
            ? 'suspended'
            : vm.state === 'crashed'
              ? 'crashed'
              : 'stopped';
      this.tell({ type: 'vm', uuid: vm.uuid, name: vm.name, what }, vm.host);
    }
    if (old && old.host !== vm.host) {
      this.tell({ type: 'vm', uuid: vm.uuid, name: vm.name, what: 'undefined' }, old.host);
      this.tell({ type: 'vm', uuid: vm.uuid, name: vm.name, what: 'defined' }, vm.host);
    } else if (old && old.snapshots !== vm.snapshots) {
      this.tell({ type: 'vm', uuid: vm.uuid, name: vm.name, what: 'changed' }, vm.host);
    }
  }

  putDatastore(name: string, datastore: LabDatastore): void {
    const strays = (list: LabDatastore['strays']): number => list.reduce((sum, stray) => sum + stray.sizeGiB, 0);
    const old = this.datastores.get(name);
    this.datastores.set(name, datastore);
    this.use(name, strays(datastore.strays) - (old ? strays(old.strays) : 0));
  }

  /** Leaves a volume behind, as an interrupted operation does. */
  strand(datastore: string, stray: LabDatastore['strays'][number]): void {
    const record = this.datastores.get(datastore);
    if (record) this.putDatastore(datastore, { ...record, strays: [...record.strays, stray] });
  }

  /** Deletes the stray volumes of that VM with that mark. */
  sweep(vm: string, mark: string): void {
    for (const [name, datastore] of this.datastores.entries()) {
      if (datastore.strays.length === 0) continue;
      const strays = datastore.strays.filter(stray => stray.vm !== vm || stray.mark !== mark);
      if (strays.length < datastore.strays.length) this.putDatastore(name, { ...datastore, strays });
    }
  }

  /** The host is gone and its VMs with it. */
  loseHost(name: string, seconds?: number): void {
    const host = this.hosts.get(name);
    if (!host) return;
    const until = seconds === undefined ? {} : { until: this.clock.now() + seconds * 1000 };
    this.hosts.set(name, { ...host, lost: until });
    for (const [, vm] of this.vms.entries()) if (vm.host === name) this.lose(vm, 'host lost');
  }

  /** The VM is off, without a word to its guest. */
  lose(vm: LabVm, why: LossReason): void {
    const { job: _, agentSilent: __, ...rest } = vm;
    this.putVm(vm.state === 'shutoff' ? rest : { ...rest, state: 'shutoff', stateReason: why, frozen: false });
  }

  /** Its agent answers nothing any more, until it boots. */
  private silence(vm: LabVm): void {
    this.putVm({ ...vm, agentSilent: true });
  }

  subscribe(listener: (event: HypervisorEvent, host: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A call that only looks. */
  async read<T>(call: LabCall, look: () => T): Promise<T> {
    if (this.store) await this.refresh();
    const fault = this.onCall?.(call, true);
    if (fault) return this.fail(fault, call, { effect: look });
    this.reachable(call);
    return look();
  }

  /** A call that takes time and changes something. */
  async call<T>(call: LabCall, work: Work<T>): Promise<T> {
    if (this.store) await this.refresh();
    const fault = this.onCall?.(call, false);
    if (fault) return this.fail(fault, call, work);
    return this.perform(call, work);
  }

  /** Changes locks, in place, as nobody else does at the same time; false: it changed none. Kept when this resolves. */
  async changeLocks(change: (locks: Record<string, LabLock>) => boolean): Promise<void> {
    const work = async (): Promise<void> => {
      if (this.store) await this.refresh();
      const before = this.locks;
      const locks = { ...before };
      if (!change(locks)) return;
      this.locks = locks;
      this.revision++;
      try {
        await this.store?.write(this.serialize(), this.revision);
      } catch (error) {
        this.locks = before;
        throw error;
      }
    };
    await (this.store ? this.store.exclusive(work) : work());
  }

  private async perform<T>(call: LabCall, work: Work<T>): Promise<T> {
    this.reachable(call);
    try {
      work.check?.();
    } catch (error) {
      const wait = work.refusalMs?.() ?? 0;
      if (wait > 0) await this.clock.pass(wait, work.options?.signal);
      throw error;
    }
    const held = work.holds;
    if (held !== undefined) {
      if (this.jobs.has(held)) {
        throw new HypervisorError('busy', `${held} is busy with another job; wait for it to end.`, { vm: held });
      }
      this.jobs.add(held);
    }
    try {
      await this.spend(work);
      if (!this.store) return this.take(call, work);
      return await this.store.exclusive(async () => {
        await this.refresh();
        const result = this.take(call, work);
        await this.store?.write(this.serialize(), this.revision);
        return result;
      });
    } finally {
      if (held !== undefined) this.jobs.delete(held);
    }
  }

  private take<T>(call: LabCall, work: Work<T>): T {
    this.reachable(call);
    work.check?.();
    this.revision++;
    return work.effect();
  }

  private async spend<T>(work: Work<T>): Promise<void> {
    const seconds = typeof work.seconds === 'function' ? work.seconds() : (work.seconds ?? 0);
    const { signal, onProgress } = work.options ?? {};
    if (signal?.aborted) throw new HypervisorError('cancelled', 'Cancelled before it began.');
    onProgress?.({ fraction: 0 });
    const slices = this.clock.live && onProgress ? Math.min(40, Math.ceil(seconds * 2)) : 1;
    for (let slice = 1; slice <= slices; slice++) {
      if (seconds > 0) await this.clock.pass((seconds * 1000) / slices, signal);
      onProgress?.({ fraction: slice / slices });
    }
  }

  private reachable(call: LabCall): void {
    if (call.host !== undefined && this.isLost(call.host))
      throw this.unreachable(call, 'The host does not answer', false);
  }

  private unreachable(call: LabCall, why: string, outcomeUnknown: boolean): HypervisorError {
    const where = [call.host, call.vm].filter(Boolean).join(', ');
    return new HypervisorError('unreachable', `${why} (${call.at}${where && ` on ${where}`}).`, {
      host: call.host,
      vm: call.vm,
      outcomeUnknown,
    });
  }

  private async fail<T>(fault: Fault, call: LabCall, work: Work<T>): Promise<T> {
    const details = { host: call.host, vm: call.vm };
    const subject = call.vm ?? call.host ?? 'the lab';
    switch (fault.kind) {
      case 'fail-before':
        throw new HypervisorError(
          'failed',
          fault.message ?? `${call.at} failed on ${subject} (simulated fault).`,
          details,
        );
      case 'fail-after':
        await this.perform(call, work);
        throw new HypervisorError(
          'failed',
          fault.message ?? `${call.at} says that it failed on ${subject} (simulated fault).`,
          details,
        );
      case 'fail-halfway':
        if (work.halfway) await this.perform(call, { ...work, effect: work.halfway });
        throw this.unreachable(call, fault.message ?? 'The connection was lost halfway (simulated fault)', true);
      case 'unknown':
        if (fault.happened !== false) await this.perform(call, work);
        throw this.unreachable(call, fault.message ?? 'The connection was lost (simulated fault)', true);
      case 'host-lost': {
        if (fault.happened) await this.perform(call, work);
        const host = call.host;
        if (host !== undefined) {
          await this.perform({ at: call.at }, { effect: () => this.loseHost(host, fault.seconds) });
        }
        throw this.unreachable(call, fault.message ?? 'The host was lost (simulated fault)', true);
      }
      case 'vm-lost': {
        if (fault.happened) await this.perform(call, work);
        const vm = call.vm === undefined ? undefined : this.find(call.vm);
        if (vm) await this.perform({ at: call.at }, { effect: () => this.lose(this.find(vm.name) ?? vm, 'VM lost') });
        throw new HypervisorError(
          'failed',
          fault.message ?? `The process that runs ${subject} ended during ${call.at} (simulated fault).`,
          details,
        );
      }
      case 'datastore-full':
        throw new HypervisorError(
          'no-space',
          fault.message ?? `The datastore ran full during ${call.at} on ${subject} (simulated fault).`,
          details,
        );
      case 'agent-silent': {
        if (fault.happened) await this.perform(call, work);
        const vm = call.vm === undefined ? undefined : this.find(call.vm);
        if (vm) await this.perform({ at: call.at }, { effect: () => this.silence(this.find(vm.name) ?? vm) });
        // What a call makes of an agent that is silent is for the call to say.
        if (!fault.happened) return this.perform(call, work);
        await this.clock.pass(work.agentTimeoutMs ?? 5000, work.options?.signal);
        throw new HypervisorError(
          'agent',
          fault.message ?? `The guest agent of ${subject} gave no answer any more (simulated fault).`,
          { ...details, outcomeUnknown: true },
        );
      }
      case 'hang':
        await this.clock.pass(Number.POSITIVE_INFINITY, work.options?.signal);
        throw new HypervisorError('cancelled', 'Cancelled.', details);
    }
  }

  private async refresh(): Promise<void> {
    const text = await this.store?.read(this.revision);
    if (text === undefined) return;
    const records = parseLabFile(text);
    this.clock.catchUp(records.clock);
    this.hosts = Table.from(Object.entries(records.hosts));
    this.datastores = Table.from(Object.entries(records.datastores));
    this.proxies = Table.from(Object.entries(records.proxies));
    this.locks = records.locks ?? {};
    const before = this.vms;
    this.vms = Table.from(records.vms.map(vm => [vm.name, vm] as const));
    this.names = new Map(records.vms.map(vm => [vm.uuid, vm.name] as const));
    this.repositories = records.repositories;
    this.revision = records.revision;
    this.account();
    for (const vm of records.vms) {
      const old = before.get(vm.name);
      if (old && old.state === vm.state && old.host === vm.host && old.snapshots.length === vm.snapshots.length)
        continue;
      this.tell({ type: 'vm', uuid: vm.uuid, name: vm.name, what: 'changed' }, vm.host);
    }
  }

  /** Looks whether another process has changed the stored lab; listeners are told what changed. */
  async poll(): Promise<void> {
    if (this.store) await this.refresh();
  }

  private tell(event: HypervisorEvent, host: string): void {
    for (const listener of this.listeners) listener(event, host);
  }

  private account(): void {
    this.memory = Table.from<number>([]);
    this.space = Table.from<number>([]);
    for (const [name, datastore] of this.datastores.entries()) {
      this.use(name, datastore.usedByOthersGiB);
      for (const stray of datastore.strays) this.use(name, stray.sizeGiB);
    }
    for (const [, vm] of this.vms.entries()) this.book(vm, 1, undefined);
  }

  private book(vm: LabVm, sign: 1 | -1, other: LabVm | undefined): void {
    if (vm.state === 'running' || vm.state === 'paused') {
      this.memory.set(vm.host, (this.memory.peek(vm.host) ?? 0) + sign * vm.memoryMiB);
    }
    if (other?.disks !== vm.disks) for (const disk of vm.disks) this.use(disk.datastore, sign * disk.allocatedGiB);
    if (other?.snapshots !== vm.snapshots) {
      for (const snapshot of vm.snapshots) this.use(snapshot.datastore, sign * snapshot.sizeGiB);
    }
  }

  private use(datastore: string, sizeGiB: number): void {
    if (sizeGiB !== 0) this.space.set(datastore, (this.space.peek(datastore) ?? 0) + sizeGiB);
  }
}
