import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GitError } from '../../src/git/git';
import { openRepository, type Repository } from '../../src/git/repository';
import type { FileContent } from '../../src/review/revision';
import { TestRepository } from './test-repository';

let at: TestRepository;
const open: Repository[] = [];
beforeEach(() => {
  at = new TestRepository();
  vi.stubEnv('GIT_CONFIG_GLOBAL', '/dev/null');
  vi.stubEnv('GIT_CONFIG_NOSYSTEM', '1');
});
afterEach(async () => {
  await Promise.all(open.splice(0).map(repository => repository.close()));
  at.remove();
  vi.unstubAllEnvs();
});

async function repository(folder = at.root): Promise<Repository> {
  const opened = await openRepository(folder);
  open.push(opened);
  return opened;
}

async function changes(options: Parameters<Repository['changes']>[0] = {}) {
  return (await repository()).changes(options);
}

const text = (content: FileContent): string => (content.kind === 'text' ? content.text : JSON.stringify(content));
const steps = (count: number): string =>
  `version: 1\nname: one\nsteps:\n${Array.from({ length: count }, (_, n) => `  - { id: s${n}, uses: vm.start, with: { vm: web${n} } }\n`).join('')}`;

describe('what is compared', () => {
  it('as a pull request: with where the branch left the base, whatever came to the base since', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n', 'b.runbook.yaml': 'b: 1\n' });
    const left = at.commit();
    at.git('switch', '-q', '-c', 'work');
    at.write({ 'a.runbook.yaml': 'a: 2\n' });
    const head = at.commit();
    at.git('switch', '-q', 'main');
    at.write({ 'b.runbook.yaml': 'b: 2\n' });
    at.commit();
    const found = await changes({ base: 'main', head: 'work' });
    expect(found.changes).toEqual([{ status: 'changed', path: 'a.runbook.yaml' }]);
    expect(found.base.name).toEqual({ label: 'main', commit: left });
    expect(found.head.name).toEqual({ label: 'work', commit: head });
    expect(text(await found.base.read('a.runbook.yaml'))).toBe('a: 1\n');
    expect(text(await found.head.read('a.runbook.yaml'))).toBe('a: 2\n');
    expect(await found.head.read('c.runbook.yaml')).toEqual({ kind: 'missing' });
    expect(await found.head.read('a.runbook.yaml/b')).toEqual({ kind: 'missing' });
  });

  it('the working tree with new files, but not with those that are ignored', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n', 'gone.runbook.yaml': 'x\n', '.gitignore': 'own/\n', 'notes.txt': 'x\n' });
    at.commit();
    at.write({
      'a.runbook.yaml': 'a: 2\n',
      'new.runbook.yaml': 'n: 1\n',
      'own/b.runbook.yaml': 'b: 1\n',
      'notes.txt': 'y\n',
    });
    rmSync(join(at.root, 'gone.runbook.yaml'));
    const found = await changes();
    expect(found.head.name).toEqual({ label: 'the working tree' });
    expect(found.changes).toEqual([
      { status: 'changed', path: 'a.runbook.yaml' },
      { status: 'deleted', path: 'gone.runbook.yaml' },
      { status: 'added', path: 'new.runbook.yaml' },
    ]);
    expect(text(await found.head.read('a.runbook.yaml'))).toBe('a: 2\n');
    expect(text(await found.head.read('new.runbook.yaml'))).toBe('n: 1\n');
    expect(await found.head.mentioning(['n: 1'])).toEqual(['new.runbook.yaml']);
  });

  it('the index: what would be committed, not what is in the folder', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.commit();
    at.write({ 'a.runbook.yaml': 'a: 2\n' });
    at.git('add', '--all');
    at.write({ 'a.runbook.yaml': 'a: 3\n', 'new.runbook.yaml': 'n: 1\n' });
    const found = await changes({ head: 'index' });
    expect(found.changes).toEqual([{ status: 'changed', path: 'a.runbook.yaml' }]);
    expect(text(await found.head.read('a.runbook.yaml'))).toBe('a: 2\n');
  });

  it('follows a file that has another name, also when it was changed as well and is not committed', async () => {
    at.write({ 'old.runbook.yaml': steps(20), 'same.runbook.yaml': 'x: 1\ny: 2\n' });
    at.commit();
    renameSync(join(at.root, 'old.runbook.yaml'), join(at.root, 'new.runbook.yaml'));
    renameSync(join(at.root, 'same.runbook.yaml'), join(at.root, 'equal.runbook.yaml'));
    at.write({ 'new.runbook.yaml': steps(21) });
    const found = await changes();
    expect(found.changes).toEqual([
      { status: 'renamed', path: 'equal.runbook.yaml', basePath: 'same.runbook.yaml' },
      { status: 'renamed', path: 'new.runbook.yaml', basePath: 'old.runbook.yaml' },
    ]);
  });

  it('has no trouble with names that hold spaces, quotes, other letters and line breaks', async () => {
    const names = [
      'with space.runbook.yaml',
      'o\'"quote.runbook.yaml',
      'größe/日本.runbook.yaml',
      'line\nbreak.runbook.yaml',
      '-dash.runbook.yaml',
      '*.runbook.yaml',
      ':(top)x.runbook.yaml',
    ];
    for (const name of names) at.write({ [name]: 'a: 1\n' });
    at.commit();
    for (const name of names) at.write({ [name]: `a: 2 # ${JSON.stringify(name)}\n` });
    const found = await changes();
    expect(found.changes.map(one => one.path).sort()).toEqual([...names].sort());
    for (const { path } of found.changes) expect(text(await found.head.read(path))).toContain(JSON.stringify(path));
    expect((await found.head.mentioning(['a: 2'])).sort()).toEqual([...names].sort());
  });
});

