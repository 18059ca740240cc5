import { loadOurs } from './ours';
import { missing, type Row, spread } from './row';

type Ours = typeof import('./ours/rehearsal');

const hosts = 50;
const vms = 500;
/** Every failure point has its turn in one of them. */
const rounds = 5;
const goal = 500;

/** Whole simulated runs a second of processor time: a runbook of 200 steps, rehearsed over 50 hosts and 500 VMs. */
export async function rehearsal(): Promise<Row[]> {
  const { prepare } = await loadOurs<Ours>('rehearsal');
  const prepared = await prepare(runbookText(), labText());
  if (prepared.steps !== 200) {
    return [missing('rehearsal', null, `the runbook has ${prepared.steps} steps, not 200`)];
  }
  await prepared.run(0, rounds * 2);
  const rates: number[] = [];
  let [undone, points, shared] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const done = await prepared.run(round, rounds);
    if (done.bad > 0) throw new Error(`${done.bad} of ${done.points} failure points do not come back`);
    rates.push((done.points * 1000) / done.milliseconds);
    undone += done.undone;
    points += done.points;
    shared += done.shared;
  }
  const measured = spread(rates);
  const note =
    `${points} failure points of 200 steps over ${hosts} hosts and ${vms} VMs; each is a run of its own from the step it strikes to its ` +
    `end, on a copy of the clean run's state and journal there (${(undone / points).toFixed(0)} steps undone in each on average; ` +
    `${((100 * shared) / points).toFixed(0)} % took the rest of their rollback, or of their way to the end, from a run found equal), and ` +
    'compared with the state before; a second rollback, where there is one, is not counted as a run';
  return [
    {
      name: 'rehearsal',
      unit: 'runs/s',
      ours: measured.median,
      rival: null,
      rivalName: null,
      ratio: null,
      goal,
      bound: 'at least',
      holds: measured.median >= goal,
      spread: { ours: measured },
      note,
    },
  ];
}

/** 50 VMs, each looked at, moved to one of two hosts, given a snapshot, and a service in it stopped. */
function runbookText(): string {
  const list = Array.from({ length: 50 }, (_, at) => `vm${at * 10 + 1}`).join(', ');
  return `version: 1
name: bench
inputs:
  vms: { type: list, default: [${list}] }
steps:
  - id: each
    forEach: { vm: "\${{ inputs.vms }}" }
    steps:
      - id: look
        uses: check.guest
        with: { vm: "\${{ vm }}", agent: true }
      - id: move
        uses: vm.migrate
        with: { vm: "\${{ vm }}", to: "\${{ index % 2 == 0 ? 'hv50' : 'hv49' }}" }
      - id: before
        uses: vm.snapshot
        with: { vm: "\${{ vm }}", name: before }
      - id: patch
        uses: guest.run
        with: { vm: "\${{ vm }}", argv: [systemctl, stop, nginx], undo: [systemctl, start, nginx] }
`;
}

function labText(): string {
  const hostNames = Array.from({ length: hosts }, (_, at) => `hv${at + 1}`);
  const guest = { agent: 'running', services: { nginx: 'active' } };
  return JSON.stringify({
    version: 1,
    hosts: Object.fromEntries(hostNames.map(name => [name, { cpus: 64, memoryMiB: 524288 }])),
    datastores: { shared: { capacityGiB: 100_000, hosts: hostNames } },
    vms: Object.fromEntries(
      Array.from({ length: vms }, (_, at) => [
        `vm${at + 1}`,
        {
          host: `hv${(at % hosts) + 1}`,
          state: 'running',
          memoryMiB: 4096,
          disks: [{ datastore: 'shared', capacityGiB: 40 }],
          guest: { ...guest, address: `192.0.2.${at % 250}` },
        },
      ]),
    ),
  });
}
