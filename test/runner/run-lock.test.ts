import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { liveOwner, lockOwner, takeLock } from '../../src/runner/run-lock';

let folder: string;
let run: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'virtbook-lock-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  run = mkdtempSync(join(folder, 'run-'));
});
const leave = (number: number, owner: object) => writeFileSync(join(run, `lock.${number}`), JSON.stringify(owner));

describe('the lock of a run', () => {
  it('is taken once, and told', async () => {
    expect(await takeLock(run, 'sock')).toEqual({ taken: true });
    expect(await takeLock(run, 'sock')).toMatchObject({ taken: false, owner: { pid: process.pid } });
    expect(await liveOwner(run)).toMatchObject({ pid: process.pid, socket: 'sock' });
  });

  it('of a dead process is taken over, and its traces go', async () => {
    // A number that no process has: Linux stops far below, others never give it.
    leave(3, { pid: 2 ** 30, machine: hostname(), started: 'long ago', socket: '' });
    expect(await liveOwner(run)).toBeUndefined();
    expect(await takeLock(run, 's')).toEqual({ taken: true });
    expect(readdirSync(run)).toEqual(['lock.4']);
  });

  it.runIf(process.platform === 'linux')('of a process whose number was given to another is taken over', async () => {
    leave(1, { pid: process.pid, machine: hostname(), started: 'an earlier boot 1', socket: '' });
    expect(await takeLock(run, 's')).toEqual({ taken: true });
  });

  it('of another machine is left alone', async () => {
    leave(1, { pid: 1, machine: 'elsewhere', started: '', socket: '' });
    expect(await takeLock(run, 's')).toMatchObject({ taken: false, owner: { machine: 'elsewhere' } });
  });

  it('goes to exactly one of many processes that find a dead owner at once', async () => {
    const program = join(folder, 'taker.js');
    await build({
      stdin: {
        contents: `import { takeLock } from './src/runner/run-lock';
          process.on('message', async folder => { process.send((await takeLock(folder, '')).taken); });
          process.send('ready');`,
        resolveDir: join(import.meta.dirname, '..', '..'),
        loader: 'ts',
      },
      outfile: program,
      bundle: true,
      platform: 'node',
      logLevel: 'error',
    });
    const takers = Array.from({ length: 6 }, () => fork(program));
    const next = (taker: (typeof takers)[number]) => new Promise<unknown>(resolve => taker.once('message', resolve));
    try {
      await Promise.all(takers.map(next));
      for (let round = 0; round < 10; round++) {
        run = mkdtempSync(join(folder, 'run-'));
        leave(round + 1, { pid: 2 ** 30, machine: hostname(), started: 'x', socket: '' });
        const answers = Promise.all(takers.map(next));
        for (const taker of takers) taker.send(run);
        expect((await answers).filter(taken => taken === true)).toHaveLength(1);
        expect(takers.map(taker => taker.pid)).toContain(lockOwner(run)?.pid);
      }
    } finally {
      for (const taker of takers) taker.kill();
    }
  });
});
