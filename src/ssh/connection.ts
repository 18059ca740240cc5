import type { Duplex, Readable } from 'node:stream';
import pLimit from 'p-limit';
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2';
import { nameOf, type ResolvedTarget, resolveTarget } from './config';
import type { ConnectOptions, ExecOptions, ExecResult, RemoteFiles, Shell, ShellOptions, SshSession } from './contract';
import { SftpError, SshConnectionLost, SshError } from './errors';
import { EndableCommand, endCommand, Output } from './exec-output';
import { Handshake } from './handshake';
import { SftpFiles } from './sftp-files';
import { quoteArgv } from './shell-quote';

// sshd's MaxSessions is 10 for each connection; two are kept for sftp and the warm-up.
const sessionsAtOnce = 8;
const defaultMaxOutput = 64 * 1024 * 1024;

type Fail = (error: Error) => void;

/** One SSH connection, its hops included. Made by `SshConnection.connect`; all operations may run at once. */
export class SshConnection implements SshSession {
  readonly target: string;
  private readonly client: Client;
  private readonly socket: Duplex;
  private readonly upstream: SshSession | undefined;
  private readonly listeners = new Set<(error?: Error) => void>();
  private readonly pending = new Set<Fail>();
  private readonly streams = new Set<ClientChannel>();
  private readonly reverse = new Map<string, (stream: Duplex) => void>();
  private readonly sessions = pLimit(sessionsAtOnce);
  private readonly helpers = pLimit(1);
  private files: Promise<RemoteFiles> | undefined;
  private isClosed = false;
  private closing = false;
  private warm = false;
  private lossReason = 'the other side closed it';
  private lossCause: unknown;

  private constructor(name: string, client: Client, socket: Duplex, upstream: SshSession | undefined) {
    this.target = name;
    this.client = client;
    this.socket = socket;
    this.upstream = upstream;
    client.on('error', error => this.noteLoss(error));
    client.on('close', () => this.finish());
    client.on('unix connection', (info, accept, reject) => {
      const handler = this.reverse.get(info.socketPath);
      if (handler === undefined) reject();
      else {
        const stream = accept();
        stream.on('error', ignore);
        handler(stream as Duplex);
      }
    });
  }

  /**
   * Connects through all hops; each host key is verified before anything is authenticated to that hop.
   * @throws SshError with any code but `channel`; `target` is the hop that failed.
   */
  static async connect(given: string, options: ConnectOptions = {}): Promise<SshConnection> {
    return SshConnection.connectResolved(resolveTarget(given, options), options);
  }

  /** The same for a target that is resolved already. */
  static async connectResolved(target: ResolvedTarget, options: ConnectOptions = {}): Promise<SshConnection> {
    let upstream: SshConnection | undefined;
    for (const hop of [...target.jumps, target]) {
      try {
        upstream = await SshConnection.connectHop(hop, options, upstream);
      } catch (error) {
        upstream?.close();
        throw error;
      }
    }
    return upstream!;
  }

  /** One hop: over TCP, or through an open session that this connection then owns and closes with itself. */
  static connectHop(target: ResolvedTarget, options: ConnectOptions, upstream?: SshSession): Promise<SshConnection> {
    return new Handshake(target, options, upstream).run((client, socket) => {
      const through = upstream ? ` through ${upstream.target}` : '';
      return new SshConnection(`${nameOf(target)}${through}`, client, socket, upstream);
    });
  }

  get closed(): boolean {
    return this.isClosed || this.closing;
  }

  exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      // Only a command that may have to be ended pays for being endable.
      const endable = signal !== undefined || options.timeoutMs !== undefined || options.maxOutputBytes !== undefined;
      const command = endable ? new EndableCommand(argv) : { line: quoteArgv(argv) };
      const aborted = () => reject(this.abortedError(`running ${argv[0]}`));
      if (signal?.aborted) return aborted();
      // Rejects at once even while it waits for its turn; in its turn it sees the signal itself.
      signal?.addEventListener('abort', aborted, { once: true });
      this.sessions(() => this.run(command, argv[0]!, options))
        .then(resolve, reject)
        .finally(() => signal?.removeEventListener('abort', aborted));
    });
  }

  private run(command: EndableCommand | { line: string }, name: string, options: ExecOptions): Promise<ExecResult> {
    const { signal, timeoutMs, maxOutputBytes = defaultMaxOutput } = options;
    const doing = `running ${name}`;
    const endable = command instanceof EndableCommand ? command : undefined;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(this.abortedError(doing));
      let channel: ClientChannel | undefined;
      let settled = false;
      let timer: NodeJS.Timeout | undefined;
      const release = this.track(error => settle(() => reject(error)));
      const settle = (act: () => void) => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        release();
        if (isStream(options.stdin) && channel) options.stdin.unpipe(channel);
        act();
      };
      const stop = (error: Error) =>
        settle(() => {
          if (channel) this.endProcess(channel, endable);
          reject(error);
        });
      const onAbort = () => stop(this.abortedError(doing));
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeoutMs !== undefined)
        timer = setTimeout(() => {
          const text = `${capital(doing)} on ${this.target} did not end within ${timeoutMs / 1000} s and was stopped.`;
          stop(new SshError('timeout', text, { target: this.target }));
        }, timeoutMs);
      this.warm = true;
      this.openSession(
        command.line,
        () => settled,
        error => settle(() => reject(this.channelError(doing, error))),
        opened => {
          channel = opened;
          const stdout = new Output(maxOutputBytes, options.discardOutput === true, options.onStdout);
          const stderr = new Output(maxOutputBytes, options.discardOutput === true, options.onStderr);
          const take = (output: Output, which: string, chunk: Buffer) => {
            if (settled) return;
            try {
              if (output.take(chunk)) return;
            } catch (thrown) {
              return stop(thrown instanceof Error ? thrown : new Error(String(thrown)));
            }
            stop(this.channelError(doing, new Error(`it wrote more than ${maxOutputBytes} bytes to ${which}`)));
          };
          channel.on('data', (chunk: Buffer) => take(stdout, 'stdout', chunk));
          // The filter runs on after the end: it is what finds the process to be ended.
          channel.stderr.on('data', (chunk: Buffer) => take(stderr, 'stderr', endable ? endable.filter(chunk) : chunk));
          let exit: { code: number | null; signal?: string } | undefined;
          channel.on('exit', (code: number | null, death?: string) => {
            exit = { code, ...(death ? { signal: death.replace(/^SIG/, '') } : {}) };
          });
          channel.on('close', () => {
            if (endable) take(stderr, 'stderr', endable.flush());
            const ended = exit;
            settle(() => {
              if (ended) resolve({ ...ended, stdout: stdout.bytes(), stderr: stderr.bytes() });
              else reject(this.channelError(doing, new Error('it ended without telling its exit status')));
            });
          });
          // Given up before the server answered: the process runs already, so it is ended.
          if (settled) this.endProcess(channel, endable);
          else this.feed(channel, options.stdin, error => stop(error));
        },
      );
    });
  }

  // sshd frees a session only when its process has ended, which may be a moment after its channel closed;
  // nothing has run yet when it refuses, so it is asked again.
  private openSession(
    line: string,
    unwanted: () => boolean,
    fail: Fail,
    opened: (channel: ClientChannel) => void,
    attempt = 0,
  ): void {
    this.attempt(fail, () =>
      this.client.exec(line, (error, channel) => {
        if (error && 'reason' in error && attempt < 6 && !unwanted())
          setTimeout(() => this.openSession(line, unwanted, fail, opened, attempt + 1), 25 * 2 ** attempt);
        else if (error) fail(error);
        else {
          channel.on('error', ignore);
          channel.stderr.on('error', ignore);
          opened(channel);
        }
      }),
    );
  }

  // Asked to end, not killed: what ignores TERM (dpkg in a critical part) has its reasons.
  private endProcess(channel: ClientChannel, endable: EndableCommand | undefined): void {
    channel.resume();
    channel.stderr.resume();
    const closeChannel = () => {
      clearTimeout(timer);
      channel.close();
    };
    // A shell that never tells its process id does not keep the channel.
    const timer = setTimeout(closeChannel, 5000);
    timer.unref();
    if (endable === undefined) closeChannel();
    endable?.pid.then(pid => {
      if (pid === undefined) closeChannel();
      else this.aside(endCommand(pid)).then(closeChannel, closeChannel);
    }, closeChannel);
  }

  // Small helpers of this connection itself, one at a time so that they fit beside everybody's commands.
  private aside(line: string): Promise<void> {
    return this.helpers(
      () =>
        new Promise<void>(resolve => {
          const release = this.track(() => resolve());
          const done = () => {
            release();
            resolve();
          };
          this.openSession(
            line,
            () => this.closed,
            done,
            channel => {
              channel.on('close', done);
              channel.resume();
              channel.stderr.resume();
              channel.end();
            },
          );
        }),
    );
  }

  private feed(channel: ClientChannel, stdin: ExecOptions['stdin'], fail: Fail): void {
    if (!isStream(stdin)) {
      channel.end(stdin);
      return;
    }
    stdin.on('error', error => fail(this.channelError('reading what to send', error)));
    stdin.pipe(channel);
  }

  streamLocal(path: string, options: { signal?: AbortSignal } = {}): Promise<Duplex> {
    this.warmUp();
    // sshd says no more than "open failed", whatever the reason.
    const hint = `. Check that this socket exists there, that this user may open it, and that sshd_config has AllowStreamLocalForwarding yes`;
    return this.open(`socket ${path}`, hint, options.signal, done =>
      this.client.openssh_forwardOutStreamLocal(path, done),
    );
  }

  forwardTcp(host: string, port: number, options: { signal?: AbortSignal } = {}): Promise<Duplex> {
    this.warmUp();
    const hint = `. Check that something listens there, and that sshd_config on ${this.target} has AllowTcpForwarding yes`;
    return this.open(`${host}:${port}`, hint, options.signal, done =>
      this.client.forwardOut('127.0.0.1', 0, host, port, done),
    );
  }

  async shell({ columns, rows, term = 'xterm-256color', signal }: ShellOptions): Promise<Shell> {
    const hint = `. Check that this user may have a terminal there (PermitTTY in sshd_config)`;
    const size = { cols: columns, rows, width: 0, height: 0 };
    const channel = await this.open('a shell', hint, signal, done => this.client.shell({ ...size, term }, done));
    const ended: Awaited<Shell['ended']> = {};
    channel.on('exit', (code: number | null, name?: string) => {
      if (code !== null) ended.code = code;
      else if (name !== undefined) ended.signal = name;
    });
    channel.on('error', (error: Error) => {
      ended.lost = error;
    });
    return {
      stream: channel,
      resize: (newColumns, newRows) => {
        if (!this.closed && channel.writable) channel.setWindow(newRows, newColumns, 0, 0);
      },
      ended: new Promise(resolve => channel.on('close', () => resolve(ended))),
    };
  }

  private open(
    what: string,
    hint: string,
    signal: AbortSignal | undefined,
    start: (done: (error: Error | undefined, channel: ClientChannel) => void) => void,
  ): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      const doing = `opening ${what}`;
      if (signal?.aborted) return reject(this.abortedError(doing));
      let settled = false;
      const settle = (act: () => void) => {
        if (settled) return;
        settled = true;
        release();
        signal?.removeEventListener('abort', onAbort);
        act();
      };
      const onAbort = () => settle(() => reject(this.abortedError(doing)));
      const release = this.track(error => settle(() => reject(error)));
      signal?.addEventListener('abort', onAbort, { once: true });
      this.attempt(settleWith(settle, reject), () =>
        start((error, channel) => {
          if (error) return settle(() => reject(this.channelError(doing, error, hint)));
          if (settled) return channel.destroy();
          this.streams.add(channel);
          channel.on('close', () => this.streams.delete(channel));
          settle(() => resolve(channel));
        }),
      );
    });
  }

  // sshd switches Nagle's algorithm off for a connection only when it starts a session on it;
  // until then small answers wait some 40 ms. Nobody waits for this, and a refusal does not matter.
  private warmUp(): void {
    if (this.warm || this.closed) return;
    this.warm = true;
    void this.aside('true');
  }

  async reverseStreamLocal(
    path: string,
    onConnection: (stream: Duplex) => void,
  ): Promise<{ path: string; close(): Promise<void> }> {
    if (this.reverse.has(path))
      throw this.channelError(`listening on ${path}`, new Error('this connection listens there already'));
    this.reverse.set(path, onConnection);
    try {
      await this.request(`listening on ${path}`, done => this.client.openssh_forwardInStreamLocal(path, done));
    } catch (error) {
      this.reverse.delete(path);
      throw error;
    }
    return {
      path,
      close: async () => {
        if (!this.reverse.delete(path) || this.closed) return;
        await this.request(`no longer listening on ${path}`, done =>
          this.client.openssh_unforwardInStreamLocal(path, done),
        );
        // sshd leaves the socket file, and would not listen on it a second time.
        await (await this.sftp()).unlink(path).catch((error: unknown) => {
          if (!(error instanceof SftpError && error.status === 2)) throw error;
        });
      },
    };
  }

  sftp(): Promise<RemoteFiles> {
    this.files ??= this.openSftp().catch((error: unknown) => {
      this.files = undefined;
      throw error;
    });
    return this.files;
  }

  private async openSftp(): Promise<RemoteFiles> {
    const wrapper = await this.request<SFTPWrapper>('opening sftp', done => this.client.sftp(done));
    wrapper.on('error', ignore);
    wrapper.on('close', () => {
      this.files = undefined;
    });
    return new SftpFiles(this.target, wrapper, fail => this.track(fail));
  }

  // One request with one answer, given up when the connection goes.
  private request<T = void>(
    doing: string,
    start: (done: (error?: Error | null, value?: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const release = this.track(reject);
      this.attempt(
        error => {
          release();
          reject(error);
        },
        () =>
          start((error, value) => {
            release();
            if (error) reject(this.channelError(doing, error));
            else resolve(value as T);
          }),
      );
    });
  }

  onClose(listener: (error?: Error) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    if (this.closing || this.isClosed) return;
    this.closing = true;
    this.client.end();
    // A peer that is gone never answers the goodbye.
    const timer = setTimeout(() => this.socket.destroy(), 2000);
    timer.unref();
    this.client.once('close', () => clearTimeout(timer));
  }

  // The library throws when its socket is gone.
  private attempt(fail: Fail, start: () => void): void {
    if (this.closed) {
      fail(this.lost());
      return;
    }
    try {
      start();
    } catch (error) {
      this.lossCause ??= error;
      fail(this.lost());
    }
  }

  private track(fail: Fail): () => void {
    this.pending.add(fail);
    return () => this.pending.delete(fail);
  }

  private noteLoss(error: Error): void {
    this.lossCause ??= error;
    this.lossReason =
      error.message === 'Keepalive timeout'
        ? 'it no longer answers keep-alive messages'
        : error.message || 'network error';
  }

  private lost(): SshConnectionLost {
    return new SshConnectionLost(this.target, this.closing ? 'it was closed here' : this.lossReason, this.lossCause);
  }

  private finish(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const error = this.lost();
    for (const fail of [...this.pending]) fail(error);
    this.pending.clear();
    if (!this.closing)
      for (const stream of this.streams) if (stream.listenerCount('error') > 0) stream.emit('error', error);
    this.streams.clear();
    this.upstream?.close();
    for (const listener of [...this.listeners]) listener(this.closing ? undefined : error);
    this.listeners.clear();
  }

  private channelError(doing: string, cause: Error, hint = ''): SshError {
    if (cause instanceof SshError) return cause;
    const why = cause.message.replace('(SSH) Channel open failure: ', '');
    return new SshError('channel', `${capital(doing)} on ${this.target} failed: ${why}${hint}.`, {
      target: this.target,
      cause,
    });
  }

  private abortedError(doing: string): SshError {
    return new SshError('aborted', `${capital(doing)} on ${this.target} was cancelled.`, { target: this.target });
  }
}

function settleWith(settle: (act: () => void) => void, reject: Fail): Fail {
  return error => settle(() => reject(error));
}

function isStream(value: ExecOptions['stdin']): value is Readable {
  return typeof value === 'object' && 'pipe' in value;
}

function ignore(): void {
  // The 'close' that follows is what counts.
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
