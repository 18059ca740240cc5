import { ByVm } from './by-vm';
import type { Findings } from './findings';
import { type Act, areBeside, areOfOneCall, type Loop, type OperationRule, runsWhenever } from './flow';
import { capital, stepText, vmText } from './names';

/** Steps in guests that an earlier step has shut down. */
export class PoweredOff implements OperationRule {
  readonly #off = new ByVm<Act>();

  constructor(readonly findings: Findings) {}

  act(act: Act): void {
    const { operation, vm } = act;
    if (!vm) return;
    if (operation.needsRunning) {
      for (const down of this.#off.of(vm)) {
        if (areBeside(down.where, act.where) || areOfOneCall(down.where, act.where)) continue;
        if (!runsWhenever(down.where, act.where)) continue;
        this.findings.add(
          'vm-is-off',
          act,
          `${capital(stepText(down))} has shut ${vmText(act)} down, and \`${act.step.uses}\` needs it running. Start it before with \`vm.start\`.`,
          down,
        );
        break;
      }
    }
    if (operation.leaves === 'off') this.#off.add(vm, act);
    // A snapshot that is gone back to may be of a running VM.
    else if (operation.leaves === 'on' || operation.revertsTo !== undefined) this.#off.remove(vm);
  }

  control(): void {
    // A person may have started it, or it was set to start again.
    this.#off.clear();
  }

  unknown(): void {
    this.#off.clear();
  }

  beginFinally(): void {
    this.#off.clear();
  }

  enterLoop(loop: Loop): void {
    this.#off.enter(loop);
  }

  leaveLoop(loop: Loop): void {
    this.#off.leave(loop);
  }
}