describe('the main branch, when no base is named', () => {
  it('is what the remote says, and then main or master', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.commit();
    expect(await (await repository()).defaultBase()).toBe('main');
    const clone = mkdtempSync(join(tmpdir(), 'virtbook-git-'));
    try {
      at.git('switch', '-q', '-c', 'develop');
      at.git('clone', '-q', at.root, clone);
      expect(await (await repository(clone)).defaultBase()).toBe('origin/develop');
    } finally {
      rmSync(clone, { recursive: true, force: true });
    }
    at.git('branch', '-m', 'main', 'master');
    expect(await (await repository()).defaultBase()).toBe('master');
    at.git('branch', '-D', 'master');
    await expect((await repository()).defaultBase()).rejects.toThrow('Say it with --base');
  });

  it('compares a repository without a commit with nothing, for the hook before the first', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.git('add', '--all');
    const found = await changes({ base: 'HEAD', head: 'index' });
    expect(found.changes).toEqual([{ status: 'added', path: 'a.runbook.yaml' }]);
    expect(await found.base.read('a.runbook.yaml')).toEqual({ kind: 'missing' });
  });
});

describe('where a repository may be', () => {
  it('a linked working tree has its own index and files', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.commit();
    const linked = join(mkdtempSync(join(tmpdir(), 'virtbook-git-')), 'linked');
    try {
      at.git('worktree', 'add', '-q', '-b', 'work', linked);
      writeFileSync(join(linked, 'a.runbook.yaml'), 'a: 2\n');
      const opened = await repository(linked);
      expect((await opened.changes({})).changes).toEqual([{ status: 'changed', path: 'a.runbook.yaml' }]);
      expect((await opened.changes({ head: 'index' })).changes).toEqual([]);
      expect((await changes()).changes).toEqual([]);
    } finally {
      rmSync(join(linked, '..'), { recursive: true, force: true });
    }
  });

  it('a bare one has commits, and nothing else', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.commit();
    const bare = mkdtempSync(join(tmpdir(), 'virtbook-git-'));
    try {
      at.git('clone', '-q', '--bare', at.root, bare);
      const opened = await repository(bare);
      expect((await opened.changes({ base: 'main', head: 'main' })).changes).toEqual([]);
      await expect(opened.changes({})).rejects.toThrow('has no working tree. Say what to review');
    } finally {
      rmSync(bare, { recursive: true, force: true });
    }
  });

  it('hashes may be longer', async () => {
    rmSync(join(at.root, '.git'), { recursive: true });
    at.git('init', '-q', '-b', 'main', '--object-format=sha256');
    at.write({ 'deep/a.runbook.yaml': 'a: 1\n' });
    at.commit();
    at.write({ 'deep/a.runbook.yaml': 'a: 2\n' });
    const found = await changes();
    expect(found.base.name.commit).toMatch(/^[0-9a-f]{64}$/);
    expect([
      text(await found.base.read('deep/a.runbook.yaml')),
      text(await found.head.read('deep/a.runbook.yaml')),
    ]).toEqual(['a: 1\n', 'a: 2\n']);
  });

  it('`git commit -a` gives its hooks an index of their own', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.commit();
    const index = join(at.root, '.git', 'next-index');
    cpSync(join(at.root, '.git', 'index'), index);
    at.write({ 'a.runbook.yaml': 'a: 2\n' });
    at.git('add', '--all');
    renameSync(join(at.root, '.git', 'index'), join(at.root, '.git', 'held'));
    renameSync(index, join(at.root, '.git', 'index'));
    renameSync(join(at.root, '.git', 'held'), index);
    expect((await changes({ head: 'index' })).changes).toEqual([]);
    vi.stubEnv('GIT_INDEX_FILE', index);
    expect((await changes({ head: 'index' })).changes).toEqual([{ status: 'changed', path: 'a.runbook.yaml' }]);
  });
});

