import { equal } from '../runbook/equal';
import type { Failure, JournalRecord } from './journal';
import type { Deed, RehearsalInventory } from './rehearsal-world';
import type { RolledBack, Tainted } from './rollback';
import type { StepUndo, UndoEntry } from './undo-stack';

/** Knows, in one simulated run, what the rest of a rollback comes to when an equal rest has been gone through before. */
export interface KnownRests {
  /** `parts`: what is to be reversed at this level, from the last to the first, as it is before anything of it is taken off. */
  level(parts: readonly (UndoEntry | UndoEntry[])[], tainted: Tainted): RestLevel | undefined;
  /** One undo; gives why it failed. Known: the world is as after it. `work` does it. */
  undo(entry: StepUndo, work: () => Promise<Failure | undefined>): Promise<Failure | undefined>;
}

export interface RestLevel {
  /** Only the first `count` parts are left, and `back` is what the others came to. Known: the world is as after the rest, and this is what it comes to. */
  known(count: number, back: RolledBack): Promise<RolledBack | undefined>;
  /** All of the level has been reversed. */
  end(back: RolledBack): void;
}

/** The simulated run that a rollback belongs to. */
export interface RestRun {
  readonly inventory: RehearsalInventory;
  /** Nothing more is made to go wrong in it. */
  readonly settled: boolean;
  /** It may be spared its undos. */
  readonly mayShare: boolean;
  /** It may be spared the rest of its rollback, which then is not in its records. */
  readonly mayShareRests: boolean;
  /** What it has recorded, and asked, so far. */
  readonly records: JournalRecord[];
  readonly questions: string[];
  shared: number;
}

/** What a rest came to, from one state to another. */
interface Rest {
  from: RehearsalInventory;
  to: RehearsalInventory;
  back: RolledBack;
  questions: string[];
  /** Intents of `rollback:` steps in it: what it says is left may be told by their names. */
  intents: JournalRecord[];
}

/** A stack of undos, equal ones being one node: the parts below it, and its last. */
interface Node {
  rests: Rest[];
  above: Map<number, Node>;
  /** Equal to none other. */
  id: number;
}

/** An undo that is equal to none other that is known. */
interface Content {
  id: number;
  entry: StepUndo;
  /** What came of it, the latest first. */
  undos: { deed: Deed; failure: Failure | undefined }[];
}

/** What is on the stacks of loops and branches, before anything of it is reversed. */
type Found = Map<readonly (UndoEntry | UndoEntry[])[], Node[]>;

/** Rests of one stack that differ in the state they start from; beyond these a run just goes through its own. */
const mostRests = 2;
/** Contents of one undo that differ; beyond these it is equal to none. */
const mostContents = 16;
/** What came of one undo, where it saw something else; of more the oldest is forgotten. */
const mostUndos = 8;

/**
 * What rollbacks of many runs of one plan have come to. The rest of a rollback is a function of the undos that are left and of the state of
 * the inventory, when nothing else goes on: so a run that comes to an equal stack in an equal state goes on exactly like the one before.
 * Equality is found by comparing, never assumed.
 */
export class RestMemory {
  readonly #contents = new Map<string, Content[]>();
  readonly #forks = new Map<string, number>();
  readonly #bottom: Node = { rests: [], above: new Map(), id: 0 };
  #ids = 0;

  /** For one rollback. */
  of(run: RestRun): KnownRests {
    const found: Found = new Map();
    return {
      level: (parts, tainted) =>
        run.mayShareRests ? new Level(run, found.get(parts) ?? this.#path(parts, found), tainted) : undefined,
      undo: (entry, work) => this.#undo(run, entry, work),
    };
  }

  /** It does the same where all that it looks at is the same as for an equal undo before. */
  async #undo(run: RestRun, entry: StepUndo, work: () => Promise<Failure | undefined>): Promise<Failure | undefined> {
    const { inventory } = run;
    const undos = run.mayShare && run.settled ? this.#content(entry)?.undos : undefined;
    if (!undos) return work();
    // Something may still be under way that nobody waits for any more.
    await inventory.clock.settled();
    if (!run.settled || !inventory.quiet) return work();
    const at = undos.findIndex(({ deed }) => deed.fits(inventory));
    const known = undos[at];
    if (known) {
      if (at > 0) undos.unshift(...undos.splice(at, 1));
      known.deed.repeat(inventory);
      return known.failure;
    }
    const end = inventory.watch();
    const failure = await work();
    const deed = end();
    if (!run.settled || !inventory.quiet) return failure;
    undos.unshift({ deed, failure });
    if (undos.length > mostUndos) undos.pop();
    return failure;
  }

