import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JournalFile } from '../../src/runner/journal-file';
import { JournalCorrupt } from '../../src/runner/journal-line';
import { readJournal } from '../../src/runner/journal-reader';
import { Workspace } from './built';
import { endRunners, labDifference, repeated, runId, story, ThirtySteps } from './thirty-steps';

// A journal of a real run, killed in its middle, that is not any more what was written: real runners and the built command line.

let at: Workspace;
let folder: string;
let run: ThirtySteps;
/** Of the run that was killed. */
let bytes: Buffer;
let lab: string;
/** How it ends when nothing comes between. */
let told: string[];
let end: string;
beforeAll(async () => {
  at = await Workspace.create();
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'virtbook-damaged-'));
  run = await submit('run');
  await run.carry();
  [told, end] = [story(await run.records()), run.lab()];
  run.remove();
  run = await submit('run');
  expect(await run.carry({ kill: 'after 40' })).toMatchObject({ signal: 'SIGKILL' });
  [bytes, lab] = [readFileSync(run.journal), run.lab()];
}, 60_000);
afterAll(async () => {
  endRunners();
  if (folder) rmSync(folder, { recursive: true, force: true });
  await at?.remove();
});

const submit = (name: string) =>
  ThirtySteps.submit(join(folder, name), join(at.folder, 'dist', 'runner.js'), 'succeeds');
const cli = (...args: string[]) => at.run(args, { env: { VIRTBOOK_STATE: run.folder, VIRTBOOK_LAB_SPEED: 'instant' } });
const lineOf = (offset: number) => bytes.subarray(0, offset).filter(byte => byte === 0x0a).length + 1;

/** Puts lab and journal as they were when the runner was killed, but for what is given. */
function restore(journal: Buffer): void {
  writeFileSync(join(run.folder, 'lab.lab.state.json'), lab);
  writeFileSync(run.journal, journal);
}

/** Nothing goes on with it, everything names the place, and neither journal nor lab is touched. */
async function expectRefused(journal: Buffer, why: RegExp): Promise<void> {
  restore(journal);
  for (const command of ['show', 'resume', 'rollback']) {
    const { code, stderr } = await cli(command, runId);
    expect({ command, code, stderr }).toEqual({
      command,
      code: expect.any(Number),
      stderr: expect.stringMatching(why),
    });
    expect(code).toBeGreaterThan(0);
  }
  // The runner itself, if somebody starts it, looks too.
  expect(await run.carry()).toMatchObject({ code: 5, stderr: expect.stringMatching(why) });
  expect(readFileSync(run.journal).equals(journal)).toBe(true);
  expect(run.lab()).toBe(lab);
}

describe('the journal of a killed run', () => {
  it('with its last record torn goes on from the one before, to the same end', async () => {
    const start = bytes.lastIndexOf('\n', bytes.length - 2) + 1;
    const step = Math.ceil((bytes.length - start) / 6);
    for (const cut of [
      start + 1,
      ...[1, 2, 3, 4, 5].map(part => start + part * step),
      bytes.length - 2,
      bytes.length - 1,
    ]) {
      restore(bytes.subarray(0, cut));
      expect((await cli('show', runId)).code).toBe(3);
      expect(await run.carry()).toEqual({ code: 0, signal: null, stderr: '' });
      const records = await run.records();
      expect(story(records)).toEqual(told);
      expect(repeated(records)).toEqual([]);
      expect(labDifference(end, run.lab())).toEqual([]);
    }
  }, 60_000);

  it('with a bit flipped anywhere is refused with file and line', async () => {
    const offsets = [0.1, 0.3, 0.42, 0.6, 0.75, 0.9, 0.99].map(part => Math.floor(bytes.length * part));
    for (const offset of offsets) {
      const damaged = Buffer.from(bytes);
      damaged[offset] = damaged[offset]! ^ (1 << (offset % 8));
      await expectRefused(damaged, new RegExp(`journal\\.jsonl:${lineOf(offset)}: .*Restore the file from a backup`));
    }
    expect((await cli('runs')).stdout).toContain('unreadable');
  }, 120_000);

  it('with another run behind it is refused', async () => {
    await expectRefused(Buffer.concat([bytes, bytes]), /journal\.jsonl:42: Record 0 stands where 41 must\./);
  });

  it('without its beginning, or with a record twice, is refused', async () => {
    const second = bytes.indexOf('\n') + 1;
    await expectRefused(bytes.subarray(second), /journal\.jsonl:1: Record 1 stands where 0 must\./);
    const last = bytes.lastIndexOf('\n', bytes.length - 2) + 1;
    await expectRefused(
      Buffer.concat([bytes, bytes.subarray(last)]),
      /journal\.jsonl:42: Record 40 stands where 41 must\./,
    );
  }, 30_000);

  it('with a page of zeros in it is refused', async () => {
    const zeros = Buffer.from(bytes);
    zeros.fill(0, 20_480, 24_576);
    await expectRefused(zeros, /journal\.jsonl:\d+: The line has zero bytes in it\./);
  });

  it('that is empty, or gone, is refused', async () => {
    await expectRefused(Buffer.alloc(0), /empty/);
    // Not even the first record was whole: nothing was done.
    await expectRefused(bytes.subarray(0, 1000), /empty/);
    rmSync(run.journal);
    const { code, stderr } = await cli('resume', runId);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('journal.jsonl is missing. Restore it'),
    });
  }, 30_000);
});

describe('a small journal', () => {
  it('with a bit flipped in any of its bytes is refused with file and line', async () => {
    const file = join(folder, 'small.jsonl');
    await JournalFile.create(file, { type: 'step.log', key: 'k', stream: 'stdout', text: 'Grüße\n' });
    const journal = await JournalFile.resume(file, () => undefined);
    for (const n of [1, 2, 3]) await journal.append({ type: 'wait.started', id: `w${n}`, until: n }, 'synced');
    await journal.close();
    const whole = readFileSync(file);
    const wrong: string[] = [];
    for (let offset = 0; offset < whole.length; offset++) {
      const damaged = Buffer.from(whole);
      damaged[offset] = damaged[offset]! ^ (1 << (offset % 8));
      writeFileSync(file, damaged);
      const line = whole.subarray(0, offset).filter(byte => byte === 0x0a).length + 1;
      const seen = await JournalFile.resume(file, () => undefined).then(
        async again => {
          await again.close();
          return 'taken';
        },
        (error: unknown) => (error instanceof JournalCorrupt ? error.line : String(error)),
      );
      if (seen !== line) wrong.push(`byte ${offset} of line ${line}: ${seen}`);
      if (!readFileSync(file).equals(damaged)) wrong.push(`byte ${offset}: the file was changed`);
    }
    expect(wrong).toEqual([]);
    // Those that only look are not misled either.
    writeFileSync(file, whole);
    let count = 0;
    for await (const _ of readJournal(file)) count++;
    expect(count).toBe(4);
  });
});
