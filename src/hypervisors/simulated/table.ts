/**
 * Named records that fork in constant time: forks share one base and keep only what they changed.
 * Records are never changed in place, so equal references mean equal records.
 */
export class Table<V extends object> {
  private constructor(
    private base: ReadonlyMap<string, V>,
    /** `undefined`: deleted. */
    private changed: Map<string, V | undefined>,
  ) {}

  static from<V extends object>(entries: Iterable<readonly [string, V]>): Table<V> {
    return new Table(new Map(entries), new Map());
  }

  get(name: string): V | undefined {
    if (this.changed.size > 0 && this.changed.has(name)) return this.changed.get(name);
    return this.base.get(name);
  }

  set(name: string, record: V): void {
    this.changed.set(name, record);
  }

  delete(name: string): void {
    this.changed.set(name, undefined);
  }

  *names(): Generator<string> {
    for (const name of this.base.keys()) if (this.get(name)) yield name;
    for (const name of this.changed.keys()) if (!this.base.has(name) && this.get(name)) yield name;
  }

  *entries(): Generator<[string, V]> {
    for (const name of this.names()) yield [name, this.get(name)!];
  }

  fork(): Table<V> {
    // Many changes are folded into a new base once, so that the next forks are cheap again.
    if (this.changed.size * 4 > this.base.size) {
      this.base = new Map(this.entries());
      this.changed = new Map();
    }
    return new Table(this.base, new Map(this.changed));
  }

  /** Names whose records may differ between the two; looks only at what was changed when both come from one base. */
  candidates(other: Table<V>): Iterable<string> {
    if (this.base === other.base) return new Set([...this.changed.keys(), ...other.changed.keys()]);
    return new Set([...this.names(), ...other.names()]);
  }
}
