import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CancelMode, JournalRecord } from '../engine/journal';
import { planHash } from '../engine/plan-hash';
import { RunModel, type RunPhase } from '../engine/view';
import {
  type ApprovalDecision,
  type ApproveOptions,
  type Attachment,
  type DebugSession,
  type Person,
  type ReadRun,
  RunRefused,
  type RunSummary,
  type Runs,
  type Submission,
} from './contract';
import { attachTo, debugAt, ping } from './control-client';
import { followJournal } from './follow';
import { JournalFile, syncFolder } from './journal-file';
import { readJournal } from './journal-reader';
import { lastWord, liveOwner } from './run-lock';
import { statusOf, summarize } from './run-summary';
import { newRunner, runnerLogName, wordsIn } from './runner-log';
import { journalName, newRunId, stateFolder } from './state-folder';
import { whoAmI } from './who';

export interface RunsOptions {
  /** State folder; default: as `VIRTBOOK_STATE` or the system says. */
  state?: string;
  /** The built runner program; default: `runner.js` beside the bundle that this is in. */
  runner?: string;
}

/** With less room than this a run could not even write that it begins. */
const neededBytes = 64 * 1024;
/** How long a runner may take to begin. */
const startMs = 30_000;
/** How long a runner whose run has ended may take to close its connections. */
const leaveMs = 20_000;

export function openRuns(options: RunsOptions = {}): Runs {
  return new LocalRuns(join(options.state ?? stateFolder(), 'runs'), options.runner ?? join(__dirname, 'runner.js'));
}

class LocalRuns implements Runs {
  constructor(
    readonly folder: string,
    private readonly runner: string,
  ) {}

  async submit({ plan, planHash: hash, runbookPath, inventoryPath, observed, by, hold }: Submission): Promise<string> {
    if (planHash(plan) !== hash) throw new RunRefused('The plan is not the one that was shown: its hash differs.');
    this.#requireRunner();
    const runId = newRunId();
    const folder = join(this.folder, runId);
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await mkdir(folder, { mode: 0o700 });
      await JournalFile.create(join(folder, journalName), {
        type: 'run.submitted',
        runId,
        plan,
        planHash: hash,
        by: by ?? whoAmI(),
        runbookPath,
        ...(inventoryPath !== undefined && { inventoryPath }),
        ...(observed && { observed }),
        ...(hold && { hold: true as const }),
      });
      await syncFolder(this.folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
      throw this.#unusable(error);
    }
    await this.#start(folder, [], { orRemove: true });
    return runId;
  }

  async resume(runId: string): Promise<void> {
    const { status, forward } = await this.read(runId);
    switch (status) {
      case 'crashed':
        return this.#start(this.#folderOf(runId), []);
      case 'stopped':
        return this.#startAgain(runId, []);
      case 'needs-operator':
        if (forward) return this.#startAgain(runId, []);
        throw new RunRefused(
          `${runId} could not undo everything. When what is in the way is put right, \`virtbook rollback ${runId}\` tries the rest again.`,
        );
      case 'done':
      case 'rolled-back':
      case 'failed':
        throw new RunRefused(
          `${runId} has ended (${status}), so there is nothing to resume. Start it again with \`virtbook run\`.`,
        );
      default:
        throw new RunRefused(
          `${runId} is ${status}: it has a runner. Watch it with \`virtbook show ${runId} --follow\`.`,
        );
    }
  }

  async rollback(runId: string, by = whoAmI()): Promise<void> {
    const { status, noReturn } = await this.read(runId);
    // While it is under way, or was interrupted, the step it is at can still be taken back.
    if (noReturn !== undefined && ['done', 'stopped', 'needs-operator', 'failed'].includes(status)) {
      throw new RunRefused(
        `${runId} has passed its point of no return (${noReturn}), so it can't be rolled back: what was done is kept.` +
          (status === 'done' ? '' : ` \`virtbook resume ${runId}\` goes on with it.`),
      );
    }
    switch (status) {
      case 'rolled-back':
        throw new RunRefused(`${runId} has been rolled back already.`);
      case 'failed':
        throw new RunRefused(`${runId} failed with nothing to undo, so there is nothing to roll back.`);
      case 'crashed':
        return this.#start(this.#folderOf(runId), ['rollback', by]);
      case 'done':
      case 'stopped':
      case 'needs-operator':
        return this.#startAgain(runId, ['rollback', by]);
      default:
        return this.cancel(runId, 'rollback', by);
    }
  }

  cancel(runId: string, mode: CancelMode, by = whoAmI()): Promise<void> {
    return this.#atRunner(runId, by, 'cancel', attached => attached.cancel(mode));
  }

  pause(runId: string, by = whoAmI()): Promise<void> {
    return this.#atRunner(runId, by, 'pause', attached => attached.pause());
  }

  goOn(runId: string, by = whoAmI()): Promise<void> {
    return this.#atRunner(runId, by, 'let go on', attached => attached.goOn());
  }

