// Entry of dist/connect.js.
import { dirname } from 'node:path';
import type { Uri } from 'vscode';
import { observe } from '../../engine/drift';
import type { Observed } from '../../engine/journal';
import type { Plan } from '../../engine/plan';
import type { Inventory } from '../../inventory/model';
import { openFleet } from '../../runner/fleet';
import { rehearsalWork } from '../../runner/rehearsal-copy';
import type { RehearsalWork } from '../../runner/rehearsal-work';
import type { SshPrompts } from '../../ssh/contract';
import type { OpenedConnection } from '../inventory/liveInventory';

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
  inventoryUri: Uri,
  prompts: SshPrompts,
): Promise<RehearsalWork> {
  const baseDir = dirname(inventoryUri.fsPath);
  const fleet = openFleet({ inventory, baseDir, prompts });
  try {
    return await rehearsalWork(inventory, baseDir, plan, fleet);
  } finally {
    await fleet.close();
  }
}

export { simulatedTarget } from '../../debug/simulated-target';
