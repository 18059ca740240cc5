import { messageOf } from '../engine/failure';
import type { Rehearsal } from '../engine/rehearse';
import type { ReviewLabs, ReviewPorts, ReviewRehearsal, SidePlan } from './contract';
import type { SideInventory } from './side-inventory';

/** How rehearsing one side ended: with a rehearsal, or with a sentence on why there is none. */
export type SideRehearsal = { rehearsal: Rehearsal; assumed: string[] } | { problem: string };

/** Rehearses plans, equal ones on equal labs once. */
export class SideRehearsals {
  readonly #known = new Map<string, Promise<SideRehearsal>>();
  /** Numbers of texts of labs, so that they are compared once. */
  readonly #texts = new Map<string, number>();

  constructor(
    private readonly rehearse: ReviewPorts['rehearse'],
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Rejects only when the review is stopped. */
  async of({ plan, hash }: SidePlan, inventory: SideInventory | undefined): Promise<SideRehearsal> {
    if (!this.rehearse) return { problem: 'Rehearsals were left out.' };
    if (!inventory?.inventory)
      return { problem: `${plan.name} names no inventory, so there is nothing to rehearse it on.` };
    const { labs, unrehearsed } = inventory;
    if (!labs) return { problem: unrehearsed ?? `There is nothing to rehearse ${plan.name} on.` };
    const key = `${hash} ${this.#keyOf(labs)}`;
    let known = this.#known.get(key);
    if (!known) {
      known = this.#anew({ plan, inventory: inventory.inventory, labs });
      this.#known.set(key, known);
    }
    return known;
  }

  async #anew(work: ReviewRehearsal): Promise<SideRehearsal> {
    try {
      return await this.rehearse!(work, this.signal);
    } catch (error) {
      this.signal?.throwIfAborted();
      return { problem: `It can't be rehearsed: ${messageOf(error)}` };
    }
  }

  #keyOf(labs: ReviewLabs): string {
    const texts = labs.kind === 'labs' ? labs.texts : { [labs.name]: labs.text };
    const files = Object.entries(texts)
      .map(([name, text]) => {
        const number = this.#texts.get(text) ?? this.#texts.size;
        this.#texts.set(text, number);
        return `${JSON.stringify(name)}:${number}`;
      })
      .join(' ');
    return `${labs.kind} ${files}`;
  }
}
