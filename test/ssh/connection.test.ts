import { writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SshConnection } from '../../src/ssh/connection';
import { SshConnectionLost, SshError } from '../../src/ssh/errors';
import { freePort, type Sshd, startSshd, stopAll } from './sshd';

let sshd: Sshd;
let connection: SshConnection;

const open = (server: Sshd) => SshConnection.connect(server.target, { configFile: 'none', override: server.override });

beforeAll(async () => {
  sshd = await startSshd();
  connection = await open(sshd);
});
afterAll(async () => {
  connection.close();
  await stopAll();
});

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'succeeded',
    (error: unknown) => (error instanceof SshError ? error.code : String(error)),
  );

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(next => setTimeout(next, 20));
}

describe('exec', () => {
  test('gives exit status, stdout and stderr apart', async () => {
    const result = await connection.exec(['sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect(result.code).toBe(7);
    expect(result.stdout.toString()).toBe('out\n');
    expect(result.stderr.toString()).toBe('err\n');
  });

  test('names the signal a process died of', async () => {
    const result = await connection.exec(['sh', '-c', 'kill -KILL $$']);
    expect(result).toMatchObject({ code: null, signal: 'KILL' });
  });

  test('hands over words untouched', async () => {
    const words = [
      "it's",
      '$HOME',
      '`id`',
      'a b',
      '',
      '*',
      '\n',
      '\\',
      'ünï',
      '--',
      '-n',
      '!x',
      '~',
      'a=b',
      '{a,b}',
      '#c',
    ];
    const result = await connection.exec(['printf', '%s\\0', ...words]);
    expect(result.stdout.toString().split('\0').slice(0, -1)).toEqual(words);
  });

  test('an empty command and a NUL byte are refused before anything is sent', async () => {
    await expect(connection.exec([])).rejects.toThrow(RangeError);
    await expect(connection.exec(['a\0b'])).rejects.toThrow(RangeError);
  });

  test('feeds stdin from text, bytes and a stream', async () => {
    const big = Buffer.alloc(5_000_000, 'x');
    expect((await connection.exec(['cat'], { stdin: 'hello' })).stdout.toString()).toBe('hello');
    expect((await connection.exec(['wc', '-c'], { stdin: big })).stdout.toString().trim()).toBe('5000000');
    const stream = Readable.from([Buffer.from('a'), Buffer.from('b')]);
    expect((await connection.exec(['cat'], { stdin: stream })).stdout.toString()).toBe('ab');
  });

  test('a command that does not read its stdin still ends', async () => {
    expect((await connection.exec(['true'], { stdin: Buffer.alloc(8_000_000) })).code).toBe(0);
  });

  test('carries large output whole', async () => {
    const { stdout } = await connection.exec(['head', '-c', '20000000', '/dev/zero']);
    expect(stdout.length).toBe(20_000_000);
  });

  test('stops a command that writes more than allowed', async () => {
    expect(await codeOf(connection.exec(['cat', '/dev/zero'], { maxOutputBytes: 100_000 }))).toBe('channel');
    expect((await connection.exec(['true'])).code).toBe(0);
  });

  test('shows output as it comes, and need not keep it', async () => {
    const seen: string[] = [];
    const result = await connection.exec(['sh', '-c', 'echo a; sleep 0.1; echo b'], {
      discardOutput: true,
      onStdout: chunk => seen.push(chunk.toString()),
    });
    expect(seen.join('')).toBe('a\nb\n');
    expect(result.stdout.length).toBe(0);
  });

  test('a time-out ends the remote process', async () => {
    const marker = `sleep 97.${process.pid}1`;
    expect(await codeOf(connection.exec(['sh', '-c', marker], { timeoutMs: 300 }))).toBe('timeout');
    await until(async () => !(await runs(marker)));
  });

  test('an abort ends the remote process, though its stdin was closed', async () => {
    const marker = `sleep 97.${process.pid}2`;
    const abort = new AbortController();
    const work = codeOf(connection.exec(['sh', '-c', marker], { signal: abort.signal }));
    await until(() => runs(marker));
    abort.abort();
    expect(await work).toBe('aborted');
    await until(async () => !(await runs(marker)));
    expect(await codeOf(connection.exec(['true'], { signal: AbortSignal.abort() }))).toBe('aborted');
  });

  test('more commands at once than sshd allows sessions', async () => {
    const results = await Promise.all(Array.from({ length: 40 }, (_, n) => connection.exec(['echo', String(n)])));
    expect(results.map(result => result.stdout.toString().trim())).toEqual(
      Array.from({ length: 40 }, (_, n) => String(n)),
    );
  });

  test('the line that makes a command endable is not seen', async () => {
    const result = await connection.exec(['sh', '-c', 'echo err >&2; cat'], { timeoutMs: 10_000, stdin: 'in' });
    expect(result.stdout.toString()).toBe('in');
    expect(result.stderr.toString()).toMatch(/(^|\n)err\n$/);
    expect(result.stderr.toString()).not.toContain('virtbook-');
    expect((await connection.exec(['false'], { timeoutMs: 10_000 })).code).toBe(1);
  });

  // The bracket keeps the search from finding itself.
  const runs = async (command: string) =>
    (await connection.exec(['pgrep', '-f', `[${command[0]}]${command.slice(1)}`])).code === 0;
});

describe('forwarding', () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });

  async function echoServer(where: string | number): Promise<void> {
    const server = createServer(socket => socket.pipe(socket));
    servers.push(server);
    await new Promise<void>(resolve =>
      typeof where === 'string' ? server.listen(where, resolve) : server.listen(where, '127.0.0.1', resolve),
    );
  }

  async function echoes(stream: NodeJS.ReadWriteStream): Promise<void> {
    const sent = Buffer.alloc(300_000, 'ping');
    const chunks: Buffer[] = [];
    const ended = new Promise(resolve => stream.once('end', resolve));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.end(sent);
    await ended;
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  }

  test('reaches a unix socket on the host', async () => {
    const path = join(sshd.folder, 'echo.sock');
    await echoServer(path);
    await echoes(await connection.streamLocal(path));
  });

  test('reaches a port as seen from the host', async () => {
    const port = await freePort();
    await echoServer(port);
    await echoes(await connection.forwardTcp('127.0.0.1', port));
  });

  test('a socket that is not there is a channel error that names it', async () => {
    const missing = join(sshd.folder, 'missing.sock');
    await expect(connection.streamLocal(missing)).rejects.toMatchObject({ code: 'channel' });
    await expect(connection.streamLocal(missing)).rejects.toThrow(missing);
    expect((await connection.exec(['true'])).code).toBe(0);
  });

  test('a server that forbids forwarding is told apart, with the option that does it', async () => {
    const strict = await startSshd({ config: ['AllowStreamLocalForwarding no'] });
    const other = await open(strict);
    await expect(other.streamLocal('/x')).rejects.toThrow('AllowStreamLocalForwarding');
    other.close();
    await strict.stop();
  });

  test('brings connections to a socket on the host here', async () => {
    const path = join(sshd.folder, 'back.sock');
    const listener = await connection.reverseStreamLocal(path, stream => stream.pipe(stream));
    await echoes(connectTcp({ path, allowHalfOpen: true }));
    await listener.close();
    await expect(
      new Promise((resolve, reject) => connectTcp(path).once('connect', resolve).once('error', reject)),
    ).rejects.toThrow();
    // The same path can be listened on again.
    await (await connection.reverseStreamLocal(path, () => undefined)).close();
  });
});

