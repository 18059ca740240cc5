import { posix } from 'node:path';
import { XMLBuilder } from 'fast-xml-parser';
import { HypervisorError } from '../errors';
import type { Hypervisor, MigrateOptions, Migration, MigrationReport } from '../ports';
import { DiskMove, diskPaths, type Side } from './disk-move';
import { type DomainDefinition, type DomainDisk, readDomain, writableDisks } from './domain-xml';
import {
  CpuCompare,
  DomainState,
  Feature,
  JobOperation,
  JobStats,
  JobType,
  Migrate,
  PausedReason,
  Undefine,
} from './flags';
import {
  connectCompareHypervisorCpu,
  connectSupportsFeature,
  type Domain,
  domainAbortJob,
  domainDestroyFlags,
  domainGetJobStats,
  domainIsPersistent,
  domainMigrateBegin3Params,
  domainMigrateConfirm3Params,
  domainMigrateFinish3Params,
  domainMigratePerform3Params,
  domainMigratePrepare3Params,
  domainResume,
  domainSnapshotNum,
  domainUndefineFlags,
  nodeGetFreeMemory,
} from './generated/procedures';
import { errorCode, isLibvirt, orUndefined } from './libvirt-error';
import { type LibvirtHost, pause } from './libvirt-host';
import { isSharedFolder } from './shared-storage';
import type { TypedParam } from './xdr';
import { child, parseXml } from './xml';

type Disk = DomainDisk & { source: string };

/** Cache modes under which no stale page of the old host can be read on the new one. */
const safeCaches = new Set(['none', 'directsync']);
const PROGRESS_MS = 200;
const FINISH_MS = 300_000;
/** How long both hosts are given to clean up by themselves after a client that died. */
const SETTLE_MS = 5_000;
const ABORT_AFTER_MS = 1_000;
const GIVE_UP_MS = 60_000;

/** What a migration must know of both ends before it begins. */
interface Plan {
  dom: Domain;
  active: boolean;
  persistent: boolean;
  definition: DomainDefinition;
  disks: Disk[];
  /** Disks whose files only the source has. */
  local: Disk[];
  storage: 'shared' | 'copy';
  target: Side;
}

/** How another connection is seen as libvirt: undefined when it is of another kind. */
export type SideOf = (hypervisor: Hypervisor) => Side | undefined;

/** Live migration led by this client over its two connections: the hosts need to reach each other only for QEMU's own stream. */
export class LibvirtMigration implements Migration {
  private readonly host: LibvirtHost;

  constructor(
    private readonly source: Side,
    private readonly sideOf: SideOf,
  ) {
    this.host = source.host;
  }

  private targetOf(options: MigrateOptions): Side {
    const side = this.sideOf(options.target.hypervisor);
    if (!side)
      throw this.host.error(
        'unsupported',
        `a VM cannot move from libvirt to ${options.target.hypervisor.connection}, which is ${options.target.hypervisor.kind}.`,
      );
    if (side.host === this.host) throw this.host.error('refused', `${options.target.host} is where the VM is already.`);
    return side;
  }

  async blockers(uuid: string, options: MigrateOptions): Promise<string[]> {
    return (await this.examine(uuid, options)).blockers;
  }

