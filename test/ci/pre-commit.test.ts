import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { labFiles, Repository, runbook, snapshot, wrong } from './repository';
import { type Ended, end } from './shell';
import { virtbookCopy } from './virtbook-copy';

// Real commits in a real repository, with the hook as it is.

let virtbook: ReturnType<typeof virtbookCopy>;
beforeAll(async () => {
  virtbook = virtbookCopy();
  const built = await end('node', ['ci/cli.mjs'], virtbook.folder, { PATH: process.env.PATH ?? '' });
  if (built.code !== 0) throw new Error(built.output);
}, 120_000);
afterAll(() => virtbook.remove());

let at: Repository;
beforeEach(async () => {
  at = await Repository.create();
  await at.git('config', 'core.hooksPath', join(virtbook.folder, 'ci'));
});
afterEach(() => at.remove());

const good = runbook('Patch', snapshot);
const bad = runbook('Patch', wrong);

const commit = (...args: string[]): Promise<Ended> =>
  end('git', ['commit', '--quiet', '--message', 'Change', ...args], at.work, at.env);

async function begun(): Promise<void> {
  at.write({ ...labFiles, 'patch.runbook.yaml': good });
  await at.commit('Begin');
}

describe('the hook', { timeout: 60_000 }, () => {
  it('lets a good runbook pass without a word, from the first commit on', async () => {
    await begun();
    at.write({ 'patch.runbook.yaml': runbook('Patch', snapshot.replace('before', 'earlier')) });
    await at.git('add', '.');
    expect(await commit()).toEqual({ code: 0, output: '' });
  });

  it('keeps a wrong one from being committed, and says what and where', async () => {
    await begun();
    at.write({ 'patch.runbook.yaml': bad });
    await at.git('add', '.');
    const { code, output } = await commit();
    expect(code).toBe(1);
    expect(output).toMatch(/patch\.runbook\.yaml/);
    expect(output).toMatch(/vm\.strat/);
    expect(await at.git('log', '--format=%s')).toBe('Begin');
  });

  it('judges what is staged, not what is in the working tree', async () => {
    await begun();
    at.write({ 'patch.runbook.yaml': bad });
    await at.git('add', '.');
    at.write({ 'patch.runbook.yaml': good });
    expect((await commit()).code).toBe(1);

    at.write({ 'patch.runbook.yaml': runbook('Patched', snapshot) });
    await at.git('add', '.');
    at.write({ 'patch.runbook.yaml': bad });
    expect(await commit()).toEqual({ code: 0, output: '' });
  });

  it('judges what `git commit -a` and `git commit FILE` take', async () => {
    await begun();
    at.write({ 'patch.runbook.yaml': bad });
    expect((await commit('--all')).code).toBe(1);
    expect((await commit('patch.runbook.yaml')).code).toBe(1);
    at.write({ 'notes.txt': 'x' });
    await at.git('add', 'notes.txt');
    expect(await commit('--', 'notes.txt')).toEqual({ code: 0, output: '' });
  });

  it('lets what was wrong before pass', async () => {
    await begun();
    at.write({ 'patch.runbook.yaml': bad });
    await at.git('add', '.');
    await at.git('commit', '--quiet', '--no-verify', '--message', 'Unchecked');
    at.write({ 'patch.runbook.yaml': bad.replace('name: Patch', 'name: Patch it') });
    await at.git('add', '.');
    expect(await commit()).toEqual({ code: 0, output: '' });
  });

  it('starts nothing where no runbook, inventory, lab or capture is staged', async () => {
    await begun();
    at.write({ 'notes.txt': 'x' });
    await at.git('add', '.');
    at.env.VIRTBOOK_CLI = '/nowhere/cli.js';
    expect(await commit()).toEqual({ code: 0, output: '' });
    at.write({ 'deep/er/a.runbook.yml': good });
    await at.git('add', '.');
    expect((await commit()).code).toBe(1);
  });

  it('says what it needs where it was copied to a repository without Virtbook', async () => {
    await begun();
    await at.git('config', '--unset', 'core.hooksPath');
    copyFileSync(join(virtbook.folder, 'ci', 'pre-commit'), join(at.work, '.git', 'hooks', 'pre-commit'));
    at.write({ 'patch.runbook.yaml': bad });
    await at.git('add', '.');
    expect(await commit()).toMatchObject({ code: 1, output: expect.stringContaining('virtbook is not in the PATH') });
    at.env.VIRTBOOK_CLI = join(virtbook.folder, 'dist', 'cli.js');
    expect(await commit()).toMatchObject({ code: 1, output: expect.stringContaining('vm.strat') });
  });
});

describe('.pre-commit-hooks.yaml', () => {
  const file = join(import.meta.dirname, '..', '..', '.pre-commit-hooks.yaml');
  const [hook] = parse(readFileSync(file, 'utf8')) as [{ entry: string; files: string; language: string }];

  it('starts the hook for the files that are reviewed', () => {
    expect(hook).toMatchObject({ entry: 'ci/pre-commit', language: 'script', pass_filenames: false });
    const files = new RegExp(hook.files);
    for (const name of ['a.runbook.yaml', 'b/c.inventory.yml', 'd.lab.yaml', 'e.capture.yaml'])
      expect(files.test(name)).toBe(true);
    expect(files.test('values.yaml')).toBe(false);
  });
});
