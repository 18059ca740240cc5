import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabStore } from '../hypervisors/simulated/lab';
import { syncFolder } from './journal-file';

/** Where the state of a simulated lab is kept: beside its file, which stays as the person wrote it. */
function labStateFile(labFile: string): string {
  return `${labFile.replace(/\.(ya?ml|json)$/i, '')}.state.json`;
}

/** How long a process may be inside `exclusive`; its calls take milliseconds, so after this its lock is that of a process that died. */
const staleMs = 10_000;

/**
 * A simulated lab that several processes share. Its state is younger than the lab file, or it doesn't count: editing the file, or deleting
 * the state, starts the lab anew.
 */
export class LabFileStore implements LabStore {
  readonly #state: string;
  /** Which version of which file was read or written last. */
  #seen: string | undefined;

  constructor(private readonly file: string) {
    this.#state = labStateFile(file);
  }

  /** The lab as it is now. @throws when there is no lab file. */
  async load(): Promise<string> {
    this.#seen = undefined;
    return (await this.#readNewer()) ?? '';
  }

  async read(): Promise<string | undefined> {
    return this.#readNewer();
  }

  async #readNewer(): Promise<string | undefined> {
    const written = await stat(this.file, { bigint: true });
    const state = await stat(this.#state, { bigint: true }).catch(() => undefined);
    const [path, info] = state && state.mtimeNs >= written.mtimeNs ? [this.#state, state] : [this.file, written];
    const version = `${path} ${info.ino} ${info.mtimeNs} ${info.size}`;
    if (version === this.#seen) return undefined;
    const text = await readFile(path, 'utf8');
    this.#seen = version;
    return text;
  }

  async write(text: string): Promise<void> {
    const draft = `${this.#state}.${process.pid}.${randomBytes(4).toString('hex')}`;
    const handle = await open(draft, 'wx', 0o644);
    try {
      await handle.writeFile(text);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    try {
      await rename(draft, this.#state);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await syncFolder(dirname(this.#state));
    const info = await stat(this.#state, { bigint: true });
    this.#seen = `${this.#state} ${info.ino} ${info.mtimeNs} ${info.size}`;
  }

  async exclusive<T>(body: () => Promise<T>): Promise<T> {
    const release = await this.#lock();
    try {
      return await body();
    } finally {
      release();
    }
  }

  async #lock(): Promise<() => void> {
    const lock = `${this.#state}.lock`;
    const mine = `${lock}.${process.pid}.${randomBytes(4).toString('hex')}`;
    writeFileSync(mine, String(process.pid));
    try {
      for (;;) {
        try {
          linkSync(mine, lock);
          return () => {
            rmSync(lock, { force: true });
            rmSync(mine, { force: true });
          };
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        this.#breakDead(lock, mine);
        await sleep(2 + Math.random() * 10);
      }
    } catch (error) {
      rmSync(mine, { force: true });
      throw error;
    }
  }

  /** Takes away the lock of a process that died. Taken under another name first: it may have been made anew since it was looked at. */
  #breakDead(lock: string, mine: string): void {
    const taken = `${mine}.dead`;
    try {
      if (!isDead(lock)) return;
      renameSync(lock, taken);
      if (!isDead(taken)) linkSync(taken, lock);
      unlinkSync(taken);
    } catch (error) {
      // Given back meanwhile, or somebody else was quicker.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
      rmSync(taken, { force: true });
    }
  }
}

function isDead(lock: string): boolean {
  if (Date.now() - statSync(lock).mtimeMs > staleMs) return true;
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
