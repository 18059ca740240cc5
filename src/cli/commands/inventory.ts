import { readdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ConnectionState } from '../../hypervisors/ports';
import { captureLab, captureText } from '../../inventory/capture';
import type { Fleet } from '../../inventory/fleet';
import type { ConnectionDefinition, Inventory } from '../../inventory/model';
import { exitCodes } from '../../runner/exit-codes';
import { openFleet } from '../../runner/fleet';
import { captureFleet } from '../../runner/rehearsal-copy';
import { copyOfLab } from '../../runner/simulated-labs';
import { askingSsh } from '../ask';
import { loadInventory } from '../load';
import { pseudonymKey } from '../pseudonym-key';
import { keptText, pseudonymisedCapture } from '../pseudonymised-capture';
import { table } from '../table';
import { paint, printable, printableLines, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';

type Seen = { connection: string; type: ConnectionDefinition['type'] } & (
  | { state: ConnectionState }
  | { problem: string }
);

export async function inventory(
  file: string | undefined,
  options: { format: 'text' | 'json'; capture?: string; pseudonyms?: boolean; pseudonymKey?: string },
  terminal: Terminal,
): Promise<number> {
  const pseudonyms = options.pseudonyms === true || options.pseudonymKey !== undefined;
  if (pseudonyms && options.capture === undefined)
    throw new UsageError('--pseudonyms is for captures: add --capture FILE.');
  const path = resolve(file ?? (await onlyInventoryHere('virtbook inventory FILE')));
  const { inventory, problem } = await loadInventory(path);
  if (!inventory) throw new UsageError(problem ?? `${path} can't be read.`);
  const fleet = openFleet({ inventory, baseDir: dirname(path), prompts: askingSsh(terminal) });
  try {
    if (options.capture !== undefined && pseudonyms) {
      const { file, key } = await pseudonymKey(options.pseudonymKey);
      const seen = await captureFleet(fleet, fleet.connections);
      const { text, told } = await pseudonymisedCapture(seen, inventory, path, key);
      await writeCapture(options.capture, text);
      terminal.write(
        `${options.capture} is a copy of it. What was taken for granted stands at its top.\n${printableLines(keptText(told), '')}` +
          `The key is ${file}: keep it for the next capture, and don't commit it.\n`,
      );
      return exitCodes.done;
    }
    if (options.capture !== undefined) {
      await writeCapture(options.capture, await copyText(inventory, dirname(path), fleet));
      terminal.write(`${options.capture} is a copy of it. What was taken for granted stands at its top.\n`);
      return exitCodes.done;
    }
    const seen = await Promise.all(
      fleet.connections.map(async (connection): Promise<Seen> => {
        const { type } = inventory.connections[connection]!;
        try {
          return { connection, type, state: await (await fleet.hypervisor(connection)).state() };
        } catch (error) {
          return { connection, type, problem: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
    if (options.format === 'json') {
      terminal.write(
        `${JSON.stringify({ connections: seen.map(one => ('state' in one ? { connection: one.connection, type: one.type, ...one.state } : one)) }, undefined, 2)}\n`,
      );
    } else for (const one of seen) terminal.write(connectionText(one, terminal));
    return seen.some(one => 'problem' in one) ? exitCodes.problems : exitCodes.done;
  } finally {
    await fleet.close();
  }
}

async function writeCapture(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new UsageError(`The capture can't be written: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** A lab that is simulated already is copied as it is; what others show is all that is known of them. */
async function copyText(inventory: Inventory, baseDir: string, fleet: Fleet): Promise<string> {
  const definitions = Object.values(inventory.connections);
  const labs = new Set(definitions.map(one => (one.type === 'simulated' ? one.lab : undefined)));
  const [only] = labs;
  if (labs.size === 1 && only !== undefined) return (await copyOfLab(baseDir, only)).serialize();
  return captureText(captureLab(await captureFleet(fleet, fleet.connections), inventory, Date.now()));
}

/** `how` one is named otherwise. @throws UsageError when there is none, or more than one */
export async function onlyInventoryHere(how: string): Promise<string> {
  const found = (await readdir('.')).filter(name => /\.inventory\.ya?ml$/.test(name));
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only;
  throw new UsageError(
    found.length === 0
      ? `There is no *.inventory.yaml in this folder. Name one: ${how}.`
      : `There are ${found.length} inventories here. Name one (${how}): ${found.join(', ')}.`,
  );
}

function connectionText(seen: Seen, terminal: Terminal): string {
  const simulated = seen.type === 'simulated' ? paint(terminal, 'yellow', ' (simulated)') : '';
  const lines = [paint(terminal, 'bold', printable(seen.connection)) + simulated];
  if ('problem' in seen) {
    lines.push(`  ${paint(terminal, 'red', printable(seen.problem))}`);
    return `${lines.join('\n')}\n\n`;
  }
  const { hosts, vms, datastores } = seen.state;
  for (const host of hosts) {
    const free = host.freeMemoryMiB === undefined ? '' : `, ${size(host.freeMemoryMiB)} free`;
    lines.push(
      `  ${printable(host.name)}  ${host.cpus} CPUs, ${size(host.memoryMiB)}${free}  ${paint(terminal, 'dim', printable(host.version))}`,
    );
    const here = vms.filter(vm => vm.host === host.name).sort((left, right) => left.name.localeCompare(right.name));
    const rows = here.map(vm => [
      `    ${vm.name}`,
      vm.state + (vm.stateReason ? ` (${vm.stateReason})` : ''),
      `${vm.vcpus} vCPU`,
      size(vm.memoryMiB),
      vm.snapshotCount > 0 ? `${vm.snapshotCount} ${vm.snapshotCount === 1 ? 'snapshot' : 'snapshots'}` : '',
      vm.agent === 'connected' ? 'agent' : '',
    ]);
    lines.push(...table(rows));
    const stores = datastores.filter(one => one.host === host.name);
    for (const store of stores.sort((left, right) => left.name.localeCompare(right.name))) {
      lines.push(
        paint(
          terminal,
          'dim',
          `    datastore ${printable(store.name)}: ${space(store.freeBytes)} of ${space(store.capacityBytes)} free`,
        ),
      );
    }
  }
  return `${lines.join('\n')}\n\n`;
}

function space(bytes: number): string {
  const mib = bytes / 1024 ** 2;
  return mib >= 1024 ? `${(mib / 1024).toFixed(0)} GiB` : `${mib.toFixed(0)} MiB`;
}

function size(mib: number): string {
  return mib >= 1024 ? `${(mib / 1024).toFixed(mib % 1024 === 0 ? 0 : 1)} GiB` : `${mib} MiB`;
}
