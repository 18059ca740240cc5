import { actionNamed } from '../../src/actions/catalogue';
import { makePlan } from '../../src/engine/make-plan';
import { Rehearsing } from '../../src/engine/rehearse';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import type { Inventory } from '../../src/inventory/model';
import { SimulatedInventory } from '../../src/inventory/simulated-inventory';
import { parseRunbook } from '../../src/runbook/parse';

export interface Rehearsed {
  points: number;
  /** Failure points that are not back. */
  bad: number;
  /** Steps that were undone in all of them together. */
  undone: number;
  /** Runs whose last part was taken from an equal one. */
  shared: number;
  milliseconds: number;
}

/** A rehearsal over the lab: the clean run is made here; `run` then makes every `every`th failure point. */
export async function prepare(
  runbookText: string,
  labText: string,
): Promise<{ steps: number; points: number; run(from: number, every: number): Promise<Rehearsed> }> {
  const { runbook, diagnostics } = parseRunbook(runbookText);
  if (!runbook) throw new Error(`the bench's runbook has errors: ${diagnostics[0]?.message}`);
  const { plan } = makePlan({ runbook, action: actionNamed });
  const lab = SimulatedLab.parse(labText);
  const names = [...lab.hosts.names()];
  const connections = Object.fromEntries(names.map(name => [name, { type: 'simulated', lab: 'lab', hosts: [name] }]));
  const inventory = { version: 1, connections, groups: {}, proxies: {}, vms: {} } as Inventory;
  const copy = SimulatedInventory.over(
    inventory,
    names.map(name => ({ connection: name, lab, hosts: [name] })),
  );
  const rehearsing = new Rehearsing({ plan, action: actionNamed, inventory: copy });
  const clean = await rehearsing.clean();
  if (clean.status !== 'done') throw new Error(`the bench's runbook ends ${clean.status}: ${clean.failure?.message}`);
  const points = rehearsing.points();
  return {
    steps: clean.timetable.length,
    points: points.length,
    async run(from, every) {
      const done: Rehearsed = { points: 0, bad: 0, undone: 0, shared: 0, milliseconds: 0 };
      const start = process.cpuUsage();
      for (let at = from; at < points.length; at += every) {
        const { verdict, run } = await rehearsing.at(points[at]!);
        done.points++;
        if (verdict === 'left' || verdict === 'left-unsaid' || verdict === 'stuck') done.bad++;
        done.undone += run.shared;
        if (run.shared > 0 || run.rejoined) done.shared++;
        for (const record of run.records) if (record.type === 'undo.done') done.undone++;
      }
      // Processor time: what else the machine does is not counted, collecting garbage is.
      const { user, system } = process.cpuUsage(start);
      done.milliseconds = (user + system) / 1000;
      return done;
    },
  };
}
