import { readdirSync, readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectSimulated } from '../../src/hypervisors/simulated/connection';
import { openLab } from '../../src/runner/simulated-labs';
import { Workspace } from '../runner/built';

// What people are asked and what they are left with: approvals, secrets, and the runbook of what could not be undone. Real processes.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
}, 60_000);
afterAll(() => at?.remove());
beforeEach(() => at.resetLab());

const me = `${userInfo().username}@${hostname()}`;

async function vms(): Promise<Record<string, string>> {
  const { stdout } = await at.run(['inventory', '--format', 'json']);
  const { connections } = JSON.parse(stdout) as {
    connections: { vms: { name: string; host: string; snapshotCount: number; state: string }[] }[];
  };
  return Object.fromEntries(
    connections[0]!.vms.map(vm => [vm.name, `${vm.state} on ${vm.host}, ${vm.snapshotCount} snapshots`]),
  );
}

describe('an approval', () => {
  const gated = (settings: string) => `
- uses: vm.snapshot
  with: { vm: web1, name: before }
- id: gate
  approve: { message: "Start web1?"${settings} }
- uses: vm.start
  with: { vm: web1 }
`;
  const waiting = (runId: string) => at.waitFor(runId, record => record.type === 'approval.asked');
  const end = async (runId: string) => {
    for await (const _ of at.runs.follow(runId));
    return at.runs.read(runId);
  };

  it('lets the run go on, and says who gave it; show tells what it waits for', async () => {
    const run = await at.start(at.runbook('gated', gated(', expires: 2h')));
    await waiting(run);
    const { stdout } = await at.run(['show', run]);
    expect(stdout).toContain('waits for approval: Start web1? (needs 1 person; until 20');
    expect(stdout).toContain(`virtbook approve ${run}, or virtbook reject ${run}`);
    expect((await at.run(['runs'])).stdout).toContain('waits for approval');
    const given = await at.run(['approve', run, '--note', 'agreed in CHG-7']);
    expect(given.stderr).toBe('');
    expect(given.stdout).toMatch(/^Approved: Start web1\? \(gate of gated, plan [0-9a-f]{12}\)\n$/);
    expect(await end(run)).toMatchObject({ status: 'done' });
    const records = await at.records(run);
    expect(records.find(record => record.type === 'approval.given')).toMatchObject({
      by: me,
      note: 'agreed in CHG-7',
      planHash: records[0]?.type === 'run.submitted' ? records[0].planHash : '',
    });
  });

  it('of two needs two names, and the journal has who said that another one agrees', async () => {
    const run = await at.start(at.runbook('two', gated(', by: 2')));
    await waiting(run);
    expect((await at.run(['approve', run])).stdout).toContain(`needs 2 different people, so far ${me}`);
    const again = await at.run(['approve', run, '--as', userInfo().username]);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain(`${me} has approved gate already`);
    expect(await at.run(['approve', run, '--as', 'Ann'])).toMatchObject({ code: 0 });
    expect(await end(run)).toMatchObject({ status: 'done' });
    const given = (await at.records(run)).flatMap(record => (record.type === 'approval.given' ? [record.by] : []));
    expect(given).toEqual([me, `Ann (as ${me} says)`]);
  });

  it('that must not come from who started the run is refused to them, and can be rejected: all is rolled back', async () => {
    const run = await at.start(at.runbook('other', gated(', self: false')));
    await waiting(run);
    const own = await at.run(['approve', run]);
    expect(own.code).toBe(2);
    expect(own.stderr).toContain('has to be approved by somebody else');
    expect(await at.run(['reject', run, '--note', 'not today'])).toMatchObject({ code: 0 });
    expect(await end(run)).toMatchObject({ status: 'rolled-back', failure: { class: 'rejected' } });
    expect((await at.run(['show', run])).stdout).toContain('not today');
    expect((await vms()).web1).toBe('running on hv1, 0 snapshots');
    const late = await at.run(['approve', run]);
    expect(late.stderr).toContain('waits for no approval (it is rolled-back)');
  });

  it('waits over the death of the runner; a gate that is not there, and another plan, are refused', async () => {
    const run = await at.start(at.runbook('killed', gated('')));
    await waiting(run);
    await at.kill(run);
    const gone = await at.run(['approve', run]);
    expect(gone.stderr).toContain(`virtbook resume ${run}`);
    await at.runs.resume(run);
    expect((await at.run(['approve', run, '--gate', 'nope'])).stderr).toContain('but of gate.');
    await expect(at.runs.approve(run, 'approve', { planHash: 'f'.repeat(64) })).rejects.toThrow(
      'That word is on plan ffff',
    );
    // The new runner may still be on its way to the gate.
    for (let tries = 0; (await at.run(['approve', run])).code !== 0; tries++)
      if (tries > 20) throw new Error('not taken');
    expect(await end(run)).toMatchObject({ status: 'done' });
    expect((await at.records(run)).filter(record => record.type === 'approval.asked')).toHaveLength(1);
  });
});

