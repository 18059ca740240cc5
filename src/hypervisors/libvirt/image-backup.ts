import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { HypervisorError } from '../errors';
import type { BackupSession, Consistency, DiskExport, ImageBackup } from '../ports';
import { type DomainDefinition, writableDisks } from './domain-xml';
import { AgentTimeout, DomainXml } from './flags';
import {
  type Domain,
  domainAbortJob,
  domainAgentSetResponseTimeout,
  domainBackupBegin,
  domainBackupGetXmlDesc,
  domainFsfreeze,
  domainGetBlockInfo,
} from './generated/procedures';
import type { LibvirtGuestAgent } from './guest-agent';
import { errorCode, isLibvirt, orUndefined } from './libvirt-error';
import { type LibvirtHost, pause } from './libvirt-host';
import type { Storage } from './storage';
import { escapeXml } from './xml';

const FREEZE_SECONDS = 20;
/** A folder that libvirt makes for QEMU and where QEMU may make sockets, whichever user it runs as. */
const SOCKET_FOLDER = '/var/lib/libvirt/qemu';
const FIRST_PORT = 10_809;
const PORTS = 2_000;
const PORT_ATTEMPTS = 20;

/** Full images through QEMU's own backup job (pull mode): the guest goes on writing, the export stays as it was at `begin`. */
export class LibvirtImageBackup implements ImageBackup {
  constructor(
    private readonly host: LibvirtHost,
    private readonly storage: Storage,
    private readonly agent: LibvirtGuestAgent,
  ) {}

  async begin(uuid: string, options: Parameters<ImageBackup['begin']>[1]): Promise<BackupSession> {
    const { host } = this;
    const dom = await host.domain(uuid);
    if (!(await host.isActive(dom)))
      throw host.error(
        'refused',
        `${dom.name} is off, and QEMU serves the image only of a running VM. Start it, then back it up.`,
        dom.name,
      );
    await host.refuseWhileBusy(dom, 'The backup');
    const definition = await host.definition(dom);
    const disks = chosenDisks(host, definition, options.disks);
    const sizes = await Promise.all(
      disks.map(disk => host.call(domainGetBlockInfo, { dom, path: disk.target, flags: 0 })),
    );
    const inactive = await host.xml(dom, DomainXml.inactive).catch(() => host.xml(dom, DomainXml.migratable));
    const id = markId(options.mark);
    const socket = socketPath(id);
    const scratches = disks.map(disk => scratchPath(disk.source, id, disk.target));
    // A crashed run with the same mark may have left its scratch; libvirt refuses to begin on top of it.
    for (const scratch of scratches) await this.storage.remove(scratch);
    const specs = definition.disks.map(disk => {
      const at = disks.findIndex(one => one.target === disk.target);
      const name = escapeXml(disk.target);
      return at < 0
        ? `<disk name='${name}' backup='no'/>`
        : `<disk name='${name}' backup='yes' type='file' exportname='${name}'><scratch file='${escapeXml(scratches[at]!)}'/></disk>`;
    });
    const begin = (server: string) => {
      const backupXml = `<domainbackup mode='pull'>${server}<disks>${specs.join('')}</disks></domainbackup>`;
      return host.call(
        domainBackupBegin,
        { dom, backupXml, checkpointXml: null, flags: 0 },
        { signal: options.signal },
      );
    };
    let tcp: DiskExport['tcp'];
    const start = async () => {
      if (options.transport === 'unix') await begin(`<server transport='unix' socket='${socket}'/>`);
      else tcp = await this.beginOnFreePort(begin, id);
    };
    const consistency = await this.quiesced(dom, options.quiesce, start, () => this.end(uuid, options.mark));
    return {
      consistency,
      definition: inactive,
      disks: disks.map((disk, i) => ({
        target: disk.target,
        virtualSizeBytes: sizes[i]!.capacity,
        exportName: disk.target,
        ...(tcp ? { tcp } : { unix: { path: socket, host: host.name, open: () => host.openSocket(socket) } }),
      })),
    };
  }

  /** Nobody tells which ports are free on the host: tries, from a place that differs by mark so that parallel backups seldom meet. */
  private async beginOnFreePort(
    begin: (server: string) => Promise<unknown>,
    id: string,
  ): Promise<{ host: string; port: number }> {
    const address = this.host.address ?? '127.0.0.1';
    const start = Number.parseInt(id.slice(-6), 16) % PORTS;
    for (let attempt = 0; ; attempt++) {
      const port = FIRST_PORT + ((start + attempt) % PORTS);
      try {
        await begin(`<server transport='tcp' name='${escapeXml(address)}' port='${port}'/>`);
        return { host: address, port };
      } catch (error) {
        const taken = error instanceof HypervisorError && /address already in use/i.test(error.message);
        if (!taken || attempt >= PORT_ATTEMPTS) throw error;
      }
    }
  }

