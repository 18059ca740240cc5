// Entry of dist/connect.js.
import { dirname } from 'node:path';
import { observe } from '../../engine/drift';
import type { Observed } from '../../engine/journal';
import type { Plan } from '../../engine/plan';
import type { Inventory } from '../../inventory/model';
import { openFleet } from '../../runner/fleet';
import { copyPlaces } from '../../runner/rehearsal-copy';
import type { SshPrompts } from '../../ssh/contract';
import type { OpenedConnection } from '../inventory/liveInventory';
import type { RehearsalWork } from './rehearsal';

/** Opens one connection of an inventory, with SSH connections of its own, so that closing it closes all it opened. */
export async function openConnection(
  inventory: Inventory,
  file: string,
  connection: string,
  prompts: SshPrompts,
): Promise<OpenedConnection> {
  const fleet = openFleet({ inventory, baseDir: dirname(file), prompts });
  try {
    return { hypervisor: await fleet.hypervisor(connection), close: () => fleet.close() };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

/** How the VMs of a plan stand now. undefined: it has no inventory. */
export async function observePlan(
  plan: Plan,
  inventoryPath: string | undefined,
  prompts: SshPrompts,
): Promise<Observed | undefined> {
  if (!plan.inventory || inventoryPath === undefined) return undefined;
  const fleet = openFleet({ inventory: plan.inventory, baseDir: dirname(inventoryPath), prompts });
  try {
    return await observe(plan, fleet);
  } finally {
    await fleet.close();
  }
}

/** A copy of the inventory to rehearse a plan on, as data for the worker. @throws HypervisorError of a connection that does not answer */
export async function copyForRehearsal(
  plan: Plan,
  inventory: Inventory,
  inventoryPath: string,
  prompts: SshPrompts,
): Promise<RehearsalWork> {
  const baseDir = dirname(inventoryPath);
  const fleet = openFleet({ inventory, baseDir, prompts });
  try {
    const { places, assumed } = await copyPlaces(inventory, baseDir, plan, fleet);
    const labs = [...new Set(places.map(place => place.lab))];
    return {
      plan,
      inventory,
      labs: labs.map(lab => lab.serialize()),
      places: places.map(({ connection, lab, hosts }) => ({ connection, lab: labs.indexOf(lab), hosts: [...hosts] })),
      assumed,
    };
  } finally {
    await fleet.close();
  }
}