  private async examine(uuid: string, options: MigrateOptions): Promise<{ plan: Plan; blockers: string[] }> {
    const { host } = this;
    const target = this.targetOf(options);
    const dom = await host.domain(uuid);
    const to = target.host.name;
    const [xml, active, { num: snapshots }, { persistent }, byIdentity, byName, busy] = await Promise.all([
      host.xml(dom),
      host.isActive(dom),
      host.call(domainSnapshotNum, { dom, flags: 0 }),
      host.call(domainIsPersistent, { dom }),
      target.host.findDomain(uuid),
      target.host.findDomain(dom.name),
      host.hasJob(dom),
    ]);
    const node = parseXml(xml, 'domain');
    const definition = readDomain(node);
    const disks = writableDisks(definition);
    const blockers: string[] = [];
    if (byIdentity) blockers.push(`${to} knows ${dom.name} already: an earlier migration may be half done.`);
    else if (byName) blockers.push(`${to} has another VM named ${dom.name}.`);
    if (snapshots > 0)
      blockers.push(
        `${dom.name} has ${snapshots} snapshot${snapshots > 1 ? 's' : ''}; libvirt moves no VM that has any. Delete or merge them first.`,
      );
    if (busy) blockers.push(`Another job (backup, migration, …) works on ${dom.name}.`);
    if (definition.hostDevices > 0)
      blockers.push(`${dom.name} uses ${definition.hostDevices} device(s) of ${host.name} itself, which cannot move.`);
    if (definition.cpuMode === 'host-passthrough')
      blockers.push(
        `${dom.name} has CPU mode host-passthrough: its CPU is that of ${host.name}, and no other host is known to have the same. Use a named model or host-model.`,
      );

    const files = definition.disks.filter(disk => disk.source?.startsWith('/'));
    const folders = [...new Set(files.map(disk => posix.dirname(disk.source!)))];
    const shared = new Map<string, boolean>();
    for (const folder of folders) {
      // A device node names no storage: only what is inside a folder can be probed.
      if (folder.startsWith('/dev')) shared.set(folder, options.storage === 'shared');
      else shared.set(folder, await isSharedFolder(folder, this.source, target.storage));
    }
    const isLocal = (disk: DomainDisk) =>
      disk.source?.startsWith('/') === true && shared.get(posix.dirname(disk.source)) === false;
    for (const disk of definition.disks)
      if (disk.readonly && isLocal(disk))
        blockers.push(`${disk.target} of ${dom.name} holds ${disk.source}, which ${to} does not see. Eject it.`);
    const local = disks.filter(disk => (options.storage === 'copy' ? disk.source.startsWith('/') : isLocal(disk)));
    const storage = options.storage === 'auto' ? (local.length > 0 ? 'copy' : 'shared') : options.storage;
    if (storage === 'shared') {
      for (const disk of disks.filter(isLocal))
        blockers.push(`${to} does not see ${disk.source}: its folder is not shared storage. Use storage: copy.`);
      for (const disk of disks)
        if (active && disk.source.startsWith('/') && disk.cache !== 'default' && !safeCaches.has(disk.cache))
          blockers.push(
            `${disk.target} of ${dom.name} has cache mode ${disk.cache}, unsafe to move on shared files. Use cache none.`,
          );
    } else {
      if (!active) blockers.push(`${dom.name} is off, and its disks are copied only while it runs. Start it first.`);
      const where = local.filter(disk => shared.get(posix.dirname(disk.source)) === true);
      for (const disk of where)
        blockers.push(
          `${disk.source} is on storage that ${to} sees too: it cannot be copied onto itself. Use storage: shared.`,
        );
      for (const folder of new Set(local.map(disk => posix.dirname(disk.source))))
        if ((await target.storage.existing(folder, [])) === undefined)
          blockers.push(`${to} has no folder ${folder} for the copies. Make a pool there.`);
      if (where.length === 0)
        for (const path of await new DiskMove(this.source, target, options.mark).inTheWay(
          local.map(disk => disk.source),
        ))
          blockers.push(`${to} has a file ${path} already; it is not overwritten. Move it out of the way.`);
    }
    if (active)
      blockers.push(
        ...(await this.missingRoom(dom, definition, target)),
        ...(await this.cpuMismatch(node, dom, definition, target)),
      );
    return { plan: { dom, active, persistent: persistent === 1, definition, disks, local, storage, target }, blockers };
  }

  private async missingRoom(dom: Domain, definition: DomainDefinition, target: Side): Promise<string[]> {
    const free = await target.host.call(nodeGetFreeMemory, {}).catch(() => undefined);
    const freeMiB = free && Math.floor(free.freeMem / 2 ** 20);
    return freeMiB !== undefined && freeMiB < definition.memoryMiB
      ? [`${target.host.name} has ${freeMiB} MiB of memory free; ${dom.name} needs ${definition.memoryMiB} MiB.`]
      : [];
  }

