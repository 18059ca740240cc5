import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { must } from './processes';

/** This folder: scripts that go into hosts and guests are read from here. */
export const labSources = dirname(fileURLToPath(import.meta.url));

/** Where built guests and the labs' key pair are kept from one lab to the next. */
export function cacheDirectory(): string {
  const chosen = process.env.VIRTBOOK_LAB_CACHE;
  const cache = chosen || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'virtbook', 'lab');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  return cache;
}

/** The key pair of every lab on this machine: it is built into the guests. Path of the private key. */
export async function labKey(): Promise<string> {
  const key = join(cacheDirectory(), 'id_ed25519');
  if (!existsSync(`${key}.pub`)) {
    const making = mkdtempSync(`${key}-`);
    await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'virtbook-lab', '-f', join(making, 'id')]);
    renameSync(join(making, 'id'), key);
    renameSync(join(making, 'id.pub'), `${key}.pub`);
    rmSync(making, { recursive: true });
  }
  return key;
}

/**
 * Returns the folder with what `build` made, from the cache when the same sources made it before.
 * `sources` are files of this folder; changing one, or the lab's key, means building again.
 */
export async function cached(
  name: string,
  sources: readonly string[],
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [...sources.map(source => join(labSources, source)), `${await labKey()}.pub`]) {
    hash.update(readFileSync(file));
    hash.update('\0');
  }
  const cache = cacheDirectory();
  const folder = join(cache, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(folder)) {
    const making = mkdtempSync(join(cache, `building-${name}-`));
    try {
      await build(making);
      // Two labs may build the same at once: the second finds the first one's and drops its own.
      if (!existsSync(folder)) renameSync(making, folder);
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
    dropOld(cache, name, folder);
  }
  const now = new Date();
  utimesSync(folder, now, now);
  return folder;
}

/** Removes builds of older sources that no lab used for a week. */
function dropOld(cache: string, name: string, keep: string): void {
  const weekAgo = Date.now() - 7 * 24 * 3600 * 1000;
  for (const entry of readdirSync(cache)) {
    const folder = join(cache, entry);
    const old = entry.startsWith(`${name}-`) || entry.startsWith('building-');
    if (old && folder !== keep && statSync(folder).mtimeMs < weekAgo) rmSync(folder, { recursive: true, force: true });
  }
}