  /** The nodes of the first one, two, … parts; it ends where a part is like none other. Those of the loops in it are put into `found`. */
  #path(parts: readonly (UndoEntry | UndoEntry[])[], found: Found): Node[] {
    const path: Node[] = [];
    let node = this.#bottom;
    for (const part of parts) {
      const id = Array.isArray(part) ? this.#branch(part, found) : this.#entry(part, found);
      if (id === undefined) break;
      let next = node.above.get(id);
      if (!next) {
        next = { rests: [], above: new Map(), id: ++this.#ids };
        node.above.set(id, next);
      }
      node = next;
      path.push(node);
    }
    return path;
  }

  #branch(entries: readonly UndoEntry[], found: Found): number | undefined {
    if (entries.length === 0) return 0;
    const path = this.#path(entries, found);
    return path.length === entries.length ? path.at(-1)!.id : undefined;
  }

  #entry(entry: UndoEntry, found: Found): number | undefined {
    if (entry.kind === 'step') return this.#content(entry)?.id;
    // Items that were not begun, at the end, have nothing to reverse.
    const begun = entry.branches.slice(0, entry.branches.findLastIndex(branch => branch.length > 0) + 1);
    const path = this.#path(begun, found);
    found.set(entry.branches, path);
    if (path.length < begun.length) return undefined;
    const id = `${entry.key} ${entry.max} ${path.at(-1)?.id ?? 0}`;
    const known = this.#forks.get(id);
    if (known !== undefined) return known;
    this.#forks.set(id, ++this.#ids);
    return this.#ids;
  }

  #content(entry: StepUndo): Content | undefined {
    let contents = this.#contents.get(entry.key);
    if (!contents) {
      contents = [];
      this.#contents.set(entry.key, contents);
    }
    const at = contents.findIndex(one => sameUndo(one.entry, entry));
    const known = contents[at];
    if (known) {
      // Most often it is the one of the run without failures, which all runs share from there on: the first to be compared with.
      if (at > 0) [contents[0], contents[at]] = [known, contents[0]!];
      return known;
    }
    if (contents.length >= mostContents) return undefined;
    const made: Content = { id: ++this.#ids, entry, undos: [] };
    contents.push(made);
    return made;
  }
}

class Level implements RestLevel {
  readonly #begun: { node: Node; from: RehearsalInventory; back: RolledBack; records: number; questions: number }[] =
    [];

  constructor(
    private readonly run: RestRun,
    private readonly path: readonly Node[],
    private readonly tainted: Tainted,
  ) {}

  async known(count: number, back: RolledBack): Promise<RolledBack | undefined> {
    const { run, tainted } = this;
    const node = this.path[count - 1];
    // What an undo that failed has to do with those after it is not part of the comparison.
    if (!node || !run.settled || tainted.size > 0) return undefined;
    const same = run.mayShare ? node.rests.find(rest => rest.from.isLike(run.inventory)) : undefined;
    if (!same && node.rests.length >= mostRests) return undefined;
    // Something may still be under way that nobody waits for any more.
    await run.inventory.clock.settled();
    if (!run.settled || !run.inventory.quiet) return undefined;
    if (same?.from.isLike(run.inventory)) {
      run.inventory.become(same.to, same.from);
      run.questions.push(...same.questions);
      run.records.push(...same.intents);
      run.shared += same.back.undone;
      return same.back;
    }
    if (node.rests.length >= mostRests) return undefined;
    const { records, questions } = run;
    this.#begun.push({
      node,
      from: run.inventory.fork(),
      back: { undone: back.undone, remaining: [...back.remaining], warnings: [...back.warnings] },
      records: records.length,
      questions: questions.length,
    });
    return undefined;
  }

  end(back: RolledBack): void {
    const { run } = this;
    if (this.#begun.length === 0 || this.tainted.size > 0 || !run.inventory.quiet) return;
    const to = run.inventory.fork();
    for (const begun of this.#begun) {
      begun.node.rests.push({
        from: begun.from,
        to,
        back: {
          undone: back.undone - begun.back.undone,
          remaining: back.remaining.slice(begun.back.remaining.length),
          warnings: back.warnings.slice(begun.back.warnings.length),
        },
        questions: run.questions.slice(begun.questions),
        intents: run.records.slice(begun.records).filter(record => record.type === 'step.intent'),
      });
    }
  }
}

/** The same undo of the same step, as far as it can make a difference to what it does and what it says. */
function sameUndo(left: StepUndo, right: StepUndo): boolean {
  return (
    left.attempt === right.attempt &&
    left.step === right.step &&
    left.definition === right.definition &&
    left.notDone === right.notDone &&
    left.committed === right.committed &&
    left.interrupted === right.interrupted &&
    // What tells undos of one step apart most often.
    equal(left.failure, right.failure) &&
    equal(left.inputs, right.inputs) &&
    equal(left.before, right.before) &&
    equal(left.outputs, right.outputs) &&
    // Only steps of its own see it.
    (typeof left.step.rollback !== 'object' || equal(left.scope, right.scope))
  );
}
