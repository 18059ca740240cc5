import { dirname, resolve } from 'node:path';
import { ageText, unlockedText } from '../../engine/lock-text';
import { heldMs, isStale } from '../../hypervisors/lock-age';
import type { HeldLock } from '../../hypervisors/ports';
import type { Fleet } from '../../inventory/fleet';
import { exitCodes } from '../../runner/exit-codes';
import { openFleet } from '../../runner/fleet';
import { askingSsh } from '../ask';
import { checkFile, loadInventory } from '../load';
import { table } from '../table';
import { paint, printable, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';
import { onlyInventoryHere } from './inventory';

export interface InventoryOption {
  /** An inventory, or a runbook that names one. */
  inventory?: string;
}

/** A lock and the connection that keeps it. */
export interface FoundLock {
  connection: string;
  lock: HeldLock;
}

export interface FoundLocks {
  found: FoundLock[];
  /** Connections that could not be asked, and why. */
  problems: { connection: string; problem: string }[];
  /** Connections that keep none. */
  unlocked: string[];
}

export async function locks(
  options: InventoryOption & { format: 'text' | 'json' },
  terminal: Terminal,
): Promise<number> {
  const fleet = await openNamedFleet(options, terminal);
  try {
    const { found, problems, unlocked } = await findLocks(fleet);
    if (options.format === 'json') {
      const shown = found.map(({ connection, lock }) => ({ connection, ...lock, stale: isStale(lock) }));
      terminal.write(`${JSON.stringify({ locks: shown, problems, unlocked }, undefined, 2)}\n`);
    } else terminal.write(listText({ found, problems, unlocked }, terminal));
    return problems.length > 0 ? exitCodes.problems : exitCodes.done;
  } finally {
    await fleet.close();
  }
}

/** @throws UsageError when there is no such inventory, or it has errors */
export async function openNamedFleet(options: InventoryOption, terminal: Terminal): Promise<Fleet> {
  const file = options.inventory ?? (await onlyInventoryHere('--inventory FILE'));
  const runbook = /\.runbook\.ya?ml$/i.test(file);
  const loaded = runbook ? (await checkFile(file)).inventory : await loadInventory(resolve(file));
  if (!loaded) throw new UsageError(`${file} names no inventory, so there is nothing to look for locks on.`);
  if (!loaded.inventory) throw new UsageError(loaded.problem ?? `${loaded.path} can't be read.`);
  return openFleet({
    inventory: loaded.inventory,
    baseDir: dirname(loaded.path),
    prompts: askingSsh(terminal),
  });
}

/** Asks all connections at once. */
export async function findLocks(fleet: Fleet): Promise<FoundLocks> {
  const all: FoundLocks = { found: [], problems: [], unlocked: [] };
  const seen = await Promise.all(
    fleet.connections.map(async connection => {
      try {
        return { connection, list: await (await fleet.hypervisor(connection)).locks?.list() };
      } catch (error) {
        return { connection, problem: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  for (const one of seen) {
    if (one.problem !== undefined) all.problems.push({ connection: one.connection, problem: one.problem });
    else if (!one.list) all.unlocked.push(one.connection);
    else all.found.push(...one.list.map(lock => ({ connection: one.connection, lock })));
  }
  return all;
}

function listText({ found, problems, unlocked }: FoundLocks, terminal: Terminal): string {
  const lines: string[] = [];
  if (found.length === 0) lines.push('Nothing is locked.');
  else {
    const rows = found.map(({ connection, lock }) => [
      lock.label,
      connection,
      lock.owner,
      lock.runId,
      ageText(heldMs(lock)),
      `${ageText(lock.heartbeatAgeMs)} ago`,
      isStale(lock) ? 'stale' : 'alive',
      lock.note,
    ]);
    const [head, ...rest] = table([['LOCK', 'ON', 'OWNER', 'RUN', 'HELD', 'HEARTBEAT', 'STATE', 'NOTE'], ...rows]);
    lines.push(paint(terminal, 'dim', head!), ...rest);
  }
  const none = unlockedText(unlocked);
  if (none !== undefined) lines.push(paint(terminal, 'yellow', none));
  for (const { problem } of problems) lines.push(paint(terminal, 'red', printable(problem)));
  return `${lines.join('\n')}\n`;
}
