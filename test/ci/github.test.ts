import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VmInfo } from '../../src/hypervisors/ports';
import { captureLab, captureText, type SeenConnection } from '../../src/inventory/capture';
import type { Inventory } from '../../src/inventory/model';
import { pseudonymise } from '../../src/inventory/pseudonyms';
import { namesWrittenInInventory } from '../../src/inventory/written-names';
import type { Review } from '../../src/review/model';
import { type ActionRun, actionFile, runAction } from './action';
import { CommentServer, type Forge } from './comment-server';
import { labFiles, leaves, Repository, runbook, snapshot, wrong } from './repository';
import { virtbookCopy } from './virtbook-copy';

// The steps of action.yml as they are written, on a real repository. Only GitHub's API is a fake.

const github: Forge = {
  list: '/repos/shop/runbooks/issues/7/comments',
  one: id => `/repos/shop/runbooks/issues/comments/${id}`,
  update: 'PATCH',
  shown: ({ id, author, body }) => ({
    id,
    user: { login: author },
    body,
    html_url: `https://github.example/shop/runbooks/pull/7#issuecomment-${id}`,
  }),
};
const bot = 'github-actions[bot]';
const mark = '<!-- virtbook-review -->';

let virtbook: ReturnType<typeof virtbookCopy>;
beforeAll(() => {
  virtbook = virtbookCopy();
});
afterAll(() => virtbook.remove());

let at: Repository;
let api: CommentServer;
beforeEach(async () => {
  at = await Repository.create();
  api = await CommentServer.start(github, bot);
  at.write({ ...labFiles, 'patch.runbook.yaml': runbook('Patch', snapshot) });
  await at.commit('Begin');
});
afterEach(async () => {
  await api.stop();
  at.remove();
});

/** A branch with these files changed, and the pull request of it as it is checked out. */
async function proposed(files: Record<string, string>, branch = 'change'): Promise<{ merge: string; event: unknown }> {
  await at.git('checkout', '--quiet', '-B', branch, 'main');
  at.write(files);
  const head = await at.commit('Change');
  const merge = await at.pullRequest(7, branch);
  const event = {
    action: 'synchronize',
    number: 7,
    pull_request: {
      number: 7,
      title: 'A title; $(touch TITLE) `touch TITLE`',
      head: { sha: head, ref: branch },
      base: { sha: await at.git('rev-parse', 'main'), ref: 'main' },
    },
  };
  return { merge, event };
}

async function reviewed(
  { merge, event }: { merge: string; event: unknown },
  given: { inputs?: Record<string, string>; env?: Record<string, string>; eventName?: string; depth?: number } = {},
): Promise<ActionRun & { workspace: string }> {
  const workspace = await at.checkout(merge, given.depth);
  const run = await runAction({
    action: virtbook.folder,
    workspace,
    env: {
      ...at.env,
      GITHUB_API_URL: api.address,
      GITHUB_SERVER_URL: 'https://github.example',
      GITHUB_REPOSITORY: 'shop/runbooks',
      GITHUB_RUN_ID: '42',
      GITHUB_BASE_REF: 'main',
      GITHUB_HEAD_REF: 'work$(touch${IFS}REF)',
      ...given.env,
    },
    eventName: given.eventName ?? 'pull_request',
    event,
    inputs: { rehearse: 'false', ...given.inputs },
    token: 'the-token',
  });
  return { ...run, workspace };
}

