import { actionNamed } from '../actions/catalogue';
import type { Plan } from '../engine/plan';
import { rehearsalMarkdown } from '../engine/rehearsal-report';
import { rehearse } from '../engine/rehearse';
import { SimulatedLab } from '../hypervisors/simulated/lab';
import type { Inventory } from '../inventory/model';
import { SimulatedInventory } from '../inventory/simulated-inventory';

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
