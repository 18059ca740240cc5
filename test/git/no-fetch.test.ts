import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRepository } from '../../src/git/repository';

const folder = mkdtempSync(join(tmpdir(), 'virtbook-no-fetch-'));
const root = join(folder, 'repository');
const ran = join(folder, 'ran');
const name = 'web.runbook.yaml';
let blob = '';

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...who, ...args], { cwd: root, encoding: 'utf8' }).trim();
}

beforeAll(() => {
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', root]);
  writeFileSync(join(root, name), 'version: 1\nname: Web\nsteps: []\n');
  git('add', '.');
  git('commit', '--quiet', '--message=First');
  blob = git('rev-parse', `HEAD:${name}`);
  const program = join(folder, 'program');
  writeFileSync(program, `#!/bin/sh\ntouch '${ran}'\nexit 1\n`, { mode: 0o755 });
  git('config', 'core.repositoryFormatVersion', '1');
  git('config', 'extensions.partialClone', 'origin');
  git('config', 'remote.origin.url', 'ssh://nowhere.invalid/web');
  git('config', 'remote.origin.promisor', 'true');
  git('config', 'core.sshCommand', program);
  rmSync(join(root, '.git/objects', blob.slice(0, 2), blob.slice(2)), { force: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a partial clone that lacks a file', () => {
  it('is one for which git itself would run the program that its configuration names', () => {
    spawnSync('git', ['cat-file', '-p', blob], { cwd: root });
    expect(existsSync(ran)).toBe(true);
    rmSync(ran);
  });

  it('is read without fetching anything: what is missing is said', async () => {
    const repository = await openRepository(root);
    try {
      const { base } = await repository.changes({ base: 'main', head: 'main' });
      await expect(base.read(name)).rejects.toThrow(/has no object|could not fetch|ended/);
    } finally {
      await repository.close();
    }
    expect(existsSync(ran)).toBe(false);
  });
});
