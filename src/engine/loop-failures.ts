import type { ForEachStep } from '../runbook/model';
import type { Durable } from './durable';
import type { Failure } from './journal';

/** Which items of a loop failed, and what follows from that. What is recorded already counts from the start, in whatever order it is replayed. */
export class LoopFailures {
  /** By place of the item. */
  readonly #failures = new Map<number, { key: string; failure: Failure }>();
  /** Items that fail within `maxFailures`. */
  readonly #within = new Set<number>();
  /** Items of which it is recorded that they failed beyond it. */
  readonly #beyond = new Set<number>();
  /** Why no further item is begun. */
  #over: string | undefined;
  /** The item that could not be taken back. */
  #stuck: string | undefined;

  constructor(
    private readonly step: Pick<ForEachStep, 'maxFailures' | 'canary'>,
    private readonly keys: readonly string[],
    durable: Durable,
  ) {
    // The first item is always begun first.
    if (keys.length === 0 || !durable.recorded(`item.started ${keys[0]}`)) return;
    for (const [at, key] of keys.entries()) {
      const ended = durable.recorded(`item.ended ${key}`);
      const failed = ended?.type === 'item.ended' && !ended.ok;
      if (durable.recorded(`rollback.started ${key}`) || (failed && ended.within)) this.#within.add(at);
      else if (failed) {
        this.#beyond.add(at);
        this.#end(at);
      }
      if (failed && ended.stuck) this.stuck(at);
    }
  }

  /** No further item is begun; gives why. */
  get over(): string | undefined {
    return this.#over;
  }

  /** Whether this item, which fails, may: then it counts. Says the same again when asked again. */
  within(at: number): boolean {
    if (this.#within.has(at)) return true;
    if (this.#beyond.has(at) || this.#over !== undefined || at < (this.step.canary ?? 0)) return false;
    if (this.#within.size >= this.step.maxFailures) return false;
    this.#within.add(at);
    return true;
  }

  failed(at: number, key: string, failure: Failure): void {
    this.#failures.set(at, { key, failure });
    if (!this.#within.has(at)) this.#end(at);
  }

  stuck(at: number): void {
    this.#stuck ??= this.keys[at]!;
    this.#over ??= `${this.#stuck} could not be undone`;
  }

  /** Why the loop failed, and the step that did where it had one item; undefined: it did not fail. */
  verdict(): { key?: string; failure: Failure } | undefined {
    const [first] = [...this.#failures].sort(([one], [other]) => one - other).map(([, failed]) => failed);
    if (this.#over === undefined || !first) return undefined;
    if (this.keys.length === 1) return first;
    const { size } = this.#failures;
    const canary = [...this.#failures.keys()].some(at => at < (this.step.canary ?? 0));
    const why =
      size > this.step.maxFailures
        ? `${size} of ${this.keys.length} items failed, ${this.step.maxFailures} may.`
        : this.#stuck !== undefined
          ? `${this.#stuck} could not be undone.`
          : canary
            ? 'One of the items that go first failed.'
            : 'Too many items failed.';
    const message = `${why} ${first.key}: ${first.failure.message}`;
    return { failure: { class: first.failure.class, message } };
  }

  #end(at: number): void {
    this.#over ??=
      at < (this.step.canary ?? 0) ? `${this.keys[at]} went first and failed` : 'too many items before it failed';
  }
}
