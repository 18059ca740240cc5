import { readFile } from 'node:fs/promises';
import type { Plan } from '../engine/plan';
import type { Hypervisor, SnapshotInfo } from '../hypervisors/ports';
import { type Capture, captureLab, type SeenConnection } from '../inventory/capture';
import type { Fleet } from '../inventory/fleet';
import type { Inventory } from '../inventory/model';
import { SimulatedInventory, type SimulatedPlace } from '../inventory/simulated-inventory';
import { placesInCapture, placesInLabs } from '../rehearsal/places';
import { plannedLab } from '../rehearsal/planned-lab';
import { type RehearsalWork, workOf } from '../rehearsal/work';
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
    const lab = plannedLab(captured.records, plan);
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
  const { places, assumed } = placesInCapture(await readFile(file, 'utf8'), file, inventory, plan);
  return { inventory: SimulatedInventory.over(inventory, places), assumed };
}
