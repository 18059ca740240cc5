import { randomBytes } from 'node:crypto';
import { quoteArgv } from './shell-quote';

/** Collects a stream up to a limit. */
export class Output {
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private readonly limit: number;
  private readonly discard: boolean;
  private readonly seen: ((chunk: Buffer) => void) | undefined;

  constructor(limit: number, discard: boolean, seen: ((chunk: Buffer) => void) | undefined) {
    this.limit = limit;
    this.discard = discard;
    this.seen = seen;
  }

  /** False when this is more than the limit allows. */
  take(chunk: Buffer): boolean {
    if (chunk.length === 0) return true;
    this.seen?.(chunk);
    if (this.discard) return true;
    this.size += chunk.length;
    if (this.size > this.limit) return false;
    this.chunks.push(chunk);
    return true;
  }

  bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

/**
 * A command that first tells its process id on stderr, so that it can be ended from outside.
 * sshd refuses to signal the processes of root, and leaves them running when their channel closes.
 */
export class EndableCommand {
  readonly line: string;
  /** Known as soon as the remote shell has started. */
  readonly pid: Promise<number | undefined>;
  private found: (pid: number | undefined) => void = () => undefined;
  private held: Buffer | undefined = Buffer.alloc(0);
  private readonly token = `virtbook-${randomBytes(8).toString('hex')} `;

  constructor(argv: readonly string[]) {
    // No exec before "$@": what the shell itself knows has to work here as it does elsewhere.
    this.line = `exec ${quoteArgv(['sh', '-c', `echo "${this.token}$$" >&2; "$@"`, 'sh', ...argv])}`;
    this.pid = new Promise(resolve => {
      this.found = resolve;
    });
  }

  /** stderr without the line about the process id; what a login shell says before it is kept. */
  filter(chunk: Buffer): Buffer {
    if (this.held === undefined) return chunk;
    this.held = Buffer.concat([this.held, chunk]);
    const start = this.held.indexOf(this.token);
    const end = start < 0 ? -1 : this.held.indexOf('\n', start);
    if (end < 0) return this.held.length > 65_536 ? this.flush() : Buffer.alloc(0);
    const { held } = this;
    this.held = undefined;
    const pid = Number(held.toString('latin1', start + this.token.length, end));
    this.found(Number.isSafeInteger(pid) && pid > 1 ? pid : undefined);
    return Buffer.concat([held.subarray(0, start), held.subarray(end + 1)]);
  }

  /** What was held back, once no more comes. */
  flush(): Buffer {
    const rest = this.held ?? Buffer.alloc(0);
    this.held = undefined;
    this.found(undefined);
    return rest;
  }
}

/** A command that ends a process and, when it leads one, its whole group. */
export function endCommand(pid: number): string {
  const script = 'kill -TERM "-$1" 2>/dev/null || kill -TERM "$1"';
  return `exec ${quoteArgv(['sh', '-c', script, 'sh', String(pid)])}`;
}
