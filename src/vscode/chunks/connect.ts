// Entry of dist/connect.js.
import { dirname } from 'node:path';
import type { Inventory } from '../../inventory/model';
import { openFleet } from '../../runner/fleet';
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
