import { describe, expect, it } from 'vitest';
import { LiveProgress } from '../../src/cli/progress';
import { table } from '../../src/cli/table';
import { cutTo, printable, printableLines, type Terminal } from '../../src/cli/terminal';
import type { JournalRecord } from '../../src/engine/journal';
import { duration } from '../../src/engine/text-table';
import { set, testRun } from '../engine/harness';

/** A terminal that understands what the progress uses, so that what a person sees can be looked at. */
class Screen implements Terminal {
  live = true;
  interactive = true;
  color = false;
  unicode = true;
  cursor = true;
  readonly lines: string[] = [''];
  constructor(private readonly width = 60) {}
  columns() {
    return this.width;
  }
  write(text: string): void {
    for (const part of text.split(/(\x1b\[[?\d;]*[A-Za-z])/)) {
      const up = /^\x1b\[(\d+)F$/.exec(part);
      if (up) {
        for (let rows = Number(up[1]); rows > 0; rows--) this.lines.pop();
        this.lines[this.lines.length - 1] = '';
      } else if (part === '\x1b[?25l') this.cursor = false;
      else if (part === '\x1b[?25h') this.cursor = true;
      else if (part.startsWith('\x1b')) continue;
      else {
        const rows = part.split('\n');
        this.lines[this.lines.length - 1] += rows.shift()!;
        this.lines.push(...rows);
      }
    }
  }
  text(): string {
    return this.lines.join('\n');
  }
}

async function records(): Promise<JournalRecord[]> {
  const run = testRun([set('a', { id: 'a' }), set('b', { id: 'b', fault: 'fail' })]);
  await run.carry();
  return run.journal.records;
}

describe('live progress', () => {
  it('redraws what is under way and lets what has ended scroll by', async () => {
    const screen = new Screen();
    const progress = new LiveProgress(screen, () => 1_700_000_004_200);
    try {
      const all = await records();
      for (const record of all) {
        progress.apply(record);
        if (record.type === 'step.intent' && record.key === 'a') {
          progress.apply({ ...record, type: 'step.progress', fraction: 0.4, message: 'copying' } as JournalRecord);
          progress.pause();
          progress.resume();
        }
      }
    } finally {
      progress.end();
    }
    expect(screen.text()).toMatch(/✔ set a to 1/);
    expect(screen.text()).toMatch(/✖ set b to 1: It failed\./);
    expect(screen.text()).toMatch(/↶ set a back to 0/);
    // Nothing that was redrawn is left.
    expect(screen.text()).not.toMatch(/⠋|of 2 steps/);
    expect(screen.cursor).toBe(true);
  });

  it('shows elapsed time, part and message of a step, and never wraps', async () => {
    const screen = new Screen(40);
    const progress = new LiveProgress(screen, () => 1_700_000_065_000);
    try {
      for (const record of (await records()).slice(0, 3)) progress.apply(record);
      const message = 'a message that is far longer than the terminal is wide';
      progress.apply({ n: 3, t: 0, type: 'step.progress', key: 'a', message, fraction: 0.42 });
      progress.apply({ n: 4, t: 0, type: 'step.skipped', key: 'b', pointer: '/steps/1', reason: 'when' });
      const row = screen.lines.find(line => line.includes('set a to 1'));
      expect(row).toContain('1 min 05 s 42 %');
      expect(row!.length).toBeLessThanOrEqual(40);
    } finally {
      progress.end();
    }
  });
});

describe('text for a terminal', () => {
  it('cannot drive it', () => {
    expect(printable('a\x1b[2Jb\x07\x9b1m')).toBe('a�[2Jb��1m');
  });
  it('is one line, and keeps its direction', () => {
    expect(printable('a\r\n  b\nc\u2028d\u0085e\rf\tg')).toBe('a b c d e f\tg');
    expect(printable('gnp.\u202eexe \u2066x\u2069 \u061c\u200f')).toBe('gnp.�exe �x� ��');
  });
  it('of several lines has those after the first set in', () => {
    expect(printableLines('It failed:\nE: 1\r\n## Run of fake: done\u202e\n')).toBe(
      'It failed:\n    E: 1\n    ## Run of fake: done�',
    );
  });
  it('in a table is a line per row', () => {
    expect(
      table([
        ['NAME', 'BY'],
        ['a\n## Run of fake: done', '\u202eme'],
      ]),
    ).toEqual(['NAME                    BY', 'a ## Run of fake: done  �me']);
  });
  it('is cut by what it takes up', () => {
    expect(cutTo('abcdef', 10)).toBe('abcdef');
    expect(cutTo('abcdefghijk', 6)).toBe('abcde…');
    expect(cutTo('日本語テキスト', 6)).toBe('日本…');
  });
  it('says durations', () => {
    expect([400, 12_000, 185_000, 7_620_000].map(duration)).toEqual(['0.4 s', '12 s', '3 min 05 s', '2 h 07 min']);
  });
});
