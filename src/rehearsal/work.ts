import type { Plan } from '../engine/plan';
import type { Rehearsal } from '../engine/rehearse';
import type { Inventory } from '../inventory/model';
import type { SimulatedPlace } from '../inventory/simulated-inventory';

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

export interface Rehearsed {
  /** Every failure point comes back. */
  ok: boolean;
  markdown: string;
  rehearsal: Rehearsal;
}

/** What the worker says. */
export type RehearsalNews =
  | { type: 'progress'; done: number; total: number }
  | ({ type: 'done' } & Rehearsed)
  | { type: 'failed'; message: string };

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
