// Entry of dist/connect.js.
import { dirname } from 'node:path';
import type { Uri } from 'vscode';
import { observe } from '../../engine/drift';
import type { Observed } from '../../engine/journal';
import type { Plan } from '../../engine/plan';
import { HypervisorError } from '../../hypervisors/errors';
import type { ConsoleOptions, ConsoleSession } from '../../hypervisors/ports';
import type { Inventory } from '../../inventory/model';
import type { RehearsalWork } from '../../rehearsal/work';
import { openFleet } from '../../runner/fleet';
import { rehearsalWork } from '../../runner/rehearsal-copy';
import type { Shell, SshPrompts } from '../../ssh/contract';
import { SshPool } from '../../ssh/pool';
import type { OpenedConnection } from '../inventory/liveInventory';

export { shellOfGuest, shellOfHost } from '../../runner/shell-place';

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

/** The serial console of a VM, on a connection of its own. @throws HypervisorError; `busy`: somebody else has it */
export async function openConsole(
  inventory: Inventory,
  file: string,
  connection: string,
  uuid: string,
  prompts: SshPrompts,
  options: ConsoleOptions,
): Promise<ConsoleSession> {
  const { hypervisor, close } = await openConnection(inventory, file, connection, prompts);
  try {
    if (!hypervisor.consoles)
      throw new HypervisorError('unsupported', `${connection} can't show consoles.`, { connection });
    const session = await hypervisor.consoles.open(uuid, options);
    return {
      write: bytes => session.write(bytes),
      close: async () => {
        await session.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export interface OpenShellOptions {
  columns: number;
  rows: number;
  onData(bytes: Uint8Array): void;
  onEnd(end: Awaited<Shell['ended']>): void;
}

/** A shell over SSH, on a connection of its own. */
export async function openShell(
  target: string,
  configFile: string | undefined,
  prompts: SshPrompts,
  { columns, rows, onData, onEnd }: OpenShellOptions,
): Promise<{ write(bytes: Uint8Array): void; resize(columns: number, rows: number): void; close(): Promise<void> }> {
  const pool = new SshPool({ ...prompts, ...(configFile !== undefined && { configFile }) });
  try {
    const session = await pool.lease(target);
    const shell = await session.shell({ columns, rows });
    shell.stream.on('data', onData);
    void shell.ended.then(onEnd);
    return {
      write: bytes => shell.stream.write(bytes),
      resize: (newColumns, newRows) => shell.resize(newColumns, newRows),
      close: () => pool.close(),
    };
  } catch (error) {
    await pool.close();
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
export { workOfFiles } from '../../review/work-of-files';
