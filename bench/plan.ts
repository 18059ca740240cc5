import { loadOurs } from './ours';
import { inTurn } from './rounds';
import { limited, type Row, spread } from './row';

type Ours = typeof import('./ours/plan');

const stepsPerVm = 4;
const goal = 12;

/** Processor time of the plan of one runbook over 10,000 VMs, over that for 1,000. */
export async function plan(): Promise<Row[]> {
  const ours = await loadOurs<Ours>('plan');
  const timed = (vms: number): (() => number) => {
    return () => {
      const plan = ours.planner(runbookText, inventoryText(vms));
      const start = process.cpuUsage();
      const steps = plan();
      const { user, system } = process.cpuUsage(start);
      if (steps !== vms * stepsPerVm) throw new Error(`the plan has ${steps} steps, not ${vms * stepsPerVm}`);
      return (user + system) / 1000;
    };
  };
  const measured = await inTurn(7, { small: timed(1_000), large: timed(10_000) }, { warmUp: 2, times: { small: 5 } });
  const [small, large] = [spread(measured.small), spread(measured.large)];
  const note = `${small.median.toFixed(0)} ms for 1,000 VMs, ${large.median.toFixed(0)} ms for 10,000, with ${stepsPerVm} steps on each`;
  return [limited('plan', '×', large.median / small.median, goal, note)];
}

const runbookText = `version: 1
name: bench
inventory: ./bench.inventory.yaml
inputs:
  vms: { type: vms, default: "tag:all" }
steps:
  - id: each
    forEach: { vm: "\${{ inputs.vms }}", batch: 10, maxFailures: 3 }
    steps:
      - id: snap
        uses: vm.snapshot
        with: { vm: "\${{ vm }}", name: before }
      - id: patch
        uses: guest.patch
        with: { vm: "\${{ vm }}", packages: [openssl] }
      - id: reboot
        when: "!steps.patch.outputs.rebootRequired"
        uses: vm.shutdown
        with: { vm: "\${{ vm }}" }
      - uses: check.guest
        with: { vm: "\${{ vm }}", agent: true }
`;

let made = 0;

function inventoryText(vms: number): string {
  // Names that no plan before had: what it has looked at already, it does not look at again.
  made++;
  const lines = Array.from({ length: vms }, (_, at) => `  vm${made}-${at}: { owner: team${at % 20}, tags: [all] }`);
  return `version: 1\nconnections:\n  hv1: { type: libvirt, uri: "qemu+ssh://root@hv1/system" }\nvms:\n${lines.join('\n')}\n`;
}
