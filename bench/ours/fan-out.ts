import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ActionContext } from '../../src/actions/action';
import { guestRun } from '../../src/actions/guest.run';
import { parseInventory } from '../../src/inventory/file';
import { openFleet } from '../../src/runner/fleet';

export interface OpenFleet {
  /** `guest.run` on every VM of the inventory at once, as a step of a run does it. */
  runOnAll(argv: string[]): Promise<void>;
  close(): Promise<void>;
}

export function open(inventoryFile: string): OpenFleet {
  const { inventory, diagnostics } = parseInventory(readFileSync(inventoryFile, 'utf8'));
  if (!inventory) throw new Error(`${inventoryFile}: ${diagnostics.map(one => one.message).join('; ')}`);
  const fleet = openFleet({ inventory, baseDir: path.dirname(inventoryFile) });
  const vms = Object.keys(inventory.vms);
  const step = async (vm: string, argv: string[]) => {
    const context: ActionContext = {
      fleet,
      runId: 'bench',
      stepKey: vm,
      signal: new AbortController().signal,
      now: Date.now,
      sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
      progress: () => undefined,
      log: () => undefined,
    };
    const inputs = { vm, argv, via: 'ssh' as const, changes: false };
    const before = await guestRun.prepare(context, inputs);
    const { code, stdout } = await guestRun.apply(context, inputs, before);
    if (code !== 0 || stdout.trim() === '') throw new Error(`${vm}: code ${code}, said "${stdout}"`);
  };
  return {
    runOnAll: async argv => {
      await Promise.all(vms.map(vm => step(vm, argv)));
    },
    close: () => fleet.close(),
  };
}

async function main([inventoryFile = '', ...argv]: string[]): Promise<void> {
  const fleet = open(inventoryFile);
  await fleet.runOnAll(argv);
  await fleet.close();
}

// As a program: connect to all, run, end.
if (require.main === module)
  main(process.argv.slice(2)).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
