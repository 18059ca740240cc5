import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { SshError } from '../../ssh/errors';
import { HypervisorError } from '../errors';
import { parseLockRecord } from '../lock-record';
import type { HeldLock, HostLocks, LockRecord } from '../ports';
import { isDenied, type LockFiles } from './lock-files';

/** Where locks are kept on a host, unless the inventory says otherwise. */
export const usualLockFolder = '/var/lib/virtbook/locks';

/** A host that stopped answering is noticed after so long. */
const answerMs = 20_000;
/** Waits between looks at a file that is just being written. */
const halfWrittenLooks = [50, 100, 200, 400, 800];
/** Requests under way at once: sshd's sftp has only so many open files. */
const atOnce = 8;
/** Another try is only needed when somebody else was quicker; more than this is no accident any more. */
const mostTries = 100;

interface Call {
  /** It took too long: whoever called has been told so. */
  givenUp: boolean;
}

interface Seen {
  /** 0: never taken. */
  highest: number;
  /** Of all that are there. */
  numbers: number[];
}

/**
 * Locks as files in one folder of a host. A lock's name is followed by a number that only ever grows, and the highest one counts: odd, it is
 * held, and its file tells by whom; even, it is free. Whoever takes, gives back or breaks a lock makes the file of the next number, which
 * only one can, so nobody acts on what another has changed since. The number is the token.
 */
