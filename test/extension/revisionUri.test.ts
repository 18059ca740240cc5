import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inGit, isRevision, revisionOf, siblingOf } from '../../src/vscode/language/revisionUri';

/** As VS Code's git extension, and GitHub Pull Requests, write them (`toGitUri`, `toPRUri`, `toReviewUri`). */
const address = (scheme: string, path: string, query: unknown) => ({
  scheme,
  path,
  query: typeof query === 'string' ? query : JSON.stringify(query),
});
const queryOf = (found: { query: string } | undefined): unknown => found && JSON.parse(found.query);

const book = '/srv/book/web/patch.runbook.yaml';
const index = address('git', book, { path: book, ref: '~' });
const base = 'b3b1f0a6a1d54f9c7c1e2d3f4a5b6c7d8e9f0a1b';
const head = '4e0c9d8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d';
const pullRequest = (isBase: boolean, more: object = {}) => ({
  baseCommit: base,
  headCommit: head,
  isBase,
  fileName: 'web/patch.runbook.yaml',
  prNumber: 12,
  status: 0,
  remoteName: 'origin',
  ...more,
});
const review = {
  path: 'web/patch.runbook.yaml',
  commit: base,
  base: true,
  isOutdated: false,
  rootPath: '/srv/book',
};

describe('documents of git', () => {
  it('say which version they show, and lead to files of the same version', () => {
    expect(revisionOf(index)).toEqual({ path: book, ref: '~' });
    const sibling = siblingOf(index, '../lab.inventory.yaml');
    expect(sibling).toMatchObject({ scheme: 'git', path: '/srv/book/lab.inventory.yaml' });
    expect(queryOf(sibling)).toEqual({ path: '/srv/book/lab.inventory.yaml', ref: '~' });
    expect(revisionOf(siblingOf(sibling!, './labs/lab.yaml')!)).toEqual({ path: '/srv/book/labs/lab.yaml', ref: '~' });
  });

  it('are in the index with an empty ref, and in a commit with its hash', () => {
    for (const ref of ['', 'HEAD', base])
      expect(queryOf(siblingOf(address('git', book, { path: book, ref }), './a.yaml'))).toEqual({
        path: '/srv/book/web/a.yaml',
        ref,
      });
  });

  it('have paths of Windows in their query', () => {
    const there = address('git', '/c:/Book/web/patch.runbook.yaml', {
      path: 'c:\\Book\\web\\patch.runbook.yaml',
      ref: 'HEAD',
    });
    const sibling = siblingOf(there, '../lab.inventory.yaml');
    expect(sibling?.path).toBe('/c:/Book/lab.inventory.yaml');
    expect(queryOf(sibling)).toEqual({ path: 'c:\\Book\\lab.inventory.yaml', ref: 'HEAD' });
    expect(queryOf(siblingOf(there, 'D:\\shared\\lab.yaml'))).toEqual({ path: 'D:\\shared\\lab.yaml', ref: 'HEAD' });
  });

  it('of a submodule show no file', () => {
    const submodule = address('git', `${book}.diff`, { path: book, ref: 'HEAD', submoduleOf: '/srv' });
    expect(revisionOf(submodule)).toBeUndefined();
    expect(siblingOf(submodule, './a.yaml')).toBeUndefined();
  });
});

describe('documents of a pull request that is not checked out', () => {
  it('say their side and commit', () => {
    expect(revisionOf(address('pr', book, pullRequest(true)))).toEqual({
      path: book,
      ref: base,
      side: 'base',
      pullRequest: 12,
    });
    expect(revisionOf(address('pr', book, pullRequest(false)))).toMatchObject({ ref: head, side: 'head' });
  });

  it('lead to files of the same pull request, by their name from the root of the repository', () => {
    const sibling = siblingOf(address('pr', book, pullRequest(false)), '../lab.inventory.yaml');
    expect(sibling?.path).toBe('/srv/book/lab.inventory.yaml');
    expect(queryOf(sibling)).toEqual(pullRequest(false, { fileName: 'lab.inventory.yaml' }));
  });

  it('start from the old name at the base of a file that was renamed', () => {
    const renamed = { fileName: 'web/patch.runbook.yaml', previousFileName: 'old/patch.runbook.yaml', status: 3 };
    const before = address('pr', '/srv/book/old/patch.runbook.yaml', pullRequest(true, renamed));
    expect(revisionOf(before)?.path).toBe('/srv/book/old/patch.runbook.yaml');
    const sibling = siblingOf(before, './lab.inventory.yaml');
    expect(sibling?.path).toBe('/srv/book/old/lab.inventory.yaml');
    expect(queryOf(sibling)).toEqual(pullRequest(true, { fileName: 'old/lab.inventory.yaml', status: 3 }));
    const after = address('pr', book, pullRequest(false, renamed));
    expect(siblingOf(after, './lab.inventory.yaml')?.path).toBe('/srv/book/web/lab.inventory.yaml');
  });

  it('do not lead out of the repository', () => {
    expect(siblingOf(address('pr', book, pullRequest(false)), '../../secrets.inventory.yaml')).toBeUndefined();
    expect(siblingOf(address('pr', book, pullRequest(false)), '/etc/lab.yaml')).toBeUndefined();
  });
});

