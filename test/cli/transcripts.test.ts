import { hostname, userInfo } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Ended, Workspace } from '../runner/built';

// What people see and what scripts rely on: commands, output and exit codes of the built program, kept as transcripts in golden/.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
  at.runbook(
    'patch',
    `
- id: each-vm
  forEach: { vm: "\${{ inputs.vms }}", batch: 1 }
  steps:
    - id: patch
      name: Patch \${{ vm }}
      uses: guest.patch # virtbook-ignore: patch-unchecked
      with: { vm: "\${{ vm }}", packages: [openssl] }
    - uses: vm.shutdown
      when: steps.patch.outputs.rebootRequired
      with: { vm: "\${{ vm }}" }
`,
    'inputs:\n  vms: { type: vms, default: [web1, web2] }\n',
  );
  at.runbook(
    'fails',
    `
- uses: vm.snapshot
  with: { vm: web1, name: before }
- id: patch
  uses: guest.patch
  with: { vm: web2, packages: [broken] }
- uses: vm.start
  with: { vm: web3 }
`,
  );
  at.runbook(
    'some-fail',
    `
- id: each-vm
  forEach: { vm: [web1, web2, web3], maxFailures: 1 }
  steps:
    - uses: vm.snapshot
      with: { vm: "\${{ vm }}", name: before, quiesce: "no" }
    - uses: guest.run
      with: { vm: "\${{ vm }}", argv: ["\${{ vm == 'web2' ? 'false' : 'true' }}"], changes: false }
`,
  );
  at.runbook(
    'left',
    `
- uses: guest.run
  with: { vm: web1, argv: ["true"] }
- uses: guest.run
  with: { vm: web1, argv: ["false"] }
`,
  );
  at.write(
    'wrong.runbook.yaml',
    `version: 1
name: wrong
inventory: ./lab.inventory.yaml
steps:
  - uses: vm.strat
    with: { vm: web1 }
  - uses: vm.start
    with: { vm: "\${{ inputs.nope }}" }
`,
  );
}, 60_000);
afterAll(() => at?.remove());
beforeEach(() => at.resetLab());

/** Ids, times and paths differ from run to run; everything else may not. */
function steady(text: string): string {
  return text
    .replaceAll(at.folder, 'WORKSPACE')
    .replaceAll(`${userInfo().username}@${hostname()}`, 'USER')
    .replace(/\d{8}-\d{6}-\d{3}[a-z]{3}/g, 'RUN-ID')
    .replace(/plan [0-9a-f]{12}/g, 'plan HASH')
    .replace(/"hash": "[0-9a-f]{64}"/g, '"hash": "HASH"')
    .replace(/\b\d+(\.\d+)? s\b(?! in all| may)/g, 'TIME')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d/g, 'DATE')
    .replace(/, by \S+, /g, ', by USER, ')
    .replace(/process \d+ on \S+/g, 'process PID on MACHINE')
    .replace(/ +$/gm, '');
}

async function transcript(name: string, ...commands: string[][]): Promise<Ended[]> {
  let text = '';
  const all: Ended[] = [];
  for (const args of commands) {
    const ended = await at.run(args);
    all.push(ended);
    text += `$ virtbook ${args.join(' ')}\n${ended.stdout}${ended.stderr.replace(/^(?=.)/gm, '! ')}[exit ${ended.code}]\n\n`;
  }
  await expect(steady(text)).toMatchFileSnapshot(`golden/${name}.txt`);
  return all;
}

describe('virtbook', () => {
  it('checks', () =>
    transcript(
      'check',
      ['check', 'patch.runbook.yaml', 'lab.inventory.yaml'],
      ['check', 'wrong.runbook.yaml'],
      ['check', 'wrong.runbook.yaml', '--format', 'json'],
    ));

  it('plans', () =>
    transcript(
      'plan',
      ['plan', 'patch.runbook.yaml'],
      ['plan', 'patch.runbook.yaml', '--input', 'vms=web3', '--from', 'patch'],
      ['plan', 'fails.runbook.yaml', '--step', 'patch', '--live'],
      ['plan', 'patch.runbook.yaml', '--input', 'vms=group:none'],
      ['plan', 'wrong.runbook.yaml'],
    ));

  it('runs', () => transcript('run', ['run', 'patch.runbook.yaml', '--yes'], ['show', 'latest'], ['resume', 'latest']));

  it('rolls back', () =>
    transcript('rollback', ['run', 'fails.runbook.yaml', '--yes'], ['show', 'latest'], ['rollback', 'latest']));

  it('rolls back an item alone', () => transcript('item', ['run', 'some-fail.runbook.yaml', '--yes']));

  it('says what is left for a person', () =>
    transcript('left', ['run', 'left.runbook.yaml', '--yes'], ['show', 'latest']));

  it('waits for approvals', async () => {
    const gate =
      '- id: gate\n  approve: { message: "Start web1?", by: 2, self: true }\n- uses: vm.start\n  with: { vm: web1 }';
    const runId = await at.start(at.runbook('gated', gate));
    await at.waitFor(runId, record => record.type === 'approval.asked');
    await transcript(
      'approve',
      ['show', 'latest'],
      ['approve', 'latest', '--gate', 'other'],
      ['approve', 'latest', '--note', 'agreed'],
      ['approve', 'latest'],
      ['approve', 'latest', '--as', 'Ann'],
      ['show', 'latest', '--follow'],
      ['reject', 'latest'],
      ['show', 'latest', '--remaining'],
    );
  });

  it('holds and pauses', async () => {
    const one =
      '- id: one\n  uses: vm.snapshot\n  with: { vm: web1, name: before }\n- uses: vm.start\n  with: { vm: web1 }';
    const runId = await at.start(at.runbook('held', one), '--hold');
    await at.waitFor(runId, record => record.type === 'run.paused');
    await transcript(
      'hold',
      ['show', 'latest'],
      ['continue', 'latest'],
      ['continue', 'latest'],
      ['pause', 'latest'],
      ['pause', '--help'],
      ['continue', '--help'],
    );
  });

  it('refuses bad usage', () =>
    transcript(
      'usage',
      ['run', 'patch.runbook.yaml'],
      ['run', 'nowhere.runbook.yaml', '--yes'],
      ['run', 'patch.runbook.yaml', '--yes', '--input', 'novalue'],
      ['check', 'lab.lab.yaml'],
      ['show', 'nothing'],
      ['cancel', 'latest', '--keep', '--rollback'],
      ['frobnicate'],
      ['plan'],
      ['check', 'patch.runbook.yaml', '--format', 'xml'],
    ));

  it('explains itself', () => transcript('help', ['--help'], ['run', '--help']));

  it('shows an inventory', () => transcript('inventory', ['inventory'], ['inventory', 'nowhere.inventory.yaml']));

  it('gives the journal as JSON lines, equal to what is on disk', async () => {
    const { stdout, code } = await at.run(['run', 'fails.runbook.yaml', '--yes', '--format', 'json']);
    expect(code).toBe(1);
    const records = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { n: number; type: string });
    expect(records.map(record => record.n)).toEqual(records.map((_, at) => at));
    expect(records[0]?.type).toBe('run.submitted');
    expect(records.at(-1)).toMatchObject({ type: 'run.ended', status: 'rolled-back' });
    const again = await at.run(['show', 'latest', '--format', 'json']);
    expect(again.stdout).toBe(stdout);
  });
});
