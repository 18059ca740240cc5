import type { ConnectionState, SnapshotInfo, VmInfo } from '../hypervisors/ports';
import { type LabRecords, serializeLab } from '../hypervisors/simulated/lab-file';
import { GiB, type LabDatastore, type LabGuest, type LabSnapshot, type LabVm } from '../hypervisors/simulated/state';
import type { Inventory } from './model';

/** What was seen of one connection. */
export interface SeenConnection {
  connection: string;
  state: ConnectionState;
  /** By the VM's uuid, for those that have some. */
  snapshots: ReadonlyMap<string, readonly SnapshotInfo[]>;
}

export interface Capture {
  records: LabRecords;
  /** What no connection tells and is taken for granted, each a sentence. */
  assumed: string[];
}

/** The simulated lab that stands for what was seen. `now`: ms since 1970. */
export function captureLab(seen: readonly SeenConnection[], inventory: Inventory, now: number): Capture {
  const assumed = new Set<string>([
    'CPUs: every host runs every VM.',
    'Memory: no VM writes it faster than a migration sends it.',
    'Guests: what is in them can not be seen. They are Debian, boot in 20 s, have sshd, and commands that are not known succeed.',
    'Packages, services, ports and web pages: what the runbook checks for is there.',
  ]);
  const records: LabRecords = {
    revision: 0,
    clock: now,
    hosts: {},
    datastores: {},
    repositories: {},
    vms: [],
    proxies: {},
    faults: [],
  };
  const names = new Map<string, string>();
  for (const { state } of seen) {
    for (const host of state.hosts) {
      const running = state.vms.filter(vm => vm.host === host.name && vm.state !== 'shutoff');
      const needed = running.reduce((sum, vm) => sum + vm.memoryMiB, 0);
      if (needed > host.memoryMiB)
        assumed.add(`${host.name}: it has the ${needed} MiB that its VMs use, not ${host.memoryMiB}.`);
      records.hosts[host.name] = {
        cpus: host.cpus,
        memoryMiB: Math.max(host.memoryMiB, needed),
        cpu: 'assumed',
        cpuLevel: 4,
        version: host.version,
      };
    }
    for (const store of state.datastores) nameDatastore(records, store, names, assumed);
  }
  let number = 0;
  for (const { state, snapshots } of seen) {
    for (const vm of state.vms) {
      if (records.vms.some(other => other.name === vm.name)) {
        assumed.add(`${vm.name}: there is more than one VM of that name; only the first is in the copy.`);
        continue;
      }
      const address = `192.0.2.${1 + (number++ % 254)}`;
      records.vms.push(labVm(vm, records, names, assumed, inventory, snapshots.get(vm.uuid) ?? [], address));
    }
  }
  for (const name of Object.keys(inventory.proxies)) {
    records.proxies[name] = { capacityGiB: 10_240, files: {} };
    assumed.add(`The proxy ${name}: it has 10 TiB free and no backups yet.`);
  }
  // What is there takes space that the VMs in the copy may not account for, or may overstate.
  fitDatastores(records, seen, names);
  return { records, assumed: [...assumed] };
}

/** As a file: JSON, which is YAML too, below a comment that says what was taken for granted. */
export function captureText({ records, assumed }: Capture): string {
  const comment = [
    'A simulated copy, captured from the live inventory.',
    'Taken for granted:',
    ...assumed.map(line => `- ${line}`),
  ];
  return `${comment.map(line => `# ${line.replaceAll('\n', ' ')}`).join('\n')}\n${serializeLab(records)}`;
}

/** Equal names on several hosts are one datastore when they are shared, and one each when not. */
function nameDatastore(
  records: LabRecords,
  store: ConnectionState['datastores'][number],
  names: Map<string, string>,
  assumed: Set<string>,
): void {
  const other = records.datastores[store.name];
  const path = store.path ?? `/srv/${store.name}`;
  if (other && store.shared && other.path === path) {
    other.hosts.push(store.host);
    names.set(`${store.host} ${store.name}`, store.name);
    return;
  }
  const name = other ? `${store.name}@${store.host}` : store.name;
  if (other && other.path === path) {
    assumed.add(
      `${store.name} at ${path}: ${[...other.hosts, store.host].join(' and ')} have one each, as far as can be seen. Where it is one for all, write it once, with all its hosts.`,
    );
  }
  names.set(`${store.host} ${store.name}`, name);
  records.datastores[name] = {
    capacityGiB: store.capacityBytes / GiB,
    usedByOthersGiB: 0,
    hosts: [store.host],
    path,
    strays: [],
  } satisfies LabDatastore;
}

