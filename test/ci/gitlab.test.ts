import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CommentServer, type Forge } from './comment-server';
import { labFiles, leaves, Repository, runbook, snapshot } from './repository';
import { type Ended, end, git, plainEnv } from './shell';
import { virtbookCopy } from './virtbook-copy';

// The script of ci/gitlab.yml as it is written, on a real repository. Only GitLab's API is a fake.

interface Job {
  interruptible: boolean;
  resource_group: string;
  script: string[];
  variables: Record<string, string>;
  rules: { if: string }[];
  cache: { paths: string[] };
  artifacts: { when: string; paths: string[]; reports: Record<string, string> };
}

const notes = '/api/v4/projects/31/merge_requests/7/notes';
const gitlab: Forge = {
  list: notes,
  one: id => `${notes}/${id}`,
  update: 'PUT',
  shown: ({ id, author, body }) => ({ id, author: { id: author === 'bot' ? 5 : 6, username: author }, body }),
  others: { '/api/v4/user': { id: 5, username: 'project_31_bot' } },
};
const mark = '<!-- virtbook-review -->';
const { 'virtbook-review': job } = parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'ci', 'gitlab.yml'), 'utf8'),
) as { 'virtbook-review': Job };

let virtbook: ReturnType<typeof virtbookCopy>;
beforeAll(async () => {
  virtbook = virtbookCopy();
  const env = plainEnv(virtbook.folder);
  const built = await end('node', ['ci/cli.mjs'], virtbook.folder, env);
  if (built.code !== 0) throw new Error(built.output);
  // As a release that carries its build.
  await git(virtbook.folder, env, 'init', '--quiet', '--initial-branch=main');
  await git(virtbook.folder, env, 'add', 'ci', 'dist/cli.js', 'dist/rehearsal.js', 'package.json');
  await git(virtbook.folder, env, 'commit', '--quiet', '--message', 'Release');
}, 120_000);
afterAll(() => virtbook.remove());

let at: Repository;
let api: CommentServer;
beforeEach(async () => {
  at = await Repository.create();
  api = await CommentServer.start(gitlab, 'bot');
  at.write({ ...labFiles, 'patch.runbook.yaml': runbook('Patch', snapshot) });
  await at.commit('Begin');
  await at.git('push', '--quiet', 'origin', 'main');
});
afterEach(async () => {
  await api.stop();
  at.remove();
});

/** Runs the job's script in a checkout. */
async function pipeline(folder: string, more: Record<string, string>): Promise<Ended> {
  const values: Record<string, string> = {
    ...at.env,
    ...job.variables,
    CI: 'true',
    GITLAB_CI: 'true',
    CI_PROJECT_DIR: folder,
    CI_PROJECT_ID: '31',
    CI_API_V4_URL: `${api.address}/api/v4`,
    CI_DEFAULT_BRANCH: 'main',
    VIRTBOOK_SOURCE: `file://${virtbook.folder}`,
    ...more,
  };
  return end('bash', ['-c', job.script.join('\n')], folder, values);
}

async function mergeRequest(files: Record<string, string>): Promise<{ folder: string; env: Record<string, string> }> {
  await at.git('checkout', '--quiet', '-B', 'change', 'main');
  at.write(files);
  const head = await at.commit('Change');
  await at.git('push', '--quiet', '--force', 'origin', 'change');
  const env = { CI_MERGE_REQUEST_IID: '7', CI_MERGE_REQUEST_DIFF_BASE_SHA: await at.git('rev-parse', 'main') };
  return { folder: await at.checkout(head), env };
}

const change = { 'patch.runbook.yaml': runbook('Patch', snapshot.replace('before', 'earlier')) };