describe('the action, from a checkout that is not built', () => {
  it('builds itself, makes a comment, and updates it when the change is changed', async () => {
    const first = await proposed({ 'patch.runbook.yaml': runbook('Patch', snapshot + leaves) });
    const run = await reviewed(first, { inputs: { rehearse: 'true', sarif: 'true' } });
    expect(existsSync(join(virtbook.folder, 'dist', 'cli.js'))).toBe(true);
    expect(run.used.map(({ uses }) => uses.replace(/@.*/, ''))).toEqual([
      'actions/cache',
      'github/codeql-action/upload-sarif',
    ]);
    const [cache, upload] = run.used;
    expect(cache!.with.path).toBe(join(virtbook.folder, 'dist'));
    expect(cache!.with.key).toMatch(/^virtbook-node\d+-[0-9a-f]{64}$/);
    expect(JSON.parse(readFileSync(upload!.with.sarif_file!, 'utf8'))).toMatchObject({ version: '2.1.0' });

    expect(run.ok).toBe(false);
    expect(run.said.Result).toMatch(/^::error .*fail-on/);
    expect(run.outputs).toMatchObject({ failed: 'true', risk: expect.stringMatching(/^(low|medium|high)$/) });
    expect(Number(run.outputs['newly-bad'])).toBeGreaterThan(0);
    const report = readFileSync(run.outputs.report!, 'utf8');
    expect(report).toMatch(/`main` \(`[0-9a-f]{12}`\) → `work\$\(touch\$\{IFS\}REF\)` \(`[0-9a-f]{12}`\)/);
    expect(report).toContain(`<https://github.example/shop/runbooks/blob/${first.merge}/patch.runbook.yaml#L`);
    expect(run.summary).toBe(report);
    expect(run.said.Review).toMatch(/^::error file=patch\.runbook\.yaml,line=\d+,endLine=\d+,title=/m);

    expect(api.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${github.list}`,
      `POST ${github.list}`,
    ]);
    expect(api.asked[1]!.headers).toMatchObject({
      authorization: 'Bearer the-token',
      accept: 'application/vnd.github+json',
      'content-type': 'application/json',
    });
    expect(api.comments).toEqual([{ id: 1000, author: bot, body: report }]);

    const second = await proposed({ 'patch.runbook.yaml': runbook('Patch', snapshot.replace('before', 'earlier')) });
    const again = await reviewed(second);
    expect(again.ok).toBe(true);
    expect(again.outputs).toMatchObject({ failed: 'false', 'newly-bad': '0' });
    expect(again.used).toEqual([]);
    expect(api.asked.slice(2).map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${github.list}`,
      `PATCH ${github.one(1000)}`,
    ]);
    expect(api.comments).toHaveLength(1);
    expect(api.comments[0]!.body).toBe(readFileSync(again.outputs.report!, 'utf8'));
    expect(api.comments[0]!.body).not.toBe(report);
  }, 120_000);
});

describe('the comment', () => {
  const change = { 'patch.runbook.yaml': runbook('Patch', snapshot.replace('before', 'earlier')) };

  it('is found behind hundreds of others, and is not one that somebody else gave the mark', async () => {
    for (let count = 0; count < 120; count++) api.add('ann', `Comment ${count}`);
    api.add('mallory', `${mark}\nAll is well.`);
    for (let count = 0; count < 120; count++) api.add(bot, `Of another tool ${count}`);
    const own = api.add(bot, `${mark}\nOld.`);
    await reviewed(await proposed(change));
    expect(api.writes.map(({ method, path }) => `${method} ${path}`)).toEqual([`PATCH ${github.one(own.id)}`]);
    expect(api.asked).toHaveLength(4);
    expect(own.body).toContain('patch.runbook.yaml');
  }, 60_000);

  it('is left out with a word in the log where the token may only read, and the summary has the report', async () => {
    api.refuse = 403;
    const run = await reviewed(await proposed(change));
    expect(run.ok).toBe(true);
    expect(run.said.Comment).toMatch(/^::notice .*fork.*summary/);
    expect(run.summary).toContain('patch.runbook.yaml');
    expect(api.comments).toEqual([]);
  }, 60_000);

  it('does not hide what the review found, where it can not be written', async () => {
    api.refuse = 500;
    const run = await reviewed(await proposed({ 'patch.runbook.yaml': runbook('Patch', wrong) }));
    expect(run.said.Comment).toMatch(/^::warning .*500/);
    expect(run.ok).toBe(false);
    expect(run.said.Result).toMatch(/^::error /);
  }, 60_000);

  it('of a very long report is as long as GitHub takes', async () => {
    const many = Array.from({ length: 150 }, (_, at) => [
      `long/a-runbook-with-a-long-name-${at}.runbook.yaml`,
      runbook(`Long ${at}`, Array(4).fill(wrong.trim()).join('\n'), '../lab.inventory.yaml'),
    ]);
    const run = await reviewed(await proposed(Object.fromEntries(many)));
    expect(api.comments).toHaveLength(1);
    const { body } = api.comments[0]!;
    expect(body.length).toBeGreaterThan(30_000);
    expect(body.length).toBeLessThanOrEqual(65_536);
    expect(body.startsWith(mark)).toBe(true);
    expect(body.split('<details').length).toBe(body.split('</details>').length);
    expect(JSON.parse(readFileSync(run.outputs.json!, 'utf8')).files).toHaveLength(150);
  }, 60_000);

  it('is not made where there is nothing to review, and one that is there says so', async () => {
    const nothing = await proposed({ 'notes.txt': 'nothing of ours' });
    await reviewed(nothing);
    expect(api.writes).toEqual([]);
    const own = api.add(bot, `${mark}\nOld.`);
    await reviewed(nothing);
    expect(api.writes.map(({ method }) => method)).toEqual(['PATCH']);
    expect(own.body).not.toContain('Old.');
  }, 60_000);

  it('is not made without being asked for, nor for another event', async () => {
    const change2 = await proposed(change);
    const run = await reviewed(change2, { inputs: { comment: 'false', summary: 'false' } });
    expect(run.summary).toBe('');
    await reviewed({ merge: change2.merge, event: {} }, { eventName: 'workflow_dispatch', inputs: { base: 'main' } });
    expect(api.asked).toEqual([]);
  }, 60_000);

  it('on Gitea and Forgejo is that of their own users', async () => {
    for (const [variable, user] of [
      ['GITEA_ACTIONS', 'gitea-actions'],
      ['FORGEJO_ACTIONS', 'forgejo-actions'],
    ] as const) {
      const own = api.add(user, `${mark}\nOld.`);
      await reviewed(await proposed(change), { env: { GITEA_ACTIONS: 'true', [variable]: 'true' } });
      expect(own.body).toContain('patch.runbook.yaml');
    }
    expect(api.writes.map(({ method }) => method)).toEqual(['PATCH', 'PATCH']);
  }, 60_000);
});

