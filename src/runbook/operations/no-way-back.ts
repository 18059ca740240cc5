import { ByVm } from './by-vm';
import type { Findings } from './findings';
import { type Act, areOfOneCall, type Loop, type OperationRule } from './flow';
import { capital, stepText, vmText } from './names';

/** Steps that nothing takes back, with others behind them that may fail: a rollback could not get past them. */
export class NoWayBack implements OperationRule {
  /** Nothing has followed them yet. */
  #last: Act[] = [];
  #over = false;
  readonly #taken = new ByVm<true>();

  constructor(readonly findings: Findings) {}

  act(act: Act): void {
    if (act.where.phase === 'finally') return;
    this.#followed(act.step.uses, act);
    const { operation, vm } = act;
    // To delete what the run itself has made leaves nothing to be taken back.
    const tidies = operation.deletesSnapshot && vm && this.#taken.of(vm).size > 0;
    if (operation.takesSnapshot && vm) this.#taken.add(vm, true);
    if (this.#over || tidies || act.undoClass !== 'irreversible' || act.step.rollback !== undefined) return;
    this.#last.push(act);
  }

  control(step: { kind: string }): void {
    if (step.kind !== 'wait') this.#followed(`${step.kind}:`);
  }

  unknown(): void {
    this.#last = [];
  }

  noReturn(): void {
    this.#over = true;
    this.#last = [];
  }

  enterLoop(loop: Loop): void {
    this.#taken.enter(loop);
  }

  leaveLoop(loop: Loop): void {
    this.#taken.leave(loop);
    // The next item follows the last step of the one before.
    if ((loop.list.literals ?? loop.list.keys).length === 1 && loop.list.literals) return;
    const inside = this.#last.filter(act => act.where.loops.includes(loop));
    this.#last = this.#last.filter(act => !inside.includes(act));
    for (const act of inside) this.#report(act, 'a later item fails');
  }

  beginFinally(): void {
    this.#last = [];
  }

  /** By something that may fail. */
  #followed(by: string, follower?: Act): void {
    const when = follower ? `${stepText(follower)} or what follows it fails` : `the \`${by}\` behind it fails`;
    this.#last = this.#last.filter(act => {
      if (follower && areOfOneCall(act.where, follower.where)) return true;
      // Where there is no other way, only what would itself have to be undone is a reason to say so.
      const matters =
        act.operation.undoInput !== undefined || (follower !== undefined && follower.undoClass !== 'none');
      if (matters) this.#report(act, when);
      return !matters;
    });
  }

  #report(act: Act, when: string): void {
    const { undoInput } = act.operation;
    if (undoInput === undefined) {
      this.findings.add(
        'no-point-of-no-return',
        act,
        `${capital(stepText(act))} can't be undone. If ${when}, the rollback can't get past it. Set a \`pointOfNoReturn\` before it, move it to the end, or say \`rollback: none\`.`,
      );
      return;
    }
    // In a called runbook that is for its own check to say.
    if (act.where.call) return;
    this.findings.add(
      'missing-undo',
      act,
      `Nothing says how to take this back. If ${when}, ${vmText(act)} is left as it is then. Give \`${undoInput}\` in \`with\`, steps in \`rollback:\`, or say \`rollback: none\`.`,
    );
  }
}
