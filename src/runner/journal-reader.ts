import { type FileHandle, open } from 'node:fs/promises';
import type { JournalRecord } from '../engine/journal';
import { decodeRecord, JournalCorrupt } from './journal-line';

const newline = 0x0a;

/** Reads whole lines of a journal from where it last stopped. Any number of readers; none disturbs the writer. */
export class JournalReader {
  #offset = 0;
  #next = 0;
  /** What follows the last newline. */
  #rest: Buffer[] = [];
  readonly #chunk = Buffer.allocUnsafe(64 * 1024);

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
    const rest = Buffer.concat(this.#rest).subarray(0, -1).toString();
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
    for (;;) {
      const { bytesRead } = await this.handle.read(this.#chunk, 0, this.#chunk.length, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      const lines: string[] = [];
      let from = 0;
      for (let at = this.#chunk.indexOf(newline); at >= 0 && at < bytesRead; at = this.#chunk.indexOf(newline, from)) {
        const part = this.#chunk.subarray(from, at);
        lines.push(this.#rest.length > 0 ? Buffer.concat([...this.#rest, part]).toString() : part.toString());
        this.#rest = [];
        from = at + 1;
      }
      if (from < bytesRead) this.#rest.push(Buffer.from(this.#chunk.subarray(from, bytesRead)));
      for (const line of lines) yield this.#decode(line);
    }
  }

  #decode(line: string): JournalRecord {
    // A page that never reached the disk before the power went reads as zeros.
    if (line.includes('\0')) throw new JournalCorrupt(this.file, this.#next + 1, 'The line has zero bytes in it.');
    return decodeRecord(line, this.#next++, this.file);
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
