import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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

/** Removes what `makeCgroups` made and what libvirt made below. Their processes must have ended. */
export function removeCgroups(name: string): void {
  for (const folder of [join(root, name), ...hierarchies().map(controller => join(root, controller, name))])
    if (existsSync(folder)) removeTree(folder);
}

function hierarchies(): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== 'unified')
    .map(entry => entry.name)
    .filter(name => existsSync(join(root, name, 'cgroup.clone_children')));
}

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  rmdirSync(folder);
}
