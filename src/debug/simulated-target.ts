import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Plan } from '../engine/plan';
import type { ConnectionDefinition, Inventory } from '../inventory/model';
import { openFleet } from '../runner/fleet';
import { copyPlaces } from '../runner/rehearsal-copy';
import { stateFolder } from '../runner/state-folder';
import type { SshPrompts } from '../ssh/contract';

/** An inventory of its own for one run, over simulated labs in its folder. */
export interface SimulatedTarget {
  inventory: Inventory;
  inventoryPath: string;
  /** What of the copy is not known and was taken for granted, each a sentence. */
  assumed: string[];
  remove(): Promise<void>;
}

/**
 * Copies an inventory as it is now: connections are looked at, and simulated labs made of what they show. The copy has no address of
 * anything real in it. @throws HypervisorError of a connection that does not answer
 */
export async function simulatedTarget(
  plan: Plan,
  inventory: Inventory,
  inventoryPath: string,
  prompts: SshPrompts,
): Promise<SimulatedTarget> {
  const baseDir = dirname(inventoryPath);
  const fleet = openFleet({ inventory, baseDir, prompts });
  let copy: Awaited<ReturnType<typeof copyPlaces>>;
  try {
    copy = await copyPlaces(inventory, baseDir, plan, fleet);
  } finally {
    await fleet.close();
  }
  const parent = join(stateFolder(), 'simulated');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parent, 'copy-'));
  try {
    const labs = [...new Set(copy.places.map(place => place.lab))];
    const fileOf = (at: number) => `copy${at === 0 ? '' : at + 1}.lab.yaml`;
    for (const [at, lab] of labs.entries()) await writeFile(join(folder, fileOf(at)), lab.serialize());
    const connections = Object.fromEntries(
      copy.places.map(({ connection, lab, hosts }): [string, ConnectionDefinition] => {
        const tags = inventory.connections[connection]?.tags;
        return [
          connection,
          { type: 'simulated', lab: `./${fileOf(labs.indexOf(lab))}`, hosts: [...hosts], ...(tags && { tags }) },
        ];
      }),
    );
    const simulated: Inventory = {
      ...inventory,
      connections,
      proxies: Object.fromEntries(
        Object.entries(inventory.proxies).map(([name, { sshConfig: _, ...proxy }]) => [
          name,
          { ...proxy, ssh: 'simulated' },
        ]),
      ),
      vms: Object.fromEntries(
        Object.entries(inventory.vms).map(([name, { ssh: _, sshConfig: __, ...vm }]) => [name, vm]),
      ),
    };
    // JSON is YAML: the file is for people who look at what was run on.
    const file = join(folder, basename(inventoryPath).replace(/(\.inventory)?\.ya?ml$/, '.inventory.yaml'));
    await writeFile(file, `${JSON.stringify(simulated, undefined, 2)}\n`);
    return {
      inventory: simulated,
      inventoryPath: file,
      assumed: copy.assumed,
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
