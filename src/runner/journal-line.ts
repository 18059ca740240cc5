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

const tailStart = ',"crc":"';
const tailLength = `${tailStart}00000000"}`.length;
const brace = 0x7d;

/**
 * A line without its newline; it is used up: the end of its bytes is written over. The checksum is taken of the bytes as they stand, and
 * each byte becomes text once. @throws JournalCorrupt
 */
export function decodeRecord(line: Buffer, expected: number, file: string): JournalRecord {
  const end = line.length - tailLength;
  const tail = end > 0 ? line.toString('latin1', end) : '';
  if (!tail.startsWith(tailStart) || !tail.endsWith('"}'))
    throw damaged(line, expected, file, 'The line has no checksum.');
  line[end] = brace;
  const record = line.subarray(0, end + 1);
  if (checksum(record) !== tail.slice(tailStart.length, -2)) {
    throw damaged(line, expected, file, 'The checksum of the line is wrong.');
  }
  const parsed = JSON.parse(record.toString()) as JournalRecord;
  if (parsed.n !== expected) throw damaged(line, expected, file, `Record ${parsed.n} stands where ${expected} must.`);
  return parsed;
}

function damaged(line: Buffer, expected: number, file: string, why: string): JournalCorrupt {
  // A page that never reached the disk before the power went reads as zeros.
  return new JournalCorrupt(file, expected + 1, line.includes(0) ? 'The line has zero bytes in it.' : why);
}

function checksum(data: string | Buffer): string {
  return crc32(data).toString(16).padStart(8, '0');
}