  private async cpuMismatch(
    node: ReturnType<typeof parseXml>,
    dom: Domain,
    definition: DomainDefinition,
    target: Side,
  ): Promise<string[]> {
    const cpu = child(node, 'cpu');
    // Emulated CPUs are the same everywhere; a mode other than custom was answered before.
    if (!cpu || definition.virtType !== 'kvm' || definition.cpuMode === 'host-passthrough') return [];
    const xmlCpu = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', textNodeName: '#text' }).build({
      cpu,
    });
    try {
      const { result } = await target.host.call(connectCompareHypervisorCpu, {
        emulator: definition.emulator ?? null,
        arch: definition.arch,
        machine: definition.machine,
        virttype: definition.virtType,
        xmlCpu,
        flags: 0,
      });
      return result === CpuCompare.incompatible
        ? [`The CPU of ${target.host.name} lacks features that ${dom.name} uses.`]
        : [];
    } catch (error) {
      if (error instanceof HypervisorError && (error.kind === 'unsupported' || error.kind === 'failed')) return [];
      if (isLibvirt(error, errorCode.cpuIncompatible))
        return [`The CPU of ${target.host.name} does not fit ${dom.name}: ${error.text}.`];
      throw error;
    }
  }

  async migrate(uuid: string, options: MigrateOptions): Promise<MigrationReport> {
    const { host } = this;
    const { plan, blockers } = await this.examine(uuid, options);
    const { dom, target } = plan;
    if (blockers.length > 0)
      throw host.error('refused', `${dom.name} cannot move to ${target.host.name}: ${blockers.join(' ')}`, dom.name);
    if (options.signal?.aborted) throw host.error('cancelled', `${dom.name} was not moved: cancelled.`, dom.name);
    const move = new DiskMove(this.source, target, options.mark);
    const paths = plan.local.map(disk => disk.source);
    try {
      if (plan.storage === 'copy') await move.makeTargets(dom, plan.local);
      await this.transfer(plan, options);
    } catch (error) {
      // Whatever the last call was: from the moment of the first one on, only the source can tell how it ended.
      if (host.rpc.closed) throw this.lostTrack(dom, error);
      // With an unknown outcome the volumes may hold the only good copy: `settle` decides then.
      const known = !(error instanceof HypervisorError && error.outcomeUnknown);
      if (known && plan.storage === 'copy') await move.dropTarget(paths).catch(() => undefined);
      throw error;
    }
    if (plan.storage === 'copy')
      await move.dropSource(paths).catch(error => {
        throw this.unsettled(dom, target.host, error);
      });
    return { storage: plan.storage, ...(plan.active ? await this.report(target, dom) : {}) };
  }

  private async report(target: Side, dom: Domain): Promise<Partial<MigrationReport>> {
    try {
      const { params } = await target.host.call(domainGetJobStats, {
        dom: await target.host.domain(dom.uuid),
        flags: JobStats.completed,
      });
      const number = (name: string) => (typeof params[name] === 'number' ? params[name] : undefined);
      return {
        downtimeMs: number('downtime'),
        transferredBytes: number('data_processed'),
        durationMs: number('time_elapsed'),
      };
    } catch {
      return {};
    }
  }

  /** The five calls of libvirt's migration protocol, version 3. */
  private async transfer(plan: Plan, options: MigrateOptions): Promise<void> {
    const { dom, target, active } = plan;
    const { host } = this;
    const to = target.host;
    const flags = await this.flags(plan, options);
    // The target knows nothing of these two.
    const targetFlags = flags & ~(Migrate.abortOnError | Migrate.autoConverge | Migrate.changeProtection);
    const params: TypedParam[] = [{ field: 'destination_name', type: 'string', value: dom.name }];
    if (options.bandwidthMiBps > 0) params.push({ field: 'bandwidth', type: 'ullong', value: options.bandwidthMiBps });
    if (plan.storage === 'copy')
      for (const disk of plan.local) params.push({ field: 'migrate_disks', type: 'string', value: disk.target });

    const begun = await host.call(domainMigrateBegin3Params, { dom, params, flags });
    const forTarget: TypedParam[] = [...params, { field: 'destination_xml', type: 'string', value: begun.xml }];
    let prepared: { cookieOut: Buffer; uriOut: string | null };
    try {
      prepared = await to.call(
        domainMigratePrepare3Params,
        { params: forTarget, cookieIn: begun.cookieOut, flags: targetFlags },
        { long: true },
      );
    } catch (error) {
      await this.confirm(dom, params, Buffer.alloc(0), flags, true).catch(() => undefined);
      throw error;
    }
    const withUri: TypedParam[] = prepared.uriOut
      ? [...params, { field: 'migrate_uri', type: 'string', value: prepared.uriOut }]
      : params;
    let cookie = prepared.cookieOut;
    let failure: unknown;
    if (active) {
      try {
        cookie = await this.perform(plan, withUri, prepared.cookieOut, flags, options);
      } catch (error) {
        if (host.rpc.closed) throw error;
        failure = error;
      }
    } else {
      // There is no transfer, so the source has nothing to say to the target.
      cookie = Buffer.alloc(0);
    }
    // Both ends must hear how it went, also when it went wrong: that is what lets the source go on and the target forget.
    const cancelled = failure === undefined ? 0 : 1;
    let finished = false;
    try {
      const reply = await to.call(
        domainMigrateFinish3Params,
        { params: withUri, cookieIn: cookie, flags: targetFlags, cancelled },
        { long: true, timeoutMs: FINISH_MS },
      );
      cookie = reply.cookieOut;
      finished = cancelled === 0;
    } catch (error) {
      if (error instanceof HypervisorError && error.outcomeUnknown && failure === undefined) throw error;
      failure ??= error;
      cookie = Buffer.alloc(0);
    }
    try {
      await this.confirm(dom, params, cookie, flags, !finished);
    } catch (error) {
      // The VM runs on the target: what is left here is `settle`'s to remove, and a retry would be wrong.
      if (finished) throw this.unsettled(dom, to, error);
      failure ??= error;
    }
    if (failure !== undefined) throw await this.explained(plan, failure, options);
  }

  private unsettled(dom: Domain, to: LibvirtHost, cause: unknown): HypervisorError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new HypervisorError(
      'failed',
      `${this.host.name}: ${dom.name} runs on ${to.name} now, but ${this.host.name} did not let go of it: ${why}`,
      { connection: this.host.name, host: this.host.name, vm: dom.name, cause, outcomeUnknown: true },
    );
  }

  private lostTrack(dom: Domain, cause: unknown): HypervisorError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new HypervisorError('unreachable', `${why} Where ${dom.name} runs now must be asked of both hosts.`, {
      connection: this.host.name,
      host: this.host.name,
      vm: dom.name,
      cause,
      outcomeUnknown: true,
    });
  }

  private confirm(dom: Domain, params: TypedParam[], cookieIn: Buffer, flags: number, cancelled: boolean) {
    return this.host.call(
      domainMigrateConfirm3Params,
      { dom, params, cookieIn, flags, cancelled: cancelled ? 1 : 0 },
      { long: true, timeoutMs: FINISH_MS },
    );
  }

  private async flags(plan: Plan, options: MigrateOptions): Promise<number> {
    const { supported } = await this.host.call(connectSupportsFeature, { feature: Feature.migrateChangeProtection });
    let flags = Migrate.abortOnError | (supported ? Migrate.changeProtection : 0);
    if (plan.persistent) flags |= Migrate.persistDest | Migrate.undefineSource;
    if (!plan.active) return (flags | Migrate.offline) & ~Migrate.abortOnError;
    if (options.live) flags |= Migrate.live;
    if (options.autoConverge && options.live) flags |= Migrate.autoConverge;
    if (plan.storage === 'copy') flags |= Migrate.nonSharedDisk;
    // libvirt believes only in cluster file systems; here the folder was probed, and the cache mode is known not to matter.
    else if (
      plan.disks.every(disk => !disk.source.startsWith('/') || safeCaches.has(disk.cache) || disk.cache === 'default')
    )
      flags |= Migrate.unsafe;
    return flags;
  }

  /** The transfer itself, with progress and cancelling through a second call on the same connection. */
  private async perform(
    { dom, target }: Plan,
    params: TypedParam[],
    cookieIn: Buffer,
    flags: number,
    options: MigrateOptions,
  ): Promise<Buffer> {
    const { host } = this;
    const ended = new AbortController();
    const stop = () => {
      void this.abort(dom, ended.signal);
    };
    options.signal?.addEventListener('abort', stop, { once: true });
    // Without its other end nobody could finish it: the VM is better off here at once than paused at the end of the transfer.
    const deaf = target.host.rpc.onClose(stop);
    const watching = this.watch(dom, options, ended.signal);
    try {
      const call = host.call(
        domainMigratePerform3Params,
        { dom, dconnuri: null, params, cookieIn, flags },
        { long: true, timeoutMs: 0 },
      );
      if (options.signal?.aborted || target.host.rpc.closed) stop();
      return (await call).cookieOut;
    } finally {
      ended.abort();
      options.signal?.removeEventListener('abort', stop);
      deaf();
      await watching;
    }
  }

  /** Until the job hears it: right after the call is sent there may be no job yet. */
  private async abort(dom: Domain, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      try {
        await this.host.call(domainAbortJob, { dom });
        return;
      } catch {
        await pause(50, ended);
      }
    }
  }

  private async watch(dom: Domain, options: MigrateOptions, ended: AbortSignal): Promise<void> {
    if (!options.onProgress) return;
    for (;;) {
      await pause(PROGRESS_MS, ended);
      if (ended.aborted) return;
      try {
        const { type, params } = await this.host.call(domainGetJobStats, { dom, flags: 0 });
        const total = Number(params.data_total ?? 0);
        if (ended.aborted || (type !== JobType.bounded && type !== JobType.unbounded)) continue;
        const fraction = total > 0 ? Math.min(1, 1 - Number(params.data_remaining ?? 0) / total) : undefined;
        options.onProgress({
          fraction,
          message: `${Math.round(Number(params.data_processed ?? 0) / 2 ** 20)} MiB copied`,
        });
      } catch {
        // Between two phases the VM has no job to tell of.
      }
    }
  }

  /** What went wrong, once the VM is seen to run on where it was. */
  private async explained({ dom, target }: Plan, failure: unknown, options: MigrateOptions): Promise<unknown> {
    const { host } = this;
    const { state, reason } = await host.state(dom);
    if (state === DomainState.paused && reason === PausedReason.migration) await host.call(domainResume, { dom });
    const stays = `the VM goes on here.`;
    if (options.signal?.aborted)
      return host.error('cancelled', `the migration of ${dom.name} was cancelled; ${stays}`, dom.name, failure);
    if (target.host.rpc.closed)
      return host.error(
        'failed',
        `${target.host.name} was lost during the migration of ${dom.name}; ${stays}`,
        dom.name,
        failure,
      );
    // libvirt says so for every abort, and this one was not ours.
    if (failure instanceof HypervisorError && failure.kind === 'cancelled')
      return host.error(
        'failed',
        `the migration of ${dom.name} was aborted by somebody else; ${stays}`,
        dom.name,
        failure,
      );
    return failure;
  }

  async settle(uuid: string, options: MigrateOptions): Promise<'source' | 'target' | undefined> {
    const target = this.targetOf(options);
    const move = new DiskMove(this.source, target, options.mark);
    const where = await this.winner(uuid, target);
    const side = where === 'source' ? this.source : target;
    const dom = where && (await side.host.domain(uuid));
    if (!dom) return undefined;
    const paths = await diskPaths(side.host, dom);
    if (where === 'source') await move.dropTarget(paths);
    else await move.dropSource(paths);
    return where;
  }

  /**
   * Decides by what both hosts say, and lets the losing side go. The daemons clean up after a client that died too, and a last call of
   * its may still be at work: so this waits for them, and acts only on what has stayed as it is.
   */
  private async winner(uuid: string, target: Side): Promise<'source' | 'target' | undefined> {
    const start = Date.now();
    let aborted = false;
    for (;;) {
      const [source, copy] = await Promise.all([look(this.host, uuid), look(target.host, uuid)]);
      const waited = Date.now() - start;
      if (source?.migrates) {
        // Nobody leads it any more. libvirt ends it when it notices; a throttled copy of disks it would first let drain.
        if (waited > ABORT_AFTER_MS && !aborted) {
          aborted = true;
          await this.host.call(domainAbortJob, { dom: source.dom }).catch(() => undefined);
        }
        if (waited > GIVE_UP_MS)
          throw this.host.error(
            'busy',
            `the migration of ${source.dom.name} is still under way and does not end.`,
            source.dom.name,
          );
      } else {
        const late = waited > SETTLE_MS;
        const answer = await this.decide(source, copy, target, late);
        if (answer) return answer;
        if (late) return undefined;
      }
      await pause(200);
    }
  }

  /** undefined: wait, or (when it is late) it can't be told. */
  private async decide(
    source: Seen | undefined,
    copy: Seen | undefined,
    target: Side,
    late: boolean,
  ): Promise<'source' | 'target' | undefined> {
    if (source && !copy) {
      if (source.waits) await this.host.call(domainResume, { dom: source.dom });
      return 'source';
    }
    if (!source && copy) {
      // Its source is undefined only after the target took over: a pause is the last thing left to lift.
      if (copy.waits && !late) return undefined;
      if (copy.waits) await target.host.call(domainResume, { dom: copy.dom });
      return 'target';
    }
    if (!source || !copy || !late) return undefined;
    if (copy.runs && (source.waits || source.off)) {
      await letGo(this.host, source);
      return 'target';
    }
    // A copy that is off is a defined one, so it had taken over and may have written: a paused source must not go on behind it.
    if ((copy.waits && (source.runs || source.waits)) || (copy.off && source.runs)) {
      // The copy never ran: only the finish starts it.
      await letGo(target.host, copy);
      if (source.waits) await this.host.call(domainResume, { dom: source.dom });
      return 'source';
    }
    return undefined;
  }
}

