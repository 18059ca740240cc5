import type { Git } from './git';

/** A revision that a person may pick. */
export interface NamedRevision {
  kind: 'branch' | 'tag' | 'commit';
  /** As people know it; of a commit, its short hash. */
  name: string;
  /** The first line of the commit's message, and when it was made. */
  detail: string;
  /** What git finds it by, whatever else has the same name. */
  revision: string;
}

const mostNames = 300;
const mostCommits = 50;

/** Branches, of remotes too, those with the newest commits first; then tags; then the last commits of what is checked out. */
export async function namedRevisions(git: Git): Promise<NamedRevision[]> {
  const format = '--format=%(refname)%09%(refname:short)%09%(symref)%09%(contents:subject)%09%(creatordate:short)';
  const names = ['for-each-ref', format, '--sort=-creatordate', `--count=${mostNames}`];
  // Not `git log`: it can be set to run a program that checks signatures.
  const commits = ['rev-list', `--max-count=${mostCommits}`, '--format=%H%x09%h%x09%s%x09%cs', 'HEAD', '--'];
  const [branches, tags, last] = await Promise.all([
    git.run([...names, 'refs/heads', 'refs/remotes']),
    git.run([...names, 'refs/tags']),
    // A repository without a commit has no HEAD.
    git.ask(commits),
  ]);
  const named = (kind: 'branch' | 'tag', output: Buffer) =>
    rows(output).flatMap(([revision, name, symbolic, subject, date]): NamedRevision[] =>
      // `origin/HEAD` is another name of a branch that stands here too.
      revision && name && !symbolic ? [{ kind, name, detail: detail(subject, date), revision }] : [],
    );
  return [
    ...named('branch', branches),
    ...named('tag', tags),
    ...rows(last.code === 0 ? last.output : Buffer.alloc(0)).flatMap(
      ([revision, name, subject, date]): NamedRevision[] =>
        revision && name ? [{ kind: 'commit', name, detail: detail(subject, date), revision }] : [],
    ),
  ];
}

/** The branch that is checked out; undefined: none is. */
export async function currentBranch(git: Git): Promise<string | undefined> {
  const { code, output } = await git.ask(['symbolic-ref', '--quiet', '--short', 'HEAD']);
  return code === 0 ? output.toString('utf8').trim() : undefined;
}

function rows(output: Buffer): string[][] {
  return output
    .toString('utf8')
    .split('\n')
    .filter(line => line.includes('\t'))
    .map(line => line.split('\t'));
}

function detail(subject = '', date = ''): string {
  return [subject, date].filter(part => part !== '').join(', ');
}
