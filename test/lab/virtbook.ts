import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalRecord } from '../../src/engine/journal';
import { labSources } from './guest-cache';
import type { Lab } from './lab';
import { type ExecResult, until } from './processes';

const root = join(labSources, '..', '..');

/** The command line as a user has it, built, on a lab: its own state folder, and runbooks beside the lab's inventory. `close` it. */
export class Virtbook {
  /** The state folder. */
  readonly state: string;
  private readonly cli: string;

  constructor(private readonly lab: Lab) {
    this.state = join(lab.dir, 'state');
    mkdirSync(this.state, { recursive: true });
    execFileSync(process.execPath, ['scripts/build.mjs', '--out', join(lab.dir, 'dist')], { cwd: root });
    this.cli = join(lab.dir, 'dist', 'cli.js');
  }

  /** Ends runners that a failed test left. */
  async close(): Promise<void> {
    for (const run of this.runs()) {
      if (this.end(run) !== undefined) continue;
      await this.killRunner(run).catch(() => undefined);
    }
  }

  /** Writes a runbook of these steps (YAML, unindented) next to the inventory; says its path. */
  write(name: string, steps: string): string {
    const file = join(this.lab.dir, `${name}.runbook.yaml`);
    const indented = steps.trim().replace(/^/gm, '  ');
    writeFileSync(file, `version: 1\nname: ${name}\ninventory: ./lab.inventory.yaml\nsteps:\n${indented}\n`);
    return file;
  }

  command(...args: string[]): Promise<ExecResult> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [this.cli, ...args], {
        cwd: this.lab.dir,
        env: { ...process.env, VIRTBOOK_STATE: this.state, NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', data => (stdout += data));
      child.stderr.on('data', data => (stderr += data));
      child.on('error', reject);
      child.on('close', code => resolve({ code: code ?? -1, stdout, stderr }));
    });
  }

  run(file: string, ...args: string[]): Promise<ExecResult> {
    return this.command('run', file, '--yes', ...args);
  }

  /** Starts a run and lets go of it; says its id. */
  async start(file: string): Promise<string> {
    const before = new Set(this.runs());
    const started = await this.command('run', file, '--yes', '--detach');
    if (started.code !== 0)
      throw new Error(`run --detach ended with ${started.code}: ${started.stdout}${started.stderr}`);
    const made = this.runs().filter(id => !before.has(id));
    if (made.length !== 1) throw new Error(`one new run was expected, not ${made.length}: ${started.stdout}`);
    return made[0]!;
  }

  runs(): string[] {
    const folder = join(this.state, 'runs');
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  /** The id of the run that was submitted last. */
  latest(): string | undefined {
    const submitted = (run: string) => this.journal(run)[0]?.t ?? 0;
    return this.runs().sort((a, b) => submitted(b) - submitted(a))[0];
  }

  /** The journal as it is on disk now, whole lines only. */
  journal(run: string): JournalRecord[] {
    const file = join(this.state, 'runs', run, 'journal.jsonl');
    if (!existsSync(file)) return [];
    const text = readFileSync(file, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1).trim();
    return whole === '' ? [] : whole.split('\n').map(line => JSON.parse(line) as JournalRecord);
  }

  waitFor(
    run: string,
    what: string,
    found: (record: JournalRecord) => boolean,
    timeoutMs = 120_000,
  ): Promise<JournalRecord> {
    return until(`${what} in the journal of ${run}`, timeoutMs, async () => this.journal(run).find(found));
  }

  /** `kill -9` of the runner that is on this run now, and sees it gone. */
  async killRunner(run: string): Promise<void> {
    const started = this.journal(run).findLast(record => record.type === 'run.started');
    if (started?.type !== 'run.started') throw new Error(`${run} was not started`);
    process.kill(started.pid, 'SIGKILL');
    await until(`the end of runner ${started.pid}`, 10_000, async () => (isAlive(started.pid) ? undefined : true));
  }

  /** Keys of the steps whose effect was begun, in order, once for each time it was. */
  begun(run: string): string[] {
    return this.journal(run).flatMap(record => (record.type === 'step.intent' ? [record.key] : []));
  }

  /** How the run ended, e.g. `done`; undefined while it has not. */
  end(run: string): string | undefined {
    const last = this.journal(run).findLast(record => record.type === 'run.ended');
    return last?.type === 'run.ended' ? last.status : undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    // A zombie has ended too: nobody may have waited for it yet.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] !== 'Z';
  } catch {
    return false;
  }
}
