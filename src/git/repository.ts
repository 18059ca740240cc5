import { largestFile } from '../review/file-content';
import type { RevisionName } from '../review/model';
import type { ChangeSet } from '../review/revision';
import { Git, GitError, lineOf } from './git';
import { Objects } from './objects';
import { changesIn } from './raw-diff';
import { GitRevision } from './revision';
import { reviewedFiles, Snapshots } from './snapshot';
import { Trees } from './trees';

export interface ChangesOptions {
  /** A branch, a tag or a commit; what is compared is where the head left it. Default: the repository's main branch. */
  base?: string;
  /** A branch, a tag or a commit, `worktree` (default: what is in the folder now) or `index` (what would be committed). */
  head?: string;
}

interface NamedTree {
  name: RevisionName;
  /** Full hash. */
  tree: string;
}

/** Opens the repository that a folder is in. To be closed. @throws GitError */
export async function openRepository(folder: string): Promise<Repository> {
  const outside = new Git(folder);
  const { code, output, errors } = await outside.ask(['rev-parse', '--is-bare-repository']);
  if (code !== 0) throw new GitError(notOpened(folder, errors));
  const bare = lineOf(output) === 'true';
  if (bare) return new Repository(folder, bare);
  const top = await outside.ask(['rev-parse', '--show-toplevel']);
  if (top.code !== 0) throw new GitError(notOpened(folder, top.errors));
  return new Repository(lineOf(top.output), bare);
}

function notOpened(folder: string, errors: string): string {
  if (/not a git repository/i.test(errors))
    return `${folder} is in no git repository. Go to the folder of one, or begin one with \`git init\`.`;
  if (/must be run in a work tree/i.test(errors))
    return `${folder} is where git keeps its own files. Go to the folder that holds the runbooks.`;
  if (/dubious ownership/i.test(errors)) {
    const root = errors.match(/repository at '([^']*)'/)?.[1] ?? folder;
    return `git does not read ${root}, because it belongs to somebody else. If you trust it: \`git config --global --add safe.directory ${root}\`.`;
  }
  return `git can't read the repository of ${folder}: ${errors.trim().replace(/^fatal: /, '')}`;
}

/** A git repository on this computer, only to be read: nothing in it is changed, and no program that it names is run. */
export class Repository {
  readonly #git: Git;
  /** Changes that are being found out. */
  readonly #underWay = new Set<Promise<void>>();
  #snapshots: Promise<Snapshots> | undefined;
  /** A process each for commits alone, and for what is in no commit as well. */
  readonly #readers = new Map<Git, { objects: Objects; trees: Trees }>();

  constructor(
    /** Its folder. */
    readonly root: string,
    private readonly bare: boolean,
  ) {
    this.#git = new Git(root);
  }

