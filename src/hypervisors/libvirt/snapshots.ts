import { posix } from 'node:path';
import { HypervisorError } from '../errors';
import type { CallOptions, Consistency, SnapshotInfo, Snapshots } from '../ports';
import { commitActiveLayer } from './block-commit';
import { type DomainDefinition, type DomainDisk, writableDisks } from './domain-xml';
import { AgentTimeout, SnapshotCreate, SnapshotDelete, SnapshotRevert, Start } from './flags';
import {
  type Domain,
  type DomainSnapshot,
  domainAgentSetResponseTimeout,
  domainCreateWithFlags,
  domainDestroyFlags,
  domainListAllSnapshots,
  domainRevertToSnapshot,
  domainSnapshotCreateXml,
  domainSnapshotCurrent,
  domainSnapshotDelete,
  domainSnapshotGetXmlDesc,
  domainSnapshotListAllChildren,
  domainSnapshotLookupByName,
} from './generated/procedures';
import type { LibvirtGuestAgent } from './guest-agent';
import { errorCode, isLibvirt, orUndefined } from './libvirt-error';
import type { LibvirtHost } from './libvirt-host';
import type { Storage } from './storage';
import { attribute, child, children, escapeXml, parseXml, text, type XmlNode } from './xml';

type Disk = DomainDisk & { source: string };

/** A disk of an external snapshot: the image that the snapshot keeps, and the overlay that is written since. */
interface Layer {
  target: string;
  base: string;
  baseFormat: string;
  overlay: string;
}

interface Parsed {
  info: Omit<SnapshotInfo, 'current'>;
  state: string;
  layers: Layer[];
}

const FREEZE_SECONDS = 20;
const LONG: { long: true; timeoutMs: number } = { long: true, timeoutMs: 0 };

/**
 * Snapshots of a running VM with memory, and of a VM that is off, live inside the qcow2; a running VM without memory gets an overlay
 * file beside its image. libvirt before 9.9 reverts to no overlay snapshot: here the overlay is made anew instead, which leaves
 * the snapshot in place as a revert to any other kind does.
 */
export class LibvirtSnapshots implements Snapshots {
  constructor(
    private readonly host: LibvirtHost,
    private readonly storage: Storage,
    private readonly agent: LibvirtGuestAgent | undefined,
  ) {}