describe('what is compared', () => {
  const files = (run: ActionRun): string[] =>
    JSON.parse(readFileSync(run.outputs.json!, 'utf8')).files.map((file: { path: string }) => file.path);

  it('is what merging changes, when main has gone on and one commit is checked out', async () => {
    await proposed({ 'patch.runbook.yaml': runbook('Patch', snapshot.replace('before', 'earlier')) });
    await at.git('checkout', '--quiet', 'main');
    at.write({ 'other.runbook.yaml': runbook('Other', snapshot) });
    await at.commit('Meanwhile');
    const head = await at.git('rev-parse', 'change');
    const merge = await at.pullRequest(7, 'change');
    // The event was sent before main went on.
    const event = {
      pull_request: { number: 7, head: { sha: head }, base: { sha: await at.git('rev-parse', 'main~1') } },
    };
    expect(files(await reviewed({ merge, event }))).toEqual(['patch.runbook.yaml']);
  }, 60_000);

  it('is what the branch changed, when that is checked out, and where it began is fetched', async () => {
    const { event } = await proposed({ 'patch.runbook.yaml': runbook('Patch', snapshot.replace('before', 'earlier')) });
    for (let count = 0; count < 3; count++) {
      at.write({ [`more${count}.runbook.yaml`]: runbook('More', snapshot) });
      await at.commit('More');
    }
    const merge = await at.git('rev-parse', 'HEAD');
    await at.git('push', '--quiet', 'origin', 'HEAD:refs/pull/7/head');
    const found = files(await reviewed({ merge, event }));
    expect(found.sort()).toEqual([
      'more0.runbook.yaml',
      'more1.runbook.yaml',
      'more2.runbook.yaml',
      'patch.runbook.yaml',
    ]);
  }, 60_000);

  it('after a push is what was there before it', async () => {
    await at.git('checkout', '--quiet', 'main');
    const before = await at.git('rev-parse', 'HEAD');
    at.write({ 'a.runbook.yaml': runbook('A', snapshot) });
    await at.commit('A');
    at.write({ 'b.runbook.yaml': runbook('B', snapshot) });
    const merge = await at.commit('B');
    await at.git('push', '--quiet', 'origin', 'main');
    const run = await reviewed({ merge, event: { before } }, { eventName: 'push' });
    expect(files(run)).toEqual(['a.runbook.yaml', 'b.runbook.yaml']);
  }, 60_000);

  it('says what to do when the base is nowhere', async () => {
    const change = await proposed({ 'a.runbook.yaml': runbook('A', snapshot) });
    const run = await reviewed(change, { inputs: { base: 'no-such-branch' } });
    expect(run.ok).toBe(false);
    expect(run.said.Review).toMatch(/^::error .*no-such-branch.*fetch-depth: 0/);
  }, 60_000);
});

