import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { RemoteFiles } from '../../ssh/contract';
import { SftpError } from '../../ssh/errors';

/** The few things that locks need of a host's files. */
export interface LockFiles {
  /** Names in a folder; undefined when there is no such folder. */
  list(folder: string): Promise<string[] | undefined>;
  /** undefined when there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** Makes it; false when it is there already. Of many who try, one succeeds; another may see it empty for a moment. */
  create(path: string, text: string): Promise<boolean>;
  /** Whole or not at all. */
  replace(path: string, text: string): Promise<void>;
  /** Idempotent. */
  remove(path: string): Promise<void>;
  /** By the host's clock, ms since 1970; undefined when there is no such file. */
  modified(path: string): Promise<number | undefined>;
  makeFolder(path: string): Promise<void>;
}

/** Everybody who may use libvirt there may see who holds what; who may change it is up to the folder. */
const mode = 0o644;
const noSuchFile = 2;
const denied = 3;

export function sftpLockFiles(files: RemoteFiles): LockFiles {
  const missing = (error: unknown): undefined => {
    if (error instanceof SftpError && error.status === noSuchFile) return undefined;
    throw error;
  };
  return {
    list: folder => files.readdir(folder).catch(missing),
    read: path => files.readFile(path, { maxBytes: 64 * 1024 }).then(String, missing),
    create: (path, text) => files.createExclusive(path, text, { mode }),
    replace: (path, text) => files.writeFile(path, text, { mode }),
    remove: path => files.unlink(path).catch(missing),
    modified: async path => {
      const found = await files.stat(path);
      return found && found.modified * 1000;
    },
    makeFolder: path => files.mkdirp(path),
  };
}

/** Of this computer. */
export const localLockFiles: LockFiles = {
  list: folder => readdir(folder).catch(absent),
  read: path => readFile(path, 'utf8').catch(absent),

  async create(path, text) {
    const handle = await open(path, 'wx', mode).catch((error: unknown) => {
      if (codeOf(error) === 'EEXIST') return undefined;
      throw error;
    });
    if (!handle) return false;
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return true;
  },

  async replace(path, text) {
    const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
    try {
      await localLockFiles.create(draft, text);
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  },

  remove: path => rm(path, { force: true }),
  modified: path => stat(path).then(found => found.mtimeMs, absent),
  makeFolder: async path => {
    await mkdir(path, { recursive: true });
  },
};

/** Whether a folder can't be used because of who may write there. */
export function isDenied(error: unknown): boolean {
  if (error instanceof SftpError) return error.status === denied;
  return ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error) ?? '');
}

function absent(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT') return undefined;
  throw error;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
