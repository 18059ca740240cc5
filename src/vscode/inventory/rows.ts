import type { Capability } from '../../hypervisors/capability';
import type { DiskInfo, HostInfo, NicInfo, SnapshotInfo, VmInfo, VmState, VolumeInfo } from '../../hypervisors/ports';
import type { VmDefinition } from '../../inventory/model';
import type { ConnectionView, DatastoreView, NodeOf } from './inventoryTree';

/** What a line of a tree shows; `icon` is a codicon, `color` a theme colour. */
export interface Row {
  label: string;
  description: string;
  /** Read out by screen readers instead of label and description. */
  spoken: string;
  /** Lines of `name: value` for the tooltip. */
  facts: [name: string, value: string][];
  icon: string;
  color?: string;
  /** What can be done here, for the menus. */
  actions: string[];
}

export type VmAction = 'start' | 'shutdown' | 'snapshot' | 'revert' | 'deleteSnapshot' | 'migrate' | 'backup';

/** What the hypervisor could do to the VM as it is now. Whether it should is the plan's to say. */
export function vmActions(vm: VmInfo, capabilities: ReadonlySet<Capability>): VmAction[] {
  const off = vm.state === 'shutoff' || vm.state === 'crashed';
  const actions: VmAction[] = [];
  if (capabilities.has('power')) {
    if (off) actions.push('start');
    if (vm.state === 'running') actions.push('shutdown');
  }
  if (capabilities.has('snapshot') && vm.state !== 'unknown') {
    actions.push('snapshot');
    if (vm.snapshotCount > 0) actions.push('revert', 'deleteSnapshot');
  }
  if (capabilities.has('migrate.live') && vm.state === 'running') actions.push('migrate');
  if (capabilities.has('backup.image') && vm.state === 'running') actions.push('backup');
  return actions;
}

const stateIcons: Record<VmState, [icon: string, color?: string]> = {
  running: ['vm-running', 'charts.green'],
  paused: ['debug-pause', 'charts.yellow'],
  suspended: ['debug-pause', 'charts.yellow'],
  shutoff: ['vm-outline'],
  crashed: ['error', 'charts.red'],
  unknown: ['question'],
};

export function rowOfVm(vm: VmInfo, capabilities: ReadonlySet<Capability>, known?: VmDefinition): Row {
  const state = vm.stateReason ? `${vm.state} (${vm.stateReason})` : vm.state;
  const memory = mebibytes(vm.memoryMiB);
  const snapshots = vm.snapshotCount > 0 ? count(vm.snapshotCount, 'snapshot') : undefined;
  const [icon, color] = stateIcons[vm.state];
  return {
    label: vm.name,
    description: [state, memory, snapshots].filter(Boolean).join(' · '),
    spoken: [`VM ${vm.name}`, state, `${memory} memory`, snapshots ?? 'no snapshots', `on host ${vm.host}`].join(', '),
    facts: [
      ['State', state],
      ['Memory', memory],
      ['CPUs', String(vm.vcpus)],
      ['Snapshots', String(vm.snapshotCount)],
      ['Agent', vm.agent],
      ['Host', vm.host],
      ...(known?.owner === undefined ? [] : [['Owner', known.owner] as [string, string]]),
      ...(known?.tags?.length ? [['Tags', known.tags.join(', ')] as [string, string]] : []),
      ...vm.disks.map((disk): [string, string] => [`Disk ${disk.target}`, disk.source || 'empty']),
      ['UUID', vm.uuid],
    ],
    icon,
    color,
    actions: ['vm', 'copy', ...vmActions(vm, capabilities)],
  };
}