describe('connecting', () => {
  test('a refused port is unreachable, with a name and a hint', async () => {
    const port = await freePort();
    const work = SshConnection.connect(`root@127.0.0.1:${port}`, { configFile: 'none' });
    await expect(work).rejects.toMatchObject({ code: 'unreachable' });
    await expect(work).rejects.toThrow(`root@127.0.0.1:${port}`);
  });

  test('a server that says nothing runs into the time-out; an abort is quicker', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const target = `root@127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    expect(await codeOf(SshConnection.connect(target, { configFile: 'none', connectTimeoutMs: 300 }))).toBe('timeout');
    const abort = new AbortController();
    const work = codeOf(SshConnection.connect(target, { configFile: 'none', signal: abort.signal }));
    abort.abort();
    expect(await work).toBe('aborted');
    silent.close();
  });

  test('a server that is no SSH server is unreachable', async () => {
    const web = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve));
    const address = web.address();
    const target = `root@127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    expect(await codeOf(SshConnection.connect(target, { configFile: 'none' }))).toBe('unreachable');
    web.close();
  });

  test('a chain of two hops, each verified with its own key', async () => {
    const [first, second] = [await startSshd(), await startSshd()];
    const config = join(sshd.folder, 'jump-config');
    const write = (secondKnown: string) =>
      writeFileSync(
        config,
        [
          'Host end',
          `  HostName 127.0.0.1\n  Port ${sshd.port}\n  ProxyJump first,second`,
          `  UserKnownHostsFile ${sshd.knownHosts}\n  IdentityFile ${sshd.clientKey}`,
          'Host first',
          `  HostName 127.0.0.1\n  Port ${first.port}\n  UserKnownHostsFile ${first.knownHosts}\n  IdentityFile ${first.clientKey}`,
          'Host second',
          `  HostName 127.0.0.1\n  Port ${second.port}\n  UserKnownHostsFile ${secondKnown}\n  IdentityFile ${second.clientKey}`,
          'Host *',
          '  IdentityAgent none\n  IdentitiesOnly yes\n  GlobalKnownHostsFile /dev/null\n',
        ].join('\n'),
      );
    write(second.knownHosts);
    const jumped = await SshConnection.connect('end', { configFile: config });
    expect((await jumped.exec(['echo', 'there'])).stdout.toString()).toBe('there\n');
    expect(first.log()).toContain('Accepted publickey');
    expect(second.log()).toContain('Accepted publickey');
    jumped.close();
    // The second hop shows a key that is not the recorded one: refused there, the end is never reached.
    const wrong = join(sshd.folder, 'wrong');
    writeFileSync(wrong, `[127.0.0.1]:${second.port} ${first.hostKey()}\n`);
    write(wrong);
    const before = sshd.log().length;
    const work = SshConnection.connect('end', { configFile: config });
    await expect(work).rejects.toMatchObject({ code: 'host-key-changed' });
    await expect(work).rejects.toThrow(second.target);
    expect(sshd.log().slice(before)).not.toContain('Connection from');
    await first.stop();
    await second.stop();
  });

  test('a closed port behind a jump host is unreachable, and says through which', async () => {
    const port = await freePort();
    const config = join(sshd.folder, 'closed-behind');
    writeFileSync(config, `Host *\n  IdentityFile ${sshd.clientKey}\n`);
    const work = SshConnection.connect(`root@127.0.0.1:${port}`, {
      configFile: config,
      override: { ...sshd.override, proxyJump: sshd.target },
    });
    await expect(work).rejects.toMatchObject({ code: 'unreachable' });
    await expect(work).rejects.toThrow(`root@127.0.0.1:${port} through ${sshd.target}`);
    await until(() => sshd.log().includes(`connect_to 127.0.0.1 port ${port}: failed`));
  });

  test('a debug trace holds lines', async () => {
    const lines: string[] = [];
    const traced = await SshConnection.connect(sshd.target, {
      configFile: 'none',
      override: sshd.override,
      debug: line => lines.push(line),
    });
    traced.close();
    expect(lines.some(line => line.includes('Handshake'))).toBe(true);
  });
});

