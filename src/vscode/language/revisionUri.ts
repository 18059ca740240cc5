import { isAbsolutePath } from '../paths';

/** The parts of an address that say which version of which file it is; a `vscode.Uri` has them. */
export interface Address {
  readonly scheme: string;
  readonly path: string;
  readonly query: string;
}

/** A file as it is, or was, in one version of its repository. */
export interface Revision {
  /** Absolute path on this computer, with `/`, as the file is called in that version. */
  path: string;
  /** As git calls the version: a commit, `HEAD`, `` for the index, `~` for the index or else `HEAD`. */
  ref: string;
  /** Side of the pull request; git's own diffs do not say it. */
  side?: 'base' | 'head';
  /** Number of the pull request, where it is told. */
  pullRequest?: number;
}

/** The same with what is needed to name a file beside it. */
interface Found extends Revision {
  at(path: string): Address | undefined;
}

/**
 * What the query of such a document says. `git:` is VS Code's own extension: `{ path, ref }`. `pr:` (not checked out) and `review:` (checked out)
 * are those of GitHub Pull Requests: `{ fileName, previousFileName, isBase, baseCommit, headCommit, prNumber }` and
 * `{ path, commit, base, rootPath }`.
 */
const readers: Record<string, (address: Address, query: Record<string, unknown>) => Found | undefined> = {
  git: gitRevision,
  pr: pullRequestRevision,
  review: reviewRevision,
};

/** Whether documents of this scheme show a version of a file, and can't be edited. */
export function isRevision({ scheme }: Pick<Address, 'scheme'>): boolean {
  return Object.hasOwn(readers, scheme);
}

/** undefined: it is no such document, or its query is not as it should be. */
export function revisionOf(address: Address): Revision | undefined {
  const found = read(address);
  if (!found) return undefined;
  const { at: _, ...revision } = found;
  return revision;
}

/**
 * Where a path that stands in such a document leads: the file in the same version. undefined: there is no telling, or it leads out of the
 * repository.
 */
export function siblingOf(address: Address, path: string): Address | undefined {
  const found = path === '' ? undefined : read(address);
  return found?.at(isAbsolutePath(path) ? normal(slashed(path)) : normal(`${folderOf(found.path)}/${slashed(path)}`));
}

/** The same version of the same file as git has it, where that is another address: it also knows files that a pull request did not change. */
export function inGit(address: Address): Address | undefined {
  const found = address.scheme === 'git' ? undefined : read(address);
  if (!found || found.ref === '') return undefined;
  const path = rooted(found.path);
  return { scheme: 'git', path, query: JSON.stringify({ path: onDisk(found.path), ref: found.ref }) };
}

function read(address: Address): Found | undefined {
  const reader = isRevision(address) ? readers[address.scheme] : undefined;
  if (!reader || !address.path.startsWith('/')) return undefined;
  try {
    const query: unknown = JSON.parse(address.query);
    return typeof query === 'object' && query !== null ? reader(address, query as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function gitRevision({ scheme }: Address, query: Record<string, unknown>): Found | undefined {
  const { path: file, ref, submoduleOf } = query;
  // Of a submodule it shows a diff, not a file.
  if (typeof file !== 'string' || !isAbsolutePath(file) || typeof ref !== 'string' || submoduleOf) return undefined;
  return {
    path: normal(slashed(file)),
    ref,
    at: path => ({ scheme, path: rooted(path), query: JSON.stringify({ ...query, path: onDisk(path, file) }) }),
  };
}

function pullRequestRevision({ scheme, path }: Address, query: Record<string, unknown>): Found | undefined {
  const { fileName, previousFileName, isBase, baseCommit, headCommit, prNumber } = query;
  const ref = isBase ? baseCommit : headCommit;
  if (typeof isBase !== 'boolean' || typeof ref !== 'string' || ref === '') return undefined;
  // `fileName` is the name at the head on both sides; the address has the name on its side.
  const root = [fileName, previousFileName]
    .map(name => (typeof name === 'string' && name !== '' ? withoutEnd(path, `/${name}`) : undefined))
    .find(found => found !== undefined);
  if (root === undefined) return undefined;
  return {
    path,
    ref,
    side: isBase ? 'base' : 'head',
    ...(typeof prNumber === 'number' && { pullRequest: prNumber }),
    at(sibling) {
      const name = below(root, sibling);
      if (name === undefined) return undefined;
      const { previousFileName: _, ...rest } = query;
      return { scheme, path: rooted(sibling), query: JSON.stringify({ ...rest, fileName: name }) };
    },
  };
}

function reviewRevision({ scheme, path }: Address, query: Record<string, unknown>): Found | undefined {
  const { path: file, commit, base, rootPath } = query;
  // Without a commit it stands for a file that is not there on this side.
  if (typeof file !== 'string' || typeof commit !== 'string' || commit === '') return undefined;
  if (typeof rootPath !== 'string' || !rootPath.startsWith('/')) return undefined;
  const root = rootPath.replace(/\/+$/, '');
  const name = below(root, file) ?? file;
  // Of a single commit the address begins with `/commit~1a2b3c4d/` instead of the folder of the repository.
  const start = withoutEnd(path, `/${name}`) ?? root;
  return {
    path: normal(`${root}/${name}`),
    ref: commit,
    ...(typeof base === 'boolean' && { side: base ? ('base' as const) : ('head' as const) }),
    at(sibling) {
      const inside = below(root, sibling);
      if (inside === undefined) return undefined;
      return { scheme, path: `${start}/${inside}`, query: JSON.stringify({ ...query, path: inside }) };
    },
  };
}

/** `/srv/book/a/b` below `/srv/book` is `a/b`. */
function below(root: string, path: string): string | undefined {
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;
}

function withoutEnd(text: string, end: string): string | undefined {
  return text.endsWith(end) ? text.slice(0, -end.length) : undefined;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function slashed(path: string): string {
  return path.replaceAll('\\', '/');
}

/** `c:/book` as addresses write it: `/c:/book`. */
function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

/** A path as git's extension writes it in the query: on Windows with `\`, and without a `/` before the drive. */
function onDisk(path: string, like?: string): string {
  const drive = /^\/?([a-zA-Z]:\/.*)$/.exec(path)?.[1];
  return drive !== undefined || like?.includes('\\') ? (drive ?? path).replaceAll('/', '\\') : path;
}

/** Without `.`, `..` and empty parts; never above the root. */
function normal(path: string): string {
  const start = path.startsWith('//') ? '//' : path.startsWith('/') ? '/' : '';
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return start + parts.join('/');
}
