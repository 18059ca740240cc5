import { type Event, ProgressEndEvent, ProgressStartEvent, ProgressUpdateEvent } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { JournalRecord } from '../engine/journal';

/** Shows each undo under way as a progress of the client: going back may take as long as going forward did. */
export class UndoProgress {
  readonly #underWay = new Map<string, string>();
  #next = 1;

  constructor(private readonly send: (event: Event) => void) {}

  apply(record: JournalRecord): void {
    switch (record.type) {
      case 'undo.intent': {
        const id = `undo-${this.#next++}`;
        this.#underWay.set(record.key, id);
        this.send(new ProgressStartEvent(id, record.title));
        return;
      }
      case 'step.progress': {
        const id = this.#underWay.get(record.key);
        if (id === undefined) return;
        const event: DebugProtocol.ProgressUpdateEvent = new ProgressUpdateEvent(id, record.message);
        if (record.fraction !== undefined) event.body.percentage = Math.round(record.fraction * 100);
        this.send(event);
        return;
      }
      case 'undo.done':
      case 'undo.failed': {
        const id = this.#underWay.get(record.key);
        if (id === undefined) return;
        this.#underWay.delete(record.key);
        this.send(new ProgressEndEvent(id));
        return;
      }
      default:
        return;
    }
  }

  /** The run has ended. */
  end(): void {
    for (const id of this.#underWay.values()) this.send(new ProgressEndEvent(id));
    this.#underWay.clear();
  }
}
