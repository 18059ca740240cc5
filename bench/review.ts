import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onEnd } from './cleanup';
import { buildProduct } from './ours';
import { run } from './processes';
import { inTurn } from './rounds';
import { type Row, spread } from './row';

const few = 10;
const many = 1000;
const rounds = 5;
const goal = 1.5;

/** Processor time of a review of ten runbooks among a thousand, over that among ten. Whole processes, rehearsals included. */
export async function review(): Promise<Row[]> {
  const { folder } = await buildProduct();
  const program = path.resolve(folder, 'cli.js');
  const smallest = await makeRepository(few);
  const largest = await makeRepository(many);
  const waited: Record<string, number[]> = {};
  /** Processor time in ms, of git too: with other work on the machine the time on the clock says little. */
  const measure = (repository: string, branch: string) => async (round: number) => {
    const args = [program, 'review', '--base', 'main', '--head', branch, '--format', 'json'];
    const timed = ['-c', 'TIMEFORMAT="took %R %U %S"; time "$@"', 'bash', process.execPath, ...args];
    const done = await run('bash', timed, { cwd: repository });
    // Ten are under review, and each has been rehearsed: before and after, at many points.
    const rehearsed = done.stdout.match(/"points": [1-9]\d/g)?.length ?? 0;
    if (done.code !== 0 || rehearsed < 2 * few)
      throw new Error(`the review ended with ${done.code}:\n${done.output.slice(-2000)}`);
    const [clock, user, system] = (done.output.match(/took ([\d.]+) ([\d.]+) ([\d.]+)/) ?? []).slice(1).map(Number);
    if (clock === undefined || user === undefined || system === undefined)
      throw new Error('bash did not tell the time');
    const which = `${repository} ${branch}`;
    if (round >= 0) waited[which] = [...(waited[which] ?? []), clock];
    return (user + system) * 1000;
  };
  const measured = await inTurn(rounds, {
    changed: measure(largest, 'changed'),
    changedFew: measure(smallest, 'changed'),
    affected: measure(largest, 'affected'),
    affectedFew: measure(smallest, 'affected'),
  });
  const clocks = (branch: string): string => {
    const [large, small] = [largest, smallest].map(folder => spread(waited[`${folder} ${branch}`]!).median);
    return ` (${large?.toFixed(1)} s and ${small?.toFixed(1)} s on the clock)`;
  };
  return [
    compare('review', measured.changed, measured.changedFew, `${few} changed runbooks${clocks('changed')}`),
    compare(
      'review-affected',
      measured.affected,
      measured.affectedFew,
      `a changed runbook and a changed inventory that ${few} others call or name, which have to be found${clocks('affected')}`,
    ),
  ];
}

function compare(name: string, ofMany: readonly number[], ofFew: readonly number[], what: string): Row {
  const [large, small] = [spread(ofMany), spread(ofFew)];
  const ratio = large.median / small.median;
  return {
    name,
    unit: '×',
    ours: ratio,
    rival: null,
    rivalName: null,
    ratio: null,
    goal,
    bound: 'at most',
    holds: ratio <= goal,
    note: `${what}: ${large.median.toFixed(0)} ms in a repository of ${many} runbooks, ${small.median.toFixed(0)} ms in one of ${few}`,
  };
}

/** The branch `changed` changes ten runbooks, `affected` what ten others need. */
async function makeRepository(runbooks: number): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'vb-'));
  onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const env = {
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'bench',
    GIT_AUTHOR_EMAIL: 'bench@example.org',
    GIT_COMMITTER_NAME: 'bench',
    GIT_COMMITTER_EMAIL: 'bench@example.org',
  };
  const git = async (...args: string[]) => {
    const done = await run('git', args, { cwd: folder, env });
    if (done.code !== 0) throw new Error(`git ${args.join(' ')}:\n${done.output}`);
  };
  const write = (name: string, text: string) => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  };
  const commit = async (message: string) => {
    await git('add', '--all');
    await git('commit', '--quiet', '--message', message);
  };
  await git('init', '--quiet', '--initial-branch=main');
  write('lab/all.lab.yaml', labText());
  for (const name of ['team', 'other']) write(`${name}.inventory.yaml`, inventoryText(name));
  write('common/check.runbook.yaml', calledText('30'));
  for (let at = 0; at < runbooks; at++) {
    const name = `area-${at % 20}/book-${at}.runbook.yaml`;
    write(name, runbookText(at, at < few ? 'team' : 'other', at < few));
  }
  await commit('all');
  await git('switch', '--quiet', '--create', 'changed');
  for (let at = 0; at < few; at++)
    write(
      `area-${at % 20}/book-${at}.runbook.yaml`,
      runbookText(at, 'team', true).replace('after-work', 'after-patch'),
    );
  await commit('ten runbooks');
  await git('switch', '--quiet', '--create', 'affected', 'main');
  write('common/check.runbook.yaml', calledText('60'));
  write('team.inventory.yaml', `${inventoryText('team')}groups:\n  first: { vms: [vm1] }\n`);
  await commit('what ten need');
  // As a clone has it.
  await git('gc', '--quiet');
  return folder;
}

function inventoryText(name: string): string {
  return `version: 1\nconnections:\n  ${name}: { type: simulated, lab: ./lab/all.lab.yaml }\n`;
}

function runbookText(at: number, inventory: string, calls: boolean): string {
  const vm = `vm${(at % 20) + 1}`;
  const call = calls ? `  - uses: ../common/check.runbook.yaml\n    with: { vm: ${vm} }\n` : '';
  return `version: 1
name: Book ${at}
inventory: ../${inventory}.inventory.yaml
steps:
${call}  - id: move
    uses: vm.migrate
    with: { vm: ${vm}, to: hv${(at % 4) + 1} }
  - id: before
    uses: vm.snapshot
    with: { vm: ${vm}, name: after-work }
  - id: work
    uses: guest.run
    with: { vm: ${vm}, argv: [systemctl, stop, nginx], undo: [systemctl, start, nginx] }
  - id: down
    uses: vm.shutdown
    with: { vm: ${vm} }
  - id: up
    uses: vm.start
    with: { vm: ${vm}, waitForGuest: 120 }
`;
}

function calledText(timeout: string): string {
  return `version: 1
name: Check one
inputs:
  vm: { type: vm }
steps:
  - id: look
    uses: check.guest
    with: { vm: "\${{ inputs.vm }}", agent: true, timeout: ${timeout} }
`;
}

function labText(): string {
  const hosts = Array.from({ length: 4 }, (_, at) => `hv${at + 1}`);
  return JSON.stringify({
    version: 1,
    hosts: Object.fromEntries(hosts.map(name => [name, { cpus: 64, memoryMiB: 524288 }])),
    datastores: { shared: { capacityGiB: 100_000, hosts } },
    vms: Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [
        `vm${at + 1}`,
        {
          host: `hv${((at + 1) % 4) + 1}`,
          state: 'running',
          memoryMiB: 4096,
          disks: [{ datastore: 'shared', capacityGiB: 40 }],
          guest: { agent: 'running', services: { nginx: 'active' } },
        },
      ]),
    ),
  });
}
