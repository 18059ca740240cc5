import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { DatastoreInfo, DiskInfo, HostInfo, NicInfo, SnapshotInfo, VmInfo } from '../hypervisors/ports';
import type { SeenConnection } from './capture';

/** What a name names; equal names of different kinds get pseudonyms that do not show it. */
export type NameKind = 'host' | 'vm' | 'datastore' | 'volume' | 'snapshot' | 'network' | 'path' | 'uuid' | 'mac';

export interface Pseudonymised {
  seen: SeenConnection[];
  /** Names that were left as they are, sorted. */
  kept: Partial<Record<NameKind, string[]>>;
  /** How many names a pseudonym stands for now. */
  replaced: Partial<Record<NameKind, number>>;
}

/** Bytes that a key must have at least. */
export const shortestKey = 32;

/** What libvirt calls them when nobody does; they tell nothing. */
const usualNames: ReadonlySet<string> = new Set(['default', 'unknown']);

/** Endings of images that are kept, so that a reader sees what they are. */
const imageEnding = /\.(qcow2|raw|img|iso)$/;

/**
 * What was seen, with a pseudonym for each name that is not `known`, and without notes. The same key and name always give the same
 * pseudonym, so captures can be compared. Without the key nobody can find out a name by trying likely ones. Whatever is not put together
 * here field by field does not get out.
 */
export function pseudonymise(
  seen: readonly SeenConnection[],
  known: ReadonlySet<string>,
  key: Uint8Array,
): Pseudonymised {
  if (key.length < shortestKey) throw new RangeError(`A key of pseudonyms has at least ${shortestKey} bytes.`);
  const names = new Pseudonyms(known, key);
  return { seen: seen.map(one => names.connection(one)), kept: names.kept(), replaced: names.replaced() };
}

class Pseudonyms {
  readonly #kept = new Map<NameKind, Set<string>>();
  readonly #replaced = new Map<NameKind, Set<string>>();

  constructor(
    private readonly known: ReadonlySet<string>,
    private readonly key: Uint8Array,
  ) {}

  kept(): Pseudonymised['kept'] {
    return Object.fromEntries([...this.#kept].map(([kind, names]) => [kind, [...names].sort()]));
  }

  replaced(): Pseudonymised['replaced'] {
    return Object.fromEntries([...this.#replaced].map(([kind, names]) => [kind, names.size]));
  }

  connection({ connection, state, snapshots }: SeenConnection): SeenConnection {
    return {
      connection,
      state: {
        hosts: state.hosts.map(one => this.#host(one)),
        // Their order would tell the order of the names.
        vms: state.vms.map(one => this.#vm(one)).sort((a, b) => compare(a.name, b.name) || compare(a.uuid, b.uuid)),
        datastores: state.datastores.map(one => this.#datastore(one)),
      },
      snapshots: new Map(
        [...snapshots].map(([uuid, list]) => [this.#uuid(uuid), list.map(one => this.#snapshot(one))]),
      ),
    };
  }

  #host({ name, version, cpus, memoryMiB, freeMemoryMiB }: HostInfo): HostInfo {
    return {
      name: this.#name('host', name),
      version,
      cpus,
      memoryMiB,
      ...(freeMemoryMiB !== undefined && { freeMemoryMiB }),
    };
  }

  #vm(vm: VmInfo): VmInfo {
    return {
      uuid: this.#uuid(vm.uuid),
      name: this.#name('vm', vm.name),
      host: this.#name('host', vm.host),
      state: vm.state,
      vcpus: vm.vcpus,
      memoryMiB: vm.memoryMiB,
      persistent: vm.persistent,
      disks: vm.disks.map(disk => this.#disk(disk)),
      ...(vm.nics && { nics: vm.nics.map(nic => this.#nic(nic)) }),
      snapshotCount: vm.snapshotCount,
      agent: vm.agent,
    };
  }

  #disk({ target, source, format, datastore, capacityBytes, allocationBytes, writable }: DiskInfo): DiskInfo {
    return {
      target,
      source: this.#image(source),
      format: format === 'raw' ? 'raw' : 'qcow2',
      ...(datastore !== undefined && { datastore: this.#name('datastore', datastore) }),
      ...(capacityBytes !== undefined && { capacityBytes }),
      ...(allocationBytes !== undefined && { allocationBytes }),
      writable,
    };
  }

  /** An empty drive stays empty. */
  #image(source: string): string {
    if (source === '' || this.#isKnown('volume', source)) return source;
    const at = source.lastIndexOf('/') + 1;
    const file = source.slice(at);
    const folder = at > 0 ? `${this.#path(source.slice(0, at - 1))}/` : '';
    if (this.#isKnown('volume', file)) return folder + file;
    return `${folder}${this.#replace('volume', file)}${imageEnding.exec(file)?.[0] ?? ''}`;
  }

  #nic({ mac, network, model }: NicInfo): NicInfo {
    return {
      mac: this.#mac(mac),
      ...(network !== undefined && { network: usualNames.has(network) ? network : this.#name('network', network) }),
      ...(model !== undefined && { model }),
    };
  }

  #datastore({ name, host, capacityBytes, freeBytes, shared, path }: DatastoreInfo): DatastoreInfo {
    return {
      name: this.#name('datastore', name),
      host: this.#name('host', host),
      capacityBytes,
      freeBytes,
      ...(shared !== undefined && { shared }),
      // One that tells no path would be given one with its name in it.
      path: this.#path(path ?? `/srv/${name}`),
    };
  }

  #snapshot({ name, createdAt, memory, current }: SnapshotInfo): SnapshotInfo {
    return { name: this.#name('snapshot', name), createdAt, memory, current };
  }

  #name(kind: NameKind, name: string): string {
    return this.#isKnown(kind, name) ? name : this.#replace(kind, name);
  }

  #path(path: string): string {
    return this.#isKnown('path', path) ? path : `/srv/${this.#replace('path', path)}`;
  }

  #uuid(uuid: string): string {
    if (this.#isKnown('uuid', uuid)) return uuid;
    const hex = this.#digest('uuid', uuid);
    // Version 8: made by a scheme of one's own.
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  #mac(mac: string): string {
    if (this.#isKnown('mac', mac)) return mac;
    // 02: given by its owner, not by a maker.
    return `02:${this.#digest('mac', mac)
      .slice(0, 10)
      .replace(/(..)(?=.)/g, '$1:')}`;
  }

  #isKnown(kind: NameKind, name: string): boolean {
    if (!this.known.has(name)) return false;
    note(this.#kept, kind, name);
    return true;
  }

  /** 12 digits: among a million names two would be alike once in 500 captures. */
  #replace(kind: NameKind, name: string): string {
    return `${kind}-${this.#digest(kind, name).slice(0, 12)}`;
  }

  #digest(kind: NameKind, name: string): string {
    note(this.#replaced, kind, name);
    return bytesToHex(hmac(sha256, this.key, utf8ToBytes(`${kind}\0${name}`)));
  }
}

function note(names: Map<NameKind, Set<string>>, kind: NameKind, name: string): void {
  const noted = names.get(kind);
  if (noted) noted.add(name);
  else names.set(kind, new Set([name]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
