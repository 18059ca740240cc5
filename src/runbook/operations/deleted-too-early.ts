import { ByVm } from './by-vm';
import type { Findings } from './findings';
import { type Act, areBeside, areOfOneCall, type Loop, type OperationRule } from './flow';
import { capital, stepText, vmText } from './names';
import { stepNamedBy } from './snapshot-name';

/** A snapshot that protects a change, until it is deleted. */
interface Guarded {
  taken: Act;
  changed?: Act;
  checked: boolean;
}

/** Snapshots that are deleted before it is looked whether what they protect went well. */
export class DeletedTooEarly implements OperationRule {
  readonly #guarded = new ByVm<Guarded>();
  readonly #deleted = new ByVm<Act>();

  constructor(readonly findings: Findings) {}

  act(act: Act): void {
    const { operation, vm, undoClass } = act;
    if (!vm) return;
    if (operation.role === 'check') this.#check(act);
    else if (operation.deletesSnapshot) this.#delete(act, operation.deletesSnapshot.name);
    else if (operation.takesSnapshot?.until === 'deleted') this.#guarded.add(vm, { taken: act, checked: false });
    else if (undoClass !== undefined && undoClass !== 'none' && operation.role !== 'backup')
      for (const guarded of this.#guarded.of(vm)) guarded.changed ??= act;
  }

  control(step: { kind: string }): void {
    if (step.kind !== 'wait') this.unknown();
  }

  unknown(): void {
    this.#guarded.clear();
    this.#deleted.clear();
  }

  enterLoop(loop: Loop): void {
    this.#guarded.enter(loop);
    this.#deleted.enter(loop);
  }

  leaveLoop(loop: Loop): void {
    this.#guarded.leave(loop);
    this.#deleted.leave(loop);
  }

  #check(act: Act): void {
    const vm = act.vm!;
    for (const deleted of this.#deleted.of(vm)) {
      if (areBeside(deleted.where, act.where) || areOfOneCall(deleted.where, act.where)) continue;
      this.findings.add(
        'deleted-before-check',
        deleted,
        `${capital(stepText(act))} looks only afterwards whether ${vmText(act)} is well, and then there is nothing left to go back to. Delete the snapshot behind it.`,
        act,
      );
    }
    if (act.operation.tellsOf === 'anything') for (const guarded of this.#guarded.all()) guarded.checked = true;
    else for (const guarded of this.#guarded.of(vm)) guarded.checked = true;
  }

  #delete(act: Act, written: string): void {
    const vm = act.vm!;
    const meant = stepNamedBy(written);
    for (const { taken, changed, checked } of this.#guarded.of(vm)) {
      const name = taken.operation.takesSnapshot?.name;
      const same = meant === undefined ? name === written : meant === taken.step.id;
      if (same && changed && !checked) this.#deleted.add(vm, act);
    }
    this.#guarded.remove(vm, ({ taken }) => taken.operation.takesSnapshot?.name === written || meant !== undefined);
  }
}
