import { type FileHandle, open } from 'node:fs/promises';
import type { JournalRecord } from '../engine/journal';
import { decodeRecord, JournalCorrupt } from './journal-line';

const newline = 0x0a;
/** A journal that fills the first buffer is read on with one of this size. */
const longChunk = 1024 * 1024;

/** Reads whole lines of a journal from where it last stopped. Any number of readers; none disturbs the writer. */
export class JournalReader {
  #offset = 0;
  #next = 0;
  /** What follows the last newline. */
  #rest: Buffer[] = [];
  #chunk = Buffer.allocUnsafe(64 * 1024);
  /** The last read was as much as there was room for. */
  #filled = false;

  private constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
  ) {}

  static async open(file: string): Promise<JournalReader> {
    return new JournalReader(file, await open(file, 'r'));
  }

  /** Number of records read. */
  get count(): number {
    return this.#next;
  }
  /** Where the last whole line ends, in bytes. */
  get end(): number {
    return this.#offset - this.#rest.reduce((sum, part) => sum + part.length, 0);
  }
  /** There are bytes after the last newline: a record that is being written, or that was torn. */
  get torn(): boolean {
    return this.#rest.length > 0;
  }

  /** A tear leaves a part of a record. A whole one with something else in the place of its newline was damaged. @throws JournalCorrupt */
  requireTear(): void {
    const rest = Buffer.concat(this.#rest).subarray(0, -1);
    try {
      decodeRecord(rest, this.#next, this.file);
    } catch (error) {
      if (error instanceof JournalCorrupt) return;
      throw error;
    }
    throw new JournalCorrupt(this.file, this.#next + 1, 'The end of the line is damaged.');
  }

  /** The records that are there and were not read yet. @throws JournalCorrupt */
  async *records(): AsyncGenerator<JournalRecord> {
    for (let some = await this.#more(); some; some = await this.#more()) yield* some;
  }

  /** Gives each of them to `apply`; sooner done than waiting for one after another. @throws JournalCorrupt */
  async each(apply: (record: JournalRecord) => void): Promise<void> {
    for (let some = await this.#more(); some; some = await this.#more()) for (const record of some) apply(record);
  }

  /** What is in the next piece of the file; undefined at its end. */
  async #more(): Promise<Iterable<JournalRecord> | undefined> {
    if (this.#filled && this.#chunk.length < longChunk) this.#chunk = Buffer.allocUnsafe(longChunk);
    const { bytesRead } = await this.handle.read(this.#chunk, 0, this.#chunk.length, this.#offset);
    if (bytesRead === 0) return undefined;
    this.#offset += bytesRead;
    this.#filled = bytesRead === this.#chunk.length;
    const chunk = this.#chunk.subarray(0, bytesRead);
    const last = chunk.lastIndexOf(newline);
    const before = last < 0 ? [] : this.#rest;
    if (last >= 0) this.#rest = [];
    if (last + 1 < bytesRead) this.#rest.push(Buffer.from(chunk.subarray(last + 1)));
    return this.#decode(chunk.subarray(0, last + 1), before);
  }

  /** `before`: how the first line begins. */
  *#decode(lines: Buffer, before: Buffer[]): Generator<JournalRecord> {
    for (let from = 0; from < lines.length; ) {
      const at = lines.indexOf(newline, from);
      const part = lines.subarray(from, at);
      const line = before.length > 0 ? Buffer.concat([...before.splice(0), part]) : part;
      from = at + 1;
      yield decodeRecord(line, this.#next++, this.file);
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** All records of a journal as it is now; a torn last line is left out. @throws JournalCorrupt */
export async function* readJournal(file: string): AsyncGenerator<JournalRecord> {
  const reader = await JournalReader.open(file);
  try {
    yield* reader.records();
  } finally {
    await reader.close();
  }
}
