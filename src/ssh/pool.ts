import type { Duplex } from 'node:stream';
import { nameOf, type ResolvedTarget, resolveTarget } from './config';
import { SshConnection } from './connection';
import type {
  ConnectOptions,
  ExecOptions,
  ExecResult,
  RemoteFiles,
  Shell,
  ShellOptions,
  SshConnections,
  SshSession,
} from './contract';
import { SshError } from './errors';

export interface PoolOptions extends Omit<ConnectOptions, 'signal'> {
  /** How long a connection nobody uses stays open, in milliseconds. Default 60,000. */
  idleMs?: number;
  /** First wait after a failed connect, doubled up to `maxBackoffMs` with every further one. Default 200 and 10,000. */
  backoffMs?: number;
  maxBackoffMs?: number;
}

/** One connection per resolved target, for all who use it; jump hosts are shared the same way. */
export class SshPool implements SshConnections {
  private readonly options: PoolOptions;
  private readonly entries = new Map<string, PoolEntry>();
  private isClosed = false;

  constructor(options: PoolOptions = {}) {
    this.options = options;
  }

  async lease(given: string, options: { signal?: AbortSignal } = {}): Promise<SshSession> {
    const lease = this.hold(resolveTarget(given, this.options));
    try {
      await lease.connected(options.signal);
      return lease;
    } catch (error) {
      lease.close();
      throw error;
    }
  }

  async use<T>(
    given: string,
    work: (session: SshSession) => Promise<T>,
    options: { signal?: AbortSignal } = {},
  ): Promise<T> {
    const lease = await this.lease(given, options);
    try {
      return await work(lease);
    } finally {
      lease.close();
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const entries = [...this.entries.values()];
    this.entries.clear();
    await Promise.all(entries.map(entry => entry.end()));
  }

  private hold(target: ResolvedTarget): Lease {
    if (this.isClosed) throw new SshError('config', 'The SSH connections are closed already.');
    const key = JSON.stringify({ ...target, given: '', jumps: target.jumps.map(jump => ({ ...jump, given: '' })) });
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = new PoolEntry(target, this.options, previous => this.hold(previous));
      this.entries.set(key, entry);
    }
    return new Lease(entry);
  }
}

class PoolEntry {
  readonly name: string;
  private readonly target: ResolvedTarget;
  private readonly options: PoolOptions;
  private readonly hold: (target: ResolvedTarget) => Lease;
  private connection: SshConnection | undefined;
  private connecting: { result: Promise<SshConnection>; abort: AbortController; waiting: number } | undefined;
  private readonly leases = new Set<Lease>();
  private idle: NodeJS.Timeout | undefined;
  private failures = 0;
  private notBefore = 0;

  constructor(target: ResolvedTarget, options: PoolOptions, hold: (target: ResolvedTarget) => Lease) {
    this.target = target;
    this.options = options;
    this.hold = hold;
    this.name = nameOf(target);
  }

  add(lease: Lease): void {
    clearTimeout(this.idle);
    this.leases.add(lease);
  }

