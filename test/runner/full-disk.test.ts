import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRuns } from '../../src/runner/runs';
import { Workspace } from './built';
import { endRunners, labDifference, repeated, runId, story, ThirtySteps } from './thirty-steps';

// A journal that can't be written any more, and one that may not be written at all: real runners, and a real disk that is full.

let at: Workspace;
let folder: string;
beforeAll(async () => {
  at = await Workspace.create();
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'virtbook-full-'));
}, 60_000);
afterAll(async () => {
  endRunners();
  if (folder) rmSync(folder, { recursive: true, force: true });
  await at?.remove();
});

const submit = (name: string, which: 'succeeds' | 'rollsBack') =>
  ThirtySteps.submit(join(folder, name), join(at.folder, 'dist', 'runner.js'), which);

function works(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!works('prlimit', '--version'))('a journal that can grow no further', () => {
  it.each(['succeeds', 'rollsBack'] as const)(
    'stops its run (which %s) with a reason, and is whole up to there; resumed it comes to the same end',
    async which => {
      const whole = await submit(which, which);
      expect(await whole.carry()).toMatchObject({ code: 0 });
      const [bytes, told, lab] = [readFileSync(whole.journal), story(await whole.records()), whole.lab()];
      // Room for some records and no more, or for half of one more.
      const ends = [...bytes.entries()].flatMap(([index, byte]) => (byte === 0x0a ? [index + 1] : []));
      const from = which === 'succeeds' ? 0 : bytes.subarray(0, bytes.indexOf('"rollback.started"')).lastIndexOf('\n');
      const sizes = ends
        .slice(0, -1)
        .filter((end, index) => end > from && index % 9 === 0)
        .flatMap(end => [end, end + 70]);
      const limit = pLimit(2);
      await Promise.all(
        sizes.map(size =>
          limit(async () => {
            const run = await submit(`${which} ${size}`, which);
            const stopped = await run.carry({ command: ['prlimit', `--fsize=${size}`] });
            expect(stopped).toMatchObject({ code: 5, signal: null });
            const why = `The journal ${run.journal} can't be written: EFBIG: file too large, write. Resume the run when that is put right.`;
            expect(stopped.stderr).toContain(why);
            // The command line and VS Code say it, too.
            const runs = openRuns({ state: run.folder });
            expect(await runs.read(runId)).toMatchObject({ status: 'crashed', lastWords: why });
            expect(await runs.list()).toMatchObject([{ status: 'crashed', failure: why }]);
            // Nothing half-written stands at its end, and nothing that was begun is left as it was in the middle.
            expect(readFileSync(run.journal).at(-1)).toBe(0x0a);
            const before = story(await run.records());
            expect(told.slice(0, before.length)).toEqual(before);
            expect(run.lab()).not.toMatch(/"frozen":true|"job":/);
            expect(await run.carry()).toEqual({ code: 0, signal: null, stderr: '' });
            const after = await run.records();
            expect(story(after)).toEqual(told);
            expect(repeated(after)).toEqual([]);
            expect(labDifference(lab, run.lab())).toEqual([]);
            expect((await runs.read(runId)).lastWords).toBeUndefined();
            run.remove();
          }),
        ),
      );
    },
    300_000,
  );
});

/** A small file system of its own: only root may make one, and not in every container. */
class SmallDisk {
  readonly folder: string;

  constructor(parent: string, size: string) {
    this.folder = mkdtempSync(join(parent, 'disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0755`, 'virtbook-test', this.folder]);
  }

  remount(option: 'ro' | 'rw'): void {
    execFileSync('mount', ['-o', `remount,${option}`, this.folder]);
  }

  /** Takes all room but this. */
  fill(leaveBytes: number): void {
    const ballast = join(this.folder, 'ballast');
    const { bavail, bsize } = statfs(this.folder);
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - leaveBytes));
  }

  free(): void {
    rmSync(join(this.folder, 'ballast'), { force: true });
  }

