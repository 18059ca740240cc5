import type { Duplex } from 'node:stream';
import { HypervisorError } from '../errors';
import { FrameReader } from './frames';
import { keepAliveProgram, readWireError, remoteProgram } from './generated/procedures';
import { fromWire } from './libvirt-error';
import type { EventMessage, Procedure } from './procedure';
import { XdrReader, XdrWriter } from './xdr';

const messageType = { call: 0, reply: 1, message: 2, stream: 3 } as const;
const status = { ok: 0, error: 1, continue: 2 } as const;
const keepAlive = { ping: 1, pong: 2 } as const;
const HEADER_BYTES = 28;
/** Of one packet of a stream; libvirt takes up to 256 KiB. */
const PACKET_BYTES = 64 * 1024;
/** How long a host may take to confirm that a stream is over. */
const FINISH_MS = 5_000;
/** libvirtd reads on for a client only while fewer than max_client_requests (default 5) of its calls are at work. */
const LONG_CALLS_AT_ONCE = 3;

export interface RpcClientOptions {
  /** For error texts. */
  connection: string;
  /** A ping after this long without a word from the host; 0: never. Default 5,000. */
  keepAliveMs?: number;
  /** Pings in a row without an answer until the host counts as lost. Default 5. */
  keepAliveMisses?: number;
}

export interface RpcCallOptions {
  /** Default 60,000: libvirt itself waits up to 30 s for a VM's job lock. 0: no limit. */
  timeoutMs?: number;
  /** Checked before the call is sent; what is under way is stopped by other calls (e.g. DOMAIN_ABORT_JOB). */
  signal?: AbortSignal;
  /** May take minutes. A few run at once, others wait, so that short calls (the abort!) always get through. */
  long?: boolean;
}

/** What comes in on a stream. */
export interface StreamListener {
  data(bytes: Buffer): void;
  /** Called once, and last, unless this side finished it. */
  end(error?: Error): void;
}

/** Bytes both ways beside the calls, on the same connection. */
export interface RpcStream {
  write(bytes: Uint8Array): void;
  /** Says that this side is done, and waits until the host has said so too, or is gone. Idempotent. */
  finish(): Promise<void>;
}

interface OpenStream {
  listener: StreamListener;
  /** The call that opens it has been answered. */
  isOpen: boolean;
  /** After `finish`: the host has confirmed, or never will. */
  finished: (() => void) | undefined;
}

interface Pending {
  resolve(reader: XdrReader): void;
  reject(error: Error): void;
  call: string;
  timer: NodeJS.Timeout | undefined;
}

/**
 * One connection to libvirtd: calls are pipelined and matched by serial, as are streams. When the connection ends, every pending call
 * rejects with `unreachable` and outcome unknown, and the client is closed for good.
 */
export class RpcClient {
  private readonly pending = new Map<number, Pending>();
  private readonly handlers = new Map<number, Set<(reader: XdrReader) => void>>();
  /** By the serial of the call that opened each. */
  private readonly streams = new Map<number, OpenStream>();
  private readonly closeListeners = new Set<(error?: Error) => void>();
  private readonly longQueue: (() => void)[] = [];
  private readonly unsent: Buffer[] = [];
  private longRunning = 0;
  private serial = 1;
  private heard = Date.now();
  private unanswered = 0;
  private readonly pinger: NodeJS.Timeout | undefined;
  private ended: { error?: Error } | undefined;

  constructor(
    private readonly stream: Duplex,
    private readonly options: RpcClientOptions,
  ) {
    const frames = new FrameReader(body => this.receive(body));
    stream.on('data', (chunk: Buffer) => {
      this.heard = Date.now();
      this.unanswered = 0;
      try {
        frames.push(chunk);
      } catch (error) {
        this.end(error instanceof Error ? error : new Error(String(error)));
      }
    });
    stream.on('error', error => this.end(error));
    stream.on('close', () => this.end(new Error('the connection was closed by the host')));
    stream.on('end', () => this.end(new Error('the connection was closed by the host')));
    const every = options.keepAliveMs ?? 5_000;
    if (every > 0) {
      this.pinger = setInterval(() => this.keepAlive(every), every);
      this.pinger.unref();
    }
  }

  get closed(): boolean {
    return this.ended !== undefined;
  }

