import { type FSWatcher, watch } from 'node:fs';
import type { JournalRecord } from '../engine/journal';
import { JournalReader } from './journal-reader';
import { liveOwner } from './run-lock';

/** Where file events don't come (network file systems), it looks this often. */
const lookMs = 250;
/** A runner that dies says nothing, so now and then its life is looked at. */
const livenessMs = 1_000;

/** The records of a run, then new ones as they come, until it has ended, its runner has died, or `signal`. @throws JournalCorrupt */
export async function* followJournal(
  folder: string,
  file: string,
  signal?: AbortSignal,
): AsyncGenerator<JournalRecord, void> {
  const reader = await JournalReader.open(file);
  const changes = new Changes(file, signal);
  try {
    let ended = false;
    let lookedAt = 0;
    for (;;) {
      let news = false;
      for await (const record of reader.records()) {
        if (signal?.aborted) return;
        news = true;
        ended = record.type === 'run.ended';
        yield record;
      }
      if (signal?.aborted) return;
      if (news) continue;
      if (ended) return;
      if (Date.now() - lookedAt > livenessMs) {
        const alive = (await liveOwner(folder)) !== undefined;
        // What it wrote last may have come after the last look.
        if (!alive && lookedAt < 0) return;
        lookedAt = alive ? Date.now() : -1;
        if (!alive) continue;
      }
      await changes.next(lookMs);
    }
  } finally {
    changes.close();
    await reader.close();
  }
}

/** Wakes up when the file has changed. */
class Changes {
  #changed = false;
  #wake: (() => void) | undefined;
  readonly #watcher: FSWatcher | undefined;

  constructor(file: string, signal: AbortSignal | undefined) {
    const notice = (): void => {
      this.#changed = true;
      this.#wake?.();
    };
    try {
      this.#watcher = watch(file, { persistent: false }, notice);
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // No watchers left, or none on this file system: looking now and then does it.
    }
    signal?.addEventListener('abort', notice, { once: true });
  }

  next(atLatestMs: number): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        this.#changed = false;
        resolve();
      };
      const timer = setTimeout(done, atLatestMs);
      this.#wake = done;
      if (this.#changed) done();
    });
  }

  close(): void {
    this.#watcher?.close();
    this.#wake?.();
  }
}
