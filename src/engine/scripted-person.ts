import { forwardMark } from './history';
import type { JournalRecord, RunEvent } from './journal';
import type { JournalDurable } from './journal-durable';
import { hostLostSeconds, type RehearsalInventory } from './rehearsal-world';

/** Who answers and cancels in a rehearsal. */
export const scriptedPerson = 'rehearsal';
/** How often the person tries a step again after the point of no return. */
const mostTries = 3;

type Question = Extract<RunEvent, { type: 'question.asked' }>;
type Request = Extract<RunEvent, { type: 'approval.asked' }>;

/**
 * Answers what one simulated runner asks: what has become of a step → roll back; a step that failed after the point of no return → waits
 * until a lost host is back, starts its VMs, and tries it again, three times at most; an approval → as many as it takes approve it.
 */
export class ScriptedPerson {
  constructor(
    private readonly durable: JournalDurable,
    private readonly inventory: RehearsalInventory,
    /** What it was asked, of all runners of the run. */
    private readonly questions: string[],
    private readonly isDead: () => boolean,
  ) {}

  /** What an earlier runner had asked and was not told. */
  takeUp(records: readonly JournalRecord[]): void {
    const open = new Map<string, Question | Request>();
    for (const record of records) {
      if (record.type === 'question.asked') open.set(record.id, record);
      else if (record.type === 'question.answered') open.delete(record.id);
      else if (record.type === 'approval.asked') open.set(record.key, record);
      else if (record.type === 'approval.rejected' || record.type === 'approval.over') open.delete(record.key);
    }
    for (const one of open.values()) {
      if (one.type === 'question.asked') void this.answer(one);
      else void this.approve(one);
    }
  }

  async answer({ id }: Question): Promise<void> {
    if (!this.questions.includes(id)) this.questions.push(id);
    if (!id.startsWith(forwardMark)) {
      await this.#untilOpen(() => this.durable.answer(id, 'rollback', scriptedPerson));
      return;
    }
    const step = id.slice(0, id.lastIndexOf('#'));
    const tries = this.questions.filter(other => other.slice(0, other.lastIndexOf('#')) === step).length;
    if (tries <= mostTries) {
      await this.inventory.clock.sleep(hostLostSeconds * 1000);
      if (this.isDead()) return;
      this.inventory.startLost();
    }
    await this.#untilOpen(() => this.durable.answer(id, tries <= mostTries ? 'again' : 'stop', scriptedPerson));
  }

  async approve({ key, by }: Request): Promise<void> {
    for (let person = 1; person <= by; person++) {
      await this.#untilOpen(
        async () => (await this.durable.approve(key, 'approve', `${scriptedPerson} ${person}`)) === undefined,
      );
    }
  }

  async reject({ key }: Request): Promise<void> {
    await this.#untilOpen(async () => (await this.durable.approve(key, 'reject', `${scriptedPerson} 1`)) === undefined);
  }

  /** A question is open a moment after it was recorded, and one of an earlier runner once this one has come to it. */
  async #untilOpen(tell: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 10 && !this.isDead(); tries++) {
      if (await tell()) return;
      await this.inventory.clock.settled();
    }
  }
}