  async list(uuid: string): Promise<SnapshotInfo[]> {
    const dom = await this.host.domain(uuid);
    const [all, current] = await Promise.all([
      this.host.call(domainListAllSnapshots, { dom, needResults: 1, flags: 0 }),
      orUndefined(this.host.call(domainSnapshotCurrent, { dom, flags: 0 })),
    ]);
    const found = await Promise.all(all.snapshots.map(snap => orUndefined(this.parsed(snap))));
    return found
      .filter(one => one !== undefined)
      .map(({ info }) => ({ ...info, current: info.name === current?.snap.name }))
      .sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  private async parsed(snap: DomainSnapshot): Promise<Parsed> {
    const { xml } = await this.host.call(domainSnapshotGetXmlDesc, { snap, flags: 0 });
    return parseSnapshot(parseXml(xml, 'domainsnapshot'));
  }

  async create(uuid: string, options: Parameters<Snapshots['create']>[1]): Promise<{ consistency: Consistency }> {
    const { host } = this;
    const dom = await host.domain(uuid);
    await host.refuseWhileBusy(dom, 'The snapshot');
    const definition = await host.definition(dom);
    const disks = writableDisks(definition);
    if (await orUndefined(host.call(domainSnapshotLookupByName, { dom, name: options.name, flags: 0 })))
      throw host.error('refused', `${dom.name} has a snapshot named ${options.name} already.`, dom.name);
    const active = await host.isActive(dom);
    if (active && !options.memory) return { consistency: await this.createExternal(dom, disks, options) };
    this.refuseInternal(dom, definition, disks);
    const description = options.description ? `<description>${escapeXml(options.description)}</description>` : '';
    const memory = host.driver === 'qemu' ? `<memory snapshot='${active ? 'internal' : 'no'}'/>` : '';
    const specs =
      host.driver === 'qemu'
        ? diskSpecs(definition, disk =>
            disks.some(one => one.target === disk.target) ? { mode: 'internal' } : undefined,
          )
        : '';
    await host.call(
      domainSnapshotCreateXml,
      {
        dom,
        xml: `<domainsnapshot><name>${escapeXml(options.name)}</name>${description}${memory}${specs}</domainsnapshot>`,
        flags: 0,
      },
      { ...LONG, signal: options.signal },
    );
    return { consistency: active ? 'memory' : 'offline' };
  }

  private refuseInternal(dom: Domain, definition: DomainDefinition, disks: Disk[]): void {
    if (definition.pflash)
      throw this.host.error(
        'refused',
        `${dom.name} boots from UEFI firmware in flash, which libvirt cannot put into a snapshot inside the image. Take one without memory while the VM runs.`,
        dom.name,
      );
    const other = disks.find(disk => disk.format !== 'qcow2');
    if (other && this.host.driver === 'qemu')
      throw this.host.error(
        'refused',
        `disk ${other.target} of ${dom.name} is ${other.format}; a snapshot of this kind needs qcow2.`,
        dom.name,
      );
  }

  private async createExternal(
    dom: Domain,
    disks: Disk[],
    options: Parameters<Snapshots['create']>[1],
  ): Promise<Consistency> {
    const { host, agent } = this;
    const unfit = disks.find(disk => disk.type !== 'file');
    if (unfit)
      throw host.error(
        'refused',
        `disk ${unfit.target} of ${dom.name} is no file, so there is no place for its overlay. Take a snapshot with memory or of the VM when it is off.`,
        dom.name,
      );
    if (disks.length === 0) throw host.error('refused', `${dom.name} has no disk to take a snapshot of.`, dom.name);
    const definition = await host.definition(dom);
    const specs = diskSpecs(definition, disk => {
      const one = disks.find(other => other.target === disk.target);
      if (!one) return undefined;
      const file = escapeXml(overlayPath(one.source, options.name, disk.target));
      return { mode: 'external', inner: `<driver type='qcow2'/><source file='${file}'/>` };
    });
    const description = options.description ? `<description>${escapeXml(options.description)}</description>` : '';
    const xml = `<domainsnapshot><name>${escapeXml(options.name)}</name>${description}${specs}</domainsnapshot>`;
    const flags = SnapshotCreate.diskOnly | SnapshotCreate.atomic;
    const take = (more: number) =>
      host.call(domainSnapshotCreateXml, { dom, xml, flags: flags | more }, { ...LONG, signal: options.signal });

    let freeze = options.quiesce !== 'no';
    if (freeze && !(await agent?.answers(dom, 3_000))) {
      if (options.quiesce === 'require')
        throw host.error(
          'agent',
          `${dom.name} cannot be quiesced: its guest agent does not answer. Start qemu-guest-agent in the guest, or use quiesce: prefer.`,
          dom.name,
        );
      freeze = false;
    }
    if (!freeze || !agent) {
      await take(0);
      return 'crash';
    }
    // Without a limit an agent that hangs in the middle would hold libvirt's job, and us, for ever.
    await host.call(domainAgentSetResponseTimeout, { dom, timeout: FREEZE_SECONDS, flags: 0 });
    try {
      await take(SnapshotCreate.quiesce);
      return 'application';
    } catch (error) {
      if (error instanceof HypervisorError && error.kind === 'unreachable') throw error;
      if (!(error instanceof HypervisorError && error.kind === 'cancelled')) await agent.thawForSure(dom);
      const refused = error instanceof HypervisorError && error.kind === 'agent';
      if (!refused || options.quiesce === 'require') throw error;
      await take(0);
      return 'crash';
    } finally {
      await host
        .call(domainAgentSetResponseTimeout, { dom, timeout: AgentTimeout.block, flags: 0 })
        .catch(() => undefined);
    }
  }

  async delete(uuid: string, name: string, options: CallOptions = {}): Promise<void> {
    const { host } = this;
    const dom = await host.domain(uuid);
    const snap = await this.find(dom, name);
    await host.refuseWhileBusy(dom, 'The deletion of a snapshot');
    const { layers } = await this.parsed(snap);
    if (layers.length === 0) {
      await host.call(domainSnapshotDelete, { snap, flags: 0 }, { ...LONG, signal: options.signal });
      return;
    }
    await this.refuseChildren(dom, snap, 'deleted');
    await this.merge(dom, layers, options);
    await host.call(domainSnapshotDelete, { snap, flags: SnapshotDelete.metadataOnly });
    for (const layer of layers) await this.removeOverlay(dom, layer.overlay);
  }

  private async find(dom: Domain, name: string): Promise<DomainSnapshot> {
    const found = await orUndefined(this.host.call(domainSnapshotLookupByName, { dom, name, flags: 0 }));
    if (!found) throw this.host.error('not-found', `${dom.name} has no snapshot named ${name}.`, dom.name);
    return found.snap;
  }

  private async refuseChildren(dom: Domain, snap: DomainSnapshot, what: string): Promise<void> {
    const { snapshots } = await this.host.call(domainSnapshotListAllChildren, {
      snapshot: snap,
      needResults: 1,
      flags: 0,
    });
    if (snapshots.length > 0)
      throw this.host.error(
        'refused',
        `snapshot ${snap.name} of ${dom.name} cannot be ${what}: ${snapshots.map(one => one.name).join(', ')} came after it. Delete those first.`,
        dom.name,
      );
  }

  /** Ends with every disk on its base. A VM that is off is held paused for it, in a process that dies with our connection. */
  private async merge(dom: Domain, layers: readonly Layer[], options: CallOptions): Promise<void> {
    const { host } = this;
    const wasActive = await host.isActive(dom);
    if (!wasActive) {
      const now = await host.inactiveDefinition(dom);
      if (layers.every(layer => sourceOf(now, layer.target) === layer.base)) return;
      await host.call(domainCreateWithFlags, { dom, flags: Start.paused | Start.autodestroy }, { ...LONG });
    }
    const held = wasActive ? dom : await host.domain(dom.uuid);
    try {
      for (const layer of layers) await commitActiveLayer(host, held, layer.target, layer.overlay, layer.base, options);
    } finally {
      if (!wasActive) await host.call(domainDestroyFlags, { dom: held, flags: 0 }, { long: true });
    }
  }

  /** Deletes an overlay once neither the running VM nor its definition uses it. */
  private async removeOverlay(dom: Domain, overlay: string): Promise<void> {
    const definitions = await Promise.all([this.host.definition(dom), this.host.inactiveDefinition(dom)]);
    if (definitions.some(one => one.disks.some(disk => disk.source === overlay || disk.backing.includes(overlay))))
      throw this.host.error('failed', `${overlay} is still used by ${dom.name} and was kept.`, dom.name);
    await this.storage.remove(overlay);
  }

  async revert(uuid: string, name: string, options: CallOptions & { running?: boolean } = {}): Promise<void> {
    const { host } = this;
    const dom = await host.domain(uuid);
    const snap = await this.find(dom, name);
    await host.refuseWhileBusy(dom, 'The revert');
    const { layers, state, info } = await this.parsed(snap);
    if (layers.length > 0) return this.revertExternal(dom, snap, layers, options.running ?? true, options);
    const wasRunning = info.memory || state === 'running';
    const running = options.running ?? wasRunning;
    const flags = running && !wasRunning ? SnapshotRevert.running : 0;
    try {
      await host.call(domainRevertToSnapshot, { snap, flags }, { ...LONG, signal: options.signal });
    } catch (error) {
      // The running QEMU differs too much to load the snapshot into: libvirt wants to be told that it may start a new one.
      if (!isLibvirt(error, errorCode.snapshotRevertRisky)) throw error;
      await host.call(domainRevertToSnapshot, { snap, flags: flags | SnapshotRevert.force }, { ...LONG });
    }
    if (!running && wasRunning)
      await host.call(domainDestroyFlags, { dom: await host.domain(uuid), flags: 0 }, { long: true });
  }

  /**
   * By hand, in an order that can be cut anywhere and run again: power off, then per disk an empty overlay in place of the old one,
   * then start. The base is never written, and no start can happen in between on half of the disks: the missing file prevents it.
   */
  private async revertExternal(
    dom: Domain,
    snap: DomainSnapshot,
    layers: readonly Layer[],
    running: boolean,
    options: CallOptions,
  ): Promise<void> {
    const { host, storage } = this;
    await this.refuseChildren(dom, snap, 'reverted to');
    const definition = await host.inactiveDefinition(dom);
    for (const layer of layers) {
      const source = sourceOf(definition, layer.target);
      if (source !== layer.overlay)
        throw host.error(
          'refused',
          `${layer.target} of ${dom.name} uses ${source ?? 'nothing'} and not the snapshot's ${layer.overlay}: something else changed its disks, and reverting would lose that.`,
          dom.name,
        );
    }
    const facts = await Promise.all(layers.map(layer => storage.volumeFacts(layer.base)));
    if (options.signal?.aborted)
      throw host.error('cancelled', `the revert of ${dom.name} was cancelled before anything was changed.`, dom.name);
    if (await host.isActive(dom)) await host.call(domainDestroyFlags, { dom, flags: 0 }, { long: true });
    for (const [i, layer] of layers.entries()) {
      await storage.remove(layer.overlay);
      await storage.create(
        layer.overlay,
        { ...facts[i]!, format: 'qcow2' },
        { path: layer.base, format: layer.baseFormat },
      );
    }
    if (running) await host.call(domainCreateWithFlags, { dom: await host.domain(dom.uuid), flags: 0 }, { ...LONG });
  }

  async cleanUp(uuid: string, name: string): Promise<void> {
    const { host, agent } = this;
    const dom = await host.domain(uuid);
    // A killed client's snapshot is still being made, and listed already: what is half made shows only when that has ended.
    await host.untilIdle(dom, 'The clean-up');
    const active = await host.isActive(dom);
    if (active && agent && (await agent.answers(dom, 3_000))) await agent.thawForSure(dom);
    // Listed means finished: deleting it is `delete`'s business.
    if (await orUndefined(host.call(domainSnapshotLookupByName, { dom, name, flags: 0 }))) return;
    const definition = await host.definition(dom);
    for (const disk of writableDisks(definition)) {
      if (disk.type !== 'file') continue;
      const base = disk.backing[0] ?? (await this.storage.volumeFacts(disk.source)).backing;
      if (base && disk.source === overlayPath(base, name, disk.target)) {
        const layer = { target: disk.target, base, baseFormat: '', overlay: disk.source };
        await this.merge(dom, [layer], {});
        await this.removeOverlay(dom, disk.source);
      } else {
        await this.removeOverlay(dom, overlayPath(disk.source, name, disk.target));
      }
    }
  }
}

/** Beside the image: `web1.qcow2` → `web1.NAME.vda.qcow2`. The name alone tells whose it is, so that a clean-up finds it. */
export function overlayPath(base: string, snapshot: string, target: string): string {
  const { dir, name } = posix.parse(base);
  const safe = snapshot.replace(/[^\w.-]/g, c => `%${c.charCodeAt(0).toString(16)}`);
  return posix.join(dir, `${name}.${safe}.${target}.qcow2`);
}

/** `<disks>` with what each disk does in the snapshot; those with nothing to do are said to be left out. */
function diskSpecs(
  definition: DomainDefinition,
  partOf: (disk: DomainDisk) => { mode: 'internal' | 'external'; inner?: string } | undefined,
): string {
  const specs = definition.disks.map(disk => {
    const { mode = 'no', inner = '' } = partOf(disk) ?? {};
    return `<disk name='${escapeXml(disk.target)}' snapshot='${mode}'>${inner}</disk>`;
  });
  return `<disks>${specs.join('')}</disks>`;
}

function sourceOf(definition: DomainDefinition, target: string): string | undefined {
  return definition.disks.find(disk => disk.target === target)?.source;
}

function parseSnapshot(node: XmlNode): Parsed {
  const memory = attribute(child(node, 'memory'), 'snapshot');
  const state = text(child(node, 'state')) ?? '';
  const then = new Map(
    children(child(node, 'domain', 'devices'), 'disk').map(disk => [
      attribute(child(disk, 'target'), 'dev') ?? '',
      {
        source: attribute(child(disk, 'source'), 'file') ?? attribute(child(disk, 'source'), 'dev'),
        format: attribute(child(disk, 'driver'), 'type') ?? 'raw',
      },
    ]),
  );
  const layers = children(child(node, 'disks'), 'disk').flatMap((disk): Layer[] => {
    const target = attribute(disk, 'name') ?? '';
    const overlay = attribute(child(disk, 'source'), 'file');
    const base = then.get(target);
    if (attribute(disk, 'snapshot') !== 'external' || !overlay || !base?.source) return [];
    return [{ target, overlay, base: base.source, baseFormat: base.format }];
  });
  return {
    info: {
      name: text(child(node, 'name')) ?? '',
      createdAt: new Date(Number(text(child(node, 'creationTime')) ?? 0) * 1000).toISOString(),
      description: text(child(node, 'description')) || undefined,
      memory: memory === 'internal' || memory === 'external' || (memory === undefined && state === 'running'),
    },
    state,
    layers,
  };
}
