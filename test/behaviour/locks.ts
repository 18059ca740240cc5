import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostLocks, LockRecord } from '../../src/hypervisors/ports';

/** One place of locks, reached by several computers. */
export interface LockWorld {
  /** A way to it of its own, as another computer has. */
  open(): Promise<HostLocks>;
  cleanUp(): Promise<void>;
}

const wanted = (runId: string, name = 'vm 6f0f5a3e-0000-4000-8000-00000000000a') => ({
  name,
  label: 'VM web1',
  owner: `${runId}@laptop`,
  runId,
  note: 'patch',
});

/** One and the same behaviour of locks, wherever they are kept. */
export function lockBehaviour(name: string, makeWorld: () => Promise<LockWorld>): void {
  describe(`locks: ${name}`, () => {
    let world: LockWorld;
    let a: HostLocks;
    let b: HostLocks;

    beforeAll(async () => {
      world = await makeWorld();
      [a, b] = [await world.open(), await world.open()];
    });
    afterAll(() => world?.cleanUp());

    async function take(locks: HostLocks, runId: string, lock?: string): Promise<LockRecord> {
      const got = await locks.take(wanted(runId, lock));
      if (!('taken' in got)) throw new Error(`${runId} does not get it: ${JSON.stringify(got.heldBy)}`);
      return got.taken;
    }

    test('a lock that is taken is refused to others, who are told whose it is', async () => {
      const mine = await take(a, 'run-1', 'vm one');
      expect(mine).toMatchObject({ ...wanted('run-1', 'vm one'), token: expect.any(Number) });
      const refused = await b.take(wanted('run-2', 'vm one'));
      expect(refused).toEqual({ heldBy: { ...mine, heartbeatAgeMs: expect.any(Number) } });
      expect(await b.list()).toContainEqual({ ...mine, heartbeatAgeMs: expect.any(Number) });
      await a.release(mine);
      expect((await b.list()).filter(lock => lock.name === 'vm one')).toEqual([]);
      await b.release(await take(b, 'run-2', 'vm one'));
    });

    test('of many who try at once, one gets it, again and again', async () => {
      for (let round = 0; round < 5; round++) {
        const all = await Promise.all(
          Array.from({ length: 6 }, async () => world.open()).map(async (opening, at) =>
            (await opening).take(wanted(`run-${round}-${at}`)),
          ),
        );
        const got = all.flatMap(one => ('taken' in one ? [one.taken] : []));
        expect(got).toHaveLength(1);
        for (const one of all) if ('heldBy' in one) expect(one.heldBy.runId).toBe(got[0]!.runId);
        await a.release(got[0]!);
      }
    });

    test('tokens grow for ever, whoever takes it and however it was given up', async () => {
      const tokens: number[] = [];
      for (let round = 0; round < 4; round++) {
        const mine = await take(round % 2 ? a : b, `run-${round}`, 'host hv1');
        tokens.push(mine.token);
        if (round === 1) expect(await b.breakLock('host hv1', mine.token)).toBe(true);
        else await a.release(mine);
      }
      expect(tokens).toEqual([...new Set(tokens)].sort((left, right) => left - right));
    });

    test('a run that comes back takes its own lock anew, and its former token is worth nothing', async () => {
      const before = await take(a, 'run-1');
      const now = await take(b, 'run-1');
      expect(now.token).toBeGreaterThan(before.token);
      expect(await a.heartbeat(before)).toBe(false);
      await a.release(before);
      expect(await b.heartbeat(now)).toBe(true);
      await b.release(now);
    });

    test('a heartbeat is seen by others, with its note', async () => {
      const mine = await take(a, 'run-1');
      await new Promise(resolve => setTimeout(resolve, 5));
      expect(await a.heartbeat({ ...mine, note: 'left: undo of web1' })).toBe(true);
      const seen = (await b.list()).find(lock => lock.name === mine.name);
      expect(seen).toMatchObject({
        runId: 'run-1',
        token: mine.token,
        takenAt: mine.takenAt,
        note: 'left: undo of web1',
      });
      expect(seen!.heartbeatAt).toBeGreaterThan(mine.heartbeatAt);
      await a.release(mine);
    });

    test('whoever lost it finds out at the next heartbeat, and takes nothing back by it', async () => {
      const mine = await take(a, 'run-1');
      expect(await b.breakLock(mine.name, mine.token)).toBe(true);
      expect(await a.heartbeat(mine)).toBe(false);
      const theirs = await take(b, 'run-2');
      expect(await a.heartbeat(mine)).toBe(false);
      await a.release(mine);
      expect((await a.list()).find(lock => lock.name === mine.name)).toMatchObject({ runId: 'run-2' });
      expect(await b.heartbeat(theirs)).toBe(true);
      await b.release(theirs);
    });

    test('breaking needs the token of now', async () => {
      const first = await take(a, 'run-1');
      await a.release(first);
      expect(await b.breakLock(first.name, first.token)).toBe(false);
      const second = await take(a, 'run-2');
      expect(await b.breakLock(first.name, first.token)).toBe(false);
      expect(await a.heartbeat(second)).toBe(true);
      const broken = await Promise.all([a, b].map(locks => locks.breakLock(second.name, second.token)));
      expect(broken.sort()).toEqual([false, true]);
      expect(await a.list()).toEqual([]);
    });

    test('a holder that takes, lives and gives back while others break in is never one of two', async () => {
      let inside = 0;
      const holders = Array.from({ length: 3 }, async (_, at) => {
        const locks = await world.open();
        for (let round = 0; round < 6; round++) {
          const got = await locks.take(wanted(`run-${at}`));
          if ('heldBy' in got) continue;
          expect(++inside).toBe(1);
          await new Promise(resolve => setTimeout(resolve, 2));
          expect(await locks.heartbeat(got.taken)).toBe(true);
          inside--;
          await locks.release(got.taken);
        }
      });
      const breaker = (async () => {
        // Only with tokens that have been, or are long not yet to come: such a break must never work.
        for (let round = 0; round < 10; round++) {
          for (const { name, token } of await b.list()) {
            expect(await b.breakLock(name, token - 2)).toBe(false);
            expect(await b.breakLock(name, token + 1000)).toBe(false);
          }
        }
      })();
      await Promise.all([...holders, breaker]);
      expect(await a.list()).toEqual([]);
    });

    test('names may hold anything', async () => {
      const names = ['datastore pool/0', 'host ..', 'vm %41', 'datastore ü.3', 'datastore ü'];
      const all = await Promise.all(names.map(lock => take(a, 'run-1', lock)));
      expect((await b.list()).map(lock => lock.name).sort()).toEqual([...names].sort());
      for (const one of all) await b.release(one);
      expect(await a.list()).toEqual([]);
    });
  });
}
