interface Due {
  at: number;
  number: number;
  go(): void;
}

/** What happens when, in time that jumps from one to the next. Of what is due at the same moment, first what was asked for first. */
export class Schedule {
  /** A binary heap, the next one first. */
  readonly #due: Due[] = [];
  #count = 0;
  #now = 0;

  /** Seconds from the start. */
  get now(): number {
    return this.#now;
  }

  after(seconds: number, go: () => void): void {
    const due = this.#due;
    const one: Due = { at: this.#now + seconds, number: this.#count++, go };
    let at = due.push(one) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(one, due[parent]!)) break;
      due[at] = due[parent]!;
      at = parent;
    }
    due[at] = one;
  }

  /** Until nothing is left. */
  run(): void {
    for (let one = this.#take(); one; one = this.#take()) {
      this.#now = one.at;
      one.go();
    }
  }

  #take(): Due | undefined {
    const due = this.#due;
    const first = due[0];
    const last = due.pop();
    if (!first || !last || due.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= due.length) break;
      if (child + 1 < due.length && isBefore(due[child + 1]!, due[child]!)) child++;
      if (!isBefore(due[child]!, last)) break;
      due[at] = due[child]!;
      at = child;
    }
    due[at] = last;
    return first;
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.number < other.number);
}
