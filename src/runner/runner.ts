import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { actionNamed } from '../actions/catalogue';
import { History } from '../engine/history';
import { interpret } from '../engine/interpret';
import type { JournalRecord, RunEnded } from '../engine/journal';
import { JournalDurable } from '../engine/journal-durable';
import { makeGate, whereNow } from '../engine/limits';
import { planHash } from '../engine/plan-hash';
import { realClock } from './clock';
import { RunRefused } from './contract';
import { ControlServer } from './control-server';
import { openFleet } from './fleet';
import { JournalFile } from './journal-file';
import { takeLock } from './run-lock';
import { journalName, socketPath } from './state-folder';

/** Another process has the run. */
export class RunTaken extends Error {
  override readonly name = 'RunTaken';
}

/**
 * Carries one run to its end, from its start or from wherever its journal stops. `rollBack`: a person wants everything undone first.
 * Gives undefined when there is nothing left to do. @throws RunTaken, JournalCorrupt
 */
export async function carryRun(folder: string, rollBack?: { by: string }): Promise<RunEnded | undefined> {
  const socket = socketPath(folder);
  const lock = await takeLock(folder, socket);
  if (!lock.taken) {
    throw new RunTaken(`The run is already carried by process ${lock.owner.pid} on ${lock.owner.machine}.`);
  }
  const history = new History();
  let submitted: Extract<JournalRecord, { type: 'run.submitted' }> | undefined;
  const journal = await JournalFile.resume(join(folder, journalName), record => {
    if (record.type === 'run.submitted') submitted = record;
    history.apply(record);
  });
  try {
    if (!submitted) throw new Error(`The journal of ${basename(folder)} is empty. Submit the run again.`);
    if (planHash(submitted.plan) !== submitted.planHash) {
      throw new Error('The plan in the journal is not the one that was submitted: its hash differs.');
    }
    const { runId, plan, inventoryPath } = submitted;
    if (rollBack) {
      history.apply(await journal.append({ type: 'cancel.requested', mode: 'rollback', by: rollBack.by }, 'synced'));
    } else if (history.ended && history.ended.status !== 'stopped') {
      return undefined;
    }
    const started: JournalRecord = await journal.append(
      { type: 'run.started', pid: process.pid, machine: hostname(), resumed: history.started },
      'synced',
    );
    history.apply(started);
    const durable = new JournalDurable(runId, history, journal, realClock);
    let over = false;
    const control = await ControlServer.listen(socket, {
      runId,
      cancel: async (mode, by) => {
        if (over) throw new RunRefused('The run has ended already.');
        await durable.cancel(mode, by);
      },
      answer: (question, choice, by) => durable.answer(question, choice, by),
    });
    const fleet = openFleet({
      inventory: plan.inventory ?? { version: 1, connections: {}, groups: {}, proxies: {}, vms: {} },
      baseDir: inventoryPath === undefined ? process.cwd() : dirname(inventoryPath),
      prompts: control.prompts(),
    });
    try {
      const limits = plan.limits && { limits: makeGate(plan.limits, whereNow(fleet)) };
      const ended = await interpret(durable, plan, { action: actionNamed, fleet, clock: realClock, ...limits });
      over = true;
      await journal.append(ended, 'synced');
      return ended;
    } finally {
      await control.close();
      await fleet.close();
    }
  } finally {
    await journal.close();
  }
}
