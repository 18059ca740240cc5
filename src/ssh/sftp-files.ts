import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { SFTPWrapper, Stats } from 'ssh2';
import type { RemoteFiles, SftpStat } from './contract';
import { SftpError } from './errors';

const noSuchFile = 2;
const failure = 4;

type Done<T> = (error: Error | undefined | null, value?: T) => void;

/** Remote files over one sftp channel. */
export class SftpFiles implements RemoteFiles {
  private readonly target: string;
  private readonly sftp: SFTPWrapper;
  private readonly track: (fail: (error: Error) => void) => () => void;

  /** `track` registers what to call when the connection goes, since the library leaves such calls unanswered. */
  constructor(target: string, sftp: SFTPWrapper, track: (fail: (error: Error) => void) => () => void) {
    this.target = target;
    this.sftp = sftp;
    this.track = track;
  }

  async readFile(path: string, options: { maxBytes?: number } = {}): Promise<Buffer> {
    const limit = options.maxBytes;
    if (limit !== undefined) {
      const { size } = await this.call<Stats>('read', path, done => this.sftp.stat(path, done));
      if (size > limit)
        throw new SftpError(this.target, path, 'read', failure, `it has ${size} bytes, more than the ${limit} allowed`);
    }
    return this.call<Buffer>('read', path, done => this.sftp.readFile(path, done));
  }

  async writeFile(path: string, data: Buffer | string, options: { mode?: number } = {}): Promise<void> {
    const temporary = posix.join(posix.dirname(path), `.${posix.basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
    try {
      await this.create(temporary, data, options.mode);
      await this.call('write', path, done => this.sftp.ext_openssh_rename(temporary, path, done));
    } catch (error) {
      await this.unlink(temporary).catch(() => undefined);
      throw error;
    }
  }

  async createExclusive(path: string, data: Buffer | string, options: { mode?: number } = {}): Promise<boolean> {
    let handle: Buffer;
    try {
      handle = await this.openNew(path, options.mode);
    } catch (error) {
      // The protocol has no "exists" of its own: it is a plain failure, told apart by looking.
      if (error instanceof SftpError && error.status === failure && (await this.exists(path))) return false;
      throw error;
    }
    try {
      await this.fill(path, handle, data);
    } catch (error) {
      await this.unlink(path).catch(() => undefined);
      throw error;
    }
    return true;
  }

  unlink(path: string): Promise<void> {
    return this.call('unlink', path, done => this.sftp.unlink(path, done));
  }

  async stat(path: string): Promise<SftpStat | undefined> {
    try {
      return shape(await this.call<Stats>('stat', path, done => this.sftp.stat(path, done)));
    } catch (error) {
      if (error instanceof SftpError && error.status === noSuchFile) return undefined;
      throw error;
    }
  }

  async readdir(path: string): Promise<string[]> {
    const entries = await this.call<{ filename: string }[]>('list', path, done => this.sftp.readdir(path, done));
    return entries.map(entry => entry.filename).sort();
  }

  async mkdirp(path: string, options: { mode?: number } = {}): Promise<void> {
    const found = await this.stat(path);
    if (found?.kind === 'directory') return;
    if (found) throw new SftpError(this.target, path, 'mkdir', failure, 'something that is no folder is in its place');
    const parent = posix.dirname(path);
    if (parent !== path) await this.mkdirp(parent, options);
    try {
      await this.call('mkdir', path, done => this.sftp.mkdir(path, { mode: options.mode ?? 0o755 }, done));
    } catch (error) {
      // Somebody else was quicker.
      if ((await this.stat(path))?.kind !== 'directory') throw error;
    }
  }

  // A link that points nowhere is in the way as well.
  private async exists(path: string): Promise<boolean> {
    return this.call<Stats>('stat', path, done => this.sftp.lstat(path, done)).then(
      () => true,
      () => false,
    );
  }

  private async create(path: string, data: Buffer | string, mode: number | undefined): Promise<void> {
    await this.fill(path, await this.openNew(path, mode), data);
  }

  private openNew(path: string, mode = 0o644): Promise<Buffer> {
    return this.call<Buffer>('create', path, done => this.sftp.open(path, 'wx', { mode }, done));
  }

  private async fill(path: string, handle: Buffer, data: Buffer | string): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    try {
      if (bytes.length > 0)
        await this.call('write', path, done =>
          this.sftp.write(handle, bytes, 0, bytes.length, 0, error => done(error)),
        );
      await this.sync(path, handle);
    } finally {
      await this.call('close', path, done => this.sftp.close(handle, done));
    }
  }

  private sync(path: string, handle: Buffer): Promise<void> {
    return this.call('sync', path, done => {
      try {
        this.sftp.ext_openssh_fsync(handle, error => done(error));
      } catch {
        // The library throws when the server has no such extension: then the server's own care has to do.
        done(null);
      }
    });
  }

  private call<T = void>(operation: string, path: string, start: (done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const release = this.track(reject);
      const done: Done<T> = (error, value) => {
        release();
        if (error) reject(this.shapeError(operation, path, error));
        else resolve(value as T);
      };
      try {
        start(done);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  private shapeError(operation: string, path: string, error: Error): SftpError {
    const status = 'code' in error && typeof error.code === 'number' ? error.code : failure;
    return new SftpError(this.target, path, operation, status, error.message.toLowerCase());
  }
}

function shape(stats: Stats): SftpStat {
  const kind = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'directory'
      : stats.isSymbolicLink()
        ? 'symlink'
        : 'other';
  return {
    kind,
    size: stats.size,
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    modified: stats.mtime,
  };
}