interface Seen {
  dom: Domain;
  runs: boolean;
  off: boolean;
  /** Paused by the migration itself: for the other side to take over, or to be told to go on. */
  waits: boolean;
  /** A migration away from here is under way. */
  migrates: boolean;
}

/** One side of a migration; undefined when the VM is not there, or goes away while it is looked at. */
async function look(host: LibvirtHost, uuid: string): Promise<Seen | undefined> {
  const dom = await host.findDomain(uuid);
  if (!dom) return undefined;
  const seen = await orUndefined(host.state(dom));
  if (!seen) return undefined;
  const { state, reason } = seen;
  // A VM that is off has no job to ask for.
  const job = await host.call(domainGetJobStats, { dom, flags: 0 }).catch(error => {
    if (error instanceof HypervisorError && error.outcomeUnknown) throw error;
    return undefined;
  });
  const active = job?.type === JobType.bounded || job?.type === JobType.unbounded;
  return {
    dom,
    migrates: active && job.params.operation === JobOperation.migrationOut,
    runs: state === DomainState.running,
    off: state === DomainState.shutoff || state === DomainState.crashed,
    waits: state === DomainState.paused && (reason === PausedReason.migration || reason === PausedReason.startingUp),
  };
}

async function letGo(host: LibvirtHost, seen: Seen): Promise<void> {
  if (!seen.off) await orUndefined(host.call(domainDestroyFlags, { dom: seen.dom, flags: 0 }, { long: true }));
  const left = await host.findDomain(seen.dom.uuid);
  if (left)
    await orUndefined(host.call(domainUndefineFlags, { dom: left, flags: Undefine.managedSave | Undefine.keepNvram }));
}
