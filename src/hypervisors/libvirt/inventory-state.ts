import { posix } from 'node:path';
import type { ConnectionState, DiskInfo, HostInfo, VmInfo, VmState } from '../ports';
import { type DomainDefinition, parseDomain } from './domain-xml';
import { DomainState, ListDomains, PausedReason, STATS_NOWAIT, Stats } from './flags';
import {
  connectGetAllDomainStats,
  connectGetHostname,
  connectGetLibVersion,
  connectGetVersion,
  connectListAllDomains,
  type Domain,
  type DomainStats,
  domainGetXmlDesc,
  domainIsPersistent,
  domainSnapshotNum,
  nodeGetFreeMemory,
  nodeGetInfo,
} from './generated/procedures';
import { orUndefined } from './libvirt-error';
import type { LibvirtHost } from './libvirt-host';
import type { Storage } from './storage';

const WANTED = Stats.state | Stats.balloon | Stats.vcpu | Stats.block;
/** Definitions fetched at once on first sight; the rest wait, so that other calls get through. */
const XML_AT_ONCE = 32;

interface Known {
  definition: DomainDefinition;
  /** Running or off, and the images in use: when these change, so has the definition. */
  fingerprint: string;
}

/**
 * The whole state of a host. What only a VM's XML tells is kept per VM until an event (or its stats) says that it changed,
 * so that a warm look is one flight of pipelined calls, however many VMs there are.
 */
export class InventoryState {
  private readonly known = new Map<string, Known>();
  private looking: Promise<ConnectionState['datastores']> | undefined;
  private version: Promise<{ version: string; hostname: string }> | undefined;

  constructor(
    private readonly host: LibvirtHost,
    private readonly storage: Storage,
  ) {}

  forget(uuid: string): void {
    this.known.delete(uuid);
  }

  async read(): Promise<ConnectionState> {
    const { host } = this;
    const [stats, transient, withSnapshots, info, datastores] = await Promise.all([
      host.call(connectGetAllDomainStats, { doms: [], stats: WANTED, flags: STATS_NOWAIT }),
      host.call(connectListAllDomains, { needResults: 1, flags: ListDomains.transient }),
      host.call(connectListAllDomains, { needResults: 1, flags: ListDomains.hasSnapshot }),
      this.hostInfo(),
      this.storage.datastores(),
    ]);
    const [counts] = await Promise.all([this.snapshotCounts(withSnapshots.domains), this.learn(stats.retStats)]);
    const temporary = new Set(transient.domains.map(dom => dom.uuid));
    const here = new Set<string>();
    const vms: VmInfo[] = [];
    for (const record of stats.retStats) {
      const { uuid } = record.dom;
      here.add(uuid);
      const known = this.known.get(uuid);
      // Gone between the two looks.
      if (!known) continue;
      vms.push(this.vmInfo(record, known.definition, !temporary.has(uuid), counts.get(uuid) ?? 0, datastores));
    }
    for (const uuid of this.known.keys()) if (!here.has(uuid)) this.known.delete(uuid);
    return { hosts: [info], vms, datastores };
  }

  async vm(uuidOrName: string): Promise<VmInfo | undefined> {
    const dom = await this.host.findDomain(uuidOrName);
    if (!dom) return undefined;
    const { host } = this;
    // One VM is asked for to act on it: its definition is read afresh.
    const [stats, xml, persistent, snapshots, datastores] = await Promise.all([
      orUndefined(host.call(connectGetAllDomainStats, { doms: [dom], stats: WANTED, flags: STATS_NOWAIT })),
      orUndefined(host.call(domainGetXmlDesc, { dom, flags: 0 })),
      orUndefined(host.call(domainIsPersistent, { dom })),
      this.snapshotCounts([dom]),
      this.datastoresOnce(),
    ]);
    const record = stats?.retStats[0];
    if (!record || !xml || !persistent) return undefined;
    const definition = parseDomain(xml.xml);
    this.known.set(dom.uuid, { definition, fingerprint: fingerprint(record) });
    return this.vmInfo(record, definition, persistent.persistent !== 0, snapshots.get(dom.uuid) ?? 0, datastores);
  }

