/** A place in the queue. */
export interface Ticket {
  readonly keys: readonly string[];
  /** Order of arrival. */
  readonly number: number;
  go(): void;
}

interface Waiting extends Ticket {
  /** Later ones were let in and now hold what it waits for: it is not overtaken any more. */
  passedOver: boolean;
}

/** Those who wait for exactly the same keys, in order of arrival. */
interface Line {
  keys: readonly string[];
  /** From `first` on; the ones before have gone. */
  waiting: Waiting[];
  first: number;
}

interface Use {
  capacity: number;
  /** Numbers of those who are in. */
  holders: Set<number>;
  /** Those who wait and are not overtaken any more. */
  promised: Set<Waiting>;
  /** Who waits for it, by order of arrival of the first in each line. */
  lines: Line[];
}

/**
 * Lets as many in at once as each key takes; who comes in takes all of its keys together, so none holds one while waiting for another and
 * there is no deadlock. In order of arrival, but one that can't come in yet does not hold up others that can. So that it gets its turn all
 * the same: once every key that it lacks is held by one that came later, no later one is let in before it on any of its keys.
 */
export class Admission {
  readonly #uses = new Map<string, Use>();
  readonly #lines = new Map<string, Line>();
  #arrivals = 0;

  /** `capacity` of a key: how many at once. */
  constructor(private readonly capacity: (key: string) => number) {}

  /** `go` is called once, now or in a later `leave`; from then on the ticket holds its keys. */
  enter(keys: readonly string[], go: () => void): Ticket {
    const ticket: Waiting = { keys: [...new Set(keys)].sort(), number: this.#arrivals++, go, passedOver: false };
    if (this.#admits(ticket)) this.#letIn(ticket);
    else this.#queue(ticket);
    return ticket;
  }

  /** Gives its keys back. */
  leave(ticket: Ticket): void {
    // Nobody waits for a key that had room.
    const wanted = ticket.keys.filter(key => {
      const { holders, capacity, promised } = this.#use(key);
      return holders.size >= capacity || promised.size > 0;
    });
    for (const key of ticket.keys) this.#use(key).holders.delete(ticket.number);
    this.#advance(wanted);
  }

  /** It waits no longer. False: it is in already. */
  withdraw(ticket: Ticket): boolean {
    const line = this.#lines.get(lineName(ticket.keys));
    const at = line ? line.waiting.indexOf(ticket as Waiting, line.first) : -1;
    if (!line || at < 0) return false;
    this.#changeHead(line, () => line.waiting.splice(at, 1));
    this.#forgetPromise(ticket as Waiting);
    if ((ticket as Waiting).passedOver) this.#advance(ticket.keys);
    return true;
  }

  #use(key: string): Use {
    let use = this.#uses.get(key);
    if (!use) {
      use = { capacity: this.capacity(key), holders: new Set(), promised: new Set(), lines: [] };
      this.#uses.set(key, use);
    }
    return use;
  }

  /** Nobody who is promised a key and came earlier loses it to this one. */
  #has(use: Use, ticket: Waiting): boolean {
    let free = use.capacity - use.holders.size;
    for (const other of use.promised) if (other.number < ticket.number) free--;
    return free > 0;
  }

  #admits(ticket: Waiting): boolean {
    return ticket.keys.every(key => this.#has(this.#use(key), ticket));
  }

  #letIn(ticket: Waiting): void {
    for (const key of ticket.keys) this.#use(key).holders.add(ticket.number);
    this.#forgetPromise(ticket);
    ticket.go();
  }

  #queue(ticket: Waiting): void {
    const name = lineName(ticket.keys);
    const line = this.#lines.get(name);
    if (line) {
      line.waiting.push(ticket);
      return;
    }
    const made: Line = { keys: ticket.keys, waiting: [ticket], first: 0 };
    this.#lines.set(name, made);
    for (const key of made.keys) insert(this.#use(key).lines, made);
  }

  /** Lets in, in order of arrival, whoever can come in now that these keys have become free. */
  #advance(keys: readonly string[]): void {
    const uses = keys.map(key => this.#use(key));
    const blocked = new Set<Line>();
    while (uses.some(use => use.holders.size < use.capacity)) {
      const line = firstOf(uses, blocked);
      if (!line) return;
      const ticket = headOf(line);
      if (this.#admits(ticket)) {
        this.#changeHead(line, () => line.first++);
        this.#letIn(ticket);
      } else {
        blocked.add(line);
        this.#notice(ticket);
      }
    }
  }

  /** `change` takes somebody out of the line, perhaps the first. */
  #changeHead(line: Line, change: () => void): void {
    for (const key of line.keys) remove(this.#use(key).lines, line);
    change();
    if (line.first === line.waiting.length) {
      this.#lines.delete(lineName(line.keys));
      return;
    }
    for (const key of line.keys) insert(this.#use(key).lines, line);
    // What has gone is dropped now and then, so that a long queue costs no more per turn than a short one.
    if (line.first > 100 && line.first * 2 > line.waiting.length) {
      line.waiting.splice(0, line.first);
      line.first = 0;
    }
  }

  #notice(ticket: Waiting): void {
    if (ticket.passedOver) return;
    const lacking = ticket.keys.map(key => this.#use(key)).filter(use => !this.#has(use, ticket));
    ticket.passedOver = lacking.every(use => [...use.holders].some(number => number > ticket.number));
    if (ticket.passedOver) for (const key of ticket.keys) this.#use(key).promised.add(ticket);
  }

  #forgetPromise(ticket: Waiting): void {
    if (ticket.passedOver) for (const key of ticket.keys) this.#use(key).promised.delete(ticket);
  }
}

function headOf(line: Line): Waiting {
  return line.waiting[line.first]!;
}

/** The line whose head came first, of those that wait for one of these. */
function firstOf(uses: readonly Use[], without: ReadonlySet<Line>): Line | undefined {
  let first: Line | undefined;
  for (const { lines } of uses) {
    const found = lines.find(line => !without.has(line));
    if (found && (!first || headOf(found).number < headOf(first).number)) first = found;
  }
  return first;
}

/** Where a line with this head stands, or would. */
function positionOf(lines: readonly Line[], head: number): number {
  let [from, to] = [0, lines.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (headOf(lines[middle]!).number < head) from = middle + 1;
    else to = middle;
  }
  return from;
}

function insert(lines: Line[], line: Line): void {
  lines.splice(positionOf(lines, headOf(line).number), 0, line);
}

function remove(lines: Line[], line: Line): void {
  lines.splice(positionOf(lines, headOf(line).number), 1);
}

function lineName(keys: readonly string[]): string {
  return keys.join('\n');
}
