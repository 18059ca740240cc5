import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SshConnectionLost } from '../../src/ssh/errors';
import { SshPool } from '../../src/ssh/pool';
import { type Sshd, startSshd, stopAll } from './sshd';

let sshd: Sshd;
let pool: SshPool;

beforeAll(async () => {
  sshd = await startSshd();
  pool = new SshPool({ configFile: 'none', override: sshd.override });
});
afterAll(async () => {
  await pool.close();
  await stopAll();
});

/** A shell whose output is kept. */
async function opened(from: SshPool = pool) {
  const session = await from.lease(sshd.target);
  const shell = await session.shell({ columns: 91, rows: 33 });
  const heard = { text: '' };
  shell.stream.on('data', (bytes: Buffer) => {
    heard.text += bytes.toString();
  });
  const says = async (wanted: RegExp) => {
    while (!wanted.test(heard.text)) await new Promise(next => setTimeout(next, 20));
  };
  return { session, shell, heard, says };
}

describe('a shell', () => {
  test('has a terminal of the size that was asked for, and follows when it changes', async () => {
    const { session, shell, says } = await opened();
    shell.stream.write('stty size; echo term=$TERM\n');
    await says(/33 91\r\n/);
    await says(/term=xterm-256color\r\n/);
    shell.resize(120, 40);
    shell.stream.write('stty size\n');
    await says(/40 120\r\n/);
    // The window is closed: the shell there is hung up.
    await session.exec(['true']);
    shell.stream.destroy();
    expect(await shell.ended).not.toHaveProperty('lost');
    session.close();
  });

  test('tells how it ended', async () => {
    const { session, shell } = await opened();
    shell.stream.write('exit 3\n');
    expect(await shell.ended).toEqual({ code: 3 });
    shell.resize(1, 1);
    session.close();
  });

  test('says when the connection is lost', async () => {
    const own = new SshPool({ configFile: 'none', override: sshd.override });
    const { shell, says } = await opened(own);
    // The process of sshd that carries this connection.
    shell.stream.write('echo pid=$PPID=\n');
    await says(/pid=\d+=/);
    shell.stream.write('kill -9 $PPID\n');
    const { lost } = await shell.ended;
    expect(lost).toBeInstanceOf(SshConnectionLost);
    await own.close();
  });
});
