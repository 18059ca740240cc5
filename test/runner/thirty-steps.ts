import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { actionNamed } from '../../src/actions/catalogue';
import type { JournalRecord } from '../../src/engine/journal';
import { makePlan } from '../../src/engine/make-plan';
import type { Plan } from '../../src/engine/plan';
import { planHash } from '../../src/engine/plan-hash';
import { describeDifference } from '../../src/hypervisors/simulated/difference';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import { parseInventory } from '../../src/inventory/file';
import { parseRunbook } from '../../src/runbook/parse';
import { JournalFile } from '../../src/runner/journal-file';
import { readJournal } from '../../src/runner/journal-reader';

/** Eight steps for each of three VMs. `tee -a` is what shows a step that is run twice: its file would hold the line twice. */
const forEachVm = `
  - id: each
    forEach: { vm: "\${{ inputs.vms }}", batch: 1 }
    steps:
      - uses: check.guest
        with: { vm: "\${{ vm }}", agent: true, timeout: 0 }
      - id: move
        uses: vm.migrate
        with: { vm: "\${{ vm }}", to: hv2 }
      - id: first
        uses: guest.run
        with: { vm: "\${{ vm }}", argv: [tee, -a, /srv/first], stdin: "first\\n", probe: [test, -e, /srv/first], undo: [rm, -f, /srv/first] }
      - id: never
        when: "false"
        uses: vm.start
        with: { vm: "\${{ vm }}" }
      - id: snap
        uses: vm.snapshot
        with: { vm: "\${{ vm }}", name: "before-\${{ index }}", quiesce: prefer }
      - id: patch
        uses: guest.patch
        with: { vm: "\${{ vm }}", packages: [openssl] }
      - id: second
        uses: guest.run
        with: { vm: "\${{ vm }}", argv: [tee, -a, /srv/second], stdin: "second\\n", probe: [test, -e, /srv/second] }
        rollback:
          - uses: guest.run
            with: { vm: "\${{ vm }}", argv: [rm, -f, /srv/second], probe: [test, -e, /srv/gone] }
      - id: look
        uses: guest.run
        with: { vm: "\${{ vm }}", argv: [cat, /srv/first, /srv/second], changes: false }
`;

/** …and nine more on a fourth, in all 30. */
const onDatabase = `
  - id: backup
    uses: backup.image
    with: { vm: db1, proxy: px1, quiesce: prefer }
  - id: down
    uses: vm.shutdown
    with: { vm: db1 }
  - id: offline
    uses: vm.snapshot
    with: { vm: db1, name: offline }
  - id: up
    uses: vm.start
    with: { vm: db1, waitForGuest: 60 }
  - id: note
    uses: guest.run
    with: { vm: db1, argv: [tee, -a, /srv/note], stdin: "note\\n", probe: [test, -e, /srv/note], undo: [rm, -f, /srv/note] }
  - id: back
    uses: vm.revert
    with: { vm: db1, snapshot: offline, running: true, safety: true }
  - id: settled
    uses: check.guest
    with: { vm: db1, agent: true }
  - id: third
    uses: guest.run
    with: { vm: db1, argv: [tee, -a, /srv/third], stdin: "third\\n", probe: [test, -e, /srv/third], undo: [rm, -f, /srv/third] }
`;
const good = `
  - id: last
    uses: vm.snapshot
    with: { vm: db1, name: last }
`;
const bad = `
  - id: last
    uses: guest.run
    with: { vm: db1, argv: ["false"], changes: false }
`;

const runbooks = {
  /** All of it goes well. */
  succeeds: forEachVm + onDatabase + good,
  /** The last step fails, so all of it is rolled back. */
  rollsBack: forEachVm + onDatabase + bad,
};

const inventoryText = `version: 1
connections:
  lab: { type: simulated, lab: ./lab.lab.yaml }
groups:
  web: { vms: [web1, web2, web3] }
proxies:
  px1: { ssh: simulated, directory: /srv/backups }
`;

const vmText = (name: string, at: number): string => `
  ${name}:
    host: hv1
    state: running
    memoryMiB: 2048
    disks: [{ datastore: shared, capacityGiB: 10, allocatedGiB: 4 }]
    guest:
      address: 192.0.2.${11 + at}
      agent: running
      bootSeconds: 0
      shutdownSeconds: 0
      repository: stable
      packages: { openssl: "3.0.15" }
      services: { nginx: active }`;

const labText = `version: 1
clock: 2026-01-03T22:00:00Z
hosts:
  hv1: { cpus: 16, memoryMiB: 32768 }
  hv2: { cpus: 16, memoryMiB: 32768 }
datastores:
  shared: { capacityGiB: 500, hosts: [hv1, hv2] }
repositories:
  stable:
    openssl: ["3.0.15", "3.0.17"]
proxies:
  px1: { capacityGiB: 1000 }
vms:${['web1', 'web2', 'web3', 'db1'].map(vmText).join('')}
`;

/** A runner with nothing to wait for takes less than a second. */
const longestMs = 60_000;

