import { rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { actionNamed } from '../actions/catalogue';
import { Debugger } from '../engine/debugger';
import { driftGuard } from '../engine/drift';
import { History } from '../engine/history';
import { interpret } from '../engine/interpret';
import type { CancelMode, JournalRecord, RunEnded } from '../engine/journal';
import { JournalDurable } from '../engine/journal-durable';
import { makeGate, whereNow } from '../engine/limits';
import { planHash } from '../engine/plan-hash';
import { shortHash } from '../engine/plan-summary';
import { remainingName, remainingRunbook } from '../engine/remaining-runbook';
import { type Changes, plannedChanges, RunLocks, recordedChanges } from '../engine/run-locks';
import { Secrets } from '../engine/secrets';
import { realClock } from './clock';
import { RunRefused, type SecretQuestion } from './contract';
import { type Approval, type ControlHandlers, ControlServer } from './control-server';
import { openFleet } from './fleet';
import { holdLocks, knownHere } from './held-run';
import { JournalFile } from './journal-file';
import { takeLock } from './run-lock';
import { SecretMissing, secretValues } from './secret-values';
import { journalName, socketPath } from './state-folder';
import { asNamed, whoAmI } from './who';

/** Another process has the run. */
export class RunTaken extends Error {
  override readonly name = 'RunTaken';
}

export interface CarryOptions {
  /** A person wants everything undone. */
  rollBack?: { by: string };
  /** Called when the values are known that must not be said. */
  onSecrets?(secrets: Secrets): void;
}

/**
 * Carries one run to its end, from its start or from wherever its journal stops. Gives undefined when there is nothing left to do.
 * @throws RunTaken, JournalCorrupt, SecretMissing
 */
export async function carryRun(
  folder: string,
  { rollBack, onSecrets }: CarryOptions = {},
): Promise<RunEnded | undefined> {
  const socket = socketPath(folder);
  const lock = await takeLock(folder, socket);
  if (!lock.taken) {
    throw new RunTaken(`The run is already carried by process ${lock.owner.pid} on ${lock.owner.machine}.`);
  }
  const history = new History();
  let submitted: Extract<JournalRecord, { type: 'run.submitted' }> | undefined;
  const changed: Changes[] = [];
  const journal = await JournalFile.resume(join(folder, journalName), record => {
    if (record.type === 'run.submitted') submitted = record;
    if (record.type === 'step.intent') changed.push(recordedChanges(actionNamed(record.uses), record.inputs));
    history.apply(record);
  });
  try {
    if (!submitted) throw new Error(`The journal of ${basename(folder)} is empty. Submit the run again.`);
    if (planHash(submitted.plan) !== submitted.planHash) {
      throw new Error('The plan in the journal is not the one that was submitted: its hash differs.');
    }
    const { runId, plan, inventoryPath, observed } = submitted;
    if (rollBack) {
      history.apply(await journal.append({ type: 'cancel.requested', mode: 'rollback', by: rollBack.by }, 'synced'));
    } else if (history.ended && history.ended.status !== 'stopped' && !history.ended.forward) {
      return undefined;
    }
    const before = history.ended;
    const resumed = history.started;
    const started: JournalRecord = await journal.append(
      { type: 'run.started', pid: process.pid, machine: hostname(), resumed },
      'synced',
    );
    history.apply(started);
    const held = submitted.hold === true && !history.letGo && !history.anyBegun;
    const stops = new Debugger(plan, held);
    const handlers = new Handlers(submitted, stops);
    const control = await ControlServer.listen(socket, handlers);
    try {
      let secrets: Secrets;
      try {
        const ask = (question: SecretQuestion) => handlers.whileNotBegun(control.askSecret(question));
        secrets = new Secrets(await secretValues(submitted, ask));
      } catch (error) {
        if (!(error instanceof SecretMissing) || (resumed && !before)) throw error;
        // Nothing has been done, so it ends as it was before; one that was interrupted in the middle has no end yet.
        const ended = notBegun(before, error.message);
        await journal.append(ended, 'synced');
        return ended;
      }
      onSecrets?.(secrets);
      const durable = new JournalDurable(runId, history, journal, realClock, secrets);
      handlers.begin(durable);
      const fleet = openFleet({
        inventory: plan.inventory ?? { version: 1, connections: {}, groups: {}, proxies: {}, vms: {} },
        baseDir: inventoryPath === undefined ? process.cwd() : dirname(inventoryPath),
        prompts: control.prompts(),
      });
      try {
        const limits = plan.limits && { limits: makeGate(plan.limits, whereNow(fleet)) };
        const locks = new RunLocks({
          runId,
          owner: whoAmI(),
          note: plan.name,
          fleet,
          clock: realClock,
          known: held => knownHere(dirname(folder), held),
        });
        const guards = observed ? [locks, driftGuard(observed, fleet, changed)] : [locks];
        const world = { action: actionNamed, fleet, clock: realClock, guards, secrets, debug: stops, ...limits };
        stops.begin(world);
        const wanted = [...plannedChanges(plan, realClock.now()), ...changed];
        const ended = await holdLocks({ locks, wanted, resumed, before }, async () => {
          const end = await interpret(durable, plan, world);
          handlers.end();
          return end;
        });
        handlers.end();
        await journal.append(ended, 'synced');
        await keepRemaining(folder, { ...submitted, name: plan.name, remaining: ended.remaining ?? [] });
        return ended;
      } finally {
        await fleet.close();
      }
    } finally {
      await control.close();
    }
  } finally {
    await journal.close();
  }
}

/** What those attached to the runner can do, before the run has begun, while it goes on and when it has ended. */
class Handlers implements ControlHandlers {
  readonly runId: string;
  #durable: JournalDurable | undefined;
  #over = false;
  #stop: (() => void) | undefined;

  constructor(
    private readonly run: Extract<JournalRecord, { type: 'run.submitted' }>,
    readonly stops: Debugger,
  ) {
    this.runId = run.runId;
  }

  /** A secret that is asked for; a cancel ends the waiting, as if nobody had given it. */
  whileNotBegun(asked: Promise<string | undefined>): Promise<string | undefined> {
    const stopped = new Promise<undefined>(resolve => {
      this.#stop = () => resolve(undefined);
    });
    return Promise.race([asked, stopped]);
  }

  begin(durable: JournalDurable): void {
    this.#durable = durable;
  }

  end(): void {
    if (!this.#over) this.stops.end();
    this.#over = true;
  }

  async cancel(mode: CancelMode, by: string): Promise<void> {
    if (this.#over) throw new RunRefused('The run has ended already.');
    if (this.#durable) await this.#durable.cancel(mode, by);
    else this.#stop?.();
    this.stops.cancelled(mode);
  }

  async answer(question: string, choice: string, by: string): Promise<boolean> {
    return (await this.#durable?.answer(question, choice, by)) ?? false;
  }

  async approve({ key, planHash: hash, decision, as, note }: Approval): Promise<string | undefined> {
    if (hash !== this.run.planHash) {
      return `That word is on plan ${shortHash(hash)}, and this run has plan ${shortHash(this.run.planHash)}. Look at it again: \`virtbook show ${this.runId}\`.`;
    }
    if (!this.#durable) return 'The run has not begun yet.';
    return this.#durable.approve(key, decision, asNamed(as, whoAmI()), note);
  }
}

function notBegun(before: RunEnded | undefined, why: string): RunEnded {
  if (before) return { ...before, warnings: [why] };
  return { type: 'run.ended', status: 'stopped', failure: { class: 'blocked', message: why } };
}

/** Beside the journal, for people: a runbook of what is left; none where nothing is. */
async function keepRemaining(folder: string, run: Parameters<typeof remainingRunbook>[0]): Promise<void> {
  const file = join(folder, remainingName);
  const text = remainingRunbook(run);
  try {
    if (text === undefined) await rm(file, { force: true });
    else await writeFile(file, text, { mode: 0o600 });
  } catch (error) {
    // The journal has it all, and `virtbook show RUN --remaining` makes it anew.
    process.stderr.write(`${file} could not be written: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