describe('a secret', () => {
  const secret = 'hunter2 "quoted"/+';
  const inputs = 'inputs:\n  token: { type: secret, env: PATCH_TOKEN, prompt: "API token?" }\n';
  /** Prints it, fails with it, and has it in inputs and outputs. */
  const careless = `
- id: prints
  uses: guest.run
  with: { vm: web1, argv: [echo, "token=\${{ inputs.token }}"], undo: [echo, "\${{ inputs.token }}"] }
- uses: guest.run
  with: { vm: web1, argv: [sleep, "250"], changes: false }
- uses: guest.run
  with:
    vm: web1
    # Too long for a line, so its title is cut in the middle of the token.
    argv: [echo, ${'x'.repeat(60)}, "\${{ inputs.token }}"]
    undo: [echo, ${'x'.repeat(60)}, "\${{ inputs.token }}"]
- uses: guest.run
  with: { vm: web1, argv: [sh, -c, "echo \${{ inputs.token }} >&2; exit 3"] }
`;

  /** Every file below a folder that has it, in any of the forms in which it may come back. */
  function filesWith(folder: string): string[] {
    const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), btoa(secret), 'hunter'];
    // By what the listing says of it: a socket may be gone when it is looked at a moment later.
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
      .filter(file => {
        const text = readFileSync(file, 'latin1');
        return forms.some(form => text.includes(form));
      });
  }

  it('is in no file and no output of a run that prints it, crashes, and fails with it', async () => {
    const file = at.runbook('careless', careless, inputs);
    const env = { PATCH_TOKEN: secret };
    const said: string[] = [];
    const run = async (args: string[], more: NodeJS.ProcessEnv = env) => {
      const ended = await at.run(args, { env: more });
      said.push(ended.stdout, ended.stderr);
      return ended;
    };
    expect((await run(['plan', file])).stdout).toContain('‹secret token');
    await run(['plan', file, '--format', 'json']);
    const { stdout } = await run(['run', file, '--yes', '--detach', '--format', 'json']);
    const { runId } = JSON.parse(stdout) as { runId: string };
    await at.waitFor(runId, record => record.type === 'step.done' && record.key === 'prints');
    await at.kill(runId);
    await run(['show', runId]);
    const resumed = await run(['resume', runId], { ...env, VIRTBOOK_LAB_SPEED: '10000' });
    expect(resumed.stdout).toContain('‹secret token');
    await run(['show', runId]);
    await run(['show', runId, '--format', 'json']);
    await run(['show', runId, '--remaining']);
    await run(['runs', '--format', 'json']);
    const records = await at.records(runId);
    expect(records.find(record => record.type === 'step.done' && record.key === 'prints')).toMatchObject({
      outputs: { stdout: 'token=‹secret token›\n' },
    });
    expect(records.findLast(record => record.type === 'step.failed')).toMatchObject({
      failure: { message: expect.stringContaining('‹secret token') },
    });
    expect(records.filter(record => record.type === 'run.started')).toHaveLength(2);
    expect(filesWith(at.state)).toEqual([]);
    expect(said.filter(text => text.includes('hunter2'))).toEqual([]);
  }, 60_000);

  it('given on the command line is refused and not said again; nobody to ask is told before anything begins', async () => {
    const file = at.runbook('careless', careless, inputs);
    const given = await at.run(['run', file, '--yes', '--input', 'token=hunter2secret']);
    expect(given.code).toBe(2);
    expect(given.stderr).toContain('The input token is a secret');
    expect(given.stderr).toContain('PATCH_TOKEN');
    expect(given.stderr).not.toContain('hunter2secret');
    const nobody = await at.run(['run', file, '--yes']);
    expect(nobody.stderr).toBe(
      'virtbook: The secret input token has no value, and nobody can be asked for it. Set the environment variable PATCH_TOKEN.\n',
    );
    const short = await at.run(['run', file, '--yes'], { env: { PATCH_TOKEN: 'abc' } });
    expect(short.stderr).toContain('shorter than 4 characters');
    expect(short.stderr).not.toContain('abc');
  });

  it('is asked of whoever is attached, again when it is too short; without it the run stops and can be resumed', async () => {
    const file = at.runbook(
      'asks',
      '- uses: guest.run\n  with: { vm: web1, argv: [echo, "${{ inputs.token }}"], changes: false }',
      inputs,
    );
    const run = await at.start(file);
    const asked: string[] = [];
    const declines = await at.runs.attach(run, {
      name: 'ops',
      secret: async question => {
        asked.push(`${question.name} ${question.text} ${question.runbook} ${question.variable} ${question.attempt}`);
        return undefined;
      },
    });
    for await (const _ of at.runs.follow(run));
    declines?.detach();
    expect(asked).toEqual(['token API token? asks PATCH_TOKEN 1']);
    const shown = await at.run(['show', run]);
    expect(shown.stdout).toContain('Nobody gave the value of the secret input token.');
    expect(shown.stdout).toContain(`virtbook resume ${run}`);
    expect(await at.runs.read(run)).toMatchObject({ status: 'stopped' });
    await at.runs.resume(run);
    const problems: (string | undefined)[] = [];
    await at.runs.attach(run, {
      name: 'ops',
      secret: async ({ attempt, problem }) => {
        problems.push(problem);
        return attempt === 1 ? 'abc' : secret;
      },
    });
    for await (const _ of at.runs.follow(run));
    expect(problems).toEqual([undefined, expect.stringContaining('shorter than 4')]);
    expect(await at.runs.read(run)).toMatchObject({ status: 'done' });
    expect(filesWith(at.state)).toEqual([]);
  });

  it('that is missing when a run is resumed leaves it as it was, and says why', async () => {
    const file = at.runbook('careless', careless, inputs);
    const env = { PATCH_TOKEN: secret };
    const { stdout } = await at.run(['run', file, '--yes', '--detach', '--format', 'json'], { env });
    const { runId } = JSON.parse(stdout) as { runId: string };
    await at.waitFor(runId, record => record.type === 'step.done' && record.key === 'prints');
    await at.kill(runId);
    await at.runs.resume(runId);
    const attachment = await at.runs.attach(runId, { name: 'ops', secret: async () => undefined });
    await attachment?.closed;
    for await (const _ of at.runs.follow(runId));
    const shown = await at.run(['show', runId]);
    expect(shown).toMatchObject({ code: 3 });
    expect(shown.stdout).toContain('It said: Nobody gave the value of the secret input token.');
    expect(await at.run(['rollback', runId], { env })).toMatchObject({ code: 1 });
    expect(filesWith(at.state)).toEqual([]);
  }, 60_000);
});

