import { ByVm } from './by-vm';
import type { Findings } from './findings';
import { type Act, areBeside, areOfOneCall, areRunTogether, type Loop, type OperationRule, runsWhenever } from './flow';
import { capital, stepText, vmText } from './names';
import { stepNamedBy } from './snapshot-name';

interface Snapshot {
  act: Act;
  /** As it is written; undefined: not known. */
  name?: string;
  until: 'deleted' | 'success';
}

/** Snapshots that are there when they must not be, and the other way round. */
export class OpenSnapshots implements OperationRule {
  readonly #open = new ByVm<Snapshot>();
  readonly #deleted = new ByVm<{ act: Act; name: string }>();

  constructor(readonly findings: Findings) {}

  act(act: Act): void {
    const { operation, vm } = act;
    if (!vm) return;
    if (operation.refusesSnapshots) this.#refuse(act);
    const needed =
      operation.revertsTo ?? (operation.deletesSnapshot?.fails ? operation.deletesSnapshot.name : undefined);
    if (needed !== undefined) this.#mustBeThere(act, needed);
    const { deletesSnapshot, takesSnapshot } = operation;
    if (deletesSnapshot) {
      const { name } = deletesSnapshot;
      this.#open.remove(vm, snapshot => snapshot.until === 'deleted' && mayBeNamed(snapshot, name));
      if (!name.includes('${{')) this.#deleted.add(vm, { act, name });
    }
    if (takesSnapshot) this.#take(act, takesSnapshot);
  }

  control(): void {
    // A person may have made one by hand.
    this.#deleted.clear();
  }

  unknown(): void {
    this.#open.clear();
    this.#deleted.clear();
  }

  noReturn(): void {
    // What was only kept for the undo is removed here.
    this.#open.clear(({ until }) => until === 'success');
  }

  beginFinally(): void {
    this.#open.clear(({ until }) => until === 'success');
    this.#deleted.clear();
  }

  enterLoop(loop: Loop): void {
    this.#open.enter(loop);
    this.#deleted.enter(loop);
  }

  leaveLoop(loop: Loop): void {
    this.#open.leave(loop);
    this.#deleted.leave(loop);
  }

  #take(act: Act, { name, until }: NonNullable<Act['operation']['takesSnapshot']>): void {
    const vm = act.vm!;
    const known = name === undefined || name.includes('${{') ? undefined : name;
    if (known !== undefined) {
      for (const { act: first, name: taken } of this.#open.of(vm)) {
        if (taken !== known || areBeside(first.where, act.where) || areOfOneCall(first.where, act.where)) continue;
        if (!runsWhenever(first.where, act.where)) continue;
        this.findings.add(
          'snapshot-exists',
          act,
          `${capital(stepText(first))} has taken a snapshot \`${known}\` of ${vmText(act)} already, so this one fails. Give it another name, or delete the first one before.`,
          first,
        );
        break;
      }
    }
    this.#open.add(vm, { act, ...(known !== undefined && { name: known }), until });
    this.#deleted.remove(vm, deleted => known === undefined || deleted.name === known);
  }

  #refuse(act: Act): void {
    const vm = act.vm!;
    for (const { act: taken, until } of this.#open.of(vm)) {
      const { where } = taken;
      if (areBeside(where, act.where) || areOfOneCall(where, act.where) || !areRunTogether(where, act.where)) continue;
      const what =
        until === 'deleted'
          ? `${capital(vmText(act))} still has the snapshot that ${stepText(taken)} took`
          : `${capital(stepText(taken))} keeps its snapshot of ${vmText(act)} until the run has succeeded`;
      const remedy =
        until === 'deleted'
          ? 'Delete it first.'
          : 'Migrate first, or let that step take none, or set a `pointOfNoReturn` between the two.';
      this.findings.add(
        'migrate-with-snapshot',
        act,
        `${what}, and libvirt does not migrate a VM that has one. ${remedy}`,
        taken,
      );
      return;
    }
  }

  #mustBeThere(act: Act, name: string): void {
    const vm = act.vm!;
    for (const { act: gone, name: deleted } of this.#deleted.of(vm)) {
      if (deleted !== name || areBeside(gone.where, act.where) || areOfOneCall(gone.where, act.where)) continue;
      if (!runsWhenever(gone.where, act.where)) continue;
      this.findings.add(
        'snapshot-gone',
        act,
        `${capital(stepText(gone))} has deleted the snapshot \`${name}\` of ${vmText(act)} before, so this fails. Take out one of the two.`,
        gone,
      );
      return;
    }
  }
}

/** Whether a `snapshot:` may mean this one. */
function mayBeNamed({ act, name }: Snapshot, written: string): boolean {
  if (!written.includes('${{')) return name === undefined || name === written;
  const step = stepNamedBy(written);
  return step === undefined || act.step.id === undefined || act.where.calledFile !== undefined || step === act.step.id;
}
