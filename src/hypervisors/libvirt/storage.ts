import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { HypervisorError } from '../errors';
import type { DatastoreInfo, VolumeInfo } from '../ports';
import { ListPools } from './flags';
import {
  connectListAllStoragePools,
  type StoragePool,
  type StorageVol,
  storagePoolCreateXml,
  storagePoolDestroy,
  storagePoolGetInfo,
  storagePoolGetXmlDesc,
  storagePoolListAllVolumes,
  storagePoolRefresh,
  storageVolCreateXml,
  storageVolDelete,
  storageVolGetXmlDesc,
  storageVolLookupByName,
} from './generated/procedures';
import { orUndefined } from './libvirt-error';
import { type LibvirtHost, pause } from './libvirt-host';
import { attribute, child, escapeXml, parseXml, sized, text } from './xml';

const sharedTypes = new Set(['netfs', 'gluster', 'rbd', 'iscsi', 'iscsi-direct', 'sheepdog', 'vstorage', 'scsi']);

interface PoolFacts {
  type: string;
  path?: string;
}

export interface VolumeFacts {
  capacityBytes: number;
  format: string;
  mode?: string;
  owner?: string;
  group?: string;
  /** The image below, as the file itself names it. */
  backing?: string;
}

/** Pools and volumes of one host. */
export class Storage {
  /** A pool's type and folder don't change while it is active. */
  private readonly facts = new Map<string, Promise<PoolFacts>>();
  private readonly turns = new Map<string, Promise<void>>();

  constructor(private readonly host: LibvirtHost) {}

  async activePools(): Promise<StoragePool[]> {
    const { pools } = await this.host.call(connectListAllStoragePools, { needResults: 1, flags: ListPools.active });
    return pools;
  }

  poolFacts(pool: StoragePool): Promise<PoolFacts> {
    const key = `${pool.uuid} ${pool.name}`;
    let facts = this.facts.get(key);
    if (!facts) {
      facts = this.host.call(storagePoolGetXmlDesc, { pool, flags: 0 }).then(({ xml }) => {
        const node = parseXml(xml, 'pool');
        return { type: attribute(node, 'type') ?? '', path: text(child(node, 'target', 'path')) };
      });
      facts.catch(() => this.facts.delete(key));
      this.facts.set(key, facts);
    }
    return facts;
  }

  async datastores(): Promise<DatastoreInfo[]> {
    const found = await Promise.all(
      (await this.activePools()).map(async pool => {
        // A pool that was stopped in between is left out.
        const [facts, info] = await Promise.all([
          orUndefined(this.poolFacts(pool)),
          orUndefined(this.host.call(storagePoolGetInfo, { pool })),
        ]);
        if (!facts || !info || pool.name.startsWith(TEMPORARY)) return [];
        const store: DatastoreInfo = {
          name: pool.name,
          host: this.host.name,
          capacityBytes: info.capacity,
          freeBytes: info.available,
          path: facts.path,
        };
        if (sharedTypes.has(facts.type)) store.shared = true;
        return [store];
      }),
    );
    return found.flat();
  }

  /** The active pool over exactly this folder. */
  async poolAt(folder: string): Promise<StoragePool | undefined> {
    for (const pool of await this.activePools()) {
      const facts = await orUndefined(this.poolFacts(pool));
      if (facts?.path && posix.normalize(facts.path) === posix.normalize(folder)) return pool;
    }
    return undefined;
  }

  /**
   * Runs with a pool over a folder: the one there is, or a temporary one.
   * @throws HypervisorError `not-found` when the host has no such folder.
   */
  async withPool<T>(folder: string, work: (pool: StoragePool) => Promise<T>): Promise<T> {
    const there = await this.poolAt(folder);
    if (there) return work(there);
    // libvirt takes no second pool over a folder: one after the other.
    const before = this.turns.get(folder) ?? Promise.resolve();
    const turn = before.then(() => this.withTemporaryPool(folder, work));
    const done = turn.then(
      () => undefined,
      () => undefined,
    );
    this.turns.set(folder, done);
    try {
      return await turn;
    } finally {
      if (this.turns.get(folder) === done) this.turns.delete(folder);
    }
  }

