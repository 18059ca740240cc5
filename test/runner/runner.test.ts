import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from './built';

// Real processes: the built runner, killed for real, on a simulated lab in a file.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
}, 60_000);
afterAll(() => at?.remove());
beforeEach(() => at.resetLab());

const threeVms = `
- id: each-vm
  forEach: { vm: "\${{ inputs.vms }}", batch: 1 }
  steps:
    - id: snap
      uses: vm.snapshot
      with: { vm: "\${{ vm }}", name: before }
    - id: move
      uses: vm.migrate
      with: { vm: "\${{ vm }}", to: hv2 }
`;
const inputs = 'inputs:\n  vms: { type: vms, default: group:web }\n';

/** Hosts and snapshots of all VMs, as another process sees them. */
async function lab() {
  const { stdout } = await at.run(['inventory', '--format', 'json']);
  const { connections } = JSON.parse(stdout) as {
    connections: { vms: { name: string; host: string; snapshotCount: number; state: string }[] }[];
  };
  return Object.fromEntries(
    connections[0]!.vms.map(({ name, host, snapshotCount, state }) => [
      name,
      `${state} on ${host}, ${snapshotCount} snapshots`,
    ]),
  );
}
const untouched = {
  web1: 'running on hv1, 0 snapshots',
  web2: 'running on hv1, 0 snapshots',
  web3: 'running on hv1, 0 snapshots',
};

const patch = `
- id: ok
  uses: guest.patch
  with: { vm: web1, packages: [openssl] }
- id: bad
  uses: guest.patch
  with: { vm: web2, packages: [broken] }
`;

describe('a runner', () => {
  it('outlives the process that started it, and any number of others follow it', async () => {
    const run = await at.start(at.runbook('patch', patch));
    const followers = await Promise.all(
      [1, 2, 3].map(async () => {
        const seen: number[] = [];
        for await (const record of at.runs.follow(run)) seen.push(record.n);
        return seen;
      }),
    );
    const last = followers[0]!.length - 1;
    for (const seen of followers) expect(seen).toEqual(Array.from({ length: last + 1 }, (_, n) => n));
    expect(await at.runs.read(run)).toMatchObject({ status: 'rolled-back', failedStep: 'bad' });
    expect(await lab()).toEqual(untouched);
  });

  it('killed in the middle of a step, then resumed, comes to the same end', async () => {
    const run = await at.start(at.runbook('patch', patch));
    await at.waitFor(run, record => record.type === 'step.log' && record.key === 'ok');
    await at.kill(run);
    expect(await at.run(['show', run])).toMatchObject({ code: 3 });
    expect(await at.run(['resume', run])).toMatchObject({ code: 1 });
    expect(await at.runs.read(run)).toMatchObject({ status: 'rolled-back' });
    expect(await lab()).toEqual(untouched);
  });

  it('killed in its rollback, then resumed, finishes the rollback', async () => {
    const run = await at.start(at.runbook('patch', patch));
    await at.waitFor(run, record => record.type === 'undo.intent');
    await at.kill(run);
    expect(await at.run(['resume', run])).toMatchObject({ code: 1 });
    expect(await lab()).toEqual(untouched);
  });

  it('killed again and again does no finished step twice', async () => {
    const run = await at.start(
      at.runbook(
        'patch-all',
        `
- id: each-vm
  forEach: { vm: "\${{ inputs.vms }}", batch: 2 }
  steps:
    - id: patch
      uses: guest.patch
      with: { vm: "\${{ vm }}", packages: [openssl] }
`,
        inputs,
      ),
    );
    for (let times = 0; times < 4; times++) {
      const { records } = await at.runs.read(run);
      for await (const record of at.runs.follow(run)) if (record.n >= records + 2) break;
      if ((await at.runs.read(run)).status === 'done') break;
      await at.kill(run);
      if ((await at.runs.read(run)).status === 'done') break;
      await at.runs.resume(run);
    }
    for await (const _ of at.runs.follow(run));
    const records = await at.records(run);
    expect(await at.runs.read(run)).toMatchObject({ status: 'done' });
    for (const vm of ['web1', 'web2', 'web3']) {
      const of = records.filter(record => 'key' in record && record.key === `each-vm[${vm}]/patch`);
      expect(of.filter(record => record.type === 'step.done')).toHaveLength(1);
      expect(of.filter(record => record.type === 'step.intent')).toHaveLength(1);
    }
    expect(await lab()).toEqual(untouched);
  }, 60_000);

  it('is the only one: of two that resume at once, one is refused', async () => {
    const run = await at.start(at.runbook('patch', patch));
    await at.waitFor(run, record => record.type === 'step.intent');
    await at.kill(run);
    const ends = await Promise.allSettled([at.runs.resume(run), at.runs.resume(run), at.runs.resume(run)]);
    expect(ends.filter(end => end.status === 'fulfilled')).toHaveLength(1);
    for await (const _ of at.runs.follow(run));
    const records = await at.records(run);
    expect(records.filter(record => record.type === 'run.started')).toHaveLength(2);
    expect(records.filter(record => record.type === 'run.ended')).toHaveLength(1);
  });

  it('leaves no process, socket or draft behind', async () => {
    const run = await at.start(at.runbook('one', '- uses: vm.start\n  with: { vm: web1 }'));
    for await (const _ of at.runs.follow(run));
    const owner = JSON.parse(
      readFileSync(
        `${at.runs.folder}/${run}/${readdirSync(`${at.runs.folder}/${run}`).find(name => name.startsWith('lock.'))}`,
        'utf8',
      ),
    ) as { pid: number; socket: string };
    for (let tries = 0; tries < 300 && isAlive(owner.pid); tries++)
      await new Promise(resolve => setTimeout(resolve, 20));
    expect(isAlive(owner.pid)).toBe(false);
    expect(existsSync(owner.socket)).toBe(false);
    expect(readdirSync(`${at.runs.folder}/${run}`).sort()).toEqual([
      'journal.jsonl',
      expect.stringMatching(/^lock\.\d$/),
      'runner.log',
    ]);
  });
});

