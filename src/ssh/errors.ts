/**
 * What went wrong, as a machine reads it:
 * `host-unknown` / `host-key-changed` / `host-key-revoked`: the host key was refused, nothing was authenticated;
 * `auth-failed`: no method was accepted; `unreachable`: no TCP or tunnel; `timeout`: a limit in time was hit;
 * `lost`: an open connection went away; `config`: the target or its config files make no sense;
 * `channel`: the connection is fine, one channel (exec, forward, sftp) failed; `aborted`: the caller's signal fired.
 */
export type SshErrorCode =
  | 'host-unknown'
  | 'host-key-changed'
  | 'host-key-revoked'
  | 'auth-failed'
  | 'unreachable'
  | 'timeout'
  | 'lost'
  | 'config'
  | 'channel'
  | 'aborted';

/** Every error that leaves this room. `message` names the target (and hop), and says what to do next. */
export class SshError extends Error {
  readonly code: SshErrorCode;
  /** `user@host:port` of the hop that failed, when one is known. */
  readonly target: string | undefined;

  constructor(code: SshErrorCode, message: string, options: { target?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SshError';
    this.code = code;
    this.target = options.target;
  }
}

/** The connection that carried this operation is gone; whether the operation took effect is not known. */
export class SshConnectionLost extends SshError {
  constructor(target: string, reason: string, cause?: unknown) {
    super('lost', `Lost the SSH connection to ${target}: ${reason}.`, { target, cause });
    this.name = 'SshConnectionLost';
  }
}

/** An sftp request the server answered with a failure. `status` is the SFTP status (2 no such file, 3 denied, 4 failure). */
export class SftpError extends SshError {
  readonly status: number;
  readonly path: string;

  constructor(target: string, path: string, operation: string, status: number, detail: string) {
    super('channel', `sftp ${operation} ${path} on ${target}: ${detail}.`, { target });
    this.name = 'SftpError';
    this.status = status;
    this.path = path;
  }
}