  async debug(runId: string, name: string): Promise<DebugSession | undefined> {
    const owner = await liveOwner(this.#folderOf(runId));
    return owner && debugAt(owner.socket, name);
  }

  /** @throws RunRefused when no runner is alive */
  async #atRunner(
    runId: string,
    by: string,
    what: string,
    act: (attached: Attachment) => Promise<void>,
  ): Promise<void> {
    const attached = await this.attach(runId, { name: by });
    if (!attached) {
      const { status } = await this.read(runId);
      const how =
        status === 'crashed'
          ? `\`virtbook resume ${runId}\` or \`virtbook rollback ${runId}\` goes on with it`
          : `there is nothing to ${what}`;
      throw new RunRefused(`${runId} is not running (${status}): ${how}.`);
    }
    try {
      await act(attached);
    } finally {
      attached.detach();
    }
  }

  async approve(runId: string, decision: ApprovalDecision, options: ApproveOptions = {}): Promise<void> {
    const { status, approvals, planHash: hash } = await this.read(runId);
    const { key, as, note } = options;
    const open = approvals.map(one => one.key);
    const [only] = open;
    if (only === undefined) throw new RunRefused(`${runId} waits for no approval (it is ${status}).`);
    if (key === undefined && open.length > 1) {
      throw new RunRefused(`${runId} waits for ${open.length} approvals: ${open.join(', ')}. Say which: --gate KEY.`);
    }
    if (key !== undefined && !open.includes(key)) {
      throw new RunRefused(`${runId} does not wait for an approval of ${key}, but of ${open.join(', ')}.`);
    }
    const attached = await this.attach(runId, { name: whoAmI() });
    if (!attached) {
      throw new RunRefused(
        `The runner of ${runId} is gone, so nobody takes an approval. \`virtbook resume ${runId}\` goes on with it; then it waits again.`,
      );
    }
    try {
      await attached.approve(key ?? only, decision, options.planHash ?? hash, {
        ...(as !== undefined && { as }),
        ...(note !== undefined && { note }),
      });
    } finally {
      attached.detach();
    }
  }

  async remove(runId: string, { force = false }: { force?: boolean } = {}): Promise<void> {
    const folder = this.#folderOf(runId);
    const { status, problem, endedAt } = await summarize(folder);
    if (endedAt !== undefined) await runnerLeaves(folder);
    if ((await liveOwner(folder)) !== undefined) {
      throw new RunRefused(`${runId} is under way. \`virtbook cancel ${runId}\` stops it; then it can be removed.`);
    }
    // What can't be read can't be resumed either.
    if (!force && problem === undefined && (status === 'crashed' || status === 'needs-operator')) {
      const how = status === 'crashed' ? 'resume' : 'rollback';
      throw new RunRefused(
        `${runId} is ${status}: something of it is left to do. \`virtbook ${how} ${runId}\` goes on with it; remove it with --force when that is no longer wanted.`,
      );
    }
    await rm(folder, { recursive: true, force: true });
  }

