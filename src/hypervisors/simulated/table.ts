/** What has been looked at in a table, and what has been changed. */
export interface Looks {
  names: Set<string>;
  /** Every record, and whether there are others. */
  all: boolean;
  changed: Set<string>;
}

/**
 * Named records that fork in constant time: forks share one base and keep only what they changed.
 * Records are never changed in place, so equal references mean equal records.
 */
export class Table<V> {
  /** `changed` is seen by a fork too, so it is copied before it is written to. */
  private shared = false;
  /** Name of a record in which it was found different from another one. */
  private different: string | undefined;
  /** Where it is noted what is looked at and changed. A fork has none. */
  looks: Looks | undefined;

  private constructor(
    private base: ReadonlyMap<string, V>,
    /** `undefined`: deleted. */
    private changed: Map<string, V | undefined>,
  ) {}

  static from<V>(entries: Iterable<readonly [string, V]>): Table<V> {
    return new Table(new Map(entries), new Map());
  }

  get(name: string): V | undefined {
    this.looks?.names.add(name);
    return this.peek(name);
  }

  /** As `get`, for whom nothing depends on what is there: it is not noted. */
  peek(name: string): V | undefined {
    const record = this.changed.size > 0 ? this.changed.get(name) : undefined;
    if (record !== undefined) return record;
    return this.changed.has(name) ? undefined : this.base.get(name);
  }

  set(name: string, record: V): void {
    this.write(name, record);
  }

  delete(name: string): void {
    this.write(name, undefined);
  }

  private write(name: string, record: V | undefined): void {
    this.looks?.changed.add(name);
    if (this.shared) {
      this.changed = new Map(this.changed);
      this.shared = false;
    }
    this.changed.set(name, record);
  }

  *names(): Generator<string> {
    for (const [name] of this.entries()) yield name;
  }

  *entries(): Generator<[string, V]> {
    const { base, changed } = this;
    if (this.looks) this.looks.all = true;
    for (const [name, record] of base) {
      const now = changed.has(name) ? changed.get(name) : record;
      if (now !== undefined) yield [name, now];
    }
    for (const [name, record] of changed) if (record !== undefined && !base.has(name)) yield [name, record];
  }

  /** Records that are not those of the base. */
  changes(): V[] {
    return [...this.changed.values()].filter(record => record !== undefined);
  }

  fork(): Table<V> {
    if (this.looks) this.looks.all = true;
    // Many changes are folded into a new base once, so that the next copies are cheap again.
    if (this.changed.size * 2 > this.base.size + 64) {
      this.base = new Map(this.entries());
      this.changed = new Map();
      this.shared = false;
    }
    const twin = new Table(this.base, this.changed);
    this.shared = true;
    twin.shared = true;
    return twin;
  }

  /** Whether both hold records that are `alike` under the same names. */
  isLike(other: Table<V>, alike: (left: V, right: V) => boolean): boolean {
    if (this.base === other.base && this.changed === other.changed) return true;
    const differs = (name: string): boolean => {
      const [left, right] = [this.get(name), other.get(name)];
      return left !== right && (left === undefined || right === undefined || !alike(left, right));
    };
    // What was different the last time mostly still is.
    if (other.different !== undefined && differs(other.different)) return false;
    for (const name of this.candidates(other)) {
      if (!differs(name)) continue;
      other.different = name;
      return false;
    }
    return true;
  }

  /** Names whose records may differ between the two; looks only at what was changed when both come from one base. */
  candidates(other: Table<V>): Iterable<string> {
    if (this.base !== other.base) return new Set([...this.names(), ...other.names()]);
    if (other.changed.size === 0) return this.changed.keys();
    return this.changed.size === 0 ? other.changed.keys() : this.changedInEither(other);
  }

  private *changedInEither(other: Table<V>): Generator<string> {
    yield* other.changed.keys();
    for (const name of this.changed.keys()) if (!other.changed.has(name)) yield name;
  }
}
