import { readFile } from 'node:fs/promises';
import type { Plan } from '../engine/plan';
import { plannedActions } from '../engine/planned-steps';
import type { Hypervisor, SnapshotInfo } from '../hypervisors/ports';
import { SimulatedLab } from '../hypervisors/simulated/lab';
import { type LabRecords, parseLabFile, serializeLab } from '../hypervisors/simulated/lab-file';
import type { LabGuest, LabVm } from '../hypervisors/simulated/state';
import { type Capture, captureLab, type SeenConnection } from '../inventory/capture';
import type { Fleet } from '../inventory/fleet';
import type { Inventory } from '../inventory/model';
import { SimulatedInventory, type SimulatedPlace } from '../inventory/simulated-inventory';
import { placesInLabs, type RehearsalWork, workOf } from './rehearsal-work';
import { copyOfLab } from './simulated-labs';

export interface RehearsalCopy {
  inventory: SimulatedInventory;
  /** What of it is not known and was taken for granted, each a sentence. */
  assumed: string[];
}

/** Looks at every connection once. @throws HypervisorError of the first that does not answer */
export async function captureFleet(fleet: Fleet, connections: readonly string[]): Promise<SeenConnection[]> {
  return Promise.all(
    connections.map(async connection => {
      const hypervisor = await fleet.hypervisor(connection);
      const state = await hypervisor.state();
      const snapshots = new Map<string, SnapshotInfo[]>();
      for (const vm of state.vms) {
        if (vm.snapshotCount > 0) snapshots.set(vm.uuid, await listed(hypervisor, vm.uuid));
      }
      return { connection, state, snapshots };
    }),
  );
}

async function listed(hypervisor: Hypervisor, uuid: string): Promise<SnapshotInfo[]> {
  return (await hypervisor.snapshots?.list(uuid)) ?? [];
}

/** A copy of simulated connections from their labs as they are now, and of others from what `fleet` shows. */
export async function copyInventory(
  inventory: Inventory,
  baseDir: string,
  plan: Plan,
  fleet: Fleet,
): Promise<RehearsalCopy> {
  const { places, assumed } = await copyPlaces(inventory, baseDir, plan, fleet);
  return { inventory: SimulatedInventory.over(inventory, places), assumed };
}

/** The same, as what the copy is made of. */
export async function copyPlaces(
  inventory: Inventory,
  baseDir: string,
  plan: Plan,
  fleet: Fleet,
): Promise<{ places: SimulatedPlace[]; assumed: string[] }> {
  const { places, live } = await placesInLabs(inventory, lab => copyOfLab(baseDir, lab));
  const assumed: string[] = [];
  if (live.length > 0) {
    const seen = await captureFleet(fleet, live);
    const captured: Capture = captureLab(seen, inventory, Date.now());
    assumed.push(...captured.assumed);
    const lab = labOf(captured.records, plan);
    for (const { connection, state } of seen)
      places.push({ connection, lab, hosts: state.hosts.map(host => host.name) });
  }
  return { places, assumed };
}

/** The same, as data for a worker. */
export async function rehearsalWork(
  inventory: Inventory,
  baseDir: string,
  plan: Plan,
  fleet: Fleet,
): Promise<RehearsalWork> {
  const { places, assumed } = await copyPlaces(inventory, baseDir, plan, fleet);
  return workOf(plan, inventory, places, assumed);
}

/** A copy from a lab file, for every connection of the inventory; no network is used. */
export async function copyFromFile(file: string, inventory: Inventory, plan: Plan): Promise<RehearsalCopy> {
  const records = parseLabFile(await readFile(file, 'utf8'), file);
  const lab = labOf(records, plan);
  const free = new Set(Object.keys(records.hosts));
  const own = new Map<string, string[]>();
  for (const [connection, definition] of Object.entries(inventory.connections)) {
    const hosts = (definition.type === 'simulated' ? (definition.hosts ?? []) : [connection]).filter(host =>
      free.has(host),
    );
    if (hosts.length > 0) own.set(connection, hosts);
    for (const host of hosts) free.delete(host);
  }
  const places = Object.keys(inventory.connections).flatMap((connection): SimulatedPlace[] => {
    const hosts = own.get(connection);
    if (hosts) return [{ connection, lab, hosts }];
    // The rest belongs to the first connection that names no hosts of its own.
    const rest = inventory.connections[connection]?.type === 'simulated' ? [...free] : [];
    for (const host of rest) free.delete(host);
    return rest.length > 0 ? [{ connection, lab, hosts: rest }] : [];
  });
  const assumed = (await readFile(file, 'utf8'))
    .split('\n')
    .flatMap(line => (line.startsWith('# - ') ? [line.slice(4)] : []));
  return { inventory: SimulatedInventory.over(inventory, places), assumed };
}

/** The lab with what the runbook expects in guests that nobody has looked into. */
function labOf(records: LabRecords, plan: Plan): SimulatedLab {
  records.faults = [];
  for (const step of plannedActions([...plan.steps, ...(plan.finally ?? [])])) {
    const { vm: name } = step.inputs;
    const vm = records.vms.find(one => one.name === name || one.uuid === name);
    if (vm?.guest.otherCommands !== 'succeed') continue;
    const guest = expected(vm, step.uses, step.inputs, records);
    vm.guest = guest;
    vm.snapshots = vm.snapshots.map(snapshot => ({ ...snapshot, guest }));
  }
  return SimulatedLab.parse(serializeLab(records));
}

function expected(vm: LabVm, uses: string, inputs: Record<string, unknown>, records: LabRecords): LabGuest {
  const guest = structuredClone(vm.guest);
  const services = strings(inputs.systemd);
  for (const service of services) guest.services[service] = 'active';
  const port = field(inputs.tcp, 'port');
  if (typeof port === 'number') listen(guest, port);
  const url = field(inputs.http, 'url');
  if (typeof url === 'string' && URL.canParse(url)) {
    const { hostname, port: given, pathname, protocol } = new URL(url);
    if (hostname !== vm.name) guest.address = hostname;
    const status = field(inputs.http, 'status');
    const contains = field(inputs.http, 'contains');
    const listener = listen(guest, given === '' ? (protocol === 'https:' ? 443 : 80) : Number(given));
    listener.http = {
      ...listener.http,
      [pathname]: {
        status: typeof status === 'number' ? status : 200,
        body: typeof contains === 'string' ? contains : '',
      },
    };
  }
  if (uses === 'guest.patch') {
    guest.repository = 'captured';
    records.repositories.captured ??= {};
    const packages = strings(inputs.packages);
    for (const name of packages.length > 0 ? packages : ['some-package']) {
      guest.packages[name] ??= { version: '1', status: 'installed' };
      records.repositories.captured[name] = [{ version: '1' }, { version: '2' }];
    }
  }
  return guest;
}

function listen(guest: LabGuest, port: number): LabGuest['listens'][number] {
  const found = guest.listens.find(one => one.port === port);
  if (found) return found;
  const made = { port };
  guest.listens.push(made);
  return made;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : [];
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
