import { rmSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Git, GitError } from './git';

/** Files of the working tree that a review can be about. */
export const reviewedFiles = [':(icase)*.yaml', ':(icase)*.yml', ':(icase)*.json', ':(top).virtbook/OWNERS'];

const folderName = 'virtbook-review-';
/** In ms. One that is younger may be somebody's whose process can't be seen from here, as in a container. */
const abandonedAfter = 3_600_000;

/**
 * The index or the working tree as a tree, so that it is read as every other revision is. The tree is written to a folder of its own, with a copy of
 * the index: the repository stays as it is.
 */
export class Snapshots {
  private constructor(
    readonly folder: string,
    /** Sees the objects of the repository and those of the snapshots. */
    readonly git: Git,
    private readonly index: string,
  ) {
    process.once('exit', this.#remove);
  }

  /** A process that ends before it has closed this leaves nothing behind either. */
  readonly #remove = (): void => rmSync(this.folder, { recursive: true, force: true });

  static async open(git: Git): Promise<Snapshots> {
    const [objects, index] = await Promise.all([
      git.line(['rev-parse', '--git-path', 'objects']),
      git.line(['rev-parse', '--git-path', 'index']),
    ]);
    const filters = await filtersOf(git);
    await removeAbandoned();
    const folder = await mkdtemp(join(tmpdir(), `${folderName}${process.pid}-`));
    const own = join(folder, 'objects');
    await mkdir(join(own, 'info'), { recursive: true });
    await writeFile(join(own, 'info', 'alternates'), `${resolve(git.folder, objects)}\n`);
    const over = { GIT_OBJECT_DIRECTORY: own, GIT_INDEX_FILE: join(folder, 'index') };
    return new Snapshots(folder, git.with(over, filters), resolve(git.folder, process.env.GIT_INDEX_FILE ?? index));
  }

  async tree(of: 'index' | 'worktree'): Promise<string> {
    await copied(this.index, join(this.folder, 'index')).catch((error: NodeJS.ErrnoException) => {
      // A repository without a first `git add` has none.
      if (error.code !== 'ENOENT') throw error;
    });
    if (of === 'worktree') await this.#takeFiles();
    const unmerged = await this.git.run(['ls-files', '--unmerged', '-z']);
    const [first] = unmerged.toString('utf8').split('\0');
    if (first) {
      const path = first.slice(first.indexOf('\t') + 1);
      throw new GitError(`${path} has a merge conflict. Resolve it, and \`git add\` it; then review the index.`);
    }
    return this.git.line(['write-tree']);
  }

  async #takeFiles(): Promise<void> {
    const listed = ['ls-files', '-z', '--modified', '--deleted', '--others', '--exclude-standard', '--deduplicate'];
    const files = await this.git.run([...listed, '--', ...reviewedFiles]);
    const { code, errors } = await this.git.ask(['update-index', '--add', '--remove', '-z', '--stdin'], files);
    if (code !== 0) throw new GitError(`The working tree can't be read: ${errors.trim()}`);
  }

  close(): Promise<void> {
    process.off('exit', this.#remove);
    return rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Folders of processes that were killed before they could remove them. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(folderName) ? /^\d+(?=-)/.exec(name.slice(folderName.length))?.[0] : undefined;
    if (pid === undefined || isAlive(Number(pid))) continue;
    const folder = join(tmpdir(), name);
    // Somebody else may have been quicker, or it is not ours to remove.
    const age = await stat(folder).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > abandonedAfter) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * As old as the original, or a little older: git looks into a file that is as new as the index, because it may have been changed in the same moment.
 */
async function copied(index: string, copy: string): Promise<void> {
  const { atime, mtimeMs } = await stat(index);
  await copyFile(index, copy);
  await utimes(copy, atime, Math.floor(mtimeMs / 1000));
}

/** Settings that turn off every filter that is set, so that none of their programs is run. */
async function filtersOf(git: Git): Promise<(readonly [string, string])[]> {
  const { output } = await git.ask(['config', '-z', '--name-only', '--get-regexp', '^filter\\..*']);
  const names = new Set(
    output
      .toString('utf8')
      .split('\0')
      .flatMap(key => key.match(/^filter\.(.*)\.[^.]+$/s)?.[1] ?? []),
  );
  return [...names].flatMap(name => [
    [`filter.${name}.clean`, ''] as const,
    [`filter.${name}.smudge`, ''] as const,
    [`filter.${name}.process`, ''] as const,
    [`filter.${name}.required`, 'false'] as const,
  ]);
}
