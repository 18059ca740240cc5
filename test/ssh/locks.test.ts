import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FolderLocks } from '../../src/hypervisors/libvirt/host-locks';
import { type LockFiles, sftpLockFiles } from '../../src/hypervisors/libvirt/lock-files';
import { isStale } from '../../src/hypervisors/lock-age';
import { SshConnection } from '../../src/ssh/connection';
import { lockBehaviour } from '../behaviour/locks';
import { type Sshd, startSshd, stopAll } from './sshd';

// Locks over a real sshd's SFTP, each computer with a connection of its own.

const options = (sshd: Sshd) => ({ configFile: 'none', override: sshd.override });

lockBehaviour('over SFTP', async () => {
  const sshd = await startSshd();
  const connections: SshConnection[] = [];
  return {
    async open() {
      const connection = await SshConnection.connect(sshd.target, options(sshd));
      connections.push(connection);
      return new FolderLocks('hv1', join(sshd.folder, 'locks'), async () => sftpLockFiles(await connection.sftp()));
    },
    async cleanUp() {
      for (const connection of connections) connection.close();
      await sshd.stop();
    },
  };
});

let sshd: Sshd;
let connection: SshConnection;
let files: LockFiles;
beforeAll(async () => {
  sshd = await startSshd();
  connection = await SshConnection.connect(sshd.target, options(sshd));
  files = sftpLockFiles(await connection.sftp());
});
afterAll(async () => {
  connection?.close();
  await stopAll();
});

let folders = 0;
function fresh(through: LockFiles = files): { folder: string; locks: FolderLocks } {
  const folder = join(sshd.folder, `locks-${++folders}`);
  return { folder, locks: new FolderLocks('hv1', folder, async () => through) };
}
const wanted = { name: 'vm a', label: 'VM web1', owner: 'ann@laptop', runId: 'run-1', note: 'patch' };
const other = { ...wanted, owner: 'bob@desk', runId: 'run-2' };

async function taken(locks: FolderLocks) {
  const got = await locks.take(wanted);
  if (!('taken' in got)) throw new Error('not taken');
  return got.taken;
}

test('one file per lock, whatever happened to it before', async () => {
  const { folder, locks } = fresh();
  await locks.release(await taken(locks));
  const again = await taken(locks);
  await locks.heartbeat(again);
  expect(readdirSync(folder)).toEqual([`vm%20a.${again.token}`]);
  await locks.release(again);
  expect(readdirSync(folder)).toEqual([`vm%20a.${again.token + 1}`]);
});

test('how old a heartbeat is, is told by the clock of the host, not by that of its holder', async () => {
  const { folder, locks } = fresh();
  // The holder's clock is an hour ahead; it has held it for ten minutes by that clock.
  const mine = await taken(locks);
  const ahead = Date.now() + 3_600_000;
  const file = join(folder, `vm%20a.${mine.token}`);
  writeFileSync(file, JSON.stringify({ ...mine, takenAt: ahead - 600_000, heartbeatAt: ahead }));
  const [fresh1] = await locks.list();
  expect(fresh1!.heartbeatAgeMs).toBeLessThan(60_000);
  expect(isStale(fresh1!)).toBe(false);
  const old = Date.now() / 1000 - 400;
  utimesSync(file, old, old);
  const [stale] = await locks.list();
  expect(stale!.heartbeatAgeMs).toBeGreaterThan(390_000);
  expect(isStale(stale!)).toBe(true);
  const refused = await locks.take(other);
  expect(refused).toMatchObject({ heldBy: { runId: 'run-1', heartbeatAgeMs: expect.any(Number) } });
  expect(readdirSync(folder).filter(name => name.startsWith('.'))).toEqual([]);
});

test('a file that is just being written is waited for', async () => {
  const { folder, locks } = fresh();
  mkdirSync(folder);
  const file = join(folder, 'vm%20a.7');
  writeFileSync(file, '');
  const asking = locks.take(other);
  setTimeout(() => writeFileSync(file, JSON.stringify({ ...wanted, token: 7, takenAt: 1, heartbeatAt: 2 })), 120);
  expect(await asking).toMatchObject({ heldBy: { owner: 'ann@laptop', token: 7 } });
});

test('a file that stays half written is a lock of somebody unknown, and can be broken', async () => {
  const { folder, locks } = fresh();
  mkdirSync(folder);
  writeFileSync(join(folder, 'vm%20a.7'), '{"name":"vm a","la');
  expect(await locks.take(other)).toMatchObject({
    heldBy: { name: 'vm a', owner: 'unknown', runId: '', token: 7, note: expect.stringContaining('half written') },
  });
  expect(await locks.breakLock('vm a', 7)).toBe(true);
  expect(await locks.take(other)).toMatchObject({ taken: { token: 9 } });
});

