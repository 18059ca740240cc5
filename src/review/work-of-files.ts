import type { Plan } from '../engine/plan';
import { SimulatedLab } from '../hypervisors/simulated/lab';
import type { Inventory } from '../inventory/model';
import { placesInCapture, placesInLabs } from '../rehearsal/places';
import { type RehearsalWork, workOf } from '../rehearsal/work';
import { captureOf, nameOf } from './repository-path';

/**
 * A copy of the inventory made of files alone, where nothing may be connected to: of its simulated labs, or of the capture beside it. `read` is
 * given paths relative to the inventory; undefined: there is no such file. Gives the names of its real connections where there is no capture.
 * @throws LabFileError, or an Error that names a lab that is not there
 */
export async function workOfFiles(
  plan: Plan,
  inventory: Inventory,
  inventoryPath: string,
  read: (path: string) => Promise<string | undefined>,
): Promise<RehearsalWork | { live: string[] }> {
  const file = nameOf(inventoryPath);
  const { places, live } = await placesInLabs(inventory, async lab => {
    const text = await read(lab);
    if (text === undefined) throw new Error(`The simulated lab ${lab} can't be read beside ${file}.`);
    return SimulatedLab.parse(text, { file: lab }).fork();
  });
  if (live.length === 0) return workOf(plan, inventory, places, []);
  const capture = captureOf(file);
  const text = capture === file ? undefined : await read(`./${capture}`);
  if (text === undefined) return { live };
  const copy = placesInCapture(text, capture, inventory, plan);
  return workOf(plan, inventory, copy.places, copy.assumed);
}
