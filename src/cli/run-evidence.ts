import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalRecord } from '../engine/journal';
import { type RecordOptions, runRecord } from '../engine/run-record';
import { readJournal } from '../runner/journal-reader';

const newline = 0x0a;

/**
 * The record of a run as it is now, or as it was when its journal had so many lines.
 * @throws JournalCorrupt
 */
export async function recordOfRun(runFolder: string, options: RecordOptions & { lines?: number }): Promise<string> {
  const file = join(runFolder, 'journal.jsonl');
  const records: JournalRecord[] = [];
  for await (const record of readJournal(file)) {
    if (records.length === options.lines) break;
    records.push(record);
  }
  const bytes = await readFile(file);
  let end = 0;
  for (let line = 0; line < records.length; line++) end = bytes.indexOf(newline, end) + 1;
  const sha256 = createHash('sha256').update(bytes.subarray(0, end)).digest('hex');
  return runRecord(records, { records: records.length, sha256 }, options);
}

/** What a record says of where it comes from; undefined: it is none. */
export function recordSource(
  text: string,
): { runId: string; planHash: string; lines: number; status: string } | undefined {
  const status = /^## Run of .*: (.+)$/m.exec(text)?.[1];
  const runId = /^\| Run \| `?([^|`\s]+)`? \|$/m.exec(text)?.[1];
  const planHash = /^\| Plan \| `?([0-9a-f]{64})`? \|$/m.exec(text)?.[1];
  const lines = /^\| Journal \| (\d+) records, SHA-256 /m.exec(text)?.[1];
  if (status === undefined || runId === undefined || planHash === undefined || lines === undefined) return undefined;
  return { runId, planHash, status, lines: Number(lines) };
}