describe('cancel', () => {
  it('and roll back puts everything back', async () => {
    const run = await at.start(
      at.runbook('slow', threeVms.replace('name: before', 'name: before, quiesce: "no"'), inputs),
    );
    // Snapshots stand in the way of a migration: it is refused, and all of it comes back without a cancel, too.
    for await (const _ of at.runs.follow(run));
    expect(await at.runs.read(run)).toMatchObject({ status: 'rolled-back', failure: { class: 'blocked' } });
    expect(await lab()).toEqual(untouched);
  });

  it('and keep stops after undoing the step under way; resume goes on', async () => {
    const steps = `
- id: first
  uses: vm.snapshot
  with: { vm: web1, name: kept }
- id: move
  uses: vm.migrate
  with: { vm: web2, to: hv2, bandwidth: 20 }
`;
    const run = await at.start(at.runbook('keep', steps));
    await at.waitFor(run, record => record.type === 'step.progress' && record.key === 'move');
    expect(await at.run(['cancel', run, '--keep'])).toMatchObject({ code: 1 });
    expect(await at.runs.read(run)).toMatchObject({ status: 'stopped' });
    expect(await lab()).toEqual({ ...untouched, web1: 'running on hv1, 1 snapshots' });
    expect(await at.run(['resume', run], { env: { VIRTBOOK_LAB_SPEED: '500' } })).toMatchObject({ code: 0 });
    expect(await lab()).toEqual({
      ...untouched,
      web1: 'running on hv1, 1 snapshots',
      web2: 'running on hv2, 0 snapshots',
    });
    expect(await at.run(['rollback', run], { env: { VIRTBOOK_LAB_SPEED: '500' } })).toMatchObject({ code: 1 });
    expect(await lab()).toEqual(untouched);
  }, 60_000);
});

describe('a question', () => {
  const unknown = `
- id: touch
  uses: guest.run
  with: { vm: web1, argv: [sleep, "30"] }
  rollback: none
- uses: vm.start
  with: { vm: web1 }
`;
  it('that only a person can answer waits for one, over the death of the runner too', async () => {
    const run = await at.start(at.runbook('unknown', unknown));
    await at.waitFor(run, record => record.type === 'step.intent' && record.key === 'touch');
    await at.kill(run);
    await at.runs.resume(run);
    const asked = await at.waitFor(run, record => record.type === 'question.asked');
    expect((await at.runs.list())[0]).toMatchObject({ runId: run, status: 'waiting' });
    await at.kill(run);
    await at.runs.resume(run);
    const attachment = await at.runs.attach(run, { name: 'ops' });
    if (asked.type !== 'question.asked') throw new Error('unreachable');
    await expect(attachment!.answer(asked.id, 'nonsense')).rejects.toThrow('not open');
    // The new runner may still be on its way to the question.
    for (let tries = 0; ; tries++) {
      try {
        await attachment!.answer(asked.id, 'done');
        break;
      } catch (error) {
        if (tries > 200) throw error;
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    }
    attachment!.detach();
    for await (const _ of at.runs.follow(run));
    expect(await at.runs.read(run)).toMatchObject({ status: 'done' });
    expect((await at.records(run)).filter(record => record.type === 'question.asked')).toHaveLength(1);
  });
});

describe('a journal', () => {
  let run: string;
  let whole: Buffer;
  beforeEach(async () => {
    run = await at.start(at.runbook('patch', patch));
    await at.waitFor(run, record => record.type === 'step.done');
    await at.kill(run);
    whole = readFileSync(at.journal(run));
  });
  afterEach(() => writeFileSync(at.journal(run), whole));

  it('whose last record is torn goes on from the one before', async () => {
    truncateSync(at.journal(run), whole.length - 5);
    expect(await at.runs.read(run)).toMatchObject({ status: 'crashed' });
    expect(await at.run(['resume', run])).toMatchObject({ code: 1 });
    whole = readFileSync(at.journal(run));
    expect(await at.runs.read(run)).toMatchObject({ status: 'rolled-back' });
    expect(await lab()).toEqual(untouched);
  });

  it('that was damaged in the middle is refused with file and line', async () => {
    const damaged = Buffer.from(whole);
    const second = whole.indexOf('\n') + 20;
    damaged[second] = damaged[second]! ^ 0x01;
    writeFileSync(at.journal(run), damaged);
    const ended = await at.run(['resume', run]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain(`${at.journal(run)}:2:`);
    const list = await at.run(['runs']);
    expect(list.code).toBe(0);
    expect(list.stdout).toContain('unreadable');
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