export function rowOfHost(host: HostInfo, { vms, running }: { vms: number; running: number }): Row {
  const free = host.freeMemoryMiB === undefined ? undefined : `${mebibytes(host.freeMemoryMiB)} free`;
  const memory = mebibytes(host.memoryMiB);
  // How many of them run is told in the tooltip only: else each VM that starts or stops would draw its host again, and all below it.
  const population = count(vms, 'VM');
  return {
    label: host.name,
    description: [population, free].filter(Boolean).join(' · '),
    spoken: [`Host ${host.name}`, population, free && `${free} of ${memory}`, host.version].filter(Boolean).join(', '),
    facts: [
      ['VMs', `${vms}, ${running} running`],
      ['Version', host.version],
      ['CPUs', String(host.cpus)],
      ['Memory', free ? `${memory}, ${free}` : memory],
    ],
    icon: 'server',
    actions: ['host', 'copy'],
  };
}

export function rowOfConnection(view: ConnectionView, hosts: number): Row {
  const text = {
    idle: 'not connected',
    connecting: 'connecting…',
    connected: hosts === 1 ? '' : count(hosts, 'host'),
    failed: view.error ?? 'failed',
  }[view.phase];
  const icons: Record<ConnectionView['phase'], [string, string?]> = {
    idle: ['debug-disconnect'],
    connecting: ['loading~spin'],
    connected: ['plug', 'charts.green'],
    failed: ['warning', 'charts.red'],
  };
  const [icon, color] = icons[view.phase];
  const kind = view.simulated ? 'simulated' : '';
  const spoken = view.phase === 'connected' ? `connected, ${count(hosts, 'host')}` : text;
  return {
    label: view.name,
    description: [kind, text].filter(Boolean).join(' · '),
    spoken: [`Connection ${view.name}`, kind, spoken].filter(Boolean).join(', '),
    facts: view.error ? [['Error', view.error]] : [],
    icon,
    color,
    actions: view.phase === 'failed' ? ['retry'] : [],
  };
}

export function rowOfDisk(disk: DiskInfo, vm: VmInfo): Row {
  const size = disk.capacityBytes === undefined ? undefined : bytes(disk.capacityBytes);
  const used = disk.allocationBytes === undefined ? undefined : `${bytes(disk.allocationBytes)} used`;
  const kind = disk.writable ? 'Disk' : 'Read-only disk';
  return {
    label: disk.target,
    description: [size, used, disk.datastore].filter(Boolean).join(' · '),
    spoken: [`${kind} ${disk.target} of VM ${vm.name}`, size, used, disk.datastore && `on datastore ${disk.datastore}`]
      .filter(Boolean)
      .join(', '),
    facts: [
      ['Image', disk.source || 'empty'],
      ['Format', disk.format],
      ...(disk.datastore === undefined ? [] : [['Datastore', disk.datastore] as [string, string]]),
    ],
    icon: disk.writable ? 'save' : 'circle-large-outline',
    actions: ['copy'],
  };
}

export function rowOfNic(nic: NicInfo, vm: VmInfo): Row {
  return {
    label: nic.mac || 'NIC',
    description: [nic.network, nic.model].filter(Boolean).join(' · '),
    spoken: [`NIC ${nic.mac} of VM ${vm.name}`, nic.network && `on network ${nic.network}`].filter(Boolean).join(', '),
    facts: [
      ['Network', nic.network ?? 'not told'],
      ['Model', nic.model ?? 'not told'],
    ],
    icon: 'plug',
    actions: ['copy'],
  };
}

export function rowOfSnapshot(snapshot: SnapshotInfo, vm: VmInfo): Row {
  const taken = new Date(snapshot.createdAt).toLocaleString();
  const memory = snapshot.memory ? 'with memory' : 'disks only';
  const current = snapshot.current ? 'current' : undefined;
  return {
    label: snapshot.name,
    description: [taken, memory, current].filter(Boolean).join(' · '),
    spoken: [`Snapshot ${snapshot.name} of VM ${vm.name}`, `taken ${taken}`, memory, current]
      .filter(Boolean)
      .join(', '),
    facts: [
      ['Taken', taken],
      ['Memory', snapshot.memory ? 'saved' : 'not saved'],
      ...(snapshot.description ? [['Description', snapshot.description] as [string, string]] : []),
    ],
    icon: 'device-camera',
    actions: ['copy'],
  };
}