describe('files that are no text', () => {
  it('are told with why', async () => {
    at.write({
      'binary.runbook.yaml': Buffer.from([0x61, 0, 0x62]),
      'latin.runbook.yaml': Buffer.from('name: Gr\xf6\xdfe\n', 'latin1'),
      'large.runbook.yaml': `# ${'x'.repeat(4 * 1024 * 1024)}\n`,
      'lfs.runbook.yaml': 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n',
      'conflict.runbook.yaml': 'a: 1\r\n<<<<<<< HEAD\r\nb: 1\r\n=======\r\nb: 2\r\n>>>>>>> other\r\n',
      'no-conflict.runbook.yaml': 'text: |\n  <<<<<<< HEAD\n  >>>>>>> other\n',
      'windows.runbook.yaml': 'a: 1\r\nb: 2\r\n',
      'folder.runbook.yaml/inside.txt': 'x\n',
    });
    symlinkSync('windows.runbook.yaml', join(at.root, 'link.runbook.yaml'));
    symlinkSync('folder.runbook.yaml', join(at.root, 'linked'));
    at.commit();
    at.git('update-index', '--add', '--cacheinfo', `160000,${at.git('rev-parse', 'HEAD')},module`);
    at.git('commit', '-q', '-m', 'module');
    const { head } = await changes({ head: 'HEAD' });
    const why = async (path: string) => {
      const content = await head.read(path);
      return content.kind === 'unreadable' ? content.why : text(content);
    };
    expect(await why('binary.runbook.yaml')).toBe('It is binary.');
    expect(await why('latin.runbook.yaml')).toContain('It is not UTF-8 text.');
    expect(await why('large.runbook.yaml')).toBe('It is larger than 4 MiB.');
    expect(await why('lfs.runbook.yaml')).toContain('It is kept by Git LFS');
    expect(await head.read('conflict.runbook.yaml')).toMatchObject({ kind: 'unreadable', line: 2 });
    expect(await why('conflict.runbook.yaml')).toContain('line 2');
    expect(await why('no-conflict.runbook.yaml')).toContain('text: |');
    expect(await why('windows.runbook.yaml')).toBe('a: 1\nb: 2\n');
    expect(await why('folder.runbook.yaml')).toBe('It is a folder.');
    expect(await why('link.runbook.yaml')).toContain('symbolic link');
    expect(await why('linked/inside.txt')).toContain('symbolic link');
    expect(await why('module/x.runbook.yaml')).toContain('submodule');
  });

  it('a merge that is not finished is read as it stands in the folder, and is no index', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.commit();
    at.git('switch', '-q', '-c', 'work');
    at.write({ 'a.runbook.yaml': 'a: 2\n' });
    at.commit();
    at.git('switch', '-q', 'main');
    at.write({ 'a.runbook.yaml': 'a: 3\n' });
    at.commit();
    expect(() => at.git('merge', 'work')).toThrow();
    const { head } = await changes();
    expect(await head.read('a.runbook.yaml')).toMatchObject({ kind: 'unreadable', line: 1 });
    await expect(changes({ head: 'index' })).rejects.toThrow('a.runbook.yaml has a merge conflict.');
  });
});

