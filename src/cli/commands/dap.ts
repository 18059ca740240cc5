import { dirname, resolve } from 'node:path';
import { DebugAdapter } from '../../debug/adapter';
import type { LaunchArguments } from '../../debug/arguments';
import type { DebugHost, Prepared } from '../../debug/host';
import { simulatedTarget } from '../../debug/simulated-target';
import { targetText } from '../../debug/target-text';
import { observe } from '../../engine/drift';
import { inputFromText } from '../../engine/plan-inputs';
import type { JsonObject } from '../../runbook/json';
import { openFleet } from '../../runner/fleet';
import { openRuns } from '../../runner/runs';
import { whoAmI } from '../../runner/who';
import { diagnosticText } from '../diagnostic-text';
import { type LoadedRunbook, loadInventory, loadRunbook, planOf } from '../load';
import type { Terminal } from '../terminal';
import { requireInventory, requireSecrets } from './run';

/** Speaks the Debug Adapter Protocol on standard input and output until the client goes away. */
export async function dap(terminal: Terminal): Promise<void> {
  const runs = openRuns();
  const host: DebugHost = { runs, name: whoAmI(), prepare: launch => prepare(launch, terminal) };
  const adapter = new DebugAdapter(host);
  adapter.start(process.stdin, process.stdout);
  await new Promise<void>(resolve => adapter.once('close', () => resolve()));
}

/** Nobody can be asked through this protocol: to start it is to confirm it, and what it will touch is said before. */
async function prepare(launch: LaunchArguments, terminal: Terminal): Promise<Prepared> {
  const problems: string[] = [];
  const loaded = await loadRunbook(launch.runbook, file => {
    for (const one of file.diagnostics)
      problems.push(diagnosticText(file, one, { ...terminal, color: false, live: false }));
  }).catch(error => {
    throw new Error([error instanceof Error ? error.message : String(error), ...problems].join('\n'));
  });
  if (launch.inventory !== undefined) await useInventory(loaded, launch.inventory);
  const inputs: JsonObject = {};
  for (const [name, value] of Object.entries(launch.inputs)) {
    inputs[name] = typeof value === 'string' ? inputFromText(value, loaded.runbook.inputs[name]) : value;
  }
  const choices = {
    ...(launch.only !== undefined && { step: launch.only }),
    ...(launch.from !== undefined && { from: launch.from }),
  };
  let { plan, hash } = planOf(loaded, choices, inputs);
  requireInventory(launch.runbook, loaded, plan);
  requireSecrets(plan, false);
  const { path: runbookPath } = loaded;
  let { inventory, inventoryPath } = loaded;
  if (launch.target === 'simulated' && inventory && inventoryPath !== undefined) {
    const copy = await simulatedTarget(plan, inventory, inventoryPath, {});
    ({ inventory, inventoryPath } = copy);
    ({ plan, hash } = planOf({ ...loaded, inventory }, choices, inputs));
    const submission = { plan, planHash: hash, runbookPath, inventoryPath };
    return { submission, target: targetText(plan, hash, 'simulated', copy.assumed), remove: copy.remove };
  }
  if (!inventory || inventoryPath === undefined) {
    const submission = { plan, planHash: hash, runbookPath };
    return { submission, target: targetText(plan, hash, 'inventory') };
  }
  const fleet = openFleet({ inventory, baseDir: dirname(inventoryPath), prompts: {} });
  try {
    const observed = await observe(plan, fleet);
    const submission = { plan, planHash: hash, runbookPath, inventoryPath, ...(observed && { observed }) };
    return { submission, target: targetText(plan, hash, 'inventory') };
  } finally {
    await fleet.close();
  }
}

async function useInventory(loaded: LoadedRunbook, file: string): Promise<void> {
  const { path, inventory, problem, seen, shown } = await loadInventory(resolve(dirname(loaded.path), file));
  if (!inventory) throw new Error(problem ?? `${path} can't be read.`);
  Object.assign(loaded, { inventory, inventoryPath: path, seen, shown });
}
