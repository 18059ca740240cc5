import type { Duplex, Readable } from 'node:stream';

/** A question about a host key that no known_hosts file knows. */
export interface HostKeyQuestion {
  /** The name as the user typed it. */
  target: string;
  /** The name as known_hosts would hold it: `host` or `[host]:port`. */
  host: string;
  /** Key type, e.g. `ssh-ed25519`. */
  keyType: string;
  /** `SHA256:…` as `ssh-keygen -lf` prints it. */
  fingerprint: string;
  /** File that an accepted key is appended to; empty when there is none. */
  file: string;
  /** Something the person should know before answering. */
  note?: string;
}

/** `accept-and-save` appends to known_hosts; `accept-once` trusts for this process only. */
export type HostKeyAnswer = 'accept-and-save' | 'accept-once' | 'refuse';

/** How the room asks a person. Every callback is optional: what cannot be asked is refused with a text that says so. */
export interface SshPrompts {
  /** Asked once per host, however many connections wait for it. */
  askHostKey?: (question: HostKeyQuestion) => Promise<HostKeyAnswer>;
  /** undefined = skip this key. */
  askPassphrase?: (keyPath: string, attempt: number) => Promise<string | undefined>;
  /** undefined = don't try a password. */
  askPassword?: (target: string, attempt: number) => Promise<string | undefined>;
  /** Keyboard-interactive questions (one-time codes and the like). undefined = give up. */
  askKeyboard?: (
    target: string,
    prompts: readonly { prompt: string; echo: boolean }[],
  ) => Promise<readonly string[] | undefined>;
}

export interface ConnectOptions extends SshPrompts {
  /** An OpenSSH client config file instead of ~/.ssh/config (the system file is then left out, as with `ssh -F`). */
  configFile?: string;
  /** Values that win over every config file. */
  override?: TargetOverride;
  /** Whole connect including prompts is given up on abort. */
  signal?: AbortSignal;
  /** For one hop's TCP connect, key exchange and authentication, without time spent in prompts. Default: ConnectTimeout or 10,000. */
  connectTimeoutMs?: number;
  /** Lines of protocol trace with secrets struck out. */
  debug?: (line: string) => void;
}

/** The same meaning as the OpenSSH option of that name. */
export interface TargetOverride {
  hostName?: string;
  port?: number;
  user?: string;
  /** Used before those of config files. */
  identityFiles?: string[];
  identitiesOnly?: boolean;
  /** Socket path, `none`, or `SSH_AUTH_SOCK`. */
  identityAgent?: string;
  /** `none`, or a comma list of `[user@]host[:port]`. */
  proxyJump?: string;
  userKnownHostsFiles?: string[];
  globalKnownHostsFiles?: string[];
}

export interface ExecOptions {
  stdin?: Buffer | string | Readable;
  /** On abort the remote process gets TERM and the channel is closed; rejects with code `aborted`. */
  signal?: AbortSignal;
  /** Rejects with code `timeout`, after the same as on abort. */
  timeoutMs?: number;
  onStdout?: (chunk: Buffer) => void;
  onStderr?: (chunk: Buffer) => void;
  /** Limit for stdout and for stderr, each, in bytes. Default 64 MiB; above it the exec is ended with code `channel`. */
  maxOutputBytes?: number;
  /** Do not keep stdout/stderr (the callbacks still see all of it). */
  discardOutput?: boolean;
}

export interface ExecResult {
  /** Exit status; null when the process died of a signal. */
  code: number | null;
  /** Without `SIG`, e.g. `TERM`. */
  signal?: string;
  stdout: Buffer;
  stderr: Buffer;
}

export interface SftpStat {
  kind: 'file' | 'directory' | 'symlink' | 'other';
  size: number;
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since 1970. */
  modified: number;
}

/** Files on the remote side. Errors are SftpError (`status` 2 = no such file). */
export interface RemoteFiles {
  readFile(path: string, options?: { maxBytes?: number }): Promise<Buffer>;
  /** Whole or not at all: temporary file beside it, then posix rename. */
  writeFile(path: string, data: Buffer | string, options?: { mode?: number }): Promise<void>;
  /** Makes the file; false when it is there already. Atomic on the server. */
  createExclusive(path: string, data: Buffer | string, options?: { mode?: number }): Promise<boolean>;
  unlink(path: string): Promise<void>;
  /** undefined when there is no such file. */
  stat(path: string): Promise<SftpStat | undefined>;
  readdir(path: string): Promise<string[]>;
  mkdirp(path: string, options?: { mode?: number }): Promise<void>;
}

export interface ShellOptions {
  columns: number;
  rows: number;
  /** What the terminal understands. Default `xterm-256color`. */
  term?: string;
  signal?: AbortSignal;
}

/** The user's login shell on a terminal there. */
export interface Shell {
  readonly stream: Duplex;
  resize(columns: number, rows: number): void;
  /** How it ended; nothing of both when it was closed here. */
  readonly ended: Promise<{ code?: number; signal?: string; lost?: Error }>;
}

/** What users of a connection see; `SshConnection` implements it, and so does a lease from the pool. */
export interface SshSession {
  /** `user@host:port`. */
  readonly target: string;
  readonly closed: boolean;
  /** Runs argv with no shell interpretation of its words (they are quoted). Rejects only when the outcome is not an exit. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** A stream to a unix socket on the host. */
  streamLocal(path: string, options?: { signal?: AbortSignal }): Promise<Duplex>;
  /** A stream to host:port as seen from the host. */
  forwardTcp(host: string, port: number, options?: { signal?: AbortSignal }): Promise<Duplex>;
  /** Listens on a unix socket on the host; each connection to it reaches `onConnection`. Ends with `close()`. */
  reverseStreamLocal(
    path: string,
    onConnection: (stream: Duplex) => void,
  ): Promise<{ path: string; close(): Promise<void> }>;
  shell(options: ShellOptions): Promise<Shell>;
  sftp(): Promise<RemoteFiles>;
  /** Called once when the connection goes; without error when it was closed on purpose. */
  onClose(listener: (error?: Error) => void): () => void;
  /** A lease gives its share back; a connection of its own is ended. */
  close(): void;
}

/** Connections shared by resolved target. */
export interface SshConnections {
  /** A lease on the one connection to that target; `close()` gives it back. */
  lease(target: string, options?: { signal?: AbortSignal }): Promise<SshSession>;
  /** Leases, runs, gives back. */
  use<T>(target: string, work: (session: SshSession) => Promise<T>, options?: { signal?: AbortSignal }): Promise<T>;
  /** Ends all connections. */
  close(): Promise<void>;
}
