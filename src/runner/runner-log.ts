import { open } from 'node:fs/promises';

/** In the folder of a run: what its runners said that is no part of the journal, e.g. why one ended. */
export const runnerLogName = 'runner.log';

const mostBytes = 16_384;
const mark = '--- runner started at ';

/** The line with which the words of one runner begin. */
export function newRunner(now = new Date()): string {
  return `${mark}${now.toISOString()}\n`;
}

/** What the last runner said, by line; empty where it said nothing, as one that is killed. */
export async function wordsIn(file: string): Promise<string[]> {
  let text: string;
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const buffer = Buffer.alloc(Math.min(size, mostBytes));
      await handle.read(buffer, 0, buffer.length, size - buffer.length);
      text = buffer.toString();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const lines = text.split('\n').filter(line => line.trim() !== '');
  return lines.slice(lines.findLastIndex(line => line.startsWith(mark)) + 1);
}
