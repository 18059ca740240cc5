import { fdatasyncSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JournalRecord, RunEvent } from '../engine/journal';
import type { JournalWriter } from '../engine/journal-durable';
import { encodeRecord } from './journal-line';
import { JournalReader } from './journal-reader';

/** How long progress and output may stay in memory. */
const soonMs = 100;
/** …and how much of it. */
const soonBytes = 256 * 1024;
/**
 * A disk that syncs faster than this is waited for on the spot: handing the work to another thread and back adds to every step, on a busy
 * machine as much again as the disk takes. A slower one must not hold up connections meanwhile.
 */
const quickMs = 8;

/** The journal on disk: append only, one line per record. Records that come together share a write and an fsync. */
export class JournalFile implements JournalWriter {
  #buffer: string[] = [];
  #bufferedBytes = 0;
  #waiting: { resolve(): void; reject(error: Error): void }[] = [];
  #flushing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failed: Error | undefined;
  /** Of the last write and sync. */
  #tookMs = 0;

  private constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    private size: number,
    private next: number,
    private time: number,
  ) {}

  /** A new journal, which must not exist yet. Its name is on disk too when this resolves. */
  static async create(file: string, first: RunEvent): Promise<void> {
    const handle = await open(file, 'wx', 0o600);
    const journal = new JournalFile(file, handle, 0, 0, 0);
    try {
      await journal.append(first, 'synced');
    } finally {
      await journal.close();
    }
    await syncFolder(dirname(file));
  }

  /**
   * Opens a journal to go on with it; every record is given to `apply`. A last line that was torn by a crash is cut off: its effect never
   * began, because an intent is on disk whole before its effect. @throws JournalCorrupt for damage anywhere else.
   */
  static async resume(file: string, apply: (record: JournalRecord) => void): Promise<JournalFile> {
    const reader = await JournalReader.open(file);
    let time = 0;
    try {
      await reader.each(record => {
        time = record.t;
        apply(record);
      });
      // What is left of a longer journal must not be cut away with it.
      if (reader.torn && reader.count === 0)
        throw new Error(`The journal ${file} is empty but for a part of a record. Submit the run again.`);
      if (reader.torn) reader.requireTear();
    } finally {
      await reader.close();
    }
    const handle = await open(file, 'r+');
    try {
      if (reader.torn) {
        await handle.truncate(reader.end);
        await handle.datasync();
      }
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new JournalFile(file, handle, reader.end, reader.count, time);
  }

  append(event: RunEvent, durability: 'synced' | 'soon'): Promise<JournalRecord> {
    if (this.#failed) return Promise.reject(this.#failed);
    // Never back, even when somebody sets the computer's clock.
    this.time = Math.max(this.time, Date.now());
    const record: JournalRecord = { n: this.next++, t: this.time, ...event };
    const line = encodeRecord(record);
    this.#buffer.push(line);
    this.#bufferedBytes += line.length;
    if (durability === 'soon') {
      if (this.#bufferedBytes > soonBytes) this.#flushing ??= this.#flush();
      else this.#timer ??= setTimeout(() => (this.#flushing ??= this.#flush()), soonMs);
      return Promise.resolve(record);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: () => resolve(record), reject });
      this.#flushing ??= this.#flush();
    });
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // Branches that go on together, and those whose connections have brought something meanwhile, write together.
    await new Promise(resolve => setImmediate(resolve));
    while (this.#buffer.length > 0) {
      const bytes = Buffer.from(this.#buffer.join(''));
      const waiting = this.#waiting;
      this.#buffer = [];
      this.#bufferedBytes = 0;
      this.#waiting = [];
      try {
        const begun = performance.now();
        if (this.#tookMs < quickMs) this.#storeNow(bytes, waiting.length > 0);
        else await this.#store(bytes, waiting.length > 0);
        if (waiting.length > 0) this.#tookMs = performance.now() - begun;
        for (const { resolve } of waiting) resolve();
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        this.#failed = new Error(
          `The journal ${this.file} can't be written: ${why}. Resume the run when that is put right.`,
          {
            cause,
          },
        );
        // A half-written line would stand before what a later runner appends.
        await this.handle.truncate(this.size).catch(() => undefined);
        for (const { reject } of [...waiting, ...this.#waiting]) reject(this.#failed);
        this.#buffer = [];
        this.#waiting = [];
        break;
      }
    }
    this.#flushing = undefined;
  }

  #storeNow(bytes: Buffer, sync: boolean): void {
    for (let from = 0; from < bytes.length; ) {
      from += writeSync(this.handle.fd, bytes, from, bytes.length - from, this.size + from);
    }
    if (sync) fdatasyncSync(this.handle.fd);
    this.size += bytes.length;
  }

  async #store(bytes: Buffer, sync: boolean): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const { bytesWritten } = await this.handle.write(bytes, from, bytes.length - from, this.size + from);
      from += bytesWritten;
    }
    if (sync) await this.handle.datasync();
    this.size += bytes.length;
  }

  /** What is in memory is written first. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#flushing ??= this.#flush();
    await this.#flushing;
    await this.handle.close();
  }
}

/** Makes a new name in a folder safe; Windows has no such call and needs none. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
