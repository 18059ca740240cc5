import {
  type CancelMode,
  type EffectEnd,
  type EffectIntent,
  effectId,
  type JournalRecord,
  type OnceEvent,
  onceId,
  type RunEnded,
} from './journal';

/** Marks the keys of steps that stand in the place of an undo. */
export const rollbackMark = '~rollback/';

/** What a journal says has happened, as the embedded Durable looks it up on a replay. Progress and output are not kept. */
export class History {
  readonly #intents = new Map<string, EffectIntent>();
  readonly #ends = new Map<string, EffectEnd>();
  readonly #once = new Map<string, OnceEvent>();
  readonly #waits = new Map<string, number>();
  readonly #times = new Map<string, number>();
  readonly #answers = new Map<string, { choice: string; by: string }>();
  #asked = new Set<string>();
  #cancelled: CancelMode | undefined;
  #ended: RunEnded | undefined;
  #started = false;

  apply(record: JournalRecord): void {
    switch (record.type) {
      case 'run.started':
        this.#started = true;
        this.#ended = undefined;
        return;
      case 'step.intent':
      case 'undo.intent':
      case 'commit.intent':
        this.#intents.set(effectId(record), record);
        return;
      case 'step.done':
      case 'step.failed':
      case 'undo.done':
      case 'undo.failed':
      case 'commit.done':
      case 'commit.failed':
        this.#ends.set(effectId(record), record);
        return;
      case 'step.skipped':
      case 'item.started':
      case 'item.skipped':
      case 'item.ended':
      case 'rollback.started':
      case 'commit.started':
        this.#once.set(onceId(record), record);
        return;
      case 'wait.started':
        this.#waits.set(record.id, record.until);
        return;
      case 'time.read':
        this.#times.set(record.id, record.value);
        return;
      case 'question.asked':
        this.#asked.add(record.id);
        return;
      case 'question.answered':
        this.#answers.set(record.id, record);
        return;
      case 'cancel.requested':
        // Rolling back includes stopping; it is never taken back by a later wish to keep.
        if (this.#cancelled !== 'rollback') this.#cancelled = record.mode;
        return;
      case 'run.ended':
        this.#ended = record;
        this.#cancelled = undefined;
        this.#asked = new Set();
        // A runner that goes on with it rolls back anew, and tries again what could not be undone.
        this.#once.delete(onceId({ type: 'rollback.started', reason: '' }));
        for (const [id, end] of this.#ends) {
          if (end.type === 'undo.failed' || (end.type === 'step.failed' && end.key.includes(rollbackMark))) {
            this.#ends.delete(id);
            if (end.type === 'step.failed') this.#intents.delete(id);
          }
        }
        return;
      case 'run.submitted':
      case 'step.progress':
      case 'step.log':
        return;
    }
  }

  get cancelled(): CancelMode | undefined {
    return this.#cancelled;
  }
  /** How the run ended, unless a runner has started again since. */
  get ended(): RunEnded | undefined {
    return this.#ended;
  }
  /** A runner has had this run before. */
  get started(): boolean {
    return this.#started;
  }
  /** Effects are looked up once in a replay; forgetting them keeps a long run's memory flat. */
  takeEffect(id: string): { intent?: EffectIntent; end?: EffectEnd } {
    const found = { intent: this.#intents.get(id), end: this.#ends.get(id) };
    this.#intents.delete(id);
    this.#ends.delete(id);
    return found;
  }
  takeOnce(id: string): OnceEvent | undefined {
    const event = this.#once.get(id);
    this.#once.delete(id);
    return event;
  }
  waitsUntil(id: string): number | undefined {
    return this.#waits.get(id);
  }
  time(id: string): number | undefined {
    return this.#times.get(id);
  }
  answer(id: string): { choice: string; by: string } | undefined {
    return this.#answers.get(id);
  }
  wasAsked(id: string): boolean {
    return this.#asked.has(id);
  }
}
