import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FolderLocks } from '../../src/hypervisors/libvirt/host-locks';
import type { LockFiles } from '../../src/hypervisors/libvirt/lock-files';
import type { LockRecord } from '../../src/hypervisors/ports';

/** A folder whose every call may be overtaken by any other. `delays`: how often, of one that is far away. */
function filesOf(folder: Map<string, string>, scheduler: fc.Scheduler, delays = 1): LockFiles {
  const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  /** The call travels to the host, happens there at once, and its answer travels back. */
  const call = async <T>(what: string, happens: () => T): Promise<T> => {
    for (let at = 0; at < delays; at++) await scheduler.schedule(Promise.resolve(), what);
    const answer = happens();
    await scheduler.schedule(Promise.resolve(), `answer of ${what}`);
    return answer;
  };
  return {
    list: () => call('list', () => [...folder.keys()]),
    read: path => call('read', () => folder.get(nameOf(path))),
    create: (path, text) =>
      call(`create ${nameOf(path)}`, () => {
        if (folder.has(nameOf(path))) return false;
        folder.set(nameOf(path), text);
        return true;
      }),
    replace: (path, text) => call(`replace ${nameOf(path)}`, () => void folder.set(nameOf(path), text)),
    remove: path => call(`remove ${nameOf(path)}`, () => void folder.delete(nameOf(path))),
    modified: path => call('modified', () => (folder.has(nameOf(path)) ? 0 : undefined)),
    makeFolder: () => call('make', () => undefined),
  };
}

test('in whatever order calls arrive: never two holders, tokens only grow, nobody undoes what another did', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 2, max: 4 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 20 }),
      async (scheduler, runs, breaks, delays) => {
        const folder = new Map<string, string>();
        /** Those who have been told that it is theirs, and whom nobody has begun to rob. */
        const holders = new Map<number, string>();
        const robbed = new Set<number>();
        let highest = 0;
        const problems: string[] = [];

        const run = async (runId: string, far: boolean): Promise<void> => {
          const files = filesOf(folder, scheduler, far ? delays : 1);
          const locks = new FolderLocks('hv1', '/locks', async () => files);
          for (let round = 0; round < (far ? 2 : 4); round++) {
            const got = await locks.take({ name: 'vm a', label: 'VM a', owner: runId, runId, note: '' });
            if ('heldBy' in got) {
              if (got.heldBy.runId === runId) problems.push(`${runId} is told that it is in its own way`);
              continue;
            }
            const { token } = got.taken;
            if (!robbed.has(token)) {
              if (holders.size > 0) problems.push(`${runId} and ${[...holders.values()].join()} both hold it`);
              if (token <= highest) problems.push(`${token} comes after ${highest}`);
              holders.set(token, runId);
            }
            highest = Math.max(highest, token);
            const ours = await locks.heartbeat(got.taken);
            if (!ours && !robbed.has(token)) problems.push(`${runId} lost ${token} to nobody`);
            holders.delete(token);
            await locks.release(got.taken);
          }
        };
        const robber = async (): Promise<void> => {
          const locks = new FolderLocks('hv1', '/locks', async () => filesOf(folder, scheduler));
          for (let round = 0; round < 3; round++) {
            for (const { name, token } of await locks.list()) {
              robbed.add(token);
              holders.delete(token);
              await locks.breakLock(name, token);
            }
          }
        };
        const all = Array.from({ length: runs }, (_, at) => run(`run-${at}`, at === 0));
        if (breaks) all.push(robber());
        await scheduler.waitFor(Promise.all(all));

        expect(problems).toEqual([]);
        // Whoever came last gave it back.
        const left = [...folder].filter(([name]) => name.startsWith('vm'));
        const held = left.filter(([name]) => Number(name.split('.').pop()) % 2 === 1);
        expect(held.map(([, text]) => (JSON.parse(text) as LockRecord).runId)).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});
