import type { NicInfo, VmInfo } from '../ports';
import { attribute, child, children, parseXml, sized, text, type XmlNode } from './xml';

export interface DomainDisk {
  /** Device in the guest, e.g. `vda`. */
  target: string;
  device: 'disk' | 'cdrom' | 'floppy' | 'lun';
  type: string;
  /** Path, or URL-like for network disks; undefined for an empty drive. */
  source?: string;
  format: string;
  readonly: boolean;
  shareable: boolean;
  cache: string;
  /** Files below the top image, nearest first, where libvirt tells them (running VMs). */
  backing: string[];
  /** A block job of the active layer: what it writes to, and whether it can pivot. */
  mirror?: { job: string; ready: boolean };
}

/** What this client needs of a domain's XML. */
export interface DomainDefinition {
  name: string;
  uuid: string;
  vcpus: number;
  memoryMiB: number;
  /** UEFI firmware in flash. */
  pflash: boolean;
  arch: string;
  machine: string;
  virtType: string;
  emulator?: string;
  cpuMode?: string;
  disks: DomainDisk[];
  nics: NicInfo[];
  /** Devices of the host given to the guest. */
  hostDevices: number;
  agent: VmInfo['agent'];
}

export function parseDomain(xml: string): DomainDefinition {
  return readDomain(parseXml(xml, 'domain'));
}

export function readDomain(domain: XmlNode): DomainDefinition {
  const os = child(domain, 'os');
  const type = child(os, 'type');
  const devices = child(domain, 'devices');
  const vcpu = child(domain, 'vcpu');
  return {
    name: text(child(domain, 'name')) ?? '',
    uuid: (text(child(domain, 'uuid')) ?? '').toLowerCase(),
    vcpus: Number(attribute(vcpu, 'current') ?? text(vcpu) ?? 1),
    memoryMiB: Math.round(
      (sized(child(domain, 'currentMemory'), 'KiB') ?? sized(child(domain, 'memory'), 'KiB') ?? 0) / 2 ** 20,
    ),
    pflash: attribute(child(os, 'loader'), 'type') === 'pflash' || attribute(os, 'firmware') === 'efi',
    arch: attribute(type, 'arch') ?? '',
    machine: attribute(type, 'machine') ?? '',
    virtType: attribute(domain, 'type') ?? '',
    emulator: text(child(devices, 'emulator')),
    cpuMode: attribute(child(domain, 'cpu'), 'mode'),
    disks: children(devices, 'disk').map(readDisk),
    nics: children(devices, 'interface').map(readNic),
    hostDevices:
      children(devices, 'hostdev').length +
      children(devices, 'interface').filter(one => attribute(one, 'type') === 'hostdev').length,
    agent: readAgent(devices),
  };
}

function readDisk(disk: XmlNode): DomainDisk {
  const driver = child(disk, 'driver');
  const mirror = child(disk, 'mirror');
  const backing: string[] = [];
  for (let layer = child(disk, 'backingStore'); layer; layer = child(layer, 'backingStore')) {
    const source = sourceOf(child(layer, 'source'));
    if (source) backing.push(source);
  }
  const device = attribute(disk, 'device') ?? 'disk';
  return {
    target: attribute(child(disk, 'target'), 'dev') ?? '',
    device: device === 'cdrom' || device === 'floppy' || device === 'lun' ? device : 'disk',
    type: attribute(disk, 'type') ?? 'file',
    source: sourceOf(child(disk, 'source')),
    format: attribute(driver, 'type') ?? 'raw',
    readonly: child(disk, 'readonly') !== undefined || device === 'cdrom',
    shareable: child(disk, 'shareable') !== undefined,
    cache: attribute(driver, 'cache') ?? 'default',
    backing,
    mirror: mirror && { job: attribute(mirror, 'job') ?? '', ready: attribute(mirror, 'ready') === 'yes' },
  };
}

function readNic(nic: XmlNode): NicInfo {
  const source = child(nic, 'source');
  const network = attribute(source, 'network') ?? attribute(source, 'bridge') ?? attribute(source, 'dev');
  const model = attribute(child(nic, 'model'), 'type');
  return {
    mac: attribute(child(nic, 'mac'), 'address') ?? '',
    ...(network !== undefined && { network }),
    ...(model !== undefined && { model }),
  };
}

function sourceOf(source: XmlNode | undefined): string | undefined {
  if (!source) return undefined;
  const file = attribute(source, 'file') ?? attribute(source, 'dev') ?? attribute(source, 'dir');
  if (file) return file;
  const protocol = attribute(source, 'protocol');
  if (protocol) {
    const host = child(source, 'host');
    const at = host
      ? `${attribute(host, 'name') ?? ''}${attribute(host, 'port') ? `:${attribute(host, 'port')}` : ''}`
      : '';
    return `${protocol}://${at}/${attribute(source, 'name') ?? ''}`;
  }
  const pool = attribute(source, 'pool');
  return pool ? `${pool}/${attribute(source, 'volume') ?? ''}` : undefined;
}

function readAgent(devices: XmlNode | undefined): VmInfo['agent'] {
  for (const channel of children(devices, 'channel')) {
    const target = child(channel, 'target');
    if (attribute(target, 'name') !== 'org.qemu.guest_agent.0') continue;
    const state = attribute(target, 'state');
    return state === 'connected' || state === 'disconnected' ? state : 'unknown';
  }
  return 'none';
}

/** Disks that hold the guest's data: what snapshots, backups and moves are about. */
export function writableDisks(domain: DomainDefinition): (DomainDisk & { source: string })[] {
  return domain.disks.filter(
    (disk): disk is DomainDisk & { source: string } =>
      (disk.device === 'disk' || disk.device === 'lun') && !disk.readonly && disk.source !== undefined,
  );
}
