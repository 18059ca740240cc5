import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { JournalRecord } from '../../src/engine/journal';
import type { Runs } from '../../src/runner/contract';
import { openRuns } from '../../src/runner/runs';

const root = join(import.meta.dirname, '..', '..');

/** The built command line and runner, and a folder with a simulated lab of its own; all of it goes with `remove`. */
export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'virtbook-test-'));
  readonly state = join(this.folder, 'state');
  readonly cli = join(this.folder, 'dist', 'cli.js');
  readonly runs: Runs;

  private constructor() {
    this.runs = openRuns({ state: this.state, runner: join(this.folder, 'dist', 'runner.js') });
  }

  static async create(): Promise<Workspace> {
    const made = new Workspace();
    // Runners that `runs` starts take over the environment of the test.
    process.env.VIRTBOOK_LAB_SPEED = '40';
    await build({
      absWorkingDir: root,
      entryPoints: { runner: 'src/runner/main.ts', cli: 'src/cli/main.ts' },
      outdir: join(made.folder, 'dist'),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      external: ['cpu-features', '*.node'],
      mainFields: ['module', 'main'],
      logLevel: 'error',
    });
    made.write('lab.lab.yaml', lab);
    made.write('lab.inventory.yaml', inventory);
    return made;
  }

  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  /** A runbook of these steps (YAML, unindented) on the lab. */
  runbook(name: string, steps: string, more = ''): string {
    const indented = steps.trim().replace(/^/gm, '  ');
    return this.write(
      `${name}.runbook.yaml`,
      `version: 1\nname: ${name}\ninventory: ./lab.inventory.yaml\n${more}steps:\n${indented}\n`,
    );
  }

  /** The lab as at the beginning. */
  resetLab(): void {
    rmSync(join(this.folder, 'lab.lab.state.json'), { force: true });
  }

  env(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return { ...process.env, VIRTBOOK_STATE: this.state, NO_COLOR: '1', ...more };
  }

  run(args: string[], options: { env?: NodeJS.ProcessEnv; input?: string } = {}): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [this.cli, ...args], {
        cwd: this.folder,
        env: this.env(options.env),
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', text => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', text => {
        stderr += text;
      });
      child.on('error', reject);
      child.on('close', code => resolve({ code, stdout, stderr }));
      child.stdin.end(options.input ?? '');
    });
  }

  /** Starts a run and lets go of it. */
  async start(file: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(['run', file, '--yes', '--detach', '--format', 'json', ...args]);
    if (code !== 0) throw new Error(`run --detach ended with ${code}: ${stderr}`);
    return (JSON.parse(stdout) as { runId: string }).runId;
  }

  async records(runId: string): Promise<JournalRecord[]> {
    const records: JournalRecord[] = [];
    const { stdout } = await this.run(['show', runId, '--format', 'json']);
    for (const line of stdout.trim().split('\n')) records.push(JSON.parse(line) as JournalRecord);
    return records;
  }

  journal(runId: string): string {
    return join(this.runs.folder, runId, 'journal.jsonl');
  }

  /** Waits for a record; the run must be under way. */
  async waitFor(runId: string, found: (record: JournalRecord) => boolean): Promise<JournalRecord> {
    for await (const record of this.runs.follow(runId)) if (found(record)) return record;
    throw new Error(`${runId} ended without it: ${(await this.records(runId)).map(record => record.type).join(', ')}`);
  }

  /** `kill -9` of the runner that carries it. */
  async kill(runId: string): Promise<void> {
    const started = (await this.records(runId)).findLast(record => record.type === 'run.started');
    if (started?.type !== 'run.started') throw new Error(`${runId} has no runner`);
    try {
      process.kill(started.pid, 'SIGKILL');
    } catch (error) {
      // It may have been quicker; then its status says so below.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    for (let tries = 0; tries < 500; tries++) {
      const { status } = await this.runs.read(runId);
      if (status === 'crashed' || status === 'done' || status === 'rolled-back') return;
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    throw new Error(`runner ${started.pid} does not end`);
  }

  copyJournal(runId: string, to: string): void {
    cpSync(this.journal(runId), to);
  }

  /** Ends runners that a failed test left, and removes everything. */
  async remove(): Promise<void> {
    for (const { runId, status } of await this.runs.list()) {
      if (status === 'running' || status === 'waiting' || status === 'rolling-back' || status === 'submitted') {
        await this.kill(runId).catch(() => undefined);
      }
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

const inventory = `version: 1
connections:
  lab: { type: simulated, lab: ./lab.lab.yaml }
groups:
  web: { vms: [web1, web2, web3] }
`;

const guest = (address: string) => `
    guest:
      address: ${address}
      agent: running
      repository: stable
      packages: { openssl: "3.0.15", broken: "1.0" }
      services: { nginx: active }
      listens: [{ port: 80, service: nginx }]`;

const lab = `version: 1
clock: 2026-01-03T22:00:00Z
hosts:
  hv1: { cpus: 16, memoryMiB: 32768 }
  hv2: { cpus: 16, memoryMiB: 32768 }
datastores:
  shared: { capacityGiB: 500, hosts: [hv1, hv2] }
repositories:
  stable:
    openssl: ["3.0.15", "3.0.17"]
    broken: ["1.0", { version: "2.0", postinst: fails }]
vms:
${['web1', 'web2', 'web3']
  .map(
    (name, at) => `  ${name}:
    host: hv1
    state: running
    memoryMiB: 2048
    disks: [{ datastore: shared, capacityGiB: 10, allocatedGiB: 4 }]${guest(`192.0.2.${11 + at}`)}`,
  )
  .join('\n')}
`;
