// Revisions as CI has them: often only the newest commit is there, and what to compare it with has to be fetched.
import { spawnSync } from 'node:child_process';

/** What git answers, without the line's end; undefined when it says no. */
export function git(folder, ...args) {
  const { status, stdout } = ask(folder, args);
  return status === 0 ? stdout.trimEnd() : undefined;
}

function ask(folder, args) {
  // Nobody is there to be asked for a password.
  const env = { ...process.env, GIT_TERMINAL_PROMPT: '0' };
  const answer = spawnSync('git', args, { cwd: folder, env, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (answer.error) throw new Error(`git can't be run: ${answer.error.message}`);
  return answer;
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
  const isShallow = () => git(folder, 'rev-parse', '--is-shallow-repository') === 'true';
  const found = commitOf(folder, base) ?? commitOf(folder, `origin/${base}`) ?? fetched(folder, base, isShallow());
  if (isShallow() && git(folder, 'merge-base', found, head) === undefined) {
    // Where they parted is not among the few commits that are here.
    git(folder, 'fetch', '--quiet', '--no-tags', '--unshallow', '--', 'origin');
  }
  return found;
}

function fetched(folder, revision, isShallow) {
  const depth = isShallow ? ['--depth=1'] : [];
  const { status, stderr } = ask(folder, ['fetch', '--quiet', '--no-tags', ...depth, '--', 'origin', revision]);
  const commit = status === 0 ? commitOf(folder, 'FETCH_HEAD') : undefined;
  if (commit !== undefined) return commit;
  throw new Error(
    `The base ${revision} is neither here nor can it be fetched from origin (${stderr.trim()}). Correct its name, or check out the whole history: fetch-depth: 0 on GitHub, GIT_DEPTH: 0 on GitLab.`,
  );
}

/** Parents of a commit, also of one whose parents are not here. */
export function parentsOf(folder, revision) {
  const text = git(folder, 'cat-file', 'commit', revision) ?? '';
  return [...text.split('\n\n', 1)[0].matchAll(/^parent ([0-9a-f]+)$/gm)].map(([, hash]) => hash);
}
