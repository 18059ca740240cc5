import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openRuns } from '../../src/runner/runs';
import { Workspace } from './built';

// Two computers: one lab file, and the built program with a state folder of its own each. Real processes, killed for real.

vi.setConfig({ testTimeout: 120_000 });

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
}, 60_000);
afterAll(() => at?.remove());
beforeEach(() => {
  at.resetLab();
  // Slow enough to be met at work. Runners take it over from here.
  process.env.VIRTBOOK_LAB_SPEED = '4';
});

const desk = () => ({ env: { VIRTBOOK_STATE: join(at.folder, 'desk') } });
const deskRuns = () => openRuns({ state: join(at.folder, 'desk'), runner: join(at.folder, 'dist', 'runner.js') });
afterEach(() => rmSync(join(at.folder, 'desk'), { recursive: true, force: true }));

interface Locks {
  locks: { label: string; runId: string; token: number; stale: boolean; note: string }[];
}
const locks = async (): Promise<Locks['locks']> =>
  (JSON.parse((await at.run(['locks', '--format', 'json'])).stdout) as Locks).locks;

/** As time makes it: the last heartbeat was long ago. */
function makeStale(): void {
  const file = join(at.folder, 'lab.lab.state.json');
  const lab = JSON.parse(readFileSync(file, 'utf8')) as { locks: Record<string, { held?: { heartbeatAt: number } }> };
  for (const { held } of Object.values(lab.locks)) if (held) held.heartbeatAt -= 3_600_000;
  writeFileSync(file, JSON.stringify(lab));
}

const move = `
- id: move
  uses: vm.migrate
  with: { vm: web1, to: hv2 }
- id: back
  uses: vm.migrate
  with: { vm: web1, to: hv1 }
`;

/** Runs a command that must end so; else what it said is told. */
async function ends(code: number, args: string[], more?: { env: NodeJS.ProcessEnv }): Promise<string> {
  const ended = await at.run(args, more);
  expect(ended.code, `${args.join(' ')}\n${ended.stdout}${ended.stderr}`).toBe(code);
  return ended.stdout;
}

describe('two runners on the same VM', () => {
  it('started at once: one proceeds, the other changes nothing and says who holds the lock; again and again', async () => {
    const file = at.runbook('move', move);
    for (let round = 0; round < 5; round++) {
      const both = await Promise.all([at.run(['run', file, '--yes']), at.run(['run', file, '--yes'], desk())]);
      const codes = both.map(one => one.code).sort();
      expect(codes, both.map(one => one.stdout + one.stderr).join('\n')).toEqual([0, 1]);
      const refused = both.find(one => one.code === 1)!.stdout;
      expect(refused).toContain('Nothing had been changed');
      expect(refused).toMatch(/ is locked by \S+@\S+ \(run \d{8}-\S+, move\) for \d+ s; last heartbeat \d+ s ago/);
      expect(await locks()).toEqual([]);
    }
    const ends = [...(await at.runs.list()), ...(await deskRuns().list())].map(run => run.status);
    expect(ends.sort()).toEqual([...Array<string>(5).fill('done'), ...Array<string>(5).fill('failed')]);
  });

  it('on different VMs do not know of each other', async () => {
    const one = at.runbook('snap-one', '- uses: vm.snapshot\n  with: { vm: web1, name: before }\n');
    const two = at.runbook('snap-two', '- uses: vm.snapshot\n  with: { vm: web2, name: before }\n');
    const both = await Promise.all([at.run(['run', one, '--yes']), at.run(['run', two, '--yes'], desk())]);
    expect(both.map(one => one.code)).toEqual([0, 0]);
  });

  it('where one only looks: it is not kept from it', async () => {
    const look = at.runbook('look', '- uses: check.guest\n  with: { vm: web1, tcp: { port: 80 } }\n');
    const other = at.runbook('slow', '- uses: vm.snapshot\n  with: { vm: web1, name: before }\n- wait: 8s\n');
    const run = await at.start(other);
    await at.waitFor(run, record => record.type === 'wait.started');
    await ends(0, ['run', look, '--yes'], desk());
    expect(await locks()).toMatchObject([{ label: 'VM web1', runId: run }]);
    for await (const _ of at.runs.follow(run));
  });
});

