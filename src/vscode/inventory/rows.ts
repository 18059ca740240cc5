import type { Capability } from '../../hypervisors/capability';
import type { HostInfo, VmInfo, VmState } from '../../hypervisors/ports';
import type { ConnectionView } from './inventoryTree';

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

export function vmRow(vm: VmInfo, capabilities: ReadonlySet<Capability>): Row {
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
      ...vm.disks.map((disk): [string, string] => [`Disk ${disk.target}`, disk.source || 'empty']),
      ['UUID', vm.uuid],
    ],
    icon,
    color,
    actions: vmActions(vm, capabilities),
  };
}

export function hostRow(host: HostInfo, vms: VmInfo[]): Row {
  const running = vms.filter(vm => vm.state === 'running').length;
  const free = host.freeMemoryMiB === undefined ? undefined : `${mebibytes(host.freeMemoryMiB)} free`;
  const population = `${running} of ${count(vms.length, 'VM')} running`;
  return {
    label: host.name,
    description: [population, free].filter(Boolean).join(' · '),
    spoken: [`Host ${host.name}`, population, free && `${free} of ${mebibytes(host.memoryMiB)}`, host.version]
      .filter(Boolean)
      .join(', '),
    facts: [
      ['Version', host.version],
      ['CPUs', String(host.cpus)],
      ['Memory', free ? `${mebibytes(host.memoryMiB)}, ${free}` : mebibytes(host.memoryMiB)],
    ],
    icon: 'server',
    actions: [],
  };
}

export function rowOfConnection(view: ConnectionView): Row {
  const hosts = view.state?.hosts.length ?? 0;
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

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** 512 → `512 MiB`, 1536 → `1.5 GiB`. */
export function mebibytes(mib: number): string {
  return mib < 1024 ? `${Math.round(mib)} MiB` : `${Number((mib / 1024).toFixed(1))} GiB`;
}
