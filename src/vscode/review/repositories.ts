import { realpath } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { Git } from '../../git/git';
import { currentBranch, type NamedRevision, namedRevisions } from '../../git/named-revisions';
import { openRepository, type Repository } from '../../git/repository';
import type { ChangeSet, FileChange } from '../../review/revision';
import type { OpenedChange, ReviewSource } from './reviewSource';
import type { Side } from './reviewUris';
import { withUnsaved } from './unsaved';

export type PickableRevision = NamedRevision;

/** A repository that a review can be made of. */
export interface FoundRepository {
  root: vscode.Uri;
  name: string;
  /** What branches are merged into; undefined: there is no telling. */
  defaultBase(): Promise<string | undefined>;
  /** undefined: no branch is checked out. */
  branch(): Promise<string | undefined>;
  revisions(): Promise<PickableRevision[]>;
  /** `base`: a revision, or `index`. The head is the working tree unless it is said. */
  source(range: { base: string; head?: 'index' }): ReviewSource;
}

/** The repository that a folder is in; without one, those of the workspace. `problems`: why others can't be read. */
export async function repositoriesFor(
  folder: vscode.Uri | undefined,
): Promise<{ repositories: FoundRepository[]; problems: string[] }> {
  const folders = folder ? [folder] : (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri);
  const found = new Map<string, FoundRepository>();
  const problems: string[] = [];
  for (const uri of folders.filter(({ scheme }) => scheme === 'file')) {
    try {
      const repository = await openRepository(uri.fsPath);
      const { root } = repository;
      await repository.close();
      if (!found.has(root)) found.set(root, foundRepository(root, await workspaceUri(uri, root)));
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { repositories: [...found.values()], problems };
}

/** The root of a repository as the workspace names it, which may go through symbolic links. */
async function workspaceUri(folder: vscode.Uri, root: string): Promise<vscode.Uri> {
  const below = path.relative(root, await realpath(folder.fsPath));
  if (below.startsWith('..') || path.isAbsolute(below)) return vscode.Uri.file(root);
  const up = below === '' ? [] : below.split(path.sep).map(() => '..');
  return vscode.Uri.joinPath(folder, ...up);
}

function foundRepository(root: string, uri: vscode.Uri): FoundRepository {
  const git = new Git(root);
  return {
    root: uri,
    name: path.basename(root),
    defaultBase: () => inRepository(root, repository => repository.defaultBase().catch(() => undefined)),
    branch: () => currentBranch(git),
    revisions: () => namedRevisions(git),
    source: range => new RepositorySource(root, uri, range),
  };
}

async function inRepository<T>(root: string, ask: (repository: Repository) => Promise<T>): Promise<T> {
  const repository = await openRepository(root);
  try {
    return await ask(repository);
  } finally {
    await repository.close();
  }
}

/** A change of a repository on this computer. */
class RepositorySource implements ReviewSource {
  readonly root: string;
  readonly unknowns: string[] = [];

  constructor(
    private readonly folder: string,
    private readonly uri: vscode.Uri,
    private readonly range: { base: string; head?: 'index' },
  ) {
    this.root = uri.path.replace(/\/$/, '');
  }

  async changes(): Promise<OpenedChange> {
    const repository = await openRepository(this.folder);
    const close = () => repository.close();
    try {
      return { changes: await this.changesIn(repository), close };
    } catch (error) {
      await close();
      throw error;
    }
  }

  private async changesIn(repository: Repository): Promise<ChangeSet> {
    const { base, head } = this.range;
    if (head) return repository.changes({ base, head });
    return withUnsaved(base === 'index' ? await notStaged(repository) : await repository.changes({ base }), this.uri);
  }

  documentOf(side: Side, file: string): vscode.Uri | undefined {
    return side === 'head' && this.range.head === undefined ? vscode.Uri.joinPath(this.uri, file) : undefined;
  }

  fileOf(uri: vscode.Uri): { side: Side; path: string } | undefined {
    if (this.range.head !== undefined || uri.scheme !== this.uri.scheme) return undefined;
    return uri.path.startsWith(`${this.root}/`)
      ? { side: 'head', path: uri.path.slice(this.root.length + 1) }
      : undefined;
  }
}

/** The working tree against the index. */
async function notStaged(repository: Repository): Promise<ChangeSet> {
  // One after the other: both are made in the same copy of the index.
  const staged = await repository.changes({ base: 'HEAD', head: 'index' });
  const all = await repository.changes({ base: 'HEAD' });
  const [base, head] = [staged.head, all.head];
  const paths = [...staged.changes, ...all.changes].flatMap(change =>
    change.status === 'renamed' ? [change.path, change.basePath] : [change.path],
  );
  const changes: FileChange[] = [];
  for (const path of [...new Set(paths)].sort()) {
    const [before, after] = await Promise.all([base.read(path), head.read(path)]);
    if (JSON.stringify(before) === JSON.stringify(after)) continue;
    const status = before.kind === 'missing' ? 'added' : after.kind === 'missing' ? 'deleted' : 'changed';
    changes.push({ status, path });
  }
  return { base, head, changes };
}