describe('a runner that is killed', () => {
  it('leaves its locks; others are told that they are stale, and a resume takes them again and gives them back', async () => {
    const file = at.runbook('move', move);
    const run = await at.start(file);
    await at.waitFor(run, record => record.type === 'step.progress');
    await at.kill(run);
    const held = await locks();
    expect(held.map(lock => lock.label).sort()).toEqual(['VM web1', 'host hv1', 'host hv2']);
    for (const lock of held) expect(lock).toMatchObject({ runId: run, stale: false });
    makeStale();
    const refused = await at.run(['run', file, '--yes'], desk());
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('It is stale: its runner has died, or its computer sleeps.');
    expect(refused.stdout).toContain(`\`virtbook release ${run}\``);
    // Where the run is, it is known to have died, and what to do instead.
    const here = await at.run(['run', file, '--yes']);
    expect(here.stdout).toContain(`its runner has died: \`virtbook resume ${run}\` goes on with it`);
    await ends(0, ['resume', run]);
    expect(await locks()).toEqual([]);
    await ends(0, ['run', file, '--yes'], desk());
  });

  it('whose locks were released and taken by another does not go on before that has ended', async () => {
    const file = at.runbook('move', move);
    const run = await at.start(file);
    await at.waitFor(run, record => record.type === 'step.progress');
    await at.kill(run);
    await ends(0, ['release', run, '--yes']);
    // A lock of another computer's run, as long as this test wants it.
    const file2 = join(at.folder, 'lab.lab.state.json');
    const lab = JSON.parse(readFileSync(file2, 'utf8')) as { locks: Record<string, { token: number; held?: object }> };
    const name = Object.keys(lab.locks).find(one => one.startsWith('vm '))!;
    const token = lab.locks[name]!.token + 1;
    const now = Date.now();
    const held = {
      name,
      label: 'VM web1',
      owner: 'ann@desk',
      runId: 'other',
      token,
      takenAt: now,
      heartbeatAt: now,
      note: 'hers',
    };
    lab.locks[name] = { token, held };
    writeFileSync(file2, JSON.stringify(lab));
    const refused = await at.run(['resume', run]);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stdout).toContain('VM web1 is locked by ann@desk (run other, hers)');
    expect(await at.runs.read(run)).toMatchObject({ status: 'stopped', failure: { class: 'locked' } });
    await ends(0, ['release', 'web1', '--yes']);
    await ends(0, ['resume', run]);
    expect(await locks()).toEqual([]);
  });
});

describe('a run that needs a person', () => {
  it('keeps its locks and says what is left; a rollback or a release gives them back', async () => {
    const left =
      '- uses: guest.run\n  with: { vm: web1, argv: ["true"] }\n- uses: guest.run\n  with: { vm: web1, argv: ["false"] }\n';
    await ends(3, ['run', at.runbook('left', left), '--yes']);
    const run = await at.runs.find('latest');
    expect(await locks()).toMatchObject([
      { label: 'VM web1', runId: run, note: 'left: needs a person, left is guest.run#1: run true in web1' },
    ]);
    const refused = await at.run(['run', at.runbook('move', move), '--yes'], desk());
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stdout).toContain('needs a person, left is guest.run#1: run true in web1');
    await ends(3, ['rollback', run]);
    expect(await locks()).toHaveLength(1);
    await ends(0, ['release', 'VM web1', '--yes']);
    expect(await locks()).toEqual([]);
  });
});

describe('a run whose lock is taken away', () => {
  it('finishes the step under way, begins no other, undoes nothing, and needs a person', async () => {
    process.env.VIRTBOOK_LAB_SPEED = '0.7';
    const file = at.runbook('twice', `- uses: vm.snapshot\n  with: { vm: web2, name: before }\n${move}`);
    const run = await at.start(file);
    await at.waitFor(run, record => record.type === 'step.progress' && record.key === 'move');
    const released = await at.run(['release', 'web1', '--yes']);
    expect(released).toMatchObject({ code: 0 });
    expect(released.stdout).toContain('The run goes on here');
    // The undos are to be quick again.
    process.env.VIRTBOOK_LAB_SPEED = '40';
    for await (const _ of at.runs.follow(run));
    const view = await at.runs.read(run);
    expect(view).toMatchObject({ status: 'needs-operator', failedStep: 'back', failure: { class: 'locked' } });
    expect(view.remaining.map(one => one.key)).toEqual(['move', 'vm.snapshot#1']);
    const records = await at.records(run);
    const after = records.findIndex(record => record.type === 'step.done' && record.key === 'move');
    expect(records.slice(after + 1).filter(record => record.type.endsWith('.done'))).toEqual([]);
    // What was not taken away is kept for whoever looks.
    expect((await locks()).map(lock => lock.label).sort()).toEqual(['VM web2', 'host hv1', 'host hv2']);
    await ends(1, ['rollback', run]);
    expect(await at.runs.read(run)).toMatchObject({ status: 'rolled-back' });
    expect(await locks()).toEqual([]);
  });

  it('while it waits, stops after the wait', async () => {
    process.env.VIRTBOOK_LAB_SPEED = '40';
    const snapshot = (vm: string) => `- uses: vm.snapshot\n  with: { vm: ${vm}, name: before }\n`;
    const run = await at.start(at.runbook('waits', `${snapshot('web1')}- wait: 8s\n${snapshot('web2')}`));
    await at.waitFor(run, record => record.type === 'wait.started');
    await ends(0, ['release', 'web2', '--yes']);
    for await (const _ of at.runs.follow(run));
    const view = await at.runs.read(run);
    expect(view).toMatchObject({ status: 'needs-operator', failure: { class: 'locked' } });
    expect(view.remaining.map(one => one.key)).toEqual(['vm.snapshot#1']);
    expect((await at.records(run)).filter(record => record.type === 'step.intent')).toHaveLength(1);
    expect((await locks()).map(lock => lock.label)).toEqual(['VM web1']);
  });
});