  async list(): Promise<RunSummary[]> {
    const names = (await this.#names()).reverse();
    const summaries: RunSummary[] = [];
    // In batches: opening thousands of files at once fails.
    for (let at = 0; at < names.length; at += 32) {
      summaries.push(...(await Promise.all(names.slice(at, at + 32).map(name => summarize(this.#folderOf(name))))));
    }
    return summaries;
  }

  async find(name: string): Promise<string> {
    const names = await this.#names();
    if (name === 'latest') {
      const latest = names.at(-1);
      if (latest === undefined) throw new RunRefused(`There is no run yet in ${this.folder}.`);
      return latest;
    }
    if (names.includes(name)) return name;
    const found = names.filter(one => one.startsWith(name) || one.endsWith(`-${name}`));
    const [only] = found;
    if (found.length === 1 && only !== undefined) return only;
    throw new RunRefused(
      found.length === 0
        ? `There is no run ${name}. \`virtbook runs\` lists them.`
        : `${name} is the beginning of ${found.length} runs: ${found.slice(0, 5).join(', ')}${found.length > 5 ? ', …' : ''}. Give more of it.`,
    );
  }

  async read(runId: string): Promise<ReadRun> {
    const folder = this.#folderOf(runId);
    // Asked before reading: a run that ends meanwhile has its end in the journal.
    const alive = (await liveOwner(folder)) !== undefined;
    const model = new RunModel();
    try {
      for await (const record of readJournal(join(folder, journalName))) model.apply(record);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new RunRefused(
        `${runId} has no journal: ${join(folder, journalName)} is missing. Restore it from a backup; without it nothing is known of the run.`,
      );
    }
    if (!model.view) throw new RunRefused(`${runId} has an empty journal. Submit the run again.`);
    const status = statusOf(model.view.phase, alive);
    const lastWords = status === 'crashed' ? lastWord(folder) : undefined;
    return { ...model.view, status, ...(lastWords !== undefined && { lastWords }) };
  }

  follow(runId: string, options: { signal?: AbortSignal } = {}): AsyncIterable<JournalRecord> {
    const folder = this.#folderOf(runId);
    return followJournal(folder, join(folder, journalName), options.signal);
  }

  async attach(runId: string, person: Person): Promise<Attachment | undefined> {
    const owner = await liveOwner(this.#folderOf(runId));
    return owner && attachTo(owner.socket, person);
  }

  async #names(): Promise<string[]> {
    try {
      const entries = await readdir(this.folder, { withFileTypes: true });
      return entries.flatMap(entry => (entry.isDirectory() ? [entry.name] : [])).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.#unusable(error);
    }
  }

  #unusable(error: unknown): unknown {
    const { code, message } = (error instanceof Error && error.cause ? error.cause : error) as NodeJS.ErrnoException;
    if (code === undefined) return error;
    const why: Record<string, string> = {
      EACCES: 'you may not write there',
      EROFS: 'it is read-only',
      ENOSPC: 'its disk is full',
      EDQUOT: 'your quota on its disk is used up',
      // What Node says of a read-only file system too, where folders are to be made.
      ENOENT: 'no folder can be made there',
      ENOTDIR: 'a part of that path is a file',
    };
    return new RunRefused(
      `Runs can't be kept in ${this.folder}: ${why[code] ?? message}. Put that right, or set VIRTBOOK_STATE to another folder.`,
      { cause: error },
    );
  }

  #folderOf(runId: string): string {
    // A run's id is a folder's name and nothing that leads elsewhere.
    if (!/^[\w-]+$/.test(runId) || !existsSync(join(this.folder, runId))) {
      throw new RunRefused(`There is no run ${runId}. \`virtbook runs\` lists them.`);
    }
    return join(this.folder, runId);
  }

  #requireRunner(): void {
    if (!existsSync(this.runner))
      throw new RunRefused(`The runner program ${this.runner} is missing. Build or install Virtbook again.`);
  }

  /** Of a run that is over for now. */
  async #startAgain(runId: string, args: string[]): Promise<void> {
    const folder = this.#folderOf(runId);
    await runnerLeaves(folder);
    await this.#start(folder, args);
  }

  /** Starts a runner that outlives this process; resolves when it has begun. `orRemove`: leave nothing of a run that never began. */
  async #start(folder: string, args: string[], { orRemove = false } = {}): Promise<void> {
    this.#requireRunner();
    const before = await liveOwner(folder);
    if (before) throw new RunRefused(`The run is already carried by process ${before.pid} on ${before.machine}.`);
    const logFile = join(folder, runnerLogName);
    let log: number;
    try {
      log = openSync(logFile, 'a', 0o600);
      writeSync(log, newRunner());
    } catch (error) {
      if (orRemove) await rm(folder, { recursive: true, force: true });
      throw this.#unusable(error);
    }
    let child: ChildProcess;
    try {
      child = spawn(process.execPath, [this.runner, folder, ...args], {
        detached: true,
        stdio: ['ignore', log, log],
        windowsHide: true,
        // In VS Code the program that runs JavaScript is Electron.
        env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      });
    } finally {
      closeSync(log);
    }
    const exited = new Promise<string>(resolve => {
      child.once('error', error => resolve(error.message));
      child.once('exit', (code, signal) => resolve(code === 0 ? '' : `it ended with ${signal ?? code}`));
    });
    const begun = this.#begun(folder, child);
    const why = await Promise.race([exited, begun]);
    child.unref();
    if (why === '') return;
    const said = (await wordsIn(logFile)).slice(-5).join('\n');
    const room = await statfs(folder).then(({ bavail, bsize }) => bavail * bsize);
    const full = room < neededBytes ? `The disk of ${this.folder} is full: make room there and try again. ` : '';
    // A runner that began and then broke down may have changed something: its journal says what.
    if (orRemove && child.exitCode !== null && (await phaseIn(folder)) === 'submitted')
      await rm(folder, { recursive: true, force: true });
    throw new RunRefused(`The runner did not begin: ${why}. ${full}${said}`.trim());
  }

  async #begun(folder: string, child: ChildProcess): Promise<string> {
    const until = Date.now() + startMs;
    while (Date.now() < until) {
      const owner = await liveOwner(folder);
      if (owner?.pid === child.pid && owner && (await ping(owner.socket))) return '';
      if (child.exitCode !== null || child.signalCode !== null) return new Promise(() => undefined);
      await sleep(10);
    }
    return `it gave no answer in ${startMs / 1000} s`;
  }
}

/** The end of a run is in its journal before its runner has closed everything, and until then nobody else can have the run. */
async function runnerLeaves(folder: string): Promise<void> {
  const owner = await liveOwner(folder);
  // A process of another machine counts as alive for ever.
  if (owner?.machine !== hostname()) return;
  for (const until = Date.now() + leaveMs; Date.now() < until; await sleep(20)) {
    if ((await liveOwner(folder))?.pid !== owner.pid) return;
  }
}

async function phaseIn(folder: string): Promise<RunPhase | undefined> {
  const model = new RunModel();
  for await (const record of readJournal(join(folder, journalName))) model.apply(record);
  return model.view?.phase;
}