  /** @throws HypervisorError of the kind that fits libvirt's answer; `timeout` and `unreachable` leave the outcome unknown. */
  async call<A, R>(procedure: Procedure<A, R>, args: A, options: RpcCallOptions = {}): Promise<R> {
    if (options.long) await this.longTurn(options.signal);
    try {
      return procedure.read(await this.send(procedure, args, options));
    } finally {
      if (options.long) {
        this.longRunning--;
        this.longQueue.shift()?.();
      }
    }
  }

  /**
   * A call that opens a stream. Its packets carry the number and serial of the call.
   * @throws as `call` does; once it has resolved, what goes wrong is told by `listener.end`
   */
  async openStream<A, R>(
    procedure: Procedure<A, R>,
    args: A,
    listener: StreamListener,
    options: RpcCallOptions = {},
  ): Promise<RpcStream> {
    // Data may stand right behind the reply, so the listener is there before it.
    const { serial } = this;
    const opening: OpenStream = { listener, isOpen: false, finished: undefined };
    this.streams.set(serial, opening);
    try {
      await this.send(procedure, args, options);
      opening.isOpen = true;
    } catch (error) {
      this.streams.delete(serial);
      throw error;
    }
    const packet = (packetStatus: number, bytes: Buffer): void =>
      this.write(procedure.program, procedure.number, messageType.stream, serial, bytes, packetStatus);
    return {
      write: bytes => {
        const stream = this.streams.get(serial);
        if (!stream || stream.finished) return;
        for (let at = 0; at < bytes.length; at += PACKET_BYTES)
          packet(status.continue, Buffer.from(bytes.subarray(at, at + PACKET_BYTES)));
      },
      finish: () => {
        const stream = this.streams.get(serial);
        if (!stream || stream.finished) return Promise.resolve();
        return new Promise(resolve => {
          const done = () => {
            clearTimeout(timer);
            this.streams.delete(serial);
            resolve();
          };
          const timer = setTimeout(done, FINISH_MS);
          stream.finished = done;
          packet(status.ok, Buffer.alloc(0));
        });
      },
    };
  }

  private receivePacket(procedure: number, serial: number, packetStatus: number, body: Buffer): void {
    const stream = this.streams.get(serial);
    if (!stream) return;
    const payload = body.subarray(HEADER_BYTES - 4);
    if (packetStatus === status.continue && payload.length > 0) {
      if (!stream.finished) stream.listener.data(payload);
      return;
    }
    if (stream.finished) {
      // An empty packet is the end of its data, which may cross our own word; its confirmation still comes.
      if (packetStatus !== status.continue) stream.finished();
      return;
    }
    this.streams.delete(serial);
    // It waits for our word before it forgets the stream.
    if (packetStatus === status.continue)
      this.write(remoteProgram, procedure, messageType.stream, serial, Buffer.alloc(0));
    const error =
      packetStatus === status.error
        ? fromWire(readWireError(new XdrReader(body, HEADER_BYTES - 4)), this.options.connection, 'stream')
        : undefined;
    stream.listener.end(error);
  }

  private async longTurn(signal: AbortSignal | undefined): Promise<void> {
    if (this.longRunning >= LONG_CALLS_AT_ONCE) {
      await new Promise<void>(resolve => {
        const go = () => {
          signal?.removeEventListener('abort', give);
          resolve();
        };
        const give = () => {
          const at = this.longQueue.indexOf(go);
          if (at >= 0) this.longQueue.splice(at, 1);
          resolve();
        };
        this.longQueue.push(go);
        signal?.addEventListener('abort', give, { once: true });
      });
    }
    this.longRunning++;
  }

  private send<A, R>(procedure: Procedure<A, R>, args: A, options: RpcCallOptions): Promise<XdrReader> {
    const { connection } = this.options;
    if (this.ended) return Promise.reject(this.lost(procedure.name, false));
    if (options.signal?.aborted)
      return Promise.reject(
        new HypervisorError('cancelled', `${connection}: ${procedure.name} was not sent: cancelled.`),
      );
    const w = new XdrWriter();
    procedure.write(w, args);
    const serial = this.serial++;
    return new Promise((resolve, reject) => {
      const limit = options.timeoutMs ?? 60_000;
      const timer =
        limit > 0
          ? setTimeout(() => {
              // The late answer finds nobody waiting and is dropped.
              this.pending.delete(serial);
              const seconds = Math.round(limit / 100) / 10;
              reject(
                new HypervisorError(
                  'timeout',
                  `${connection}: libvirt gave no answer to ${procedure.name} in ${seconds} s; whether it took effect is not known.`,
                  { connection, host: connection },
                ),
              );
            }, limit)
          : undefined;
      this.pending.set(serial, { resolve, reject, call: procedure.name, timer });
      this.write(procedure.program, procedure.number, messageType.call, serial, w.bytes());
    });
  }

