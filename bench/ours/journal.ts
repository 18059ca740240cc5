import { closeSync, fdatasyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';
import { actionNamed } from '../../src/actions/catalogue';
import { History } from '../../src/engine/history';
import { interpret } from '../../src/engine/interpret';
import type { JournalRecord, RunEnded, RunEvent } from '../../src/engine/journal';
import { JournalDurable, type JournalWriter } from '../../src/engine/journal-durable';
import { makePlan } from '../../src/engine/make-plan';
import type { Plan } from '../../src/engine/plan';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import type { Inventory } from '../../src/inventory/model';
import { SimulatedInventory } from '../../src/inventory/simulated-inventory';
import { parseRunbook } from '../../src/runbook/parse';
import { JournalFile } from '../../src/runner/journal-file';
import { encodeRecord } from '../../src/runner/journal-line';
import { readJournal } from '../../src/runner/journal-reader';

const runId = 'bench';
/** What a run can't begin without: enough simulated machine to be at work for a long time. */
const inventory = {
  version: 1,
  connections: { lab: { type: 'simulated', lab: 'lab' } },
  groups: {},
  proxies: {},
  vms: {},
} as Inventory;

/** A plan of that many steps, and the world it is for. */
function prepared(runbookText: string, labText: string): { plan: Plan; hash: string; world: () => SimulatedInventory } {
  const { runbook, diagnostics } = parseRunbook(runbookText);
  if (!runbook) throw new Error(`the bench's runbook has errors: ${diagnostics[0]?.message}`);
  const { plan, hash } = makePlan({ runbook, action: actionNamed });
  const lab = SimulatedLab.parse(labText);
  return {
    plan,
    hash,
    world: () => SimulatedInventory.over(inventory, [{ connection: 'lab', lab, hosts: [...lab.hosts.names()] }]),
  };
}

/**
 * Does at once to a file of its own what each synced record needs: one append of the bytes, one sync. In turn with the journal, so that
 * what else the disk does hits both.
 */
class Compared implements JournalWriter {
  journalMs = 0;
  bareMs = 0;
  synced = 0;
  #bytes: Buffer[] = [];
  #size = 0;

  constructor(
    private readonly journal: JournalFile,
    private readonly bare: number,
    private readonly seen: (event: RunEvent) => void,
  ) {}

  async append(event: RunEvent, durability: 'synced' | 'soon'): Promise<JournalRecord> {
    const begun = performance.now();
    const record = await this.journal.append(event, durability);
    this.journalMs += performance.now() - begun;
    this.#bytes.push(Buffer.from(encodeRecord(record)));
    if (durability === 'synced') {
      const bytes = Buffer.concat(this.#bytes);
      this.#bytes = [];
      const start = performance.now();
      this.#size += writeSync(this.bare, bytes, 0, bytes.length, this.#size);
      fdatasyncSync(this.bare);
      this.bareMs += performance.now() - start;
      this.synced++;
    }
    this.seen(event);
    return record;
  }
}

export interface Ran {
  steps: number;
  /** Records that were waited for. */
  synced: number;
  journalMs: number;
  bareMs: number;
  bytes: number;
  /** Heap in bytes after a collection, at the steps asked for. */
  heap: number[];
  rss: number[];
}

/** Runs it to its end with its journal in `folder`. `sampleAt`: numbers of steps done. */
export async function run(runbookText: string, labText: string, folder: string, sampleAt: number[]): Promise<Ran> {
  const { plan, hash, world } = prepared(runbookText, labText);
  const file = path.join(folder, 'journal.jsonl');
  await JournalFile.create(file, {
    type: 'run.submitted',
    runId,
    plan,
    planHash: hash,
    by: 'bench',
    runbookPath: 'bench',
  });
  const history = new History();
  const journal = await JournalFile.resume(file, record => history.apply(record));
  const bare = openSync(path.join(folder, 'bare'), 'w');
  const ran: Ran = { steps: 0, synced: 0, journalMs: 0, bareMs: 0, bytes: 0, heap: [], rss: [] };
  const writer = new Compared(journal, bare, event => {
    if (event.type !== 'step.done') return;
    ran.steps++;
    if (!sampleAt.includes(ran.steps)) return;
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    ran.heap.push(heapUsed + external);
    ran.rss.push(rss);
  });
  try {
    history.apply(
      await writer.append({ type: 'run.started', pid: process.pid, machine: 'bench', resumed: false }, 'synced'),
    );
    const { fleet, clock } = world();
    const durable = new JournalDurable(runId, history, writer, clock);
    const ended = await interpret(durable, plan, { action: actionNamed, fleet, clock });
    if (ended.status !== 'done') throw new Error(`the run ended ${ended.status}: ${ended.failure?.message}`);
    await writer.append(ended, 'synced');
  } finally {
    await journal.close();
    closeSync(bare);
  }
  ran.synced = writer.synced;
  ran.journalMs = writer.journalMs;
  ran.bareMs = writer.bareMs;
  ran.bytes = readFileSync(file).length;
  return ran;
}

/** Cuts the journal off before the end of its last step, as if the runner had been killed in it. Gives its size. */
export function cutLastStep(folder: string): number {
  const file = path.join(folder, 'journal.jsonl');
  const bytes = readFileSync(file);
  const last = bytes.lastIndexOf('"type":"step.done"');
  const end = bytes.lastIndexOf('\n', last) + 1;
  truncateSync(file, end);
  return end;
}

/** Reads every record and keeps none. */
export async function read(folder: string): Promise<number> {
  let records = 0;
  for await (const _ of readJournal(path.join(folder, 'journal.jsonl'))) records++;
  return records;
}

/** All that a runner does with it to its end: reads it, goes through what is recorded, does the step that is left, writes how it ended. */
export async function resume(labText: string, folder: string): Promise<RunEnded> {
  const file = path.join(folder, 'journal.jsonl');
  const history = new History();
  let plan: Plan | undefined;
  const journal = await JournalFile.resume(file, record => {
    if (record.type === 'run.submitted') plan = record.plan;
    history.apply(record);
  });
  try {
    const lab = SimulatedLab.parse(labText);
    const { fleet, clock } = SimulatedInventory.over(inventory, [
      { connection: 'lab', lab, hosts: [...lab.hosts.names()] },
    ]);
    history.apply(
      await journal.append({ type: 'run.started', pid: process.pid, machine: 'bench', resumed: true }, 'synced'),
    );
    const ended = await interpret(new JournalDurable(runId, history, journal, clock), plan!, {
      action: actionNamed,
      fleet,
      clock,
    });
    await journal.append(ended, 'synced');
    return ended;
  } finally {
    await journal.close();
  }
}
