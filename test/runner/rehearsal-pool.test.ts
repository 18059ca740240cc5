import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { RehearsalWork } from '../../src/rehearsal/work';
import { RehearsalPool } from '../../src/runner/rehearsal-pool';

// The pool alone: its threads run a script that does what the plan's name says.

const folder = mkdtempSync(join(tmpdir(), 'virtbook-pool-'));
const script = join(folder, 'worker.cjs');
writeFileSync(
  script,
  `const { parentPort, threadId } = require('node:worker_threads');
parentPort.on('message', ({ plan }) => {
  parentPort.postMessage({ type: 'progress', done: 1, total: 2 });
  if (plan.name === 'fails') parentPort.postMessage({ type: 'failed', message: 'No lab.' });
  else if (plan.name === 'exits') process.exit(3);
  else if (plan.name === 'throws') throw new Error('Broken.');
  else if (plan.name !== 'hangs') parentPort.postMessage({ type: 'done', ok: true, markdown: plan.name, rehearsal: { name: String(threadId) } });
});`,
);
const pools: RehearsalPool[] = [];
afterEach(() => Promise.all(pools.splice(0).map(pool => pool.close())));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function open(threads: number): RehearsalPool {
  const pool = new RehearsalPool(script, threads);
  pools.push(pool);
  return pool;
}
const work = (name: string) => ({ plan: { name } }) as RehearsalWork;

it('gives every work to one of its threads, and begins no more than it may', async () => {
  const pool = open(2);
  const all = await Promise.all(Array.from({ length: 20 }, (_, at) => pool.rehearse(work(`w${at}`))));
  expect(all.map(one => one.markdown)).toEqual(Array.from({ length: 20 }, (_, at) => `w${at}`));
  expect(new Set(all.map(one => one.rehearsal.name)).size).toBeLessThanOrEqual(2);
});

it('one that fails, throws or ends its thread is told, and the next is rehearsed', async () => {
  const pool = open(1);
  const told = await Promise.allSettled(['fails', 'exits', 'throws', 'good'].map(name => pool.rehearse(work(name))));
  expect(told.map(one => (one.status === 'rejected' ? one.reason.message : one.value.markdown))).toEqual([
    'No lab.',
    'The rehearsal ended without a result (code 3).',
    'Broken.',
    'good',
  ]);
});

it('one that is aborted ends its thread, whether it is under way or waits, and others go on', async () => {
  const pool = open(1);
  const stop = new AbortController();
  const hanging = pool.rehearse(work('hangs'), stop.signal);
  const waiting = pool.rehearse(work('waits'), stop.signal);
  const other = pool.rehearse(work('other'));
  stop.abort(new Error('enough'));
  await expect(hanging).rejects.toThrow('enough');
  await expect(waiting).rejects.toThrow('enough');
  expect((await other).markdown).toBe('other');
  await expect(pool.rehearse(work('late'), stop.signal)).rejects.toThrow('enough');
});

it('is closed with what is under way', async () => {
  const pool = open(1);
  const both = Promise.allSettled([pool.rehearse(work('hangs')), pool.rehearse(work('waits'))]);
  await pool.close();
  expect((await both).map(one => one.status)).toEqual(['rejected', 'rejected']);
  await expect(pool.rehearse(work('late'))).rejects.toThrow('have been ended');
});
