import type { Failure } from './journal';
import type { Claim, World } from './world';

/** One effect's turn under the limits, and what guards say of it. Without limits and guards it costs nothing. */
export class Turn {
  #leave: (() => void) | undefined;

  constructor(
    private readonly world: World,
    private readonly claim: () => Claim,
  ) {}

  /** Waits for its turn, unless it has it. Rejects with the signal's reason when that is aborted. */
  async enter(signal?: AbortSignal): Promise<void> {
    if (this.world.limits && !this.#leave) this.#leave = await this.world.limits.enter(this.claim(), signal);
  }

  /** Gives its turn back, if it has it. */
  leave(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  /** Why it may not touch its targets now. */
  async refusal(phase: 'step' | 'undo'): Promise<Failure | undefined> {
    if (!this.world.guards || this.world.guards.length === 0) return undefined;
    const claim = this.claim();
    for (const guard of this.world.guards) {
      const failure = await guard.check(claim, phase);
      if (failure) return failure;
    }
    return undefined;
  }
}
