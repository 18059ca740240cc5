import { crc32 } from 'node:zlib';
import type { JournalRecord } from '../engine/journal';

/** A journal that is not what was written: the file, the line, and what to do. */
export class JournalCorrupt extends Error {
  override readonly name = 'JournalCorrupt';
  constructor(
    readonly file: string,
    readonly line: number,
    why: string,
  ) {
    super(
      `${file}:${line}: ${why} The journal was changed or damaged after it was written, so the run can't safely go on. ` +
        'Restore the file from a backup, or look at the VMs that the lines before name and put them right by hand.',
    );
  }
}

/** The record as JSON, its checksum as the last member, a newline. */
export function encodeRecord(record: JournalRecord): string {
  const text = JSON.stringify(record);
  return `${text.slice(0, -1)},"crc":"${checksum(text)}"}\n`;
}

const tail = /,"crc":"([0-9a-f]{8})"\}$/;

/** A line without its newline. @throws JournalCorrupt */
export function decodeRecord(line: string, expected: number, file: string): JournalRecord {
  const at = expected + 1;
  const match = tail.exec(line);
  if (!match) throw new JournalCorrupt(file, at, 'The line has no checksum.');
  const text = `${line.slice(0, match.index)}}`;
  if (checksum(text) !== match[1]) throw new JournalCorrupt(file, at, 'The checksum of the line is wrong.');
  const record = JSON.parse(text) as JournalRecord;
  if (record.n !== expected) throw new JournalCorrupt(file, at, `Record ${record.n} stands where ${expected} must.`);
  return record;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
