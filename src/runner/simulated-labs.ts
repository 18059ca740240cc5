import { resolve } from 'node:path';
import { RealtimeClock, type SimulatedClock, VirtualClock } from '../hypervisors/simulated/clock';
import { SimulatedLab } from '../hypervisors/simulated/lab';
import { type LabRecords, parseLabFile } from '../hypervisors/simulated/lab-file';
import { LabFileStore } from './lab-store';

/** How much faster than real a simulated lab runs, so that a run can be watched without waiting for it. */
const usualSpeed = 10;

/** Opens the lab of a simulated connection, with its state shared between processes. */
export async function openLab(
  baseDir: string,
  lab: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<SimulatedLab> {
  const file = resolve(baseDir, lab);
  const store = new LabFileStore(file);
  const text = await load(store, file);
  const { clock } = parseLabFile(text, file);
  return SimulatedLab.parse(text, { file, store, clock: clockOf(clock, env.VIRTBOOK_LAB_SPEED) });
}

/** A copy of a lab as it is now, for a rehearsal: changes to it stay in memory, its scripted faults are left out. */
export async function copyOfLab(baseDir: string, lab: string): Promise<SimulatedLab> {
  const file = resolve(baseDir, lab);
  return SimulatedLab.parse(await load(new LabFileStore(file), file), { file }).fork();
}

/** What a lab holds now, only to look at. */
export async function readLab(baseDir: string, lab: string): Promise<LabRecords> {
  const file = resolve(baseDir, lab);
  return parseLabFile(await load(new LabFileStore(file), file), file);
}

async function load(store: LabFileStore, file: string): Promise<string> {
  try {
    return await store.load();
  } catch (error) {
    throw new Error(
      `The simulated lab ${file} can't be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** `VIRTBOOK_LAB_SPEED`: a factor, or `instant`. */
function clockOf(start: number, speed: string | undefined): SimulatedClock {
  if (speed === 'instant') return new VirtualClock(start);
  const factor = Number(speed ?? usualSpeed);
  return new RealtimeClock(start, Number.isFinite(factor) && factor > 0 ? factor : usualSpeed);
}