function labVm(
  vm: VmInfo,
  records: LabRecords,
  names: Map<string, string>,
  assumed: Set<string>,
  inventory: Inventory,
  snapshots: readonly SnapshotInfo[],
  address: string,
): LabVm {
  const known = inventory.vms[vm.name] ?? inventory.vms[vm.uuid];
  const guest: LabGuest = {
    os: 'debian-12',
    address: known?.address ?? address,
    agent: vm.agent === 'connected' || vm.agent === 'disconnected' ? 'running' : 'none',
    ssh: true,
    bootSeconds: 20,
    shutdownSeconds: 5,
    ignoresShutdown: false,
    packages: {},
    files: {},
    services: {},
    listens: [{ port: 22 }],
    otherCommands: 'succeed',
  };
  if (vm.agent === 'unknown' && vm.state !== 'shutoff') assumed.add(`${vm.name}: it has no guest agent.`);
  const state = vm.state === 'running' || vm.state === 'paused' || vm.state === 'crashed' ? vm.state : 'shutoff';
  const disks = vm.disks
    .filter(disk => disk.writable)
    .map(disk => {
      const datastore = names.get(`${vm.host} ${disk.datastore ?? ''}`) ?? ownDatastore(records, vm.host, assumed);
      const capacityGiB = (disk.capacityBytes ?? 20 * GiB) / GiB;
      return {
        target: disk.target,
        datastore,
        volume: disk.source.slice(disk.source.lastIndexOf('/') + 1) || `${vm.name}-${disk.target}`,
        format: disk.format === 'raw' ? ('raw' as const) : ('qcow2' as const),
        capacityGiB,
        allocatedGiB: disk.allocationBytes === undefined ? capacityGiB / 2 : disk.allocationBytes / GiB,
      };
    });
  const readOnly = vm.disks.find(disk => !disk.writable && disk.source);
  const current = snapshots.find(one => one.current);
  return {
    name: vm.name,
    uuid: vm.uuid,
    host: vm.host,
    state,
    vcpus: Math.max(1, vm.vcpus),
    memoryMiB: vm.memoryMiB,
    cpu: 'x86-64-v1',
    ...(readOnly && { cdrom: readOnly.source }),
    // Not known, and with any number some migration would be foretold never to end.
    dirtyMiBps: 0,
    disks,
    nics: (vm.nics ?? []).map(({ mac, network = 'unknown', model = 'virtio' }) => ({ mac, network, model })),
    guest,
    snapshots: snapshots.map(
      (one): LabSnapshot => ({
        name: one.name,
        createdAt: Date.parse(one.createdAt),
        memory: one.memory,
        state: one.memory ? 'running' : 'shutoff',
        sizeGiB: 0.125,
        datastore: disks[0]?.datastore ?? '',
        guest,
        ...(one.description !== undefined && { description: one.description }),
      }),
    ),
    ...(current && { currentSnapshot: current.name }),
    frozen: false,
    readyAt: 0,
  };
}

/** For disks that are in no datastore that the host shows. */
function ownDatastore(records: LabRecords, host: string, assumed: Set<string>): string {
  const name = `other@${host}`;
  assumed.add(`${host}: disks outside of its datastores are on one of 10 TiB of its own.`);
  records.datastores[name] ??= {
    capacityGiB: 10_240,
    usedByOthersGiB: 0,
    hosts: [host],
    path: '/other',
    strays: [],
  };
  return name;
}

function fitDatastores(records: LabRecords, seen: readonly SeenConnection[], names: Map<string, string>): void {
  const used = new Map<string, number>();
  for (const vm of records.vms) {
    for (const disk of vm.disks) used.set(disk.datastore, (used.get(disk.datastore) ?? 0) + disk.allocatedGiB);
    for (const one of vm.snapshots) used.set(one.datastore, (used.get(one.datastore) ?? 0) + one.sizeGiB);
  }
  for (const { state } of seen) {
    for (const store of state.datastores) {
      const name = names.get(`${store.host} ${store.name}`);
      const record = name === undefined ? undefined : records.datastores[name];
      if (!record) continue;
      const others = (store.capacityBytes - store.freeBytes) / GiB - (used.get(name!) ?? 0);
      record.usedByOthersGiB = Math.max(0, others);
    }
  }
}