test('what is no lock does not matter', async () => {
  const { folder, locks } = fresh();
  mkdirSync(folder);
  for (const name of ['README', 'vm%20a', 'vm%20a.x', '.vm%20a.3.abc.tmp', 'vm%20a.0', '.9'])
    writeFileSync(join(folder, name), '');
  expect(await locks.list()).toEqual([]);
  expect(await taken(locks)).toMatchObject({ token: 1 });
});

test('a folder that was emptied and filled anew gives nobody a lock that is not theirs', async () => {
  const { folder, locks } = fresh();
  const mine = await taken(locks);
  await files.remove(join(folder, `vm%20a.${mine.token}`));
  expect(await locks.heartbeat(mine)).toBe(false);
  const theirs = await locks.take(other);
  expect(theirs).toMatchObject({ taken: { token: mine.token } });
  expect(await locks.heartbeat(mine)).toBe(false);
  await locks.release(mine);
  expect(await locks.list()).toMatchObject([{ runId: 'run-2' }]);
});

test('a heartbeat that comes between the looks of a break brings nothing back', async () => {
  // The holder has looked, and writes only after its lock was broken and taken: as a laptop does that slept in between.
  let wake: (() => void) | undefined;
  const slow: LockFiles = {
    ...files,
    replace: async (path, text) => {
      await new Promise<void>(resolve => {
        wake = resolve;
      });
      return files.replace(path, text);
    },
  };
  const { folder, locks } = fresh();
  const sleeper = new FolderLocks('hv1', folder, async () => slow);
  const mine = await taken(locks);
  const beating = sleeper.heartbeat(mine);
  while (!wake) await new Promise(resolve => setTimeout(resolve, 5));
  expect(await locks.breakLock('vm a', mine.token)).toBe(true);
  const theirs = await locks.take(other);
  wake();
  expect(await beating).toBe(false);
  expect(theirs).toMatchObject({ taken: { runId: 'run-2' } });
  expect(await locks.list()).toMatchObject([{ runId: 'run-2' }]);
  expect(readdirSync(folder)).toHaveLength(1);
});

test('a taker that looked long ago does not fill the gap that others left behind', async () => {
  let wake: (() => void) | undefined;
  let held = false;
  const slow: LockFiles = {
    ...files,
    create: async (path, text) => {
      if (!held && !path.includes('.now.')) {
        held = true;
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
      return files.create(path, text);
    },
  };
  const { folder, locks } = fresh();
  await locks.release(await taken(locks));
  const late = new FolderLocks('hv1', folder, async () => slow);
  const asking = late.take(other);
  while (!wake) await new Promise(resolve => setTimeout(resolve, 5));
  await locks.release(await taken(locks));
  const mine = await taken(locks);
  wake();
  expect(await asking).toMatchObject({ heldBy: { runId: 'run-1', token: mine.token } });
  expect(readdirSync(folder)).toEqual([`vm%20a.${mine.token}`]);
});

test('a folder that may not be written to is refused with the command that prepares it', async () => {
  const readOnly = await startSshd({ config: ['ForceCommand internal-sftp -R'] });
  const there = await SshConnection.connect(readOnly.target, options(readOnly));
  try {
    const folder = join(readOnly.folder, 'locks');
    const locks = new FolderLocks('hv1', folder, async () => sftpLockFiles(await there.sftp()));
    await expect(locks.take(wanted)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`sudo install -d -m 2775 -g libvirt ${folder}`),
    });
    expect(existsSync(folder)).toBe(false);
    // Looking is allowed all the same.
    mkdirSync(folder);
    writeFileSync(join(folder, 'vm%20a.1'), JSON.stringify({ ...wanted, token: 1, takenAt: 1, heartbeatAt: 2 }));
    expect(await locks.list()).toMatchObject([{ owner: 'ann@laptop' }]);
  } finally {
    there.close();
    await readOnly.stop();
  }
});

test('a connection that is gone is unreachable, not unknown', async () => {
  const gone = await startSshd();
  const there = await SshConnection.connect(gone.target, options(gone));
  const locks = new FolderLocks('hv1', join(gone.folder, 'locks'), async () => sftpLockFiles(await there.sftp()));
  const mine = await taken(locks);
  await gone.kill();
  await expect(locks.heartbeat(mine)).rejects.toMatchObject({ kind: 'unreachable', outcomeUnknown: false });
  there.close();
  await gone.stop();
});
