import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface SshdOptions {
  /** Types of host keys to make. Default ed25519 only. */
  hostKeys?: ('ed25519' | 'ecdsa' | 'rsa')[];
  /** Lines for sshd_config, before the helper's own (the first value wins). */
  config?: string[];
  /** Host key to use instead of new ones. */
  hostKeyFile?: string;
  port?: number;
}

/** An sshd of one's own on 127.0.0.1, for the current user, with all its files in one folder. */
export interface Sshd {
  readonly port: number;
  readonly user: string;
  /** `user@127.0.0.1:port`. */
  readonly target: string;
  /** A folder of its own, removed by `stop`. */
  readonly folder: string;
  /** Private key that is let in; `.pub` beside it. */
  readonly clientKey: string;
  readonly authorizedKeys: string;
  readonly pid: number;
  /** `type base64` of a host key. */
  hostKey(type?: 'ed25519' | 'ecdsa' | 'rsa'): string;
  hostKeyFile(type?: 'ed25519' | 'ecdsa' | 'rsa'): string;
  /** A known_hosts file that trusts this sshd. */
  knownHosts: string;
  /** Options that make a connection ignore the files of whoever runs the tests. */
  override: {
    identityFiles: string[];
    identityAgent: string;
    userKnownHostsFiles: string[];
    globalKnownHostsFiles: string[];
  };
  /** What sshd wrote so far. */
  log(): string;
  /** Process ids of the connections' sshd processes and what they started. */
  children(): number[];
  /** Kills all connections and the listener, as a crash would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export function makeKey(
  path: string,
  type: 'ed25519' | 'ecdsa' | 'rsa' = 'ed25519',
  passphrase = '',
  extra: string[] = [],
): string {
  const bits = type === 'rsa' ? ['-b', '2048'] : [];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-N', passphrase, '-C', `test ${type}`, '-f', path, ...extra]);
  return path;
}

export function freshFolder(): string {
  return mkdtempSync(join(tmpdir(), 'virtbook-ssh-'));
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
    return children.flatMap(child => [child, ...descendants(child)]);
  } catch {
    return [];
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

async function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.on('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

const running = new Set<() => Promise<void>>();

/** For afterAll: ends what a failed test left behind. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(stop => stop()));
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const folder = freshFolder();
  const user = userInfo().username;
  const types = options.hostKeys ?? ['ed25519'];
  const hostKeyFile = (type: 'ed25519' | 'ecdsa' | 'rsa' = types[0]!) =>
    options.hostKeyFile ?? join(folder, `host_${type}`);
  if (!options.hostKeyFile) for (const type of types) makeKey(hostKeyFile(type), type);
  const clientKey = makeKey(join(folder, 'client'));
  const authorizedKeys = join(folder, 'authorized_keys');
  writeFileSync(authorizedKeys, readFileSync(`${clientKey}.pub`));
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });

  let child: ChildProcess | undefined;
  let log = '';
  let port = 0;
  // Another process may take the free port first: a new one is tried then.
  for (let attempt = 0; ; attempt++) {
    port = options.port ?? (await freePort());
    const config = join(folder, 'sshd_config');
    writeFileSync(
      config,
      [
        ...(options.config ?? []),
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        ...(options.hostKeyFile ? [options.hostKeyFile] : types.map(hostKeyFile)).map(file => `HostKey ${file}`),
        `AuthorizedKeysFile ${authorizedKeys}`,
        'PidFile none',
        'UsePAM no',
        'StrictModes no',
        'PermitRootLogin yes',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'MaxStartups 500',
        'LogLevel VERBOSE',
        // bash started by sshd reads .bashrc unless it believes to be a nested shell; what is in there is not ours.
        'SetEnv SHLVL=5',
        'Subsystem sftp internal-sftp',
        '',
      ].join('\n'),
    );
    child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    const deadline = Date.now() + 10_000;
    while (child.exitCode === null && Date.now() < deadline && !(await listens(port)))
      await new Promise(next => setTimeout(next, 20));
    if (child.exitCode === null) break;
    if (attempt === 3) throw new Error(`sshd did not start: ${log}`);
  }
  const listener = child;
  const pid = listener.pid!;
  const knownHosts = join(folder, 'known_hosts');
  const hostKey = (type?: 'ed25519' | 'ecdsa' | 'rsa') =>
    readFileSync(`${hostKeyFile(type)}.pub`, 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ')
      .trim();
  writeFileSync(knownHosts, types.map(type => `[127.0.0.1]:${port} ${hostKey(type)}\n`).join(''));
  const kill = async () => {
    for (const process of descendants(pid)) killQuietly(process);
    if (listener.exitCode !== null || listener.signalCode !== null) return;
    const ended = new Promise(resolve => listener.once('exit', resolve));
    killQuietly(pid);
    await ended;
  };
  const stop = async () => {
    running.delete(stop);
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  running.add(stop);
  return {
    port,
    user,
    target: `${user}@127.0.0.1:${port}`,
    folder,
    clientKey,
    authorizedKeys,
    pid,
    hostKey,
    hostKeyFile,
    knownHosts,
    override: {
      identityFiles: [clientKey],
      identityAgent: 'none',
      userKnownHostsFiles: [knownHosts],
      globalKnownHostsFiles: ['/dev/null'],
    },
    log: () => log,
    children: () => descendants(pid),
    kill,
    stop,
  };
}

/** An ssh-agent of one's own. */
export interface Agent {
  socket: string;
  add(key: string): void;
  stop(): Promise<void>;
}

export async function startAgent(): Promise<Agent> {
  const folder = freshFolder();
  const socket = join(folder, 'agent');
  const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error('ssh-agent ended')));
  });
  return {
    socket,
    add: key => {
      execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'pipe' });
    },
    stop: async () => {
      const ended = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