export function rowOfGroup({ by, name }: NodeOf<'group'>, vms: number): Row {
  const none = by === 'tag' ? 'No tag' : 'No owner';
  const label = name === '' ? none : name;
  return {
    label,
    description: count(vms, 'VM'),
    spoken: `${name === '' ? none : `${by === 'tag' ? 'Tag' : 'Owner'} ${name}`}, ${count(vms, 'VM')}`,
    facts: [],
    icon: by === 'tag' ? 'tag' : 'person',
    actions: [],
  };
}

export function rowOfStorage(datastores: number): Row {
  const size = count(datastores, 'datastore');
  return { label: 'Storage', description: size, spoken: `Storage, ${size}`, facts: [], icon: 'layers', actions: [] };
}

/** With less than this part of it free, a datastore is marked. */
const LOW = 0.1;

export function rowOfDatastore(store: DatastoreView): Row {
  const free = `${bytes(store.freeBytes)} of ${bytes(store.capacityBytes)} free`;
  const low = store.freeBytes < store.capacityBytes * LOW;
  return {
    label: store.name,
    description: [free, store.hosts.join(', ')].join(' · '),
    spoken: [`Datastore ${store.name}`, low ? `almost full, ${free}` : free, `on ${store.hosts.join(', ')}`].join(', '),
    facts: [
      ['Capacity', bytes(store.capacityBytes)],
      ['Free', bytes(store.freeBytes)],
      ...(store.path === undefined ? [] : [['Path', store.path] as [string, string]]),
      ['Hosts', store.hosts.join(', ')],
      ['Shared', store.shared ? 'yes' : 'no'],
    ],
    icon: 'database',
    color: low ? 'charts.yellow' : undefined,
    actions: ['copy'],
  };
}

export function rowOfVolume(volume: VolumeInfo, users: readonly string[]): Row {
  const size = bytes(volume.capacityBytes);
  const names = users.length > 3 ? `${users.slice(0, 3).join(', ')} and ${users.length - 3} more` : users.join(', ');
  const use = users.length > 0 ? names : 'not used';
  return {
    label: volume.name,
    description: `${size} · ${use}`,
    spoken: [`Volume ${volume.name}`, size, users.length > 0 ? `used by ${names}` : 'used by no VM'].join(', '),
    facts: [
      ['Path', volume.path],
      ['Size', size],
      ['Allocated', bytes(volume.allocationBytes)],
      ...(volume.format === undefined ? [] : [['Format', volume.format] as [string, string]]),
      ...(volume.backing === undefined ? [] : [['On top of', volume.backing] as [string, string]]),
    ],
    icon: users.length > 0 ? 'file-binary' : 'circle-slash',
    actions: ['copy'],
  };
}

export function rowOfMore(left: number, page: number): Row {
  const next = Math.min(left, page);
  const label = next === left ? `Show the other ${left}` : `Show ${next} more`;
  return {
    label,
    description: next === left ? '' : `of ${left}`,
    spoken: `${label}${next === left ? '' : ` of ${left}`}, press Enter`,
    facts: [],
    icon: 'ellipsis',
    actions: [],
  };
}

export function rowOfNote(text: string): Row {
  return {
    label: text,
    description: '',
    spoken: text,
    facts: [['', text]],
    icon: 'warning',
    color: 'charts.yellow',
    actions: [],
  };
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** 512 → `512 MiB`, 1536 → `1.5 GiB`. */
export function mebibytes(mib: number): string {
  return mib < 1024 ? `${Math.round(mib)} MiB` : `${Number((mib / 1024).toFixed(1))} GiB`;
}

/** 21474836480 → `20 GiB`. */
export function bytes(n: number): string {
  const tebibytes = n / 2 ** 40;
  return tebibytes >= 1 ? `${Number(tebibytes.toFixed(1))} TiB` : mebibytes(n / 2 ** 20);
}
