import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './processes';

const root = '/sys/fs/cgroup';

/** Makes the control groups a host runs in, under either version, and returns their folders. */
export function makeCgroups(name: string): string[] {
  if (existsSync(join(root, 'cgroup.controllers'))) {
    const folder = join(root, name);
    mkdirSync(folder, { recursive: true });
    return [folder];
  }
  const folders: string[] = [];
  for (const controller of hierarchies()) {
    const folder = join(root, controller, name);
    mkdirSync(folder, { recursive: true });
    // A new cpuset is empty and lets no process in until it has processors and memory.
    if (controller === 'cpuset')
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        writeFileSync(join(folder, file), readFileSync(join(root, controller, file)));
    folders.push(folder);
  }
  return folders;
}

/** Removes what `makeCgroups` made and what libvirt made below, as soon as their last processes have ended. */
export async function removeCgroups(name: string): Promise<void> {
  for (const folder of [join(root, name), ...hierarchies().map(controller => join(root, controller, name))])
    await until(`the end of what runs in ${folder}`, 10_000, () => (removeTree(folder) ? true : undefined), 10);
}

function hierarchies(): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== 'unified')
    .map(entry => entry.name)
    .filter(name => existsSync(join(root, name, 'cgroup.clone_children')));
}

/** False when a process, maybe one just ending, is still in it. */
function removeTree(folder: string): boolean {
  if (!existsSync(folder)) return true;
  const below = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory());
  if (!below.every(entry => removeTree(join(folder, entry.name)))) return false;
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
    throw error;
  }
}