  private async withTemporaryPool<T>(folder: string, work: (pool: StoragePool) => Promise<T>): Promise<T> {
    const name = `${TEMPORARY}${randomBytes(6).toString('hex')}`;
    const xml = `<pool type='dir'><name>${name}</name><target><path>${escapeXml(folder)}</path></target></pool>`;
    let pool: StoragePool;
    try {
      ({ pool } = await this.host.call(storagePoolCreateXml, { xml, flags: 0 }));
    } catch (error) {
      if (error instanceof HypervisorError && error.outcomeUnknown) throw error;
      const why = error instanceof Error ? error.message : String(error);
      const stopped = /conflict with pool:? '([^']+)'/.exec(why)?.[1];
      if (stopped)
        throw this.host.error(
          'refused',
          `the pool ${stopped} over ${folder} is not started. Start it.`,
          undefined,
          error,
        );
      throw this.host.error('not-found', `the folder ${folder} cannot be used here: ${why}`, undefined, error);
    }
    try {
      return await work(pool);
    } finally {
      await this.host.call(storagePoolDestroy, { pool }).catch(() => undefined);
      this.facts.delete(`${pool.uuid} ${pool.name}`);
    }
  }

  /** libvirt sees files that others made only after this. */
  private async refresh(pool: StoragePool): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.host.call(storagePoolRefresh, { pool, flags: 0 }, { long: true });
        return;
      } catch (error) {
        // Somebody fills a volume right now; what is listed already is still right.
        if (!(error instanceof HypervisorError && /asynchronous jobs/.test(error.message))) throw error;
        if (attempt >= REFRESH_ATTEMPTS) return;
        await pause(100);
      }
    }
  }

  /** What an active pool holds, after a fresh look. */
  async volumes(datastore: string): Promise<VolumeInfo[]> {
    const pool = (await this.activePools()).find(one => one.name === datastore);
    if (!pool) throw this.host.error('not-found', `there is no started pool ${datastore}.`);
    await this.refresh(pool);
    const { vols } = await this.host.call(storagePoolListAllVolumes, { pool, needResults: 1, flags: 0 });
    const found: VolumeInfo[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let vol = vols[next++]; vol; vol = vols[next++]) {
        // One that was deleted in between is left out.
        const reply = await orUndefined(this.host.call(storageVolGetXmlDesc, { vol, flags: 0 }));
        if (reply) found.push(volumeInfo(vol, reply.xml));
      }
    };
    await Promise.all(Array.from({ length: Math.min(XML_AT_ONCE, vols.length) }, work));
    return found.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** By name, after a fresh look. */
  async volume(pool: StoragePool, name: string): Promise<StorageVol | undefined> {
    await this.refresh(pool);
    return (await orUndefined(this.host.call(storageVolLookupByName, { pool, name })))?.vol;
  }

  async volumeFacts(path: string): Promise<VolumeFacts> {
    return this.withPool(posix.dirname(path), async pool => {
      const vol = await this.volume(pool, posix.basename(path));
      if (!vol) throw this.host.error('not-found', `there is no volume ${path}.`);
      const node = parseXml((await this.host.call(storageVolGetXmlDesc, { vol, flags: 0 })).xml, 'volume');
      const permissions = child(node, 'target', 'permissions');
      return {
        capacityBytes: sized(child(node, 'capacity')) ?? 0,
        format: attribute(child(node, 'target', 'format'), 'type') ?? 'raw',
        mode: text(child(permissions, 'mode')),
        owner: text(child(permissions, 'owner')),
        group: text(child(permissions, 'group')),
        backing: text(child(node, 'backingStore', 'path')),
      };
    });
  }

  async exists(path: string): Promise<boolean> {
    return this.withPool(
      posix.dirname(path),
      async pool => (await this.volume(pool, posix.basename(path))) !== undefined,
    );
  }

  /** Whether the host has the folder at all, and which of these files are in it. */
  async existing(folder: string, names: readonly string[]): Promise<string[] | undefined> {
    try {
      return await this.withPool(folder, async pool => {
        await this.refresh(pool);
        const looked = await Promise.all(
          names.map(async name =>
            (await orUndefined(this.host.call(storageVolLookupByName, { pool, name }))) ? [name] : [],
          ),
        );
        return looked.flat();
      });
    } catch (error) {
      if (error instanceof HypervisorError && error.kind === 'not-found') return undefined;
      throw error;
    }
  }

  /** Makes a file that must not be there yet. @throws HypervisorError `refused` when it is. */
  async create(path: string, facts: VolumeFacts, backing?: { path: string; format: string }): Promise<void> {
    const permissions =
      facts.mode !== undefined
        ? `<permissions><mode>${facts.mode}</mode>${facts.owner !== undefined ? `<owner>${facts.owner}</owner><group>${facts.group ?? facts.owner}</group>` : ''}</permissions>`
        : '';
    const xml = `<volume><name>${escapeXml(posix.basename(path))}</name><capacity unit='bytes'>${facts.capacityBytes}</capacity>${facts.format === 'raw' ? `<allocation>0</allocation>` : ''}<target><format type='${escapeXml(facts.format)}'/>${permissions}</target>${
      backing
        ? `<backingStore><path>${escapeXml(backing.path)}</path><format type='${escapeXml(backing.format)}'/></backingStore>`
        : ''
    }</volume>`;
    await this.withPool(posix.dirname(path), pool =>
      this.host.call(storageVolCreateXml, { pool, xml, flags: 0 }, { long: true }),
    );
  }

  /** Deletes a file if it is there. Tells whether it was. The caller has made sure that nothing uses it. */
  async remove(path: string): Promise<boolean> {
    try {
      return await this.withPool(posix.dirname(path), async pool => {
        const vol = await this.volume(pool, posix.basename(path));
        if (vol) await orUndefined(this.host.call(storageVolDelete, { vol, flags: 0 }, { long: true }));
        return vol !== undefined;
      });
    } catch (error) {
      if (error instanceof HypervisorError && error.kind === 'not-found') return false;
      throw error;
    }
  }
}

function volumeInfo(vol: StorageVol, xml: string): VolumeInfo {
  const node = parseXml(xml, 'volume');
  const format = attribute(child(node, 'target', 'format'), 'type');
  const backing = text(child(node, 'backingStore', 'path'));
  return {
    name: vol.name,
    path: text(child(node, 'target', 'path')) ?? vol.key,
    capacityBytes: sized(child(node, 'capacity')) ?? 0,
    allocationBytes: sized(child(node, 'allocation')) ?? 0,
    ...(format !== undefined && { format }),
    ...(backing !== undefined && { backing }),
  };
}

/** Descriptions fetched at once; the rest wait, so that other calls get through. */
const XML_AT_ONCE = 32;
/** Pools that this client makes for a moment. */
const TEMPORARY = 'virtbook-tmp-';
const REFRESH_ATTEMPTS = 50;