export class FolderLocks implements HostLocks {
  #busy = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    /** Its name in the inventory, for people. */
    private readonly connection: string,
    private readonly folder: string,
    private readonly open: () => Promise<LockFiles>,
  ) {}

  take(
    lock: Omit<LockRecord, 'token' | 'takenAt' | 'heartbeatAt'>,
  ): Promise<{ taken: LockRecord } | { heldBy: HeldLock }> {
    return this.#with(async (files, call) => {
      const stem = stemOf(lock.name);
      for (let tries = 0; tries < mostTries; tries++) {
        const { highest } = await this.#look(files, stem);
        let next = highest + 1;
        if (isHeld(highest)) {
          const held = await this.#read(files, stem, highest);
          if (!held) continue;
          if (held.runId !== lock.runId) {
            const heldBy = await this.#aged(files, held, await this.#now(files));
            if (!heldBy) continue;
            return { heldBy };
          }
          next = highest + 2;
        }
        const now = Date.now();
        const taken = recordOf(lock, next, now, now);
        if (!(await this.#advance(files, stem, next, JSON.stringify(taken)))) continue;
        // Nobody waits for it any more, so nobody would give it back.
        if (call.givenUp) await this.#advance(files, stem, next + 1, '');
        return { taken };
      }
      throw this.#error('busy', `others change the lock on ${lock.label} all the time.`);
    });
  }

  heartbeat(lock: LockRecord): Promise<boolean> {
    return this.#with(async files => {
      const stem = stemOf(lock.name);
      if (!(await this.#isOurs(files, stem, lock))) return false;
      const path = this.#path(stem, lock.token);
      await files.replace(path, JSON.stringify(recordOf(lock, lock.token, lock.takenAt, Date.now())));
      if ((await this.#look(files, stem)).highest === lock.token) return true;
      // It changed hands in between. The file of a lower number means nothing, but it need not lie there.
      await files.remove(path);
      return false;
    });
  }

  release(lock: LockRecord): Promise<void> {
    return this.#with(async files => {
      const stem = stemOf(lock.name);
      if (await this.#isOurs(files, stem, lock)) await this.#advance(files, stem, lock.token + 1, '');
    });
  }

  list(): Promise<HeldLock[]> {
    return this.#with(async files => {
      const names = (await files.list(this.folder)) ?? [];
      const stems = new Map<string, number>();
      for (const name of names) {
        const found = numbered(name);
        if (found) stems.set(found.stem, Math.max(found.number, stems.get(found.stem) ?? 0));
      }
      const held = [...stems].filter(([, number]) => isHeld(number));
      if (held.length === 0) return [];
      const now = await this.#now(files);
      const locks = await Promise.all(
        held.map(async ([stem, number]) => {
          const record = await this.#read(files, stem, number);
          return record && this.#aged(files, record, now);
        }),
      );
      return locks.filter(lock => lock !== undefined).sort((left, right) => (left.name < right.name ? -1 : 1));
    });
  }

  breakLock(name: string, token: number): Promise<boolean> {
    return this.#with(async files => {
      const stem = stemOf(name);
      const { highest } = await this.#look(files, stem);
      return highest === token && (await this.#advance(files, stem, token + 1, ''));
    });
  }

  /** Makes the file of a number, if that becomes the highest; then clears those below away. */
  async #advance(files: LockFiles, stem: string, number: number, text: string): Promise<boolean> {
    const path = this.#path(stem, number);
    if (!(await this.#create(files, path, text))) return false;
    const { highest, numbers } = await this.#look(files, stem);
    if (highest !== number) {
      // Made late, in a gap that others had left behind already.
      await files.remove(path);
      return false;
    }
    for (const lower of numbers) if (lower < number) await files.remove(this.#path(stem, lower));
    return true;
  }

  async #create(files: LockFiles, path: string, text: string): Promise<boolean> {
    try {
      return await files.create(path, text);
    } catch {
      // The folder is not there yet; or the file that was in the way is gone again.
      if ((await files.list(this.folder)) === undefined) await files.makeFolder(this.folder);
      return files.create(path, text);
    }
  }

  async #look(files: LockFiles, stem: string): Promise<Seen> {
    const numbers = ((await files.list(this.folder)) ?? []).flatMap(name => {
      const found = numbered(name);
      return found?.stem === stem ? [found.number] : [];
    });
    return { highest: Math.max(0, ...numbers), numbers };
  }

  /** The folder may have been emptied and filled anew, so the number alone doesn't tell. */
  async #isOurs(files: LockFiles, stem: string, lock: LockRecord): Promise<boolean> {
    const { highest } = await this.#look(files, stem);
    if (highest !== lock.token) return false;
    const found = await this.#read(files, stem, highest);
    return found?.runId === lock.runId && found.takenAt === lock.takenAt;
  }

  /** undefined: it is gone meanwhile. One that stays half written belongs to somebody whom nobody knows. */
  async #read(files: LockFiles, stem: string, number: number): Promise<LockRecord | undefined> {
    const path = this.#path(stem, number);
    for (let looks = 0; ; looks++) {
      const text = await files.read(path);
      if (text === undefined) return undefined;
      const record = parseLockRecord(text);
      if (record) return { ...record, token: number };
      const wait = halfWrittenLooks[looks];
      if (wait === undefined) break;
      await new Promise(resolve => setTimeout(resolve, wait));
    }
    const at = await files.modified(path);
    if (at === undefined) return undefined;
    const name = decodeURIComponent(stem);
    return {
      name,
      label: name,
      owner: 'unknown',
      runId: '',
      token: number,
      takenAt: at,
      heartbeatAt: at,
      note: `${path} is half written: whoever took it was cut off`,
    };
  }

  async #aged(files: LockFiles, record: LockRecord, now: number): Promise<HeldLock | undefined> {
    const at = await files.modified(this.#path(stemOf(record.name), record.token));
    return at === undefined ? undefined : { ...record, heartbeatAgeMs: Math.max(0, now - at) };
  }

  /** The host's time, as its files have it. */
  async #now(files: LockFiles): Promise<number> {
    const path = posix.join(this.folder, `.now.${randomBytes(6).toString('hex')}`);
    try {
      await files.create(path, '');
      return (await files.modified(path)) ?? Date.now();
    } catch (error) {
      // Who may not write there can still look.
      if (isDenied(error)) return Date.now();
      throw error;
    } finally {
      await files.remove(path).catch(() => undefined);
    }
  }

  #path(stem: string, number: number): string {
    return posix.join(this.folder, `${stem}.${number}`);
  }

  async #with<T>(work: (files: LockFiles, call: Call) => Promise<T>): Promise<T> {
    while (this.#busy >= atOnce) await new Promise<void>(resolve => this.#waiting.push(resolve));
    this.#busy++;
    const call: Call = { givenUp: false };
    try {
      return await this.#inTime(
        this.open().then(files => work(files, call)),
        call,
      );
    } catch (error) {
      throw this.#shape(error);
    } finally {
      this.#busy--;
      this.#waiting.shift()?.();
    }
  }

  #inTime<T>(work: Promise<T>, call: Call): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        call.givenUp = true;
        reject(this.#error('unreachable', `its locks in ${this.folder} gave no answer in ${answerMs / 1000} s.`));
      }, answerMs);
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  #shape(error: unknown): unknown {
    if (error instanceof HypervisorError) return error;
    const message = error instanceof Error ? error.message : String(error);
    const otherwise = `or set \`locks:\` of ${this.connection} in the inventory to another folder (or to \`none\`: then nobody is kept from its VMs).`;
    if (isDenied(error)) {
      return this.#error(
        'refused',
        `locks can't be kept in ${this.folder}, because you may not write there. Prepare it on the host, once: \`sudo install -d -m 2775 -g libvirt ${this.folder}\`; ${otherwise}`,
        error,
      );
    }
    if (error instanceof SshError && error.code !== 'channel') return this.#error('unreachable', message, error);
    return this.#error(
      'failed',
      `locks can't be kept in ${this.folder}: ${message} Put that right, ${otherwise}`,
      error,
    );
  }

  #error(kind: 'busy' | 'unreachable' | 'refused' | 'failed', message: string, cause?: unknown): HypervisorError {
    return new HypervisorError(kind, `${this.connection}: ${message}`, {
      connection: this.connection,
      host: this.connection,
      outcomeUnknown: false,
      cause,
    });
  }
}

function isHeld(number: number): boolean {
  return number % 2 === 1;
}

/** A name as the beginning of a file's name. */
function stemOf(name: string): string {
  return encodeURIComponent(name);
}

function numbered(file: string): { stem: string; number: number } | undefined {
  const match = /^([^.].*)\.([1-9]\d*)$/.exec(file);
  return match?.[1] !== undefined ? { stem: match[1], number: Number(match[2]) } : undefined;
}

/** Only what is kept: a caller's object may hold more. */
function recordOf(
  { name, label, owner, runId, note }: Omit<LockRecord, 'token' | 'takenAt' | 'heartbeatAt'>,
  token: number,
  takenAt: number,
  heartbeatAt: number,
): LockRecord {
  return { name, label, owner, runId, token, takenAt, heartbeatAt, note };
}
