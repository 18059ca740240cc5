import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JournalRecord, RunEvent } from '../../src/engine/journal';
import { JournalFile } from '../../src/runner/journal-file';
import { JournalCorrupt } from '../../src/runner/journal-line';
import { readJournal } from '../../src/runner/journal-reader';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'virtbook-journal-'));
  file = join(folder, 'journal.jsonl');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const event = (n: number): RunEvent => ({ type: 'step.log', key: 'k', stream: 'stdout', text: `Grüße ${n}\n` });

async function read(): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of readJournal(file)) records.push(record);
  return records;
}

async function resume(): Promise<{ journal: JournalFile; records: JournalRecord[] }> {
  const records: JournalRecord[] = [];
  const journal = await JournalFile.resume(file, record => records.push(record));
  return { journal, records };
}

beforeEach(async () => {
  rmSync(file, { force: true });
  await JournalFile.create(file, event(0));
});

describe('a journal file', () => {
  it('keeps records in order, numbered without gaps, whatever their durability', async () => {
    const { journal } = await resume();
    await Promise.all(
      Array.from({ length: 200 }, (_, at) => journal.append(event(at + 1), at % 3 === 0 ? 'synced' : 'soon')),
    );
    await journal.close();
    const records = await read();
    expect(records.map(record => record.n)).toEqual(Array.from({ length: 201 }, (_, n) => n));
    expect(records[200]).toMatchObject(event(200));
    expect(records.every((record, at) => at === 0 || record.t >= records[at - 1]!.t)).toBe(true);
  });

  it('has a synced record on disk when its promise resolves, with those before it', async () => {
    const { journal } = await resume();
    void journal.append(event(1), 'soon');
    await journal.append(event(2), 'synced');
    expect(await read()).toHaveLength(3);
    await journal.close();
  });

  it('still writes after its timer found nothing left to write', async () => {
    const { journal } = await resume();
    const first = journal.append(event(1), 'synced');
    // The write under way takes this along, and the timer that it sets comes for nothing.
    await Promise.resolve();
    void journal.append(event(2), 'soon');
    await first;
    await new Promise(resolve => setTimeout(resolve, 200));
    await journal.append(event(3), 'synced');
    expect(await read()).toHaveLength(4);
    await journal.close();
  });

  it('is never made over another', async () => {
    await expect(JournalFile.create(file, event(9))).rejects.toThrow('EEXIST');
    expect(await read()).toHaveLength(1);
  });

  it('cut at any byte of its last record goes on from the one before', async () => {
    const { journal } = await resume();
    await journal.append(event(1), 'synced');
    await journal.append(event(2), 'synced');
    await journal.close();
    const whole = readFileSync(file);
    const start = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (let cut = start; cut < whole.length; cut++) {
      writeFileSync(file, whole.subarray(0, cut));
      const { journal: again, records } = await resume();
      expect(records).toHaveLength(2);
      await again.append(event(7), 'synced');
      await again.close();
      const now = await read();
      expect(now.map(record => record.n)).toEqual([0, 1, 2]);
      expect(now[2]).toMatchObject(event(7));
    }
  });

  it('with any bit flipped is refused with file and line, or reads what was written', async () => {
    const { journal } = await resume();
    for (let n = 1; n < 5; n++) await journal.append(event(n), 'synced');
    await journal.close();
    const whole = readFileSync(file);
    const original = await read();
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
        const damaged = Buffer.from(whole);
        damaged[at] = damaged[at]! ^ (1 << bit);
        writeFileSync(file, damaged);
        try {
          const { journal: again, records } = await resume();
          await again.close();
          expect(records).toEqual(original);
        } catch (error) {
          if (!(error instanceof JournalCorrupt)) throw error;
          const line = whole.subarray(0, at).toString('latin1').split('\n').length;
          expect(error.message).toContain(`${file}:`);
          expect(Math.abs(error.line - line)).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('in which a record is missing is refused', async () => {
    const { journal } = await resume();
    for (let n = 1; n < 4; n++) await journal.append(event(n), 'synced');
    await journal.close();
    const lines = readFileSync(file, 'utf8').split('\n');
    lines.splice(1, 1);
    writeFileSync(file, lines.join('\n'));
    await expect(read()).rejects.toThrow('Record 2 stands where 1 must');
  });

  it('that can not be written any more says so, takes nothing more, and stays readable', async () => {
    const { journal } = await resume();
    await journal.append(event(1), 'synced');
    // As if the disk had gone: writes to this handle fail from now on.
    const { handle } = journal as unknown as { handle: FileHandle };
    await handle.close();
    await expect(journal.append(event(2), 'synced')).rejects.toThrow("can't be written");
    await expect(journal.append(event(3), 'synced')).rejects.toThrow('Resume the run when');
    expect(await read()).toHaveLength(2);
  });

  it.skipIf(process.getuid?.() === 0)('that may not be written is refused before anything is done', async () => {
    chmodSync(file, 0o400);
    await expect(resume()).rejects.toThrow('EACCES');
  });
});