  /** The branch that pull requests go to, as a revision for git. @throws GitError when it can't be told */
  async defaultBase(): Promise<string> {
    const remotes = (await this.#git.line(['remote'])).split('\n').filter(name => name !== '');
    const remote = remotes.includes('origin') || remotes.length !== 1 ? 'origin' : remotes[0]!;
    const branches = [`refs/remotes/${remote}/HEAD`, `refs/remotes/${remote}/main`, `refs/remotes/${remote}/master`];
    for (const branch of [...branches, 'refs/heads/main', 'refs/heads/master']) {
      if ((await this.#commit(branch)) === undefined) continue;
      const { code, output } = await this.#git.ask(['symbolic-ref', '--quiet', branch]);
      const meant = code === 0 ? output.toString('utf8').trim() : branch;
      return meant.replace(/^refs\/(remotes|heads)\//, '');
    }
    throw new GitError(
      'What to compare with is not known: there is no origin/HEAD, and no branch main or master. Say it with --base, e.g. `--base origin/develop`.',
    );
  }

  /** What has changed at the head since it left the base, as a pull request shows it. @throws GitError */
  changes(options: ChangesOptions): Promise<ChangeSet> {
    const found = this.#changes(options);
    const ended = found.then(
      () => undefined,
      () => undefined,
    );
    this.#underWay.add(ended);
    void ended.then(() => this.#underWay.delete(ended));
    return found;
  }

  async #changes({ base, head = 'worktree' }: ChangesOptions): Promise<ChangeSet> {
    const there = head === 'worktree' || head === 'index';
    if (there && this.bare)
      throw new GitError(`${this.root} has no working tree. Say what to review: --head with a branch or a commit.`);
    const snapshots = there ? await this.#openSnapshots() : undefined;
    const git = snapshots?.git ?? this.#git;
    const sides = await this.#sides(base, there ? undefined : head, git);
    const headTree = await snapshots?.tree(head as 'index' | 'worktree');
    const diff = ['diff-tree', '-r', '-z', '--raw', '--no-abbrev', '-M', '-l1000', '--no-ext-diff', '--no-textconv'];
    const output = await git.run([...diff, sides.base.tree, headTree ?? sides.head!.tree, '--', ...reviewedFiles]);
    const { objects, trees } = this.#readerOf(git);
    const headName = sides.head?.name ?? { label: head === 'index' ? 'the index' : 'the working tree' };
    return {
      base: new GitRevision(sides.base.name, sides.base.tree, git, objects, trees),
      head: new GitRevision(headName, headTree ?? sides.head!.tree, git, objects, trees),
      changes: changesIn(output.toString('utf8')),
    };
  }

  /** The commits that are compared. `head` undefined: what is in no commit yet, on top of HEAD. */
  async #sides(
    base: string | undefined,
    head: string | undefined,
    git: Git,
  ): Promise<{ base: NamedTree; head?: NamedTree }> {
    const headCommit = head === undefined ? await this.#commit('HEAD') : await this.#known(head, '--head');
    if (headCommit === undefined && (base === undefined || base === 'HEAD')) {
      // Before the first commit everything is new.
      const tree = (await git.run(['mktree'], '')).toString('utf8').trim();
      return { base: { name: { label: 'nothing' }, tree } };
    }
    const onto = base ?? (await this.defaultBase());
    const baseCommit = await this.#known(onto, '--base');
    if (headCommit === undefined)
      throw new GitError(`${this.root} has no commit yet, so it has nothing in common with ${onto}. Leave --base out.`);
    const from = await this.#mergeBase(baseCommit, headCommit, onto, head ?? 'HEAD');
    return {
      base: { name: { label: labelOf(onto), commit: from }, tree: await this.#treeOf(from) },
      ...(head !== undefined && {
        head: { name: { label: labelOf(head), commit: headCommit }, tree: await this.#treeOf(headCommit) },
      }),
    };
  }

  #treeOf(commit: string): Promise<string> {
    return this.#git.line(['rev-parse', '--verify', `${commit}^{tree}`]);
  }

  /** Ends the process that reads, and takes away what was written for it. */
  async close(): Promise<void> {
    // What git still writes there would be left behind.
    await Promise.all(this.#underWay);
    for (const { objects } of this.#readers.values()) objects.close();
    this.#readers.clear();
    const snapshots = await this.#snapshots?.catch(() => undefined);
    this.#snapshots = undefined;
    await snapshots?.close();
  }

  #readerOf(git: Git): { objects: Objects; trees: Trees } {
    let reader = this.#readers.get(git);
    if (!reader) {
      const objects = new Objects(git, largestFile);
      reader = { objects, trees: new Trees(objects) };
      this.#readers.set(git, reader);
    }
    return reader;
  }

  #openSnapshots(): Promise<Snapshots> {
    this.#snapshots ??= Snapshots.open(this.#git);
    return this.#snapshots;
  }

  /** Full hash of the commit that a revision names. */
  async #commit(revision: string): Promise<string | undefined> {
    // What begins with a dash is an option for git, and no branch can be called so.
    if (revision.startsWith('-')) return undefined;
    const { code, output } = await this.#git.ask(['rev-parse', '--verify', '--quiet', `${revision}^{commit}`]);
    return code === 0 ? output.toString('utf8').trim() : undefined;
  }

  async #known(revision: string, option: string): Promise<string> {
    const commit = await this.#commit(revision);
    if (commit !== undefined) return commit;
    const shallow = (await this.#isShallow()) ? ` ${fetchAll}` : ' Fetch it, or correct the name.';
    throw new GitError(`${option} ${revision}: there is no such branch, tag or commit in ${this.root}.${shallow}`);
  }

  async #mergeBase(base: string, head: string, baseName: string, headName: string): Promise<string> {
    const { code, output, errors } = await this.#git.ask(['merge-base', base, head]);
    if (code === 0) return output.toString('utf8').trim().split('\n')[0]!;
    if (code !== 1) throw new GitError(`git merge-base failed: ${errors.trim()}`);
    if (await this.#isShallow())
      throw new GitError(`Where ${headName} left ${baseName} is not in this clone, because it is shallow. ${fetchAll}`);
    throw new GitError(`${headName} and ${baseName} have no commit in common. Name another one with --base.`);
  }

  async #isShallow(): Promise<boolean> {
    return (await this.#git.line(['rev-parse', '--is-shallow-repository'])) === 'true';
  }
}

const fetchAll =
  'Fetch the whole history: `git fetch --unshallow`; `fetch-depth: 0` with actions/checkout, `GIT_DEPTH: 0` in GitLab.';

/** As somebody wrote it; of a full hash its beginning. */
function labelOf(revision: string): string {
  return /^[0-9a-f]{40,64}$/.test(revision)
    ? revision.slice(0, 12)
    : revision.replace(/^refs\/(heads|remotes|tags)\//, '');
}
