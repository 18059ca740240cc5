import { ByVm } from './by-vm';
import type { Findings } from './findings';
import type { Act, Loop, OperationRule } from './flow';
import { vmText } from './names';

/** Patches after which nobody looks whether the VM is still well. */
export class UncheckedPatches implements OperationRule {
  readonly #unchecked = new ByVm<Act>();

  /** `reusable`: the runbook gives something back, so it is meant to be called, and its caller may look. */
  constructor(
    readonly findings: Findings,
    readonly reusable: boolean,
  ) {}

  act(act: Act): void {
    const { operation, vm, where } = act;
    if (!vm) return;
    if (operation.role === 'check') {
      if (operation.tellsOf === 'anything') this.#unchecked.clear();
      else this.#unchecked.remove(vm);
    }
    // What a called runbook does is said in its own file.
    if (operation.role === 'patch' && where.phase === 'steps' && !where.call) this.#unchecked.add(vm, act);
  }

  control(step: { kind: string }): void {
    if (step.kind !== 'wait') this.#unchecked.clear();
  }

  unknown(): void {
    this.#unchecked.clear();
  }

  enterLoop(loop: Loop): void {
    this.#unchecked.enter(loop);
  }

  leaveLoop(loop: Loop): void {
    this.#unchecked.leave(loop);
  }

  end(): void {
    if (this.reusable) return;
    for (const act of new Set(this.#unchecked.all())) {
      this.findings.add(
        'patch-unchecked',
        act,
        `Nothing looks whether ${vmText(act)} is well after it was patched. Add a \`check.guest\` behind it, with what has to be true.`,
      );
    }
  }
}