describe('who mentions a name', () => {
  it('is found among runbooks or inventories, of that revision, as text and not as a pattern', async () => {
    at.write({
      'a.runbook.yaml': 'uses: ./sub/x.y.runbook.yaml\n',
      'b.runbook.yml': 'uses: ./sub/xzy.runbook.yaml\n',
      'deep/C.RUNBOOK.YAML': 'uses: ../sub/x.y.runbook.yaml\n',
      'notes.yaml': 'uses: ./sub/x.y.runbook.yaml\n',
      'prod.inventory.yaml': 'lab: ./x.lab.yaml\n',
    });
    at.commit();
    at.write({ 'later.runbook.yaml': 'uses: ./x.y.runbook.yaml\n' });
    at.commit();
    const { head, base } = await changes({ base: 'HEAD', head: 'HEAD' });
    expect(base.name.commit).toBe(at.git('rev-parse', 'HEAD'));
    expect(await head.mentioning(['x.y.runbook.yaml'])).toEqual([
      'a.runbook.yaml',
      'deep/C.RUNBOOK.YAML',
      'later.runbook.yaml',
    ]);
    expect(await head.mentioning(['nothing', 'xzy'])).toEqual(['b.runbook.yml']);
    expect(await head.mentioning(['x.lab.yaml'], 'inventories')).toEqual(['prod.inventory.yaml']);
    expect(await head.mentioning(['nothing'])).toEqual([]);
    expect(await head.mentioning([])).toEqual([]);
  });
});

describe('what can not be compared', () => {
  it('says what to do', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.commit();
    await expect(changes({ base: 'nope' })).rejects.toThrow('--base nope: there is no such branch, tag or commit');
    await expect(changes({ head: '--output=x' })).rejects.toThrow('--head --output=x: there is no such branch');
    at.git('switch', '-q', '--orphan', 'other');
    at.write({ 'b.runbook.yaml': 'b: 1\n' });
    at.commit();
    await expect(changes({ base: 'main', head: 'other' })).rejects.toThrow('have no commit in common');
    const outside = mkdtempSync(join(tmpdir(), 'virtbook-git-'));
    try {
      await expect(openRepository(outside)).rejects.toThrow(`${outside} is in no git repository.`);
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
    await expect(openRepository(join(at.root, 'nowhere'))).rejects.toThrow(GitError);
    await expect(openRepository(join(at.root, '.git'))).rejects.toThrow('Go to the folder that holds the runbooks.');
  });

  it('a shallow clone lacks where the branches part', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.commit();
    at.git('switch', '-q', '-c', 'work');
    for (const text of ['a: 2\n', 'a: 3\n']) {
      at.write({ 'a.runbook.yaml': text });
      at.commit();
    }
    at.git('switch', '-q', 'main');
    at.write({ 'b.runbook.yaml': 'b: 1\n' });
    at.commit();
    const clone = join(mkdtempSync(join(tmpdir(), 'virtbook-git-')), 'clone');
    try {
      at.git('clone', '-q', '--depth=1', '--no-single-branch', `file://${at.root}`, clone);
      const shallow = await repository(clone);
      await expect(shallow.changes({ base: 'origin/main', head: 'origin/work' })).rejects.toThrow(
        /shallow.*fetch-depth: 0/s,
      );
    } finally {
      rmSync(join(clone, '..'), { recursive: true, force: true });
    }
  });
});

describe('what somebody has set for git', () => {
  it('changes nothing: colours, and refusing line ends', async () => {
    at.write({ 'called.runbook.yaml': 'a: 1\n', 'caller.runbook.yaml': 'uses: ./called.runbook.yaml\n' });
    at.commit();
    for (const [key, value] of [
      ['color.ui', 'always'],
      ['color.grep', 'always'],
      ['core.autocrlf', 'input'],
      ['core.safecrlf', 'true'],
    ] as const)
      at.git('config', key, value);
    at.write({ 'called.runbook.yaml': 'a: 2\r\n' });
    const { changes: found, head } = await changes({});
    expect(found).toEqual([{ status: 'changed', path: 'called.runbook.yaml' }]);
    expect(text(await head.read('called.runbook.yaml'))).toBe('a: 2\n');
    expect(await head.mentioning(['called.runbook.yaml'])).toEqual(['caller.runbook.yaml']);
  });
});