  /** Many VMs asked for at once share one look at the datastores. */
  private datastoresOnce(): Promise<ConnectionState['datastores']> {
    this.looking ??= this.storage.datastores().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async hostInfo(): Promise<HostInfo> {
    const { host } = this;
    this.version ??= Promise.all([
      host.call(connectGetLibVersion, {}),
      host.call(connectGetVersion, {}),
      host.call(connectGetHostname, {}),
    ]).then(([lib, hv, { hostname }]) => ({
      version: `${host.driver === 'qemu' ? 'QEMU' : 'test driver'} ${dotted(hv.hvVer)}, libvirt ${dotted(lib.libVer)}`,
      hostname,
    }));
    const [facts, node, free] = await Promise.all([
      this.version,
      host.call(nodeGetInfo, {}),
      host.call(nodeGetFreeMemory, {}).catch(() => undefined),
    ]);
    return {
      name: host.name,
      version: facts.version,
      cpus: node.cpus,
      memoryMiB: Math.round(node.memory / 1024),
      freeMemoryMiB: free && Math.round(free.freeMem / 2 ** 20),
    };
  }

  private async snapshotCounts(domains: readonly Domain[]): Promise<Map<string, number>> {
    const counts = await Promise.all(
      domains.map(async dom => (await orUndefined(this.host.call(domainSnapshotNum, { dom, flags: 0 })))?.num ?? 0),
    );
    return new Map(domains.map((dom, i) => [dom.uuid, counts[i] ?? 0]));
  }

  /** Fetches the definitions that are missing or out of date. */
  private async learn(records: readonly DomainStats[]): Promise<void> {
    const wanted = records.filter(record => this.known.get(record.dom.uuid)?.fingerprint !== fingerprint(record));
    let next = 0;
    const work = async (): Promise<void> => {
      for (let record = wanted[next++]; record; record = wanted[next++]) {
        const { dom } = record;
        const reply = await orUndefined(this.host.call(domainGetXmlDesc, { dom, flags: 0 }));
        if (reply) this.known.set(dom.uuid, { definition: parseDomain(reply.xml), fingerprint: fingerprint(record) });
      }
    };
    await Promise.all(Array.from({ length: Math.min(XML_AT_ONCE, wanted.length) }, work));
  }

  private vmInfo(
    { dom, params }: DomainStats,
    definition: DomainDefinition,
    persistent: boolean,
    snapshotCount: number,
    datastores: ConnectionState['datastores'],
  ): VmInfo {
    const state = Number(params['state.state'] ?? 0);
    const reason = Number(params['state.reason'] ?? 0);
    const live = new Map<string, number>();
    const count = Number(params['block.count'] ?? 0);
    for (let i = 0; i < count; i++) {
      // Backing images come under the same name after their top image.
      const name = String(params[`block.${i}.name`]);
      if (!live.has(name)) live.set(name, i);
    }
    const disks = definition.disks.flatMap((disk): DiskInfo[] => {
      if (disk.source === undefined) return [];
      const at = live.get(disk.target);
      const source = String(params[`block.${at}.path`] ?? disk.source);
      return [
        {
          target: disk.target,
          source,
          format: disk.format,
          datastore: datastoreOf(source, datastores),
          capacityBytes: optional(params[`block.${at}.capacity`]),
          allocationBytes: optional(params[`block.${at}.physical`] ?? params[`block.${at}.allocation`]),
          writable: !disk.readonly,
        },
      ];
    });
    const name = stateName(state);
    return {
      uuid: dom.uuid,
      name: dom.name,
      host: this.host.name,
      state: name,
      stateReason: reasonText(state, reason),
      vcpus: optional(params['vcpu.current']) ?? definition.vcpus,
      memoryMiB:
        params['balloon.current'] !== undefined
          ? Math.round(Number(params['balloon.current']) / 1024)
          : definition.memoryMiB,
      persistent,
      disks,
      nics: definition.nics,
      snapshotCount,
      agent: name === 'running' || definition.agent === 'none' ? definition.agent : 'unknown',
    };
  }
}

function fingerprint({ params }: DomainStats): string {
  const off = params['state.state'] === DomainState.shutoff;
  let text = off ? 'off' : 'on';
  const count = Number(params['block.count'] ?? 0);
  for (let i = 0; i < count; i++) text += `|${params[`block.${i}.path`]}`;
  return text;
}

function optional(value: string | number | boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function datastoreOf(source: string, datastores: ConnectionState['datastores']): string | undefined {
  if (!source.startsWith('/')) return undefined;
  const folder = posix.dirname(source);
  return datastores.find(store => store.path !== undefined && posix.normalize(store.path) === folder)?.name;
}

function stateName(state: number): VmState {
  switch (state) {
    case DomainState.running:
    case DomainState.blocked:
    case DomainState.shutdown:
      return 'running';
    case DomainState.paused:
      return 'paused';
    case DomainState.shutoff:
      return 'shutoff';
    case DomainState.crashed:
      return 'crashed';
    case DomainState.pmsuspended:
      return 'suspended';
    default:
      return 'unknown';
  }
}

const pausedText: Record<number, string> = {
  [PausedReason.migration]: 'migrating',
  [PausedReason.save]: 'being saved',
  [PausedReason.ioError]: 'I/O error',
  [PausedReason.watchdog]: 'watchdog',
  [PausedReason.fromSnapshot]: 'from a snapshot',
  [PausedReason.snapshot]: 'being snapshotted',
  [PausedReason.crashed]: 'guest crashed',
  [PausedReason.startingUp]: 'starting',
  [PausedReason.postcopy]: 'post-copy migration',
  [PausedReason.postcopyFailed]: 'post-copy migration failed',
};

function reasonText(state: number, reason: number): string | undefined {
  if (state === DomainState.shutdown) return 'shutting down';
  return state === DomainState.paused ? pausedText[reason] : undefined;
}

/** 9001000 → 9.1.0 */
function dotted(version: number): string {
  return `${Math.floor(version / 1_000_000)}.${Math.floor(version / 1000) % 1000}.${version % 1000}`;
}