/** How a runner process ended. */
export interface RunnerEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** Of each such run: they are kept apart by their folders. */
export const runId = '20260103-220000-000abc';

const plans: Partial<Record<keyof typeof runbooks, { plan: Plan; planHash: string }>> = {};

function planOf(steps: string): { plan: Plan; planHash: string } {
  const head =
    'version: 1\nname: thirty\ninventory: ./lab.inventory.yaml\ninputs:\n  vms: { type: vms, default: group:web }\n';
  const { runbook, diagnostics } = parseRunbook(`${head}steps:\n${steps}`);
  const { inventory } = parseInventory(inventoryText);
  if (!runbook || !inventory) throw new Error(diagnostics.map(one => one.message).join('\n'));
  const { plan } = makePlan({ runbook, inventory, action: actionNamed });
  return { plan, planHash: planHash(plan) };
}

const children = new Set<ChildProcess>();

/** Ends what a failed test left running. */
export function endRunners(): void {
  for (const child of children) child.kill('SIGKILL');
}

/**
 * A submitted run of 30 steps with a lab of its own, carried by real runner processes one after another. Its folder is a state folder.
 */
export class ThirtySteps {
  readonly journal: string;
  readonly run: string;

  private constructor(
    readonly folder: string,
    private readonly runner: string,
  ) {
    this.run = join(folder, 'runs', runId);
    this.journal = join(this.run, 'journal.jsonl');
  }

  static async submit(folder: string, runner: string, which: keyof typeof runbooks): Promise<ThirtySteps> {
    const made = new ThirtySteps(folder, runner);
    mkdirSync(made.run, { recursive: true });
    writeFileSync(join(folder, 'lab.lab.yaml'), labText);
    plans[which] ??= planOf(runbooks[which]);
    await JournalFile.create(made.journal, {
      type: 'run.submitted',
      runId,
      ...plans[which],
      by: 'test',
      runbookPath: join(folder, 'thirty.runbook.yaml'),
      inventoryPath: join(folder, 'lab.inventory.yaml'),
    });
    return made;
  }

  /** One runner, to its end. `command`: what it is started with, e.g. `prlimit`. */
  carry(options: { kill?: string; command?: string[] } = {}): Promise<RunnerEnd> {
    const preload = options.kill === undefined ? [] : ['--require', join(import.meta.dirname, 'kill-at.cjs')];
    const [program, ...args] = [...(options.command ?? []), process.execPath, ...preload, this.runner, this.run];
    return new Promise((resolve, reject) => {
      const child = spawn(program!, args, {
        env: { ...process.env, VIRTBOOK_LAB_SPEED: 'instant', VIRTBOOK_TEST_KILL: options.kill },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr!.setEncoding('utf8').on('data', text => {
        stderr += text;
      });
      child.on('error', reject);
      // One that waits for a person, or for ever, shows as one that had to be ended.
      children.add(child);
      const late = setTimeout(() => child.kill('SIGTERM'), longestMs);
      child.on('close', (code, signal) => {
        clearTimeout(late);
        children.delete(child);
        resolve({ code, signal, stderr });
      });
    });
  }

  async records(): Promise<JournalRecord[]> {
    const records: JournalRecord[] = [];
    for await (const record of readJournal(this.journal)) records.push(record);
    return records;
  }

  /** The lab's file as it is now. */
  lab(): string {
    const state = join(this.folder, 'lab.lab.state.json');
    return readFileSync(existsSync(state) ? state : join(this.folder, 'lab.lab.yaml'), 'utf8');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What is different in the second lab, times left out: a backup is named by when it was made, which is not the same in two runs. */
export function labDifference(before: string, after: string): string[] {
  const [was, is] = [timeless(before), timeless(after)];
  return was === is ? [] : describeDifference(SimulatedLab.parse(was), SimulatedLab.parse(is));
}

function timeless(lab: string): string {
  return lab
    .replace(/\d{8}T\d{6}(\.\d+)?Z|\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-01-03T22:00:00Z')
    .replace(/"revision":\d+/, '"revision":0');
}

/** The records that tell what was done, without what only tells of runners and of progress. */
export function story(records: readonly JournalRecord[]): string[] {
  return records.flatMap(record => {
    if (record.type === 'run.started' || record.type === 'step.progress' || record.type === 'step.log') return [];
    const key = 'key' in record && record.key !== undefined ? ` ${record.key}` : '';
    const attempt = 'attempt' in record ? `#${record.attempt}` : '';
    return [`${record.type}${key}${attempt}${record.type === 'run.ended' ? ` ${record.status}` : ''}`];
  });
}

/** Effects that went on after they had ended. */
export function repeated(records: readonly JournalRecord[]): string[] {
  const ended = new Set<string>();
  const wrong: string[] = [];
  for (const record of records) {
    const [kind, phase] = record.type.split('.');
    if (!('attempt' in record) || kind === undefined) continue;
    const id = `${kind} ${record.key}#${record.attempt}`;
    if (ended.has(id)) wrong.push(`${record.type} ${record.key} after its end`);
    if (phase !== 'intent') ended.add(id);
  }
  return wrong;
}
