import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { parseDomain, writableDisks } from './domain-xml';
import { connectListAllDomains, type Domain, domainGetBlockInfo } from './generated/procedures';
import { orUndefined } from './libvirt-error';
import type { LibvirtHost } from './libvirt-host';
import type { Storage } from './storage';

export interface Side {
  host: LibvirtHost;
  storage: Storage;
}

/**
 * The files of a migration that copies disks. Beside each volume that it makes on the target lies a record, an empty file with the run's
 * mark in its name, made before the volume and removed last: a volume without one is somebody else's and is never touched.
 */
export class DiskMove {
  private readonly id: string;

  constructor(
    private readonly source: Side,
    private readonly target: Side,
    mark: string,
  ) {
    this.id = createHash('sha256').update(mark).digest('hex').slice(0, 16);
  }

  private record(path: string): string {
    return `${path}.virtbook-${this.id}`;
  }

  /** Files that lie on the target where the copies would go. */
  async inTheWay(paths: readonly string[]): Promise<string[]> {
    const found = await Promise.all(
      paths.map(async path =>
        (await this.target.storage.existing(posix.dirname(path), [posix.basename(path)]))?.length ? [path] : [],
      ),
    );
    return found.flat();
  }

  /** Makes empty volumes for the copies. @throws HypervisorError; what was made until then is found by `dropTarget`. */
  async makeTargets(dom: Domain, disks: readonly { target: string; source: string; format: string }[]): Promise<void> {
    for (const disk of disks) {
      const { capacity } = await this.source.host.call(domainGetBlockInfo, { dom, path: disk.target, flags: 0 });
      const facts = await this.source.storage.volumeFacts(disk.source);
      await this.target.storage.create(this.record(disk.source), { capacityBytes: 0, format: 'raw' });
      try {
        await this.target.storage.create(disk.source, { ...facts, format: disk.format, capacityBytes: capacity });
      } catch (error) {
        // Refused because a file of that name appeared in the meantime: then it is not ours, and the record must not say so.
        if (!(error instanceof Error && 'outcomeUnknown' in error && error.outcomeUnknown))
          await this.target.storage.remove(this.record(disk.source));
        throw error;
      }
    }
  }

  /** The VM stayed: removes what was made on the target. */
  async dropTarget(paths: readonly string[]): Promise<void> {
    for (const path of await this.recorded(paths)) {
      await this.target.storage.remove(path);
      await this.target.storage.remove(this.record(path));
    }
  }

  /** The VM runs on the target, on its copies: removes the old ones, so that a move leaves one disk and not two. */
  async dropSource(paths: readonly string[]): Promise<void> {
    const recorded = await this.recorded(paths);
    if (recorded.length === 0) return;
    const used = await this.usedOnSource();
    for (const path of recorded) {
      if (!used.has(path)) await this.source.storage.remove(path);
      await this.target.storage.remove(this.record(path));
    }
  }

  private async recorded(paths: readonly string[]): Promise<string[]> {
    const found = await Promise.all(
      paths.map(async path => {
        const record = this.record(path);
        const there = await this.target.storage.existing(posix.dirname(record), [posix.basename(record)]);
        return there?.length ? [path] : [];
      }),
    );
    return found.flat();
  }

  /** Every file that any VM on the source still names, as its disk or below one. */
  private async usedOnSource(): Promise<Set<string>> {
    const { host } = this.source;
    const { domains } = await host.call(connectListAllDomains, { needResults: 1, flags: 0 });
    const used = new Set<string>();
    for (const dom of domains) {
      const xml = await orUndefined(host.xml(dom));
      for (const disk of xml === undefined ? [] : parseDomain(xml).disks)
        for (const path of [disk.source, ...disk.backing]) if (path) used.add(path);
    }
    return used;
  }
}

/** Paths of the disks that a copy would move. */
export async function diskPaths(host: LibvirtHost, dom: Domain): Promise<string[]> {
  return writableDisks(await host.definition(dom)).map(disk => disk.source);
}