  remove(lease: Lease): void {
    if (!this.leases.delete(lease) || this.leases.size > 0) return;
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.connection?.close(), this.options.idleMs ?? 60_000);
    this.idle.unref();
  }

  /** The open connection, or one shared attempt at it. Who gives up leaves the others waiting. */
  async ready(signal?: AbortSignal): Promise<SshConnection> {
    if (signal?.aborted) throw this.cancelled();
    if (this.connection && !this.connection.closed) return this.connection;
    let attempt = this.connecting;
    if (attempt === undefined) {
      const abort = new AbortController();
      const started = { result: this.open(abort.signal), abort, waiting: 0 };
      attempt = started;
      this.connecting = started;
      const done = () => {
        if (this.connecting === started) this.connecting = undefined;
      };
      started.result.then(done, done);
    }
    return this.wait(attempt, signal);
  }

  private async wait(attempt: NonNullable<PoolEntry['connecting']>, signal?: AbortSignal): Promise<SshConnection> {
    attempt.waiting++;
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(this.cancelled());
      signal?.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([attempt.result, aborted]);
    } finally {
      if (onAbort) signal?.removeEventListener('abort', onAbort);
      if (--attempt.waiting === 0 && signal?.aborted) {
        // Nobody waits any more; a later caller starts anew instead of sharing this failure.
        if (this.connecting === attempt) this.connecting = undefined;
        attempt.abort.abort();
      }
    }
  }

  private async open(signal: AbortSignal): Promise<SshConnection> {
    await this.backOff(signal);
    const { jumps } = this.target;
    let upstream: Lease | undefined;
    try {
      if (jumps.length > 0) {
        const last = jumps[jumps.length - 1]!;
        upstream = this.hold({ ...last, jumps: jumps.slice(0, -1) });
        await upstream.connected(signal);
      }
      const connection = await SshConnection.connectHop(this.target, { ...this.options, signal }, upstream);
      this.failures = 0;
      this.connection = connection;
      connection.onClose(error => {
        if (this.connection === connection) this.connection = undefined;
        for (const lease of [...this.leases]) lease.lost(error);
      });
      return connection;
    } catch (error) {
      upstream?.close();
      if (!(error instanceof SshError && error.code === 'aborted')) {
        const { backoffMs = 200, maxBackoffMs = 10_000 } = this.options;
        this.notBefore = performance.now() + Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(this.failures, 20));
        this.failures++;
      }
      throw error;
    }
  }

  private backOff(signal: AbortSignal): Promise<void> {
    const milliseconds = this.notBefore - performance.now();
    if (this.failures === 0 || milliseconds <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          reject(this.cancelled());
        },
        { once: true },
      );
    });
  }

  /** Resolves when the connection is gone. */
  async end(): Promise<void> {
    clearTimeout(this.idle);
    const { connecting } = this;
    connecting?.abort.abort();
    // An attempt that was just about to succeed leaves a connection behind, closed below.
    await connecting?.result.catch(() => undefined);
    const { connection } = this;
    if (connection === undefined || connection.closed) return;
    await new Promise<void>(resolve => {
      connection.onClose(() => resolve());
      connection.close();
    });
  }

  private cancelled(): SshError {
    return new SshError('aborted', `Connecting to ${this.name} was cancelled.`, { target: this.name });
  }
}

/** A share in a connection. After a loss the next operation connects again; what was under way has failed. */
class Lease implements SshSession {
  readonly target: string;
  private readonly entry: PoolEntry;
  private readonly listeners = new Set<(error?: Error) => void>();
  private given = false;

  constructor(entry: PoolEntry) {
    this.entry = entry;
    this.target = entry.name;
    entry.add(this);
  }

  /** True once this share was given back. */
  get closed(): boolean {
    return this.given;
  }

  connected(signal?: AbortSignal): Promise<SshConnection> {
    if (this.given)
      return Promise.reject(
        new SshError('channel', `This use of the connection to ${this.target} has ended. Lease it again.`, {
          target: this.target,
        }),
      );
    return this.entry.ready(signal);
  }

  async exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult> {
    return (await this.connected(options?.signal)).exec(argv, options);
  }

  async streamLocal(path: string, options?: { signal?: AbortSignal }): Promise<Duplex> {
    return (await this.connected(options?.signal)).streamLocal(path, options);
  }

  async forwardTcp(host: string, port: number, options?: { signal?: AbortSignal }): Promise<Duplex> {
    return (await this.connected(options?.signal)).forwardTcp(host, port, options);
  }

  async reverseStreamLocal(
    path: string,
    onConnection: (stream: Duplex) => void,
  ): Promise<{ path: string; close(): Promise<void> }> {
    return (await this.connected()).reverseStreamLocal(path, onConnection);
  }

  async shell(options: ShellOptions): Promise<Shell> {
    return (await this.connected(options.signal)).shell(options);
  }

  async sftp(): Promise<RemoteFiles> {
    return (await this.connected()).sftp();
  }

  onClose(listener: (error?: Error) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  lost(error: Error | undefined): void {
    for (const listener of [...this.listeners]) listener(error);
  }

  close(): void {
    if (this.given) return;
    this.given = true;
    this.listeners.clear();
    this.entry.remove(this);
  }
}
