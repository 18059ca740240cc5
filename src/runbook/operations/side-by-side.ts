import type { Findings } from './findings';
import { type Act, areBeside, areRunTogether, type OperationRule } from './flow';
import { capital, stepText, vmText } from './names';

/** So many steps of one VM are compared in a `parallel`: more tell nothing new. */
const maxCompared = 16;

/** Steps that are under way at once on one VM, of which one needs it for itself. */
export class SideBySide implements OperationRule {
  /** For each `parallel` that is open: what its branches do, by VM. */
  readonly #open: Map<string, Act[]>[] = [];

  constructor(readonly findings: Findings) {}

  act(act: Act): void {
    this.#oftenAtOnce(act);
    const { vm } = act;
    if (!vm || this.#open.length === 0 || !changes(act)) return;
    for (const known of this.#open) {
      for (const key of new Set([vm.key, ...(vm.list?.keys ?? [])])) {
        const others = known.get(key);
        if (!others) known.set(key, [act]);
        else {
          this.#compare(act, others);
          if (others.length < maxCompared) others.push(act);
        }
      }
    }
  }

  enterParallel(): void {
    this.#open.push(new Map());
  }

  leaveParallel(): void {
    this.#open.pop();
  }

  #compare(act: Act, others: readonly Act[]): void {
    for (const other of others) {
      if (!act.operation.exclusive && !other.operation.exclusive) continue;
      if (!areBeside(act.where, other.where) || !areRunTogether(act.where, other.where)) continue;
      if (act.where.pointer === other.where.pointer) continue;
      const roles = [act.operation.role, other.operation.role];
      const known = act.vm!.key === other.vm!.key || act.vm!.literal !== undefined || other.vm!.literal !== undefined;
      const at = `${capital(stepText(other))} is under way on ${vmText(act)} ${known ? '' : 'perhaps '}at the same time`;
      if (roles.includes('backup') && roles.includes('migration')) {
        const text = `${at}, and a VM can't be migrated while it is backed up. Put one behind the other.`;
        this.findings.add('migrate-during-backup', act, text, other);
      } else {
        const text = `${at}, and one of the two needs the VM for itself. Put them into one branch, one behind the other.`;
        this.findings.add('same-vm-in-parallel', act, text, other);
      }
      return;
    }
  }

  /** The same VM for each item of a loop, and several items at once. */
  #oftenAtOnce(act: Act): void {
    const { vm, operation, where } = act;
    if (!operation.exclusive || !vm?.fixed || where.call) return;
    const loop = where.loops.find(({ step, list }) => step.batch > 1 && (list.literals?.length ?? 2) > 1);
    // A called runbook's inputs are others for each item.
    if (!loop || where.conditions.size > loop.where.conditions.size) return;
    const text = `Up to ${loop.step.batch} items of the loop do this to ${vmText(act)} at once, and it needs the VM for itself. Move it out of the loop, or set \`batch: 1\`.`;
    this.findings.add('same-vm-in-parallel', act, text);
  }
}

function changes({ operation, undoClass }: Act): boolean {
  return operation.exclusive === true || (undoClass !== undefined && undoClass !== 'none');
}