  /** Freezes, starts, and thaws on every way out. When the thaw fails the backup is ended: a frozen guest matters more. */
  private async quiesced(
    dom: Domain,
    quiesce: Parameters<ImageBackup['begin']>[1]['quiesce'],
    start: () => Promise<void>,
    undo: () => Promise<void>,
  ): Promise<Consistency> {
    const { host, agent } = this;
    let frozen = false;
    if (quiesce !== 'no') {
      try {
        if (!(await agent.answers(dom, 3_000)))
          throw host.error(
            'agent',
            `${dom.name} cannot be quiesced: its guest agent does not answer. Start qemu-guest-agent in the guest, or use quiesce: prefer.`,
            dom.name,
          );
        await host.call(domainAgentSetResponseTimeout, { dom, timeout: FREEZE_SECONDS, flags: 0 });
        // From here on the guest may be frozen, whatever the answer is.
        frozen = true;
        await host.call(domainFsfreeze, { dom, mountpoints: [], flags: 0 });
      } catch (error) {
        if (frozen) await this.thaw(dom);
        const silent = error instanceof HypervisorError && !error.outcomeUnknown;
        if (quiesce === 'require' || !silent) throw error;
        frozen = false;
      }
    }
    if (!frozen) {
      await start();
      return 'crash';
    }
    try {
      await start();
    } catch (error) {
      await this.thaw(dom);
      throw error;
    }
    try {
      await this.thaw(dom);
    } catch (error) {
      await undo().catch(() => undefined);
      throw error;
    }
    return 'application';
  }

  private async thaw(dom: Domain): Promise<void> {
    try {
      await this.agent.thawForSure(dom);
    } finally {
      await this.host
        .call(domainAgentSetResponseTimeout, { dom, timeout: AgentTimeout.block, flags: 0 })
        .catch(() => undefined);
    }
  }

  async end(uuid: string, mark: string): Promise<void> {
    const { host } = this;
    const dom = await host.findDomain(uuid);
    if (!dom) return;
    if (await this.isOurs(dom, mark)) {
      try {
        await host.call(domainAbortJob, { dom });
      } catch (error) {
        // Ended by itself in between.
        if (!isLibvirt(error, errorCode.operationInvalid)) throw error;
      }
      for (let i = 0; await this.isOurs(dom, mark); i++) {
        if (i > 300) throw host.error('timeout', `the backup of ${dom.name} does not end.`, dom.name);
        await pause(50);
      }
    }
    const id = markId(mark);
    for (const disk of writableDisks(await host.definition(dom)))
      await this.storage.remove(scratchPath(disk.source, id, disk.target));
    // QEMU removes it, unless it was killed.
    await host.tidyAway(socketPath(id));
  }

  async isActive(uuid: string, mark: string): Promise<boolean> {
    const dom = await this.host.findDomain(uuid);
    return dom !== undefined && this.isOurs(dom, mark);
  }

  private async isOurs(dom: Domain, mark: string): Promise<boolean> {
    try {
      const found = await orUndefined(this.host.call(domainBackupGetXmlDesc, { dom, flags: 0 }));
      return found?.xml.includes(markId(mark)) ?? false;
    } catch (error) {
      if (isLibvirt(error, errorCode.operationInvalid)) return false;
      throw error;
    }
  }
}

function chosenDisks(host: LibvirtHost, definition: DomainDefinition, wanted: string[] | undefined) {
  const all = writableDisks(definition);
  const unknown = wanted?.find(target => !all.some(disk => disk.target === target));
  if (unknown !== undefined)
    throw host.error(
      'refused',
      `${definition.name} has no disk ${unknown} to back up; it has ${all.map(disk => disk.target).join(', ') || 'none'}.`,
      definition.name,
    );
  const disks = wanted ? all.filter(disk => wanted.includes(disk.target)) : all;
  if (disks.length === 0) throw host.error('refused', `${definition.name} has no disk to back up.`, definition.name);
  const unfit = disks.find(disk => !disk.source.startsWith('/') || disk.source.startsWith('/dev/'));
  if (unfit)
    throw host.error(
      'refused',
      `disk ${unfit.target} of ${definition.name} (${unfit.source}) lies in no folder, so there is no place for the backup's scratch file beside it.`,
      definition.name,
    );
  return disks;
}

/** A mark in file names: of one length, and of characters that every file system takes. */
function markId(mark: string): string {
  return `virtbook-${createHash('sha256').update(mark).digest('hex').slice(0, 16)}`;
}

function socketPath(id: string): string {
  return `${SOCKET_FOLDER}/${id}.nbd`;
}

function scratchPath(source: string, id: string, target: string): string {
  return posix.join(posix.dirname(source), `${id}.${target}.scratch`);
}
