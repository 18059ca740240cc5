import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { type Git, GitError, notStarted } from './git';

export interface GitObject {
  type: 'blob' | 'tree' | 'commit' | 'tag';
  size: number;
  /** undefined: it is larger than was asked for. */
  content?: Buffer;
}

interface Asked {
  id: string;
  resolve(found: GitObject): void;
  reject(error: Error): void;
}

/** Objects of a repository by their ids, all read by one process, which is started with the first. */
export class Objects {
  #child: ChildProcessWithoutNullStreams | undefined;
  #asked: Asked[] = [];
  #pieces: Buffer[] = [];
  /** The object whose content is being read. */
  #reading: { type: GitObject['type']; size: number; left: number; pieces: Buffer[] | undefined } | undefined;
  #closed = false;

  constructor(
    private readonly git: Git,
    /** Objects that are larger are not kept, in bytes. */
    private readonly largest: number,
  ) {}

  /** `id`: its full hash. @throws GitError when there is none, or the process ends */
  read(id: string): Promise<GitObject> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new GitError('The repository is closed.'));
      this.#child ??= this.#start();
      this.#asked.push({ id, resolve, reject });
      this.#child.stdin.write(`${id}\n`);
    });
  }

  close(): void {
    this.#closed = true;
    this.#child?.stdin.end();
    this.#child?.kill();
    this.#fail(new GitError('The repository is closed.'));
  }

  #start(): ChildProcessWithoutNullStreams {
    const child = this.git.start(['cat-file', '--batch']);
    let said = '';
    child.stderr.on('data', (piece: Buffer) => {
      said = (said + piece.toString('utf8')).slice(-2000);
    });
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (piece: Buffer) => this.#take(piece));
    child.on('error', error => this.#fail(notStarted(error, this.git.folder)));
    child.on('close', () => this.#fail(new GitError(`git cat-file ended: ${said.trim() || 'it did not say why.'}`)));
    return child;
  }

  #fail(error: Error): void {
    for (const one of this.#asked) one.reject(error);
    this.#asked = [];
    this.#child = undefined;
  }

  #take(piece: Buffer): void {
    let rest = piece;
    while (rest.length > 0) rest = this.#reading ? this.#content(rest) : this.#header(rest);
  }

  /** Up to the end of a line `ID TYPE SIZE`. Gives back what stands behind it. */
  #header(piece: Buffer): Buffer {
    const end = piece.indexOf(10);
    this.#pieces.push(end < 0 ? piece : piece.subarray(0, end));
    if (end < 0) return Buffer.alloc(0);
    const line = Buffer.concat(this.#pieces).toString('utf8');
    this.#pieces = [];
    const [, type, size] = line.split(' ');
    if (size === undefined) {
      const asked = this.#asked.shift();
      asked?.reject(
        new GitError(`The repository has no object ${asked.id}. Fetch it; \`git fsck\` says what else is missing.`),
      );
    } else {
      const bytes = Number(size);
      // A newline follows the content.
      this.#reading = {
        type: type as GitObject['type'],
        size: bytes,
        left: bytes + 1,
        pieces: bytes > this.largest ? undefined : [],
      };
    }
    return piece.subarray(end + 1);
  }

  #content(piece: Buffer): Buffer {
    const reading = this.#reading!;
    const own = piece.subarray(0, reading.left);
    reading.pieces?.push(own);
    reading.left -= own.length;
    if (reading.left === 0) {
      this.#reading = undefined;
      const { type, size, pieces } = reading;
      this.#asked.shift()?.resolve({ type, size, ...(pieces && { content: Buffer.concat(pieces).subarray(0, size) }) });
    }
    return piece.subarray(own.length);
  }
}
