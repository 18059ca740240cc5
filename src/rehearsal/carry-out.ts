import { actionNamed } from '../actions/catalogue';
import { rehearsalMarkdown } from '../engine/rehearsal-report';
import { rehearse } from '../engine/rehearse';
import { SimulatedLab } from '../hypervisors/simulated/lab';
import { SimulatedInventory } from '../inventory/simulated-inventory';
import type { RehearsalNews, RehearsalWork } from './work';

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
    say({ type: 'done', ok: rehearsal.ok, markdown: rehearsalMarkdown(rehearsal, { assumed }), rehearsal });
  } catch (error) {
    say({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}
