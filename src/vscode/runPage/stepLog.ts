import type { JournalRecord } from '../../engine/journal';
import type { LogLine } from './protocol';

/** Lines kept of a step's log; the journal has them all. */
const KEPT = 5_000;
const LINE = 2_000;

/** The output of one step, in lines, from the records of its run as they come. */
export class StepLog {
  readonly lines: LogLine[] = [];
  #total = 0;
  #seen = 0;
  readonly #open = new Map<LogLine['stream'], string>();

  constructor(readonly key: string) {}

  /** Lines before the first one that is kept. */
  get dropped(): number {
    return this.#total - this.lines.length;
  }

  /** Takes what is new of the records, of which there are only ever more. Gives the lines it found, the last ones that are kept. */
  take(records: readonly JournalRecord[]): LogLine[] {
    const found: LogLine[] = [];
    for (; this.#seen < records.length; this.#seen++) {
      const record = records[this.#seen]!;
      if (!('key' in record) || record.key !== this.key) continue;
      if (record.type === 'step.log') this.#add(record.stream, record.text, found);
      else if (record.type === 'step.done' || record.type === 'step.failed') this.#close(found);
    }
    this.#total += found.length;
    this.lines.push(...found.slice(-KEPT));
    if (this.lines.length > KEPT) this.lines.splice(0, this.lines.length - KEPT);
    return found.slice(-KEPT);
  }

  #add(stream: LogLine['stream'], text: string, found: LogLine[]): void {
    const lines = ((this.#open.get(stream) ?? '') + text).split(/\r?\n/);
    this.#open.set(stream, lines.pop()!);
    for (const line of lines) found.push({ stream, text: line.slice(0, LINE) });
  }

  /** What did not end with a newline is a line too. */
  #close(found: LogLine[]): void {
    for (const [stream, text] of this.#open) if (text !== '') found.push({ stream, text: text.slice(0, LINE) });
    this.#open.clear();
  }
}