describe('what a run could not take back', () => {
  it('is a runbook that does it, with its secrets as inputs, once what was in the way is gone', async () => {
    const before = await vms();
    const file = at.runbook(
      'stuck',
      `
- uses: vm.snapshot
  with: { vm: web2, name: before }
- id: mark
  uses: guest.run
  with: { vm: web1, argv: [tee, /srv/mark], stdin: "\${{ inputs.token }}", undo: [rm, -f, /srv/mark] }
- id: locked
  uses: guest.run
  with: { vm: web1, argv: ["true"], undo: [test, -e, /srv/key] }
- uses: guest.run
  with: { vm: web3, argv: ["false"], changes: false }
`,
      'inputs:\n  token: { type: secret, env: PATCH_TOKEN }\n',
    );
    const env = { PATCH_TOKEN: 'a secret value' };
    const ended = await at.run(['run', file, '--yes'], { env });
    expect(ended.code).toBe(3);
    const runId = /run (\d{8}-\S+)/.exec(ended.stdout)![1]!;
    expect(ended.stdout).toContain(`virtbook show ${runId} --remaining`);
    expect(ended.stdout).toContain(
      `stays locked for other runs until that has worked. To give it free all the same: virtbook release ${runId}`,
    );
    const kept = join(at.runs.folder, runId, 'remaining.runbook.yaml');
    expect((await at.run(['show', runId, '--remaining'])).stdout).toBe(readFileSync(kept, 'utf8'));
    expect(readFileSync(kept, 'utf8')).toContain('stdin: ${{ inputs["token"] }}');
    expect(await at.run(['check', kept])).toMatchObject({ code: 0 });

    // Somebody puts right what was in the way; then the rest can be undone.
    expect(await at.run(['release', runId, '--yes'])).toMatchObject({ code: 0 });
    const look = (name: string, argv: string) =>
      at.run([
        'run',
        at.runbook(name, `- uses: guest.run\n  with: { vm: web1, argv: ${argv}, undo: ["true"] }`),
        '--yes',
      ]);
    expect(await look('key', '[tee, /srv/key]')).toMatchObject({ code: 0 });
    expect(await look('marked', '[test, -e, /srv/mark]')).toMatchObject({ code: 0 });
    const rest = await at.run(['run', kept, '--yes'], { env });
    expect(rest.stdout).toMatch(/undo of locked\)[\s\S]*run rm -f \/srv\/mark in web1 \(undo of mark\)/);
    expect(rest.code).toBe(0);
    expect(await look('marked', '[test, -e, /srv/mark]')).toMatchObject({ code: 1 });
    expect(await vms()).toEqual(before);
    // Undone is undone: once more does no harm.
    expect(await at.run(['run', kept, '--yes'], { env })).toMatchObject({ code: 0 });
    const none = await at.run(['show', 'latest', '--remaining']);
    expect(none.stderr).toContain('has left nothing for a person to do (it is done).');
  }, 60_000);

  it('and what was to be kept is told when it is rolled back; a rollback that is tried again says nothing twice', async () => {
    const fails = `
- uses: vm.snapshot
  with: { vm: web2, name: before }
- uses: guest.run
  with: { vm: web1, argv: ["false"] }
`;
    const keep = `
- name: Note it down
  uses: guest.run
  with: { vm: web1, argv: [tee, /srv/note], stdin: x }
  rollback: none
`;
    const keeps = await at.run(['run', at.runbook('keeps', `${keep}${fails}`), '--yes']);
    expect(keeps.stdout).toContain('1 step was undone, last first. Kept, as `rollback: none` says: Note it down.');
    // What a failed command without an undo has done, nobody knows.
    const unsure = await at.run(['run', at.runbook('unsure', fails), '--yes']);
    expect(unsure.stdout).toContain('1 step was undone, last first.\n  warning: guest.run#2 failed and has no undo');

    const stuck = at.runbook('stuck', `${keep.replace('rollback: none', 'rollback: [{ assert: "false" }]')}${fails}`);
    expect(await at.run(['run', stuck, '--yes'])).toMatchObject({ code: 3 });
    const again = await at.run(['rollback', 'latest']);
    expect(again.code).toBe(3);
    expect(again.stdout.split('warning: guest.run#3 failed and has no undo')).toHaveLength(2);
    expect(await at.run(['release', 'latest', '--yes'])).toMatchObject({ code: 1 });
    expect(await at.run(['release', 'web1', '--yes'])).toMatchObject({ code: 0 });
  }, 60_000);
});

