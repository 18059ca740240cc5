import { actionNamed } from '../actions/catalogue';
import type { Plan } from '../engine/plan';
import { rehearsalMarkdown } from '../engine/rehearsal-report';
import { rehearse } from '../engine/rehearse';
import { SimulatedLab } from '../hypervisors/simulated/lab';
import type { Inventory } from '../inventory/model';
import { SimulatedInventory, type SimulatedPlace } from '../inventory/simulated-inventory';

/** A rehearsal as data, for a worker: of thread or browser. */
export interface RehearsalWork {
  plan: Plan;
  inventory: Inventory;
  /** As lab files. */
  labs: string[];
  /** `lab`: which of the labs. */
  places: { connection: string; lab: number; hosts: string[] }[];
  /** What of the copy is not known and was taken for granted, each a sentence. */
  assumed: string[];
  /** A second failure in each rollback, too. */
  pairs?: boolean;
}

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

export function workOf(
  plan: Plan,
  inventory: Inventory,
  places: readonly SimulatedPlace[],
  assumed: string[],
): RehearsalWork {
  const labs = [...new Set(places.map(place => place.lab))];
  return {
    plan,
    inventory,
    labs: labs.map(lab => lab.serialize()),
    places: places.map(({ connection, lab, hosts }) => ({ connection, lab: labs.indexOf(lab), hosts: [...hosts] })),
    assumed,
  };
}

/** What the worker says. */
export type RehearsalNews =
  | { type: 'progress'; done: number; total: number }
  | { type: 'done'; ok: boolean; markdown: string }
  | { type: 'failed'; message: string };

/** Progress is told at most this often, in ms. */
const tellMs = 100;

/** Thousands of simulated runs: it keeps its thread to itself until it is done. */
export async function carryOut(work: RehearsalWork, say: (news: RehearsalNews) => void): Promise<void> {
  const { plan, inventory, labs, places, assumed, pairs } = work;
  try {
    const opened = labs.map(text => SimulatedLab.parse(text));
    const copy = SimulatedInventory.over(
      inventory,
      places.map(place => ({ ...place, lab: opened[place.lab]! })),
    );
    let told = 0;
    const rehearsal = await rehearse({
      plan,
      action: actionNamed,
      inventory: copy,
      pairs: pairs === true,
      onProgress: (done, total) => {
        const now = Date.now();
        if (now - told < tellMs) return;
        told = now;
        say({ type: 'progress', done, total });
      },
    });
    say({ type: 'done', ok: rehearsal.ok, markdown: rehearsalMarkdown(rehearsal, { assumed }) });
  } catch (error) {
    say({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}
