import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SshConnectionLost, SshError } from '../../src/ssh/errors';
import { SshPool } from '../../src/ssh/pool';
import { type Sshd, startSshd, stopAll } from './sshd';

let sshd: Sshd;
let pool: SshPool;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(stopAll);
afterEach(() => pool.close());

const accepted = (server: Sshd) => server.log().match(/Accepted publickey/g)?.length ?? 0;
const make = (server: Sshd, more: { idleMs?: number; backoffMs?: number } = {}) =>
  new SshPool({ configFile: 'none', override: server.override, ...more });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(next => setTimeout(next, 20));
}

test('callers at once share one connection, whatever they call the host', async () => {
  pool = make(sshd);
  const before = accepted(sshd);
  const names = [sshd.target, `ssh://${sshd.target}`, sshd.target, sshd.target];
  const results = await Promise.all(names.map(name => pool.use(name, session => session.exec(['echo', 'x']))));
  expect(results.every(result => result.code === 0)).toBe(true);
  expect(accepted(sshd) - before).toBe(1);
});

test('a hundred connections at once, each with a command', async () => {
  const config = join(sshd.folder, 'hundred');
  writeFileSync(
    config,
    Array.from(
      { length: 100 },
      (_, n) => `Host h${n}\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  HostKeyAlias h${n}\n`,
    ).join(''),
  );
  const known = join(sshd.folder, 'hundred-known');
  writeFileSync(known, `h* ${sshd.hostKey()}\n`);
  pool = new SshPool({
    configFile: config,
    override: { ...sshd.override, userKnownHostsFiles: [known] },
    connectTimeoutMs: 60_000,
  });
  const before = accepted(sshd);
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, n) => pool.use(`h${n}`, session => session.exec(['echo', String(n)]))),
  );
  expect(results.map(result => result.stdout.toString().trim())).toEqual(
    Array.from({ length: 100 }, (_, n) => String(n)),
  );
  expect(accepted(sshd) - before).toBe(100);
});

test('an idle connection is closed, and opened again on the next use', async () => {
  pool = make(sshd, { idleMs: 50 });
  const before = accepted(sshd);
  const first = await pool.lease(sshd.target);
  let gone = false;
  first.onClose(() => {
    gone = true;
  });
  const second = await pool.lease(sshd.target);
  first.close();
  await new Promise(next => setTimeout(next, 200));
  expect((await second.exec(['true'])).code).toBe(0);
  let ended = false;
  second.onClose(() => {
    ended = true;
  });
  expect(gone || ended).toBe(false);
  second.close();
  await until(() => sshd.log().slice(-2000).includes('Disconnected from user'));
  await until(() => sshd.children().length === 0);
  await pool.use(sshd.target, session => session.exec(['true']));
  expect(accepted(sshd) - before).toBe(2);
  await expect(second.exec(['true'])).rejects.toMatchObject({ code: 'channel' });
});

test('after a crash the same lease connects again; what was under way has failed', async () => {
  let server = await startSshd();
  const { port, folder } = server;
  pool = make(server, { backoffMs: 20 });
  const lease = await pool.lease(server.target);
  let told: Error | undefined;
  lease.onClose(error => {
    told = error;
  });
  const running = expect(lease.exec(['sleep', '60'])).rejects.toBeInstanceOf(SshConnectionLost);
  await server.kill();
  await running;
  expect(told).toBeInstanceOf(SshConnectionLost);
  // Still down: refused, and the next try waits a little.
  await expect(lease.exec(['true'])).rejects.toMatchObject({ code: 'unreachable' });
  await expect(lease.exec(['true'])).rejects.toMatchObject({ code: 'unreachable' });
  const crashed = server;
  server = await startSshd({
    port,
    hostKeyFile: join(folder, 'host_ed25519'),
    config: [`AuthorizedKeysFile ${crashed.authorizedKeys}`],
  });
  expect((await lease.exec(['echo', 'again'])).stdout.toString()).toBe('again\n');
  lease.close();
  await server.stop();
  await crashed.stop();
});

test('who gives up leaves the others waiting; when all give up the attempt ends', async () => {
  pool = make(sshd);
  const [stay, leave] = [new AbortController(), new AbortController()];
  const leaving = pool.lease(sshd.target, { signal: leave.signal });
  const staying = pool.lease(sshd.target, { signal: stay.signal });
  leave.abort();
  await expect(leaving).rejects.toMatchObject({ code: 'aborted' });
  (await staying).close();
  await expect(pool.lease(sshd.target, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(SshError);
});

test('a jump host is shared by the hosts behind it', async () => {
  const [jump, end] = [await startSshd(), await startSshd()];
  const config = join(sshd.folder, 'shared-jump');
  writeFileSync(
    config,
    [
      ...[1, 2, 3].map(
        n =>
          `Host e${n}\n  HostName 127.0.0.1\n  Port ${end.port}\n  HostKeyAlias e${n}\n  ProxyJump jump\n  IdentityFile ${end.clientKey}\n`,
      ),
      `Host jump\n  HostName 127.0.0.1\n  Port ${jump.port}\n  IdentityFile ${jump.clientKey}\n  HostKeyAlias jump\n`,
      `Host *\n  UserKnownHostsFile ${join(sshd.folder, 'shared-known')}\n  GlobalKnownHostsFile /dev/null\n  IdentityAgent none\n`,
    ].join(''),
  );
  writeFileSync(join(sshd.folder, 'shared-known'), `e? ${end.hostKey()}\njump ${jump.hostKey()}\n`);
  pool = new SshPool({ configFile: config, idleMs: 20 });
  const results = await Promise.all(
    ['e1', 'e2', 'e3'].map(name => pool.use(name, session => session.exec(['echo', name]))),
  );
  expect(results.map(result => result.stdout.toString().trim())).toEqual(['e1', 'e2', 'e3']);
  expect(accepted(jump)).toBe(1);
  expect(accepted(end)).toBe(3);
  // With the last host behind it the jump host goes idle too.
  await until(() => jump.children().length === 0);
  await jump.stop();
  await end.stop();
});

test('a closed pool opens nothing', async () => {
  pool = make(sshd);
  await pool.close();
  await expect(pool.lease(sshd.target)).rejects.toMatchObject({ code: 'config' });
});
