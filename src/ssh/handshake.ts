import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { Client, type KexAlgorithm } from 'ssh2';
import { Authentication } from './authentication';
import { nameOf, type ResolvedTarget } from './config';
import type { ConnectOptions, SshSession } from './contract';
import { Deadline } from './deadline';
import { SshError } from './errors';
import { hostKeyAlgorithms, verifyHostKey } from './host-key';

/**
 * The library's key exchanges that are in use today, P-256 first: equal in strength to curve25519, and sshd works it out with OpenSSL instead
 * of portable C, which tells when a hundred hosts are reached at once. A server without it takes the next.
 */
const keyExchanges: KexAlgorithm[] = [
  'ecdh-sha2-nistp256',
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group15-sha512',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group17-sha512',
  'diffie-hellman-group18-sha512',
];

/** Packets that are written in one turn go out in one system call, which costs more than what is in it. */
function gatherWrites(socket: Socket): void {
  const write = socket.write as (chunk: Uint8Array | string) => boolean;
  let gathering = false;
  socket.write = ((...args: [Uint8Array | string]) => {
    if (!gathering) {
      gathering = true;
      socket.cork();
      process.nextTick(() => {
        gathering = false;
        socket.uncork();
      });
    }
    return write.apply(socket, args);
  }) as typeof socket.write;
}

/** The way from nothing to an authenticated client, with one place where it can end. */
export class Handshake {
  private readonly target: ResolvedTarget;
  private readonly options: ConnectOptions;
  private readonly upstream: SshSession | undefined;
  private readonly name: string;
  private readonly secrets = new Set<string>();

  constructor(target: ResolvedTarget, options: ConnectOptions, upstream: SshSession | undefined) {
    this.target = target;
    this.options = options;
    this.upstream = upstream;
    this.name = nameOf(target) + (upstream ? ` through ${upstream.target}` : '');
  }

  run<T>(make: (client: Client, socket: Duplex) => T): Promise<T> {
    const { target, options, name } = this;
    const { signal } = options;
    return new Promise((resolve, reject) => {
      const client = new Client();
      let socket: Duplex | undefined;
      let settled = false;
      let phase = 'connecting';
      const milliseconds = options.connectTimeoutMs ?? (target.connectTimeout ? target.connectTimeout * 1000 : 10_000);
      const deadline = new Deadline(milliseconds, () =>
        fail(
          this.error(
            'timeout',
            `no answer within ${milliseconds / 1000} s while ${phase}. Check that the host is up and that its port is open`,
          ),
        ),
      );
      const onAbort = () => fail(new SshError('aborted', `Connecting to ${name} was cancelled.`, { target: name }));
      const settle = () => {
        settled = true;
        deadline.stop();
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: Error) => {
        if (settled) return;
        settle();
        client.on('error', ignore);
        client.destroy();
        socket?.destroy();
        reject(error);
      };
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });

      const authentication = new Authentication({
        target,
        prompts: options,
        asking: question => deadline.asking(question),
        onSecret: secret => this.secrets.add(secret),
      });
      let authenticating = false;
      client.on('handshake', () => {
        authenticating = true;
        phase = 'authenticating';
      });
      client.on('change password', () =>
        fail(this.error('auth-failed', 'the password has expired. Log in once with ssh to change it')),
      );
      client.on('error', error => {
        // One key that could not sign; the next one is tried.
        if (error.level === 'agent' || /^Error signing data/.test(error.message)) {
          authentication.tried.push(error.message);
          return;
        }
        // A question may still be open on the screen when the server gives up.
        if (authenticating) fail(new SshError('auth-failed', authentication.explain(), { target: name, cause: error }));
        else fail(this.error('unreachable', reasonOf(error), error));
      });
      client.on('close', () =>
        fail(
          authenticating
            ? new SshError('auth-failed', `The server closed the connection. ${authentication.explain()}`, {
                target: name,
              })
            : this.error(
                'unreachable',
                'the server closed the connection before it said who it is. Is it an SSH server? Is its MaxStartups too low?',
              ),
        ),
      );
      client.once('ready', () => {
        if (settled) return;
        settle();
        client.removeAllListeners('error').removeAllListeners('close');
        client.removeAllListeners('handshake').removeAllListeners('change password');
        resolve(make(client, socket!));
      });

      const start = (opened: Duplex) => {
        if (settled) return void opened.destroy();
        socket = opened;
        client.connect({
          sock: opened as Readable,
          username: target.user,
          readyTimeout: 0,
          keepaliveInterval: target.serverAliveInterval * 1000,
          keepaliveCountMax: target.serverAliveCountMax,
          // Other vendors speak OpenSSH's extensions too; a server that does not says so itself.
          strictVendor: false,
          algorithms: { kex: keyExchanges, serverHostKey: hostKeyAlgorithms(target), compress: ['none'] },
          authHandler: authentication.handler,
          hostVerifier: (key: Buffer, verify: (permitted: boolean) => void) => {
            phase = 'verifying the host key';
            deadline
              .asking(() => verifyHostKey(target, key, options.askHostKey))
              .then(
                () => verify(true),
                (error: Error) => {
                  fail(error);
                  verify(false);
                },
              );
          },
          ...(options.debug ? { debug: line => options.debug?.(this.strike(line)) } : {}),
        });
      };
      this.openSocket(signal).then(start, (error: Error) =>
        fail(
          error instanceof SshError && error.code !== 'channel'
            ? error
            : this.error('unreachable', reasonOf(error).replace(/\.$/, ''), error),
        ),
      );
    });
  }

  private openSocket(signal: AbortSignal | undefined): Promise<Duplex> {
    const { host, port, addressFamily } = this.target;
    if (this.upstream) return this.upstream.forwardTcp(host, port, { signal });
    const family = { any: 0, inet: 4, inet6: 6 }[addressFamily];
    return new Promise((resolve, reject) => {
      const socket: Socket = connectTcp({ host, port, family, noDelay: true });
      const giveUp = () => socket.destroy();
      signal?.addEventListener('abort', giveUp, { once: true });
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the attempt was given up')));
      socket.once('connect', () => {
        signal?.removeEventListener('abort', giveUp);
        socket.removeAllListeners('error').removeAllListeners('close');
        gatherWrites(socket);
        resolve(socket);
      });
    });
  }

  private error(code: SshError['code'], why: string, cause?: unknown): SshError {
    return new SshError(code, `Cannot connect to ${this.name}: ${why}.`, { target: this.name, cause });
  }

  private strike(line: string): string {
    let struck = line;
    for (const secret of this.secrets) if (secret !== '') struck = struck.replaceAll(secret, '***');
    return struck;
  }
}

function reasonOf(error: Error & { code?: unknown }): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'nothing listens on that port. Check the port and that sshd runs';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known to the resolver. Check the spelling, or set HostName in ~/.ssh/config';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it';
    case 'ETIMEDOUT':
      return 'it does not answer';
    default:
      return error.message || 'the network failed';
  }
}

function ignore(): void {
  // The failure has been told already.
}
