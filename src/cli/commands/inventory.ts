import { readdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ConnectionState } from '../../hypervisors/ports';
import { openFleet } from '../../runner/fleet';
import { askingSsh } from '../ask';
import { exitCodes } from '../exit-codes';
import { loadInventory } from '../load';
import { table } from '../table';
import { paint, printable, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';

type Seen = { connection: string } & ({ state: ConnectionState } | { problem: string });

export async function inventory(
  file: string | undefined,
  options: { format: 'text' | 'json' },
  terminal: Terminal,
): Promise<number> {
  const path = resolve(file ?? (await onlyInventoryHere()));
  const { inventory, problem } = await loadInventory(path);
  if (!inventory) throw new UsageError(problem ?? `${path} can't be read.`);
  const fleet = openFleet({ inventory, baseDir: dirname(path), prompts: askingSsh(terminal) });
  try {
    const seen = await Promise.all(
      fleet.connections.map(async (connection): Promise<Seen> => {
        try {
          return { connection, state: await (await fleet.hypervisor(connection)).state() };
        } catch (error) {
          return { connection, problem: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
    if (options.format === 'json') {
      terminal.write(
        `${JSON.stringify({ connections: seen.map(one => ('state' in one ? { connection: one.connection, ...one.state } : one)) }, undefined, 2)}\n`,
      );
    } else for (const one of seen) terminal.write(connectionText(one, terminal));
    return seen.some(one => 'problem' in one) ? exitCodes.problems : exitCodes.done;
  } finally {
    await fleet.close();
  }
}

async function onlyInventoryHere(): Promise<string> {
  const found = (await readdir('.')).filter(name => /\.inventory\.ya?ml$/.test(name));
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only;
  throw new UsageError(
    found.length === 0
      ? 'There is no *.inventory.yaml in this folder. Name one: virtbook inventory FILE.'
      : `There are ${found.length} inventories here. Name one: ${found.join(', ')}.`,
  );
}

function connectionText(seen: Seen, terminal: Terminal): string {
  const lines = [paint(terminal, 'bold', seen.connection)];
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
      `    ${printable(vm.name)}`,
      vm.state + (vm.stateReason ? ` (${printable(vm.stateReason)})` : ''),
      `${vm.vcpus} vCPU`,
      size(vm.memoryMiB),
      vm.snapshotCount > 0 ? `${vm.snapshotCount} ${vm.snapshotCount === 1 ? 'snapshot' : 'snapshots'}` : '',
      vm.agent === 'connected' ? 'agent' : '',
    ]);
    lines.push(...table(rows));
    for (const store of datastores.filter(one => one.host === host.name)) {
      const gib = (bytes: number): string => (bytes / 1024 ** 3).toFixed(0);
      lines.push(
        paint(
          terminal,
          'dim',
          `    datastore ${printable(store.name)}: ${gib(store.freeBytes)} of ${gib(store.capacityBytes)} GiB free`,
        ),
      );
    }
  }
  return `${lines.join('\n')}\n\n`;
}

function size(mib: number): string {
  return mib >= 1024 ? `${(mib / 1024).toFixed(mib % 1024 === 0 ? 0 : 1)} GiB` : `${mib} MiB`;
}
