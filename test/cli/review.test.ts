import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleOptions } from '../../scripts/bundle-options.mjs';
import { TestRepository } from '../git/test-repository';

// The built `virtbook review` on a real repository; what it prints is kept in golden/.

const folder = mkdtempSync(join(tmpdir(), 'virtbook-review-test-'));
const at = new TestRepository();

const lab = `version: 1
hosts:
  hv1: { cpus: 4, memoryMiB: 8192 }
  hv2: { cpus: 4, memoryMiB: 8192 }
datastores:
  shared: { capacityGiB: 100, hosts: [hv1, hv2] }
vms:
  web1: { host: hv1, state: running, memoryMiB: 512, disks: [{ datastore: shared, capacityGiB: 4, allocatedGiB: 1 }] }
  web2: { host: hv2, state: running, memoryMiB: 512, disks: [{ datastore: shared, capacityGiB: 4, allocatedGiB: 1 }] }
  db1: { host: hv2, state: running, memoryMiB: 512, disks: [{ datastore: shared, capacityGiB: 4, allocatedGiB: 1 }] }
`;
const inventory = `version: 1
connections:
  lab: { type: simulated, lab: ./lab.yaml }
groups:
  web: { vms: [web1, web2] }
vms:
  web1: { tags: [web] }
  web2: { tags: [web] }
`;
const restart = `version: 1
name: Restart the web servers
inventory: ./lab.inventory.yaml
inputs:
  vms: { type: vms }
steps:
  - id: each
    forEach: { vm: "\${{ inputs.vms }}" }
    steps:
      - uses: ./parts/restart-one.runbook.yaml
        with: { vm: "\${{ vm }}" }
`;
const restartOne = `version: 1
name: Restart one
inputs:
  vm: { type: vm }
steps:
  - id: down
    uses: vm.shutdown
    with: { vm: "\${{ inputs.vm }}" }
  - id: up
    uses: vm.start
    with: { vm: "\${{ inputs.vm }}" }
`;
const move = `version: 1
name: Move the database
inventory: ./lab.inventory.yaml
steps:
  - id: move
    uses: vm.migrate
    with: { vm: db1, to: hv1 }
  - id: after
    uses: vm.snapshot
    with: { vm: db1, name: after-move }
`;

beforeAll(async () => {
  await build({
    ...bundleOptions,
    absWorkingDir: join(import.meta.dirname, '..', '..'),
    entryPoints: { cli: 'src/cli/main.ts', rehearsal: 'src/runner/rehearsal-worker.ts' },
    outdir: folder,
    logLevel: 'error',
  });
  at.write({
    'lab.yaml': lab,
    'lab.inventory.yaml': inventory,
    'restart.runbook.yaml': restart,
    'parts/restart-one.runbook.yaml': restartOne,
    'move.runbook.yaml': move,
    'quiet.runbook.yaml': 'version: 1\nname: Nothing of it\nsteps:\n  - uses: vm.start\n    with: { vm: web1 }\n',
    '.virtbook/OWNERS': 'vm:db1 @database-team\ngroup:web @web-team\n',
  });
  at.commit();
  at.git('switch', '-q', '-c', 'work');
  at.write({
    'parts/restart-one.runbook.yaml': restartOne.replace('id: up\n', 'id: up\n    name: Start it again\n'),
    'move.runbook.yaml': move
      .replace('vm.migrate', 'vm.migrat')
      .replace('  - id: after', '  # For the worst\n  - id: after'),
  });
  at.commit();
}, 120_000);
afterAll(() => {
  at.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function virtbook(
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; stopWhen?: () => boolean } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(folder, 'cli.js'), ...args], {
      cwd: options.cwd ?? at.root,
      env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      ended.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      ended.stderr += text;
    });
    child.on('error', reject);
    child.on('close', code => resolve({ ...ended, code }));
    const { stopWhen } = options;
    if (!stopWhen) return;
    const looking = setInterval(() => {
      if (stopWhen()) child.kill('SIGINT');
    }, 20);
    child.on('close', () => clearInterval(looking));
  });
}