describe('loss', () => {
  test('rejects everything under way with SshConnectionLost and tells listeners', async () => {
    const doomed = await startSshd();
    const lost = await open(doomed);
    const path = join(doomed.folder, 'quiet.sock');
    const quiet = createServer(() => undefined);
    await new Promise<void>(resolve => quiet.listen(path, resolve));
    const stream = await lost.streamLocal(path);
    const streamError = new Promise(resolve => stream.once('error', resolve));
    const told = new Promise<Error | undefined>(resolve => lost.onClose(resolve));
    const running = lost.exec(['sleep', '60']);
    const rejected = expect(running).rejects.toBeInstanceOf(SshConnectionLost);
    await doomed.kill();
    await rejected;
    expect(await told).toBeInstanceOf(SshConnectionLost);
    expect(await streamError).toBeInstanceOf(SshConnectionLost);
    expect(lost.closed).toBe(true);
    await expect(lost.exec(['true'])).rejects.toBeInstanceOf(SshConnectionLost);
    await expect(lost.streamLocal(path)).rejects.toBeInstanceOf(SshConnectionLost);
    await expect(lost.sftp()).rejects.toBeInstanceOf(SshConnectionLost);
    quiet.close();
    await doomed.stop();
  });

  test('a server that hangs is found out by keep-alive', async () => {
    const hung = await startSshd();
    const config = join(hung.folder, 'config');
    writeFileSync(config, 'ServerAliveInterval 1\nServerAliveCountMax 1\n');
    const held = await SshConnection.connect(hung.target, { configFile: config, override: hung.override });
    const told = new Promise<Error | undefined>(resolve => held.onClose(resolve));
    for (const pid of hung.children()) process.kill(pid, 'SIGSTOP');
    const error = await told;
    expect(error).toBeInstanceOf(SshConnectionLost);
    expect(error?.message).toContain('keep-alive');
    await hung.stop();
  });

  test('a close on purpose is no error', async () => {
    const own = await open(sshd);
    const told = new Promise<Error | undefined>(resolve => own.onClose(resolve));
    own.close();
    expect(await told).toBeUndefined();
    expect(own.closed).toBe(true);
  });
});
