import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { JournalRecord } from '../engine/journal';
import type { RunPhase } from '../engine/view';
import type { RunStatus, RunSummary } from './contract';
import { decodeRecord, JournalCorrupt } from './journal-line';
import { readJournal } from './journal-reader';
import { lastWord, liveOwner } from './run-lock';
import { journalName } from './state-folder';

const tailBytes = 64 * 1024;

/** A run in a line, from the beginning and the end of its journal: a list of runs must not read them whole. */
export async function summarize(folder: string): Promise<RunSummary> {
  const file = join(folder, journalName);
  const runId = basename(folder);
  const unreadable: RunSummary = {
    runId,
    name: runId,
    status: 'crashed',
    by: '',
    runbookPath: '',
    planHash: '',
    submittedAt: 0,
  };
  try {
    // What can be said must be said at once: who is alive is asked before the file is read, so that an end isn't missed.
    const alive = (await liveOwner(folder)) !== undefined;
    const first = await firstRecord(file);
    if (first?.type !== 'run.submitted') return { ...unreadable, problem: `${file} holds no run.` };
    const { phase, waitsFor, ended } = await phaseOf(file);
    const status = statusOf(phase, alive);
    const failure = status === 'crashed' ? lastWord(folder) : ended?.failure?.message;
    return {
      runId,
      name: first.plan.name,
      status,
      ...(status === 'waiting' && waitsFor && { waitsFor }),
      ...(ended?.forward && { forward: true as const }),
      by: first.by,
      runbookPath: first.runbookPath,
      planHash: first.planHash,
      submittedAt: first.t,
      ...(ended && { endedAt: ended.t }),
      ...(failure !== undefined && { failure }),
    };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const problem = missing ? `${file} is missing.` : error instanceof Error ? error.message : String(error);
    return { ...unreadable, problem };
  }
}

export function statusOf(phase: RunPhase, alive: boolean): RunStatus {
  const open = phase === 'submitted' || phase === 'running' || phase === 'waiting' || phase === 'rolling-back';
  return open && !alive ? 'crashed' : phase;
}

async function firstRecord(file: string): Promise<JournalRecord | undefined> {
  for await (const record of readJournal(file)) return record;
  return undefined;
}

type Ended = Extract<JournalRecord, { type: 'run.ended' }>;
type Told = { phase: RunPhase; waitsFor?: RunSummary['waitsFor']; ended?: Ended };

/** From the last records, or from all where the last ones are only output. */
async function phaseOf(file: string): Promise<Told> {
  const told = phaseTold((await lastRecords(file)).reverse());
  if (told) return told;
  const all: JournalRecord[] = [];
  for await (const record of readJournal(file)) if (turns.has(record.type)) all.push(record);
  return phaseTold(all.reverse()) ?? { phase: 'submitted' };
}

const turns = new Set<JournalRecord['type']>([
  'run.submitted',
  'run.started',
  'run.ended',
  'question.asked',
  'question.answered',
  'approval.asked',
  'approval.rejected',
  'approval.over',
  'window.waiting',
  'time.read',
  'cancel.requested',
  'control.started',
  'control.done',
  'rollback.started',
  'undo.intent',
  'step.intent',
  'run.paused',
  'run.continued',
]);

/** Of a run whose branches go on side by side, what the newest of them tells. */
function phaseTold(newestFirst: JournalRecord[]): Told | undefined {
  const goingOn = new Set<number>();
  let resumed = false;
  let windowOver = false;
  for (const record of newestFirst) {
    switch (record.type) {
      case 'run.submitted':
        return { phase: resumed ? 'running' : 'submitted' };
      case 'run.started':
        // One that goes on waits for what was waited for before.
        resumed = true;
        continue;
      case 'run.ended':
        return resumed ? { phase: 'running' } : { phase: record.status, ended: record };
      case 'question.asked':
        return { phase: 'waiting', waitsFor: 'answer' };
      case 'approval.asked':
        return { phase: 'waiting', waitsFor: 'approval' };
      case 'cancel.requested':
        windowOver = true;
        continue;
      case 'time.read':
        // A window is looked at again when the wait for it is over.
        if (record.id.startsWith('window ')) windowOver = true;
        continue;
      case 'window.waiting':
        if (windowOver) continue;
        return { phase: 'waiting', waitsFor: 'window' };
      case 'run.paused':
        if (resumed || goingOn.has(record.thread)) continue;
        return { phase: 'waiting', waitsFor: 'debugger' };
      case 'run.continued':
        // Another thread may stand still.
        goingOn.add(record.thread);
        continue;
      case 'approval.given':
        // It may need more of them: what was asked stands further back.
        continue;
      case 'rollback.started':
        return { phase: record.key === undefined ? 'rolling-back' : 'running' };
      case 'undo.intent':
        return { phase: 'rolling-back' };
      case 'step.intent':
      case 'control.started':
      case 'control.done':
      case 'approval.rejected':
      case 'approval.over':
      case 'question.answered':
        return { phase: 'running' };
    }
  }
  return undefined;
}

async function lastRecords(file: string): Promise<JournalRecord[]> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - tailBytes);
    const buffer = Buffer.alloc(size - start);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
    // What follows the last newline is torn, or nothing; the first line may be cut.
    const end = buffer.subarray(0, bytesRead).lastIndexOf('\n');
    const records: JournalRecord[] = [];
    for (let from = start > 0 ? buffer.indexOf('\n') + 1 : 0; from < end; ) {
      const at = buffer.indexOf('\n', from);
      const line = buffer.subarray(from, at);
      records.push(decodeRecord(line, numberOf(line, file), file));
      from = at + 1;
    }
    return records;
  } finally {
    await handle.close();
  }
}

function numberOf(line: Buffer, file: string): number {
  const match = /^\{"n":(\d+),/.exec(line.toString('latin1', 0, 32));
  if (!match) throw new JournalCorrupt(file, 0, 'A line is not a record.');
  return Number(match[1]);
}