describe('what it is rehearsed on', () => {
  it('is the capture that was committed with pseudonyms: no host is connected to', async () => {
    const inventory: Inventory = {
      version: 1,
      connections: { hv1: { type: 'libvirt', uri: 'qemu+ssh://root@hv1.invalid/system' } },
      groups: { web: { vms: ['web1'] } },
      proxies: {},
      vms: {},
    };
    const vm = (name: string, uuid: string): VmInfo => ({
      ...{ name, uuid, host: 'hv1', state: 'running', vcpus: 1, memoryMiB: 1024, persistent: true, snapshotCount: 0 },
      disks: [{ target: 'vda', source: `/images/${name}.qcow2`, format: 'qcow2', datastore: 'images', writable: true }],
      agent: 'connected',
    });
    const seen: SeenConnection = {
      connection: 'hv1',
      state: {
        hosts: [{ name: 'hv1', version: 'QEMU 7.2.0', cpus: 8, memoryMiB: 16_384 }],
        vms: [
          vm('web1', '00000000-0000-4000-8000-000000000001'),
          vm('payroll', '00000000-0000-4000-8000-000000000002'),
        ],
        datastores: [{ name: 'images', host: 'hv1', capacityBytes: 1e12, freeBytes: 9e11, path: '/images' }],
      },
      snapshots: new Map(),
    };
    const pseudonymised = pseudonymise([seen], namesWrittenInInventory(inventory), new Uint8Array(32).fill(7));
    const capture = captureText(captureLab(pseudonymised.seen, inventory, Date.UTC(2026, 0, 3)));
    expect(capture).not.toContain('payroll');
    await at.git('checkout', '--quiet', 'main');
    at.write({
      'prod.inventory.yaml': stringify(inventory),
      'prod.capture.yaml': capture,
      'prod.runbook.yaml': runbook('Prod', snapshot, './prod.inventory.yaml'),
    });
    await at.commit('Prod');
    const change = await proposed({
      'prod.runbook.yaml': runbook('Prod', snapshot.replace('before', 'earlier'), './prod.inventory.yaml'),
    });
    const run = await reviewed(change, { inputs: { rehearse: 'true' } });
    const { files } = JSON.parse(readFileSync(run.outputs.json!, 'utf8')) as Review;
    const rehearsed = { clean: { status: 'done' }, bad: 0 };
    expect(files).toMatchObject([{ path: 'prod.runbook.yaml', rehearsal: { base: rehearsed, head: rehearsed } }]);
  }, 60_000);
});

describe('what comes from outside', () => {
  it('runs nothing: names of branches and files, and texts in them', async () => {
    const name = '$(touch FILE)`touch FILE`; touch FILE/::error::x.runbook.yaml';
    const text = runbook(
      '$(touch NAME)',
      `- name: "x\\n::set-output name=risk::high\\n##[error]y"\n  uses: no.such\n`,
      '../lab.inventory.yaml',
    );
    const change = await proposed({ [name]: text }, 'branch;$(touch${IFS}BRANCH)');
    const run = await reviewed(change);
    for (const file of ['FILE', 'NAME', 'BRANCH', 'TITLE']) {
      expect(existsSync(join(run.workspace, file))).toBe(false);
      expect(existsSync(join(virtbook.folder, file))).toBe(false);
    }
    expect(run.outputs.risk).toMatch(/^(none|low|medium|high)$/);
    let stopped: string | undefined;
    for (const line of run.said.Review!.split('\n')) {
      if (stopped !== undefined) {
        if (line === `::${stopped}::`) stopped = undefined;
        continue;
      }
      stopped = /^::stop-commands::(.+)$/.exec(line)?.[1];
      if (stopped === undefined) expect(line).toMatch(/^$|^::(error|warning|notice) file=[^:]+::/);
    }
    expect(stopped).toBeUndefined();
  }, 60_000);

  it('is not reviewed with a token that can write', async () => {
    const change = await proposed({ 'a.runbook.yaml': runbook('A', snapshot) });
    const run = await reviewed(change, { eventName: 'pull_request_target' });
    expect(run.ok).toBe(false);
    expect(run.said.Review).toMatch(/^::error .*pull_request_target/);
    expect(api.asked).toEqual([]);
  }, 60_000);
});

describe('action.yml', () => {
  const { inputs, runs } = actionFile(join(import.meta.dirname, '..', '..'));

  it('pastes nothing into scripts, gives the token to the comment alone, and pins other actions', () => {
    expect(runs.using).toBe('composite');
    for (const step of runs.steps) {
      if (step.run !== undefined) expect(step.run).not.toContain('${{');
      const given = JSON.stringify([step.env ?? {}, step.with ?? {}]);
      expect(given.includes('token'), step.name).toBe(step.name === 'Comment');
      if (step.uses !== undefined) expect(step.uses).toMatch(/^[\w/-]+@[0-9a-f]{40}$/);
    }
    expect(JSON.stringify({ ...inputs, token: {} })).not.toContain('secrets');
  });
});