  remove(): void {
    execFileSync('umount', ['--lazy', this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    new SmallDisk(tmpdir(), '64k').remove();
    return true;
  } catch {
    return false;
  }
}

function statfs(path: string): { bavail: number; bsize: number } {
  const [bavail, bsize] = execFileSync('stat', ['--file-system', '--format=%a %S', path], { encoding: 'utf8' })
    .split(' ')
    .map(Number);
  return { bavail: bavail!, bsize: bsize! };
}

const steps = `
- id: first
  uses: vm.snapshot
  with: { vm: web1, name: first, description: of the test, quiesce: prefer }
- id: each
  forEach: { vm: "\${{ inputs.vms }}", batch: 1 }
  steps:
    - id: text
      uses: guest.run
      with: { vm: "\${{ vm }}", argv: [tee, -a, /srv/text], stdin: "${'x'.repeat(3000)}", probe: [test, -e, /srv/text], undo: [rm, -f, /srv/text] }
    - id: patch
      uses: guest.patch
      with: { vm: "\${{ vm }}", packages: [openssl] }
`;

describe.skipIf(!canMount())('a state folder on a disk that', () => {
  let disk: SmallDisk;
  let env: NodeJS.ProcessEnv;
  let file: string;
  let untouched: string;
  let good: string;
  const labNow = () =>
    readFileSync(
      join(at.folder, existsSync(join(at.folder, 'lab.lab.state.json')) ? 'lab.lab.state.json' : 'lab.lab.yaml'),
      'utf8',
    );
  beforeAll(async () => {
    disk = new SmallDisk(at.folder, '512k');
    env = { VIRTBOOK_STATE: join(disk.folder, 'state'), VIRTBOOK_LAB_SPEED: 'instant' };
    file = at.runbook('full', steps, 'inputs:\n  vms: { type: vms, default: group:web }\n');
    untouched = labNow();
    const whole = await at.run(['run', file, '--yes'], { env });
    expect(whole, whole.stderr).toMatchObject({ code: 0 });
    good = labNow();
  });
  afterAll(() => disk?.remove());

  beforeEach(() => {
    at.resetLab();
    rmSync(env.VIRTBOOK_STATE!, { recursive: true, force: true });
  });

  it('is full lets no run begin that can not be kept, and stops one that can not go on, with a reason', async () => {
    let [refused, stopped] = [0, 0];
    // What is left is taken page by page: the first record takes some, the lock one, the log none.
    for (const kib of [0, 8, 16, 20, 24, 28, 36, 44]) {
      at.resetLab();
      rmSync(env.VIRTBOOK_STATE!, { recursive: true, force: true });
      disk.fill(kib * 1024);
      const run = await at.run(['run', file, '--yes'], { env });
      const folders = readdirSync(join(env.VIRTBOOK_STATE!, 'runs'));
      if (run.code === 2) {
        refused++;
        expect(run.stderr).toMatch(
          /Runs can't be kept in .*: its disk is full\. Put that right|The disk of .* is full: make room/,
        );
        expect(folders).toEqual([]);
        expect(labNow()).toBe(untouched);
        disk.free();
        continue;
      }
      stopped++;
      const [id] = folders;
      const why = `${join(env.VIRTBOOK_STATE!, 'runs', id!, 'journal.jsonl')} can't be written: ENOSPC: no space left on device, write. Resume the run when that is put right.`;
      expect(run).toMatchObject({ code: 3, stderr: '' });
      expect(run.stdout).toContain(why);
      const shown = await at.run(['show', id!], { env });
      expect(shown).toMatchObject({ code: 3, stderr: '' });
      expect(shown.stdout).toContain(why);
      // Still full: it can not go on, says why, and nothing changes.
      const lab = labNow();
      const still = await at.run(['resume', id!], { env });
      expect(still.code).not.toBe(0);
      expect(still.stderr + still.stdout).toMatch(/is full: make room|ENOSPC/);
      expect(labDifference(lab, labNow())).toEqual([]);
      disk.free();
      expect(await at.run(['resume', id!], { env })).toMatchObject({ code: 0, stderr: '' });
      expect(labDifference(good, labNow())).toEqual([]);
    }
    expect(Math.min(refused, stopped)).toBeGreaterThan(1);
  }, 300_000);

  it('is read-only lets no run begin, and none go on; what is there can be looked at', async () => {
    disk.fill(28 * 1024);
    const id = JSON.parse((await at.run(['run', file, '--yes', '--format', 'json'], { env })).stdout.split('\n')[0]!)
      .runId as string;
    disk.free();
    const journal = join(env.VIRTBOOK_STATE!, 'runs', id, 'journal.jsonl');
    const [bytes, lab] = [readFileSync(journal), labNow()];
    disk.remount('ro');
    try {
      const readOnly = /Runs can't be kept in .*: it is read-only\. Put that right, or set VIRTBOOK_STATE/;
      for (const args of [
        ['run', file, '--yes'],
        ['resume', id],
        ['rollback', id],
      ]) {
        const { code, stderr } = await at.run(args, { env });
        expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(readOnly) });
      }
      expect(await at.run(['show', id], { env })).toMatchObject({ code: 3, stderr: '' });
      expect((await at.run(['runs'], { env })).stdout).toContain(id);
      expect(readFileSync(journal).equals(bytes)).toBe(true);
      expect(labNow()).toBe(lab);
    } finally {
      disk.remount('rw');
    }
    expect(await at.run(['resume', id], { env })).toMatchObject({ code: 0, stderr: '' });
    expect(labDifference(good, labNow())).toEqual([]);
  }, 60_000);
});
