import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { onEnd } from './cleanup';
import { loadOurs } from './ours';
import { inTurn } from './rounds';
import { limited, type Row, spread } from './row';

type Ours = typeof import('./ours/journal');

const items = 2_500;
const stepsPerItem = 4;
const steps = items * stepsPerItem;
const journalGoal = 1.5;
const resumeGoal = 2;
const rounds = 7;

/** A run of 10,000 steps: what its journal costs beside the bare writes and syncs, its memory, and what it costs to go on with it. */
export async function journal(): Promise<Row[]> {
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
  const ours = await loadOurs<Ours>('journal');
  const folder = mkdtempSync(path.join(tmpdir(), 'virtbook-bench-journal-'));
  const remove = onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const ran = await ours.run(runbookText(), labText, folder, [steps / 5, steps]);
  if (ran.steps !== steps) throw new Error(`the run did ${ran.steps} steps, not ${steps}`);
  const perStep = (ms: number): string => `${((ms * 1000) / steps).toFixed(0)} µs`;
  const ratio = ran.journalMs / ran.bareMs;
  const rows: Row[] = [
    limited(
      'journal',
      '×',
      ratio,
      journalGoal,
      `${steps} steps, ${ran.synced} synced records, ${(ran.bytes / 1e6).toFixed(1)} MB; ${perStep(ran.journalMs)} a step in the journal, ` +
        `${perStep(ran.bareMs)} for the same bytes and syncs alone, in turn on the same disk`,
    ),
    limited(
      'journal-memory',
      '×',
      ran.heap[1]! / ran.heap[0]!,
      1.5,
      `heap after a collection: ${megabytes(ran.heap[0]!)} at ${steps / 5} steps, ${megabytes(ran.heap[1]!)} at ${steps}; resident ${megabytes(ran.rss[0]!)} and ${megabytes(ran.rss[1]!)}`,
    ),
  ];

  const size = ours.cutLastStep(folder);
  const file = path.join(folder, 'journal.jsonl');
  const cut = readFileSync(file);
  const measured = await inTurn(
    rounds,
    {
      read: async () => void (await ours.read(folder)),
      resume: async () => {
        const start = performance.now();
        const ended = await ours.resume(labText, folder);
        const took = performance.now() - start;
        if (ended.status !== 'done')
          throw new Error(`the resumed run ended ${ended.status}: ${ended.failure?.message}`);
        writeFileSync(file, cut);
        return took;
      },
    },
    { warmUp: 2 },
  );
  await remove();
  const [whole, reading] = [spread(measured.resume), spread(measured.read)];
  rows.push(
    limited(
      'resume',
      '×',
      whole.median / reading.median,
      resumeGoal,
      `${whole.median.toFixed(0)} ms to go on with the run before its last step and end it, ${reading.median.toFixed(0)} ms to read its ` +
        `${(size / 1e6).toFixed(1)} MB with the journal reader`,
    ),
  );
  return rows;
}

/** Steps that look, steps that change something and know how to take it back, in turn on ten VMs. */
function runbookText(): string {
  const list = Array.from({ length: items }, (_, at) => at + 1).join(', ');
  return `version: 1
name: bench
inputs:
  items: { type: list, default: [${list}] }
steps:
  - id: each
    forEach: { item: "\${{ inputs.items }}", maxFailures: 0 }
    steps:
      - id: look
        uses: check.guest
        with: { vm: "vm\${{ index % 10 }}", agent: true }
      - id: write
        uses: guest.run
        with: { vm: "vm\${{ index % 10 }}", argv: [tee, /srv/item], stdin: "\${{ string(item) }}", undo: [rm, -f, /srv/item] }
      - id: stop
        uses: guest.run
        with: { vm: "vm\${{ index % 10 }}", argv: [systemctl, stop, nginx], undo: [systemctl, start, nginx] }
      - id: read
        uses: guest.run
        with: { vm: "vm\${{ index % 10 }}", argv: [cat, /srv/item], changes: false }
`;
}

const labText = JSON.stringify({
  version: 1,
  hosts: { hv1: { cpus: 64, memoryMiB: 524288 } },
  datastores: { shared: { capacityGiB: 1000, hosts: ['hv1'] } },
  vms: Object.fromEntries(
    Array.from({ length: 10 }, (_, at) => [
      `vm${at}`,
      {
        host: 'hv1',
        state: 'running',
        memoryMiB: 4096,
        disks: [{ datastore: 'shared', capacityGiB: 40 }],
        guest: {
          agent: 'running',
          services: { nginx: 'active' },
          files: { '/srv/item': '' },
          address: `192.0.2.${at}`,
        },
      },
    ]),
  ),
});

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