describe('a review', () => {
  it('is printed for people, with a caller that is affected, and ends with 1 for a new error', async () => {
    const { code, stdout, stderr } = await virtbook(['review', '--base', 'main', '--head', 'work']);
    await expect(stdout).toMatchFileSnapshot('golden/review.txt');
    expect(stderr).toBe('virtbook: the review fails: 1 new error.\n');
    expect(code).toBe(1);
    expect(at.git('status', '--short')).toBe('');
  }, 60_000);

  it('is the same bytes every time, as JSON', async () => {
    const args = ['review', '--base', 'main', '--head', 'work', '--format', 'json', '--fail-on', 'never'];
    const one = await virtbook(args);
    expect(one.stderr).toBe('');
    expect(one.code).toBe(0);
    await expect(one.stdout).toMatchFileSnapshot('golden/review.json');
    expect((await virtbook(args, { env: { TZ: 'Asia/Tokyo' } })).stdout).toBe(one.stdout);
  }, 60_000);

  it('is of the whole repository, wherever in it it is asked for', async () => {
    const args = ['review', '--base', 'main', '--head', 'work', '--no-rehearse', '--format', 'json'];
    const here = await virtbook(args);
    const inside = await virtbook(args, { cwd: join(at.root, 'parts') });
    expect(inside.stdout).toBe(here.stdout);
    expect(here.stdout).toContain('Rehearsals were left out');
  }, 60_000);

  it('writes several formats to files in one go, and says it in words besides', async () => {
    const out = join(folder, 'out');
    const files = ['markdown=report.md', 'sarif=report.sarif', 'junit=deep/report.xml', 'gitlab=quality.json'];
    const { code, stdout } = await virtbook([
      'review',
      '--base=main',
      '--head=work',
      '--no-rehearse',
      '--base-name=the main line',
      '--link=https://git.example/{commit}/{path}#L{line}',
      ...files.map(one => `--format=${one.replace('=', `=${out}/`)}`),
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain('move.runbook.yaml');
    expect(readdirSync(out).sort()).toEqual(['deep', 'quality.json', 'report.md', 'report.sarif']);
    const report = readFileSync(join(out, 'report.md'), 'utf8');
    expect(report).toMatch(/`the main line` \(`[0-9a-f]{12}`\) → `work`/);
    expect(report).toMatch(/\(<https:\/\/git\.example\/[0-9a-f]{40}\/move\.runbook\.yaml#L\d+>\)/);
    expect(JSON.parse(readFileSync(join(out, 'report.sarif'), 'utf8'))).toMatchObject({ version: '2.1.0' });
    expect(readFileSync(join(out, 'deep/report.xml'), 'utf8')).toContain('<testsuites');
  }, 60_000);

  it('of nothing says so and ends with 0', async () => {
    const { code, stdout } = await virtbook(['review', '--base', 'work', '--head', 'work']);
    expect(code).toBe(0);
    await expect(stdout).toMatchFileSnapshot('golden/review-nothing.txt');
  }, 60_000);

  it('uses the capture that it is given for every connection', async () => {
    const capture = join(folder, 'copy.lab.yaml');
    writeFileSync(capture, `# Taken for granted:\n# - Everything.\n${lab}`);
    const { stdout } = await virtbook([
      'review',
      '--base=main',
      '--head=work',
      '--inventory',
      capture,
      '--format=json',
      '--fail-on=never',
    ]);
    const restarted = (
      JSON.parse(stdout) as { files: { path: string; rehearsal?: { head?: { assumed: string[] } } }[] }
    ).files.find(file => file.path === 'restart.runbook.yaml');
    expect(restarted?.rehearsal?.head?.assumed).toEqual(['Everything.']);
  }, 60_000);
});

describe('what can not be reviewed', () => {
  const refused: [string, string[], string | RegExp][] = [
    ['a revision that is not there', ['--base', 'nope'], '--base nope: there is no such branch, tag or commit in'],
    [
      'a format that is not there',
      ['--format', 'html'],
      '--format html: there is no format html. There are text, markdown,',
    ],
    [
      'two formats for the same output',
      ['--format', 'text', '--format', 'json'],
      '--format text and json would be mixed.',
    ],
    [
      'a condition that is not there',
      ['--fail-on', 'errors'],
      '--fail-on errors: There is no condition errors. There are error,',
    ],
    ['never with others', ['--fail-on', 'never,error'], '`never` can only stand alone.'],
    ['an inventory that is not there', ['--inventory', 'x.inventory.yaml'], 'There is no file x.inventory.yaml.'],
    [
      'what is neither inventory nor capture',
      ['--inventory', 'move.runbook.yaml'],
      'move.runbook.yaml is neither an *.inventory.yaml nor a capture',
    ],
  ];
  it.each(refused)('%s is refused with 2', async (_, args, said) => {
    const { code, stderr, stdout } = await virtbook(['review', ...args]);
    expect(stderr).toMatch(said instanceof RegExp ? said : literal(said));
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it('a folder without a repository, and a computer without git', async () => {
    const outside = await virtbook(['review'], { cwd: folder });
    expect(outside).toMatchObject({ code: 2 });
    expect(outside.stderr).toContain('is in no git repository.');
    const without = await virtbook(['review'], { env: { PATH: folder } });
    expect(without).toMatchObject({ code: 2 });
    expect(without.stderr).toContain("git can't be started");
    expect(without.stderr).toContain('install it');
  });

  it('one that is interrupted ends with 130 and leaves nothing behind', async () => {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    const { code, stderr, stdout } = await virtbook(['review', '--base', 'main', '--head', 'worktree'], {
      env: { TMPDIR: temporary },
      // It has begun to read the working tree.
      stopWhen: () => readdirSync(temporary).length > 0,
    });
    expect({ code, stderr, stdout }).toEqual({ code: 130, stderr: 'Stopped. Nothing was changed.\n', stdout: '' });
    expect(readdirSync(temporary)).toEqual([]);
  }, 60_000);
});

function literal(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
}