describe('after its point of no return', () => {
  it('a run that fails asks, stops as it is, is not rolled back, and goes on when it is resumed', async () => {
    const file = at.runbook(
      'forward',
      `
- uses: vm.snapshot
  with: { vm: web2, name: kept }
- id: point
  pointOfNoReturn: The old version is gone
- id: needs-key
  uses: guest.run
  with: { vm: web1, argv: [test, -e, /srv/key], undo: ["true"] }
`,
    );
    const run = await at.start(file);
    const asked = await at.waitFor(run, record => record.type === 'question.asked');
    if (asked.type !== 'question.asked') throw new Error('unreachable');
    const attachment = await at.runs.attach(run, { name: 'ops' });
    await attachment!.answer(asked.id, 'stop');
    attachment!.detach();
    for await (const _ of at.runs.follow(run));
    expect(await at.runs.read(run)).toMatchObject({ status: 'needs-operator', forward: true, noReturn: 'point' });
    const shown = await at.run(['show', run]);
    expect(shown.code).toBe(3);
    expect(shown.stdout).toContain('stopped after its point of no return');
    expect(shown.stdout).toContain(`this goes on with it: virtbook resume ${run}`);
    expect(shown.stdout).not.toContain(`virtbook rollback ${run}`);
    const refused = await at.run(['rollback', run]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("has passed its point of no return (point), so it can't be rolled back");
    expect((await at.run(['show', run, '--remaining'])).stdout).toContain('uses: guest.run');
    // Locked until it is through: only the run itself may go on.
    await at.runs.resume(run);
    const again = await at.waitFor(run, record => record.type === 'question.asked' && record.n > asked.n);
    if (again.type !== 'question.asked') throw new Error('unreachable');
    await writeKey();
    const person = await at.runs.attach(run, { name: 'ops' });
    await person!.answer(again.id, 'again');
    person!.detach();
    for await (const _ of at.runs.follow(run));
    expect(await at.runs.read(run)).toMatchObject({ status: 'done' });
    expect((await vms()).web2).toBe('running on hv1, 1 snapshots');
    expect((await at.run(['rollback', run])).stderr).toContain('point of no return');
  }, 60_000);

  /** By hand, without Virtbook. */
  async function writeKey(): Promise<void> {
    const hypervisor = connectSimulated(await openLab(at.folder, './lab.lab.yaml'), 'lab');
    const { uuid } = (await hypervisor.vm('web1'))!;
    await hypervisor.guestAgent!.exec(uuid, ['tee', '/srv/key'], { stdin: 'x', timeoutMs: 5000 });
  }
});

describe('calls', () => {
  it('are checked, planned and run with the runbook that they name', async () => {
    at.write(
      'part.runbook.yaml',
      'version: 1\nname: Part\ninputs:\n  vm: { type: vm }\noutputs: { was: "${{ steps.s.outputs.snapshot }}" }\nsteps:\n  - id: s\n    uses: vm.snapshot\n    with: { vm: "${{ inputs.vm }}", name: called }\n',
    );
    const file = at.runbook(
      'caller',
      `
- id: sub
  uses: ./part.runbook.yaml
  with: { vm: web2 }
- uses: guest.run
  with: { vm: web1, argv: [echo, "\${{ steps.sub.outputs.was }}"], changes: false }
`,
    );
    expect(await at.run(['check', file])).toMatchObject({ code: 0 });
    expect((await at.run(['plan', file])).stdout).toContain('snapshot web2 as called');
    expect(await at.run(['run', file, '--yes'])).toMatchObject({ code: 0 });
    expect((await vms()).web2).toBe('running on hv1, 1 snapshots');
    at.write('part.runbook.yaml', 'version: 1\nname: Part\nsteps:\n  - uses: vm.strat\n    with: { vm: web1 }\n');
    const broken = await at.run(['check', file]);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toContain('part.runbook.yaml:4');
    expect((await at.run(['plan', file])).code).toBe(2);
  });
});

describe('drift', () => {
  it('between the plan and a step stops the run before it touches what has changed', async () => {
    const file = at.runbook(
      'drifts',
      `
- uses: vm.snapshot
  with: { vm: web1, name: before }
- approve: { message: "Go on?" }
- uses: vm.snapshot
  with: { vm: web2, name: before }
`,
    );
    const run = await at.start(file);
    await at.waitFor(run, record => record.type === 'approval.asked');
    // By somebody who knows nothing of Virtbook's locks.
    const hypervisor = connectSimulated(await openLab(at.folder, './lab.lab.yaml'), 'lab');
    const { uuid } = (await hypervisor.vm('web2'))!;
    await hypervisor.snapshots!.create(uuid, { name: 'mine', description: '', memory: false, quiesce: 'no' });
    await at.run(['approve', run]);
    for await (const _ of at.runs.follow(run));
    const { stdout } = await at.run(['show', run]);
    expect(stdout).toContain('web2 had no snapshots when this was planned and has 1 now');
    expect(stdout).toContain('Plan and start it again.');
    expect(await at.runs.read(run)).toMatchObject({ status: 'rolled-back', failure: { class: 'drift' } });
    expect(await vms()).toMatchObject({ web1: 'running on hv1, 0 snapshots', web2: 'running on hv1, 1 snapshots' });
  });
});