describe('the job in a merge request', () => {
  it('writes its artifacts and makes a note, which the next pipeline updates', async () => {
    const first = await mergeRequest({ 'patch.runbook.yaml': runbook('Patch', snapshot + leaves) });
    const ended = await pipeline(first.folder, { ...first.env, VIRTBOOK_TOKEN: 'the-token' });
    expect(ended.output).toContain('The note 1000 is made.');
    expect(ended.code).toBe(1);
    const { paths, reports } = job.artifacts;
    for (const file of [...paths, ...Object.values(reports)])
      expect(existsSync(join(first.folder, file)), file).toBe(true);
    const quality = JSON.parse(readFileSync(join(first.folder, reports.codequality!), 'utf8'));
    expect(quality[0]).toMatchObject({ location: { path: 'patch.runbook.yaml' } });
    expect(readFileSync(join(first.folder, reports.junit!), 'utf8')).toContain('<testsuite');
    const report = readFileSync(join(first.folder, 'virtbook-review', 'review.md'), 'utf8');
    expect(api.comments).toEqual([{ id: 1000, author: 'bot', body: report }]);
    expect(api.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v4/user',
      `GET ${notes}`,
      `POST ${notes}`,
    ]);
    for (const { headers } of api.asked) expect(headers['private-token']).toBe('the-token');

    const second = await mergeRequest(change);
    const again = await pipeline(second.folder, { ...second.env, VIRTBOOK_TOKEN: 'the-token' });
    expect(again.code).toBe(0);
    expect(again.output).toContain('The note 1000 is updated.');
    expect(api.writes.map(({ method, path }) => `${method} ${path}`)).toEqual([`POST ${notes}`, `PUT ${notes}/1000`]);
    expect(api.comments[0]!.body).not.toBe(report);
  }, 60_000);

  it('finds its note behind hundreds of others, and is not led astray by the mark of somebody else', async () => {
    api.add('mallory', `${mark}\nAll is well.`);
    for (let count = 0; count < 230; count++) api.add('ann', `Note ${count}`);
    const own = api.add('bot', `${mark}\nOld.`);
    const { folder, env } = await mergeRequest(change);
    await pipeline(folder, { ...env, VIRTBOOK_TOKEN: 'the-token', VIRTBOOK_REHEARSE: 'false' });
    expect(api.writes.map(({ method, path }) => `${method} ${path}`)).toEqual([`PUT ${notes}/${own.id}`]);
    expect(own.body).toContain('patch.runbook.yaml');
  }, 60_000);

  it('has artifacts only, without a token or with one that may not write', async () => {
    const { folder, env } = await mergeRequest(change);
    const without = await pipeline(folder, { ...env, VIRTBOOK_REHEARSE: 'false' });
    expect(without).toMatchObject({ code: 0, output: expect.stringContaining('There is no VIRTBOOK_TOKEN') });
    expect(api.asked).toEqual([]);
    api.refuse = 403;
    // Another checkout, with what the cache kept, and nowhere to take anything else from.
    const next = await mergeRequest(change);
    for (const path of job.cache.paths) cpSync(join(folder, path), join(next.folder, path), { recursive: true });
    const source = `file://${join(at.folder, 'gone')}`;
    const refused = await pipeline(next.folder, {
      VIRTBOOK_SOURCE: source,
      ...env,
      VIRTBOOK_TOKEN: 'the-token',
      VIRTBOOK_REHEARSE: 'false',
    });
    expect(refused).toMatchObject({ code: 0, output: expect.stringMatching(/could not be written.*scope api/) });
    expect(api.comments).toEqual([]);
    expect(existsSync(join(next.folder, 'virtbook-review', 'review.md'))).toBe(true);
  }, 60_000);

  it('takes nothing from the repository for Virtbook', async () => {
    const ran = join(at.folder, 'ran');
    const script = `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(ran)}, '');\n`;
    const { folder, env } = await mergeRequest({ ...change, '.virtbook-cli/ci/gitlab/review.mjs': script });
    const { code, output } = await pipeline(folder, { ...env, VIRTBOOK_REHEARSE: 'false' });
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('There is no VIRTBOOK_TOKEN') });
    expect(existsSync(ran)).toBe(false);
  }, 60_000);

  it('writes to the project that the merge request is in, also from a fork', async () => {
    const { folder, env } = await mergeRequest(change);
    const more = { CI_PROJECT_ID: '99', CI_MERGE_REQUEST_PROJECT_ID: '31', VIRTBOOK_REHEARSE: 'false' };
    await pipeline(folder, { ...env, ...more, VIRTBOOK_TOKEN: 'the-token' });
    expect(api.comments).toHaveLength(1);
  }, 60_000);
});

describe('the job on a branch', () => {
  it('compares with the default branch, which it fetches', async () => {
    const { folder } = await mergeRequest(change);
    const ended = await pipeline(folder, { VIRTBOOK_TOKEN: 'the-token', VIRTBOOK_REHEARSE: 'false' });
    expect(ended).toMatchObject({ code: 0, output: expect.stringContaining('of no merge request') });
    const { files } = JSON.parse(readFileSync(join(folder, 'virtbook-review', 'review.json'), 'utf8'));
    expect(files.map((file: { path: string }) => file.path)).toEqual(['patch.runbook.yaml']);
  }, 60_000);

  it('says what is wrong when there can be no review', async () => {
    const { folder } = await mergeRequest(change);
    const ended = await pipeline(folder, { VIRTBOOK_BASE: 'no-such-branch' });
    expect(ended).toMatchObject({ code: 2, output: expect.stringMatching(/no-such-branch.*GIT_DEPTH: 0/) });
  }, 60_000);
});

describe('ci/gitlab.yml', () => {
  it('is for merge requests, and holds no secret', () => {
    expect(job.rules).toEqual([{ if: '$CI_PIPELINE_SOURCE == "merge_request_event"' }]);
    expect(Object.keys(job.variables)).not.toContain('VIRTBOOK_TOKEN');
    expect(job.artifacts.when).toBe('always');
    expect(job).toMatchObject({ interruptible: true, resource_group: 'virtbook-review-$CI_MERGE_REQUEST_IID' });
  });
});
