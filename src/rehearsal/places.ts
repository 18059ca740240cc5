import type { Plan } from '../engine/plan';
import type { SimulatedLab } from '../hypervisors/simulated/lab';
import { parseLabFile } from '../hypervisors/simulated/lab-file';
import type { Inventory } from '../inventory/model';
import type { SimulatedPlace } from '../inventory/simulated-inventory';
import { plannedLab } from './planned-lab';

/** The connections that are simulated, over copies of their labs; the others are `live`. */
export async function placesInLabs(
  inventory: Inventory,
  copy: (lab: string) => Promise<SimulatedLab>,
): Promise<{ places: SimulatedPlace[]; live: string[] }> {
  const places: SimulatedPlace[] = [];
  const labs = new Map<string, SimulatedLab>();
  const live: string[] = [];
  for (const [connection, definition] of Object.entries(inventory.connections)) {
    if (definition.type !== 'simulated') {
      live.push(connection);
      continue;
    }
    const lab = labs.get(definition.lab) ?? (await copy(definition.lab));
    labs.set(definition.lab, lab);
    places.push({ connection, lab, hosts: definition.hosts ?? [...lab.hosts.names()] });
  }
  return { places, live };
}

/** What a captured copy says of itself at its top, each a sentence: what of it was taken for granted. */
export function assumedInCapture(text: string): string[] {
  return text.split('\n').flatMap(line => (line.startsWith('# - ') ? [line.slice(4).trimEnd()] : []));
}

/** Which hosts of a captured copy belong to which connection of the inventory. */
export function hostsInCapture(hosts: readonly string[], inventory: Inventory): Map<string, string[]> {
  const free = new Set(hosts);
  const own = new Map<string, string[]>();
  for (const [connection, definition] of Object.entries(inventory.connections)) {
    const named = (definition.type === 'simulated' ? (definition.hosts ?? []) : [connection]).filter(host =>
      free.has(host),
    );
    if (named.length > 0) own.set(connection, named);
    for (const host of named) free.delete(host);
  }
  // The rest belongs to the first connection that names no hosts of its own.
  for (const [connection, definition] of Object.entries(inventory.connections)) {
    if (own.has(connection) || definition.type !== 'simulated' || free.size === 0) continue;
    own.set(connection, [...free]);
    free.clear();
  }
  return own;
}

/**
 * Every connection of the inventory over one lab, as `virtbook inventory --capture` writes it. `file` is for messages.
 * @throws LabFileError
 */
export function placesInCapture(
  text: string,
  file: string,
  inventory: Inventory,
  plan: Plan,
): { places: SimulatedPlace[]; assumed: string[] } {
  const records = parseLabFile(text, file);
  const lab = plannedLab(records, plan);
  const own = hostsInCapture(Object.keys(records.hosts), inventory);
  const places = Object.keys(inventory.connections).flatMap((connection): SimulatedPlace[] => {
    const hosts = own.get(connection);
    return hosts ? [{ connection, lab, hosts }] : [];
  });
  return { places, assumed: assumedInCapture(text) };
}
