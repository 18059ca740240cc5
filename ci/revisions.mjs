// Revisions as CI has them: often only the newest commit is there, and what to compare it with has to be fetched.
import { spawnSync } from 'node:child_process';

/** What git answers, without the line's end; undefined when it says no. */
export function git(folder, ...args) {
  const { status, stdout, error } = spawnSync('git', args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (error) throw new Error(`git can't be run: ${error.message}`);
  return status === 0 ? stdout.trimEnd() : undefined;
}

/** The full hash of a commit; undefined when it is not here. */
export function commitOf(folder, revision) {
  return git(folder, 'rev-parse', '--quiet', '--verify', '--end-of-options', `${revision}^{commit}`);
}

/**
 * The commit that `base` names, with enough history to see where `head` left it; fetched from `origin` as far as it is not here.
 * @throws when there is no such commit, here or there
 */
export function fetchBase(folder, base, head) {
  const found = commitOf(folder, base) ?? commitOf(folder, `origin/${base}`) ?? fetched(folder, base);
  if (found === undefined) {
    throw new Error(
      `The base ${base} is neither here nor can it be fetched from origin. Correct its name, or check out the whole history (fetch-depth: 0 on GitHub, GIT_DEPTH: 0 on GitLab).`,
    );
  }
  const isShallow = git(folder, 'rev-parse', '--is-shallow-repository') === 'true';
  if (isShallow && git(folder, 'merge-base', found, head) === undefined) {
    // Where they parted is not among the few commits that are here.
    git(folder, 'fetch', '--quiet', '--no-tags', '--unshallow', '--', 'origin');
  }
  return found;
}

function fetched(folder, revision) {
  if (git(folder, 'fetch', '--quiet', '--no-tags', '--depth=1', '--', 'origin', revision) === undefined)
    return undefined;
  return commitOf(folder, 'FETCH_HEAD');
}

/** Parents of a commit, also of one whose parents are not here. */
export function parentsOf(folder, revision) {
  const text = git(folder, 'cat-file', 'commit', revision) ?? '';
  return [...text.split('\n\n', 1)[0].matchAll(/^parent ([0-9a-f]+)$/gm)].map(([, hash]) => hash);
}
