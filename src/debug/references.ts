/** Numbers that a client knows things by, which hold as long as their thread stands. */
export class References<T> {
  readonly #things = new Map<number, { thread: number; thing: T }>();
  #next = 1;

  create(thread: number, thing: T): number {
    const reference = this.#next++;
    this.#things.set(reference, { thread, thing });
    return reference;
  }

  /** @throws Error when the thread has gone on since */
  get(reference: number): T {
    const found = this.#things.get(reference);
    if (!found) throw new Error('The run has gone on since. Look again when it stands.');
    return found.thing;
  }

  forget(thread: number): void {
    for (const [reference, { thread: of }] of this.#things) if (of === thread) this.#things.delete(reference);
  }

  clear(): void {
    this.#things.clear();
  }
}