  private write(
    program: { number: number; version: number },
    procedure: number,
    type: number,
    serial: number,
    body: Buffer,
    packetStatus: number = status.ok,
  ): void {
    const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
    frame.writeUInt32BE(frame.length, 0);
    frame.writeUInt32BE(program.number, 4);
    frame.writeUInt32BE(program.version, 8);
    frame.writeInt32BE(procedure, 12);
    frame.writeUInt32BE(type, 16);
    frame.writeUInt32BE(serial, 20);
    frame.writeUInt32BE(packetStatus, 24);
    body.copy(frame, HEADER_BYTES);
    // Calls made at once go out as one write: over SSH each write is a packet to encrypt, and costs more than what it says.
    if (this.unsent.push(frame) === 1) process.nextTick(() => this.flush());
  }

  private flush(): void {
    const frames = this.unsent.splice(0);
    if (!this.ended) this.stream.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
  }

  private receive(body: Buffer): void {
    const program = body.readUInt32BE(0);
    const procedure = body.readInt32BE(8);
    const type = body.readUInt32BE(12);
    if (program === keepAliveProgram.number) {
      if (procedure === keepAlive.ping)
        this.write(keepAliveProgram, keepAlive.pong, messageType.message, 0, Buffer.alloc(0));
      return;
    }
    if (type === messageType.message && program === remoteProgram.number)
      for (const handle of this.handlers.get(procedure) ?? []) handle(new XdrReader(body, HEADER_BYTES - 4));
    const serial = body.readUInt32BE(16);
    if (type === messageType.stream) this.receivePacket(procedure, serial, body.readUInt32BE(20), body);
    if (type !== messageType.reply) return;
    const waiting = this.pending.get(serial);
    if (!waiting) return;
    this.pending.delete(serial);
    clearTimeout(waiting.timer);
    const reader = new XdrReader(body, HEADER_BYTES - 4);
    if (body.readUInt32BE(20) === status.ok) waiting.resolve(reader);
    else waiting.reject(fromWire(readWireError(reader), this.options.connection, waiting.call));
  }

  /** Handlers run in the order of the stream, before replies that come after the event. */
  on<M>(event: EventMessage<M>, handle: (message: M) => void): () => void {
    const handlers = this.handlers.get(event.number) ?? new Set();
    this.handlers.set(event.number, handlers);
    const run = (reader: XdrReader) => handle(event.read(reader));
    handlers.add(run);
    return () => handlers.delete(run);
  }

  private keepAlive(every: number): void {
    if (Date.now() - this.heard < every) return;
    if (this.unanswered >= (this.options.keepAliveMisses ?? 5)) {
      this.end(new Error(`no sign of life for ${Math.round((Date.now() - this.heard) / 1000)} s`));
      return;
    }
    this.unanswered++;
    this.write(keepAliveProgram, keepAlive.ping, messageType.message, 0, Buffer.alloc(0));
  }

  private lost(doing: string, wasSent: boolean): HypervisorError {
    const { connection } = this.options;
    const cause = this.ended?.error;
    const why = cause ? `: ${cause.message.replace(/\.$/, '')}` : ' (it was closed)';
    return new HypervisorError(
      'unreachable',
      `${connection}: the connection to libvirt is lost; ${doing} got no answer${why}.${wasSent ? ' Whether it took effect is not known.' : ''}`,
      { connection, host: connection, cause, outcomeUnknown: wasSent },
    );
  }

  private end(error?: Error): void {
    if (this.ended) return;
    this.ended = { error };
    clearInterval(this.pinger);
    for (const waiting of this.pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(this.lost(waiting.call, true));
    }
    this.pending.clear();
    const streams = [...this.streams.values()];
    this.streams.clear();
    for (const { listener, isOpen, finished } of streams) {
      if (finished) finished();
      else if (isOpen) listener.end(this.lost('a stream', false));
    }
    for (const go of this.longQueue.splice(0)) go();
    this.stream.destroy();
    for (const listener of this.closeListeners) listener(error);
    this.closeListeners.clear();
    this.handlers.clear();
  }

  /** Called once; with an error unless `close` ended it. */
  onClose(listener: (error?: Error) => void): () => void {
    this.closeListeners.add(listener);
    return () => this.closeListeners.delete(listener);
  }

  close(): void {
    this.end();
  }
}
