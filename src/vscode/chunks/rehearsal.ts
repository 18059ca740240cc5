// Entry of dist/rehearsal.js: a worker thread, so that thousands of simulated runs do not hold up the other extensions.
import { parentPort, workerData } from 'node:worker_threads';
import { actionNamed } from '../../actions/catalogue';
import type { Plan } from '../../engine/plan';
import { rehearsalMarkdown } from '../../engine/rehearsal-report';
import { rehearse } from '../../engine/rehearse';
import { SimulatedLab } from '../../hypervisors/simulated/lab';
import type { Inventory } from '../../inventory/model';
import { SimulatedInventory } from '../../inventory/simulated-inventory';

/** What the worker is given. */
export interface RehearsalWork {
  plan: Plan;
  inventory: Inventory;
  /** As lab files. */
  labs: string[];
  /** `lab`: which of the labs. */
  places: { connection: string; lab: number; hosts: string[] }[];
  /** What of the copy is not known and was taken for granted, each a sentence. */
  assumed: string[];
}

/** What the worker says. */
export type RehearsalNews =
  | { type: 'progress'; done: number; total: number }
  | { type: 'done'; ok: boolean; markdown: string };

/** Progress is told at most this often, in ms. */
const tellMs = 100;

async function work({ plan, inventory, labs, places, assumed }: RehearsalWork): Promise<void> {
  const say = (news: RehearsalNews): void => parentPort?.postMessage(news);
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
    onProgress: (done, total) => {
      const now = Date.now();
      if (now - told < tellMs) return;
      told = now;
      say({ type: 'progress', done, total });
    },
  });
  say({ type: 'done', ok: rehearsal.ok, markdown: rehearsalMarkdown(rehearsal, { assumed }) });
}

void work(workerData as RehearsalWork);