describe('the repository', () => {
  it('is not where a program called git is looked for', async () => {
    const proof = join(at.root, '.git', 'ran');
    at.write({ git: `#!/bin/sh\ntouch '${proof}'\n`, 'a.runbook.yaml': 'a: 1\n' });
    chmodSync(join(at.root, 'git'), 0o755);
    at.commit();
    // As Windows does it, where nobody has to say so.
    vi.stubEnv('PATH', `.:${process.env.PATH}`);
    expect((await changes({})).changes).toEqual([]);
    expect(existsSync(proof)).toBe(false);
  });

  it('is as it was, and nothing that is set in it has run', async () => {
    const proof = join(at.root, '..', `${at.root.split('/').at(-1)}-ran`);
    const program = join(at.root, '.git', 'run.sh');
    at.write({
      '.gitattributes': '*.yaml filter=mine diff=mine\n',
      '.git/run.sh': `#!/bin/sh\ntouch '${proof}'\ncat\n`,
      '.git/hooks/post-index-change': `#!/bin/sh\ntouch '${proof}'\n`,
      'a.runbook.yaml': 'a: 1\n',
    });
    chmodSync(program, 0o755);
    chmodSync(join(at.root, '.git/hooks/post-index-change'), 0o755);
    at.commit();
    rmSync(proof, { force: true });
    for (const [key, value] of Object.entries({
      'filter.mine.clean': program,
      'filter.mine.smudge': program,
      'filter.mine.process': program,
      'filter.mine.required': 'true',
      'diff.mine.textconv': program,
      'diff.mine.command': program,
      'diff.external': program,
      'core.fsmonitor': program,
      'core.pager': program,
    }))
      at.git('config', key, value);
    vi.stubEnv('GIT_EXTERNAL_DIFF', program);
    at.write({ 'a.runbook.yaml': 'a: 2\n', 'b.runbook.yaml': 'b: 1\n' });
    const before = stateOf(at.root);
    const opened = await repository();
    const found = await opened.changes({});
    expect(text(await found.head.read('a.runbook.yaml'))).toBe('a: 2\n');
    await found.head.mentioning(['b']);
    await (await opened.changes({ head: 'index' })).head.read('a.runbook.yaml');
    await opened.close();
    expect(stateOf(at.root)).toBe(before);
    expect(existsSync(proof)).toBe(false);
  });

  it('takes away what a process left that was killed long ago', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.commit();
    const temporary = mkdtempSync(join(tmpdir(), 'virtbook-git-'));
    vi.stubEnv('TMPDIR', temporary);
    try {
      const dead = spawnSync(process.execPath, ['--eval', '']).pid;
      const hoursAgo = Date.now() / 1000 - 2 * 3600;
      const made = (name: string, time = hoursAgo): string => {
        mkdirSync(join(temporary, name));
        utimesSync(join(temporary, name), time, time);
        return name;
      };
      const gone = made(`virtbook-review-${dead}-AAAAAA`);
      const others = [
        made(`virtbook-review-${dead}-BBBBBB`, Date.now() / 1000),
        made(`virtbook-review-${process.pid}-CCCCCC`),
        made(`virtbook-${dead}-DDDDDD`),
      ];
      const opened = await repository();
      await opened.changes({});
      await opened.close();
      expect(readdirSync(temporary)).not.toContain(gone);
      expect(readdirSync(temporary).sort()).toEqual(others.sort());
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  });

  it('leaves nothing behind', async () => {
    at.write({ 'a.runbook.yaml': 'a: 1\n' });
    at.commit();
    const temporary = mkdtempSync(join(tmpdir(), 'virtbook-git-'));
    vi.stubEnv('TMPDIR', temporary);
    try {
      const opened = await repository();
      await (await opened.changes({})).head.read('a.runbook.yaml');
      expect(readdirSync(temporary)).toHaveLength(1);
      await opened.close();
      expect(readdirSync(temporary)).toEqual([]);
      // Nor when it is closed while it looks, or the base is not there.
      const other = await repository();
      const looking = other.changes({});
      const refused = other.changes({ base: 'nope' }).catch((error: unknown) => error);
      await other.close();
      expect((await looking).changes).toEqual([]);
      expect(await refused).toBeInstanceOf(GitError);
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  });
});

/** Of every file, what is in it. */
function stateOf(root: string): string {
  const hash = createHash('sha256');
  for (const name of (readdirSync(root, { recursive: true }) as string[]).sort()) {
    hash.update(`${name}\n`);
    try {
      hash.update(readFileSync(join(root, name)));
    } catch {
      // A folder.
    }
  }
  return hash.digest('hex');
}