describe('documents of a pull request that is checked out', () => {
  it('say their side and commit, and lead to files of the same commit', () => {
    const there = address('review', book, review);
    expect(revisionOf(there)).toEqual({ path: book, ref: base, side: 'base' });
    const sibling = siblingOf(there, '../lab.inventory.yaml');
    expect(sibling?.path).toBe('/srv/book/lab.inventory.yaml');
    expect(queryOf(sibling)).toEqual({ ...review, path: 'lab.inventory.yaml' });
    expect(siblingOf(there, '../../lab.inventory.yaml')).toBeUndefined();
  });

  it('may have the address of the head at the base of a file that was renamed', () => {
    const there = address('review', book, { ...review, path: 'old/patch.runbook.yaml' });
    expect(revisionOf(there)?.path).toBe('/srv/book/old/patch.runbook.yaml');
    expect(siblingOf(there, './lab.inventory.yaml')?.path).toBe('/srv/book/old/lab.inventory.yaml');
  });

  it('may be of one commit of it', () => {
    const there = address('review', '/commit~4e0c9d8b/web/patch.runbook.yaml', {
      ...review,
      commit: head,
      base: false,
      isOutdated: true,
    });
    expect(revisionOf(there)).toEqual({ path: book, ref: head, side: 'head' });
    const sibling = siblingOf(there, '../lab.inventory.yaml');
    expect(sibling?.path).toBe('/commit~4e0c9d8b/lab.inventory.yaml');
    expect(queryOf(sibling)).toMatchObject({ path: 'lab.inventory.yaml', commit: head });
  });

  it('lead nowhere from a side that has no such file', () => {
    const deleted = address('review', book, { ...review, path: book, commit: '', base: false });
    expect(revisionOf(deleted)).toBeUndefined();
    expect(siblingOf(deleted, './lab.inventory.yaml')).toBeUndefined();
    expect(inGit(deleted)).toBeUndefined();
  });
});

describe('the same in git', () => {
  it('is the commit of that side', () => {
    const before = inGit(address('pr', book, pullRequest(true)));
    expect(before).toMatchObject({ scheme: 'git', path: book });
    expect(queryOf(before)).toEqual({ path: book, ref: base });
    const there = inGit(
      address('review', '/c:/Book/a.runbook.yaml', { ...review, path: 'a.runbook.yaml', rootPath: '/c:/Book' }),
    );
    expect(there?.path).toBe('/c:/Book/a.runbook.yaml');
    expect(queryOf(there)).toEqual({ path: 'c:\\Book\\a.runbook.yaml', ref: base });
    expect(inGit(index)).toBeUndefined();
  });
});

describe('documents that say something else', () => {
  it('are no version of a file', () => {
    for (const scheme of ['file', 'untitled', 'vscode-vfs', 'virtbook-review', 'constructor', '__proto__'])
      expect(isRevision({ scheme })).toBe(false);
    expect(revisionOf(address('file', book, ''))).toBeUndefined();
  });

  it('are told from those that do, whatever stands in their query', () => {
    const odd = [
      '',
      '{',
      'null',
      '[]',
      '1',
      '"git"',
      '{}',
      '{"path":1,"ref":"HEAD"}',
      '{"path":"a.yaml","ref":"HEAD"}',
    ];
    for (const scheme of ['git', 'pr', 'review'])
      for (const query of odd) {
        expect(revisionOf(address(scheme, book, query)), query).toBeUndefined();
        expect(siblingOf(address(scheme, book, query), './a.yaml'), query).toBeUndefined();
      }
    const key = fc.constantFrom(
      'path',
      'ref',
      'fileName',
      'previousFileName',
      'isBase',
      'commit',
      'rootPath',
      'headCommit',
    );
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(book, '/srv/book', 'web/patch.runbook.yaml', head, true));
    fc.assert(
      fc.property(
        fc.constantFrom('git', 'pr', 'review'),
        fc.oneof(fc.constant(book), fc.string()),
        fc.dictionary(key, value),
        fc.string(),
        (scheme, path, query, to) => {
          const there = address(scheme, path, query);
          const sibling = siblingOf(there, to);
          // What is found is in the same version, and can be started from again.
          if (sibling) expect(revisionOf(sibling)?.ref).toBe(revisionOf(there)?.ref);
          inGit(there);
        },
      ),
    );
  });
});
