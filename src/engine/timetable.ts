import type { Target } from '../actions/action';
import type { Json } from '../runbook/json';
import type { MaintenanceWindow } from '../runbook/model';
import { allOpenFrom, isOpen } from '../runbook/window';
import { Admission, type Ticket } from './admission';
import { itemName } from './keys';
import { capacityOf, keysOf, needsPlaces, type Whereabouts } from './limits';
import type { Plan, PlannedStep } from './plan';
import type { PlannedAction, PlannedControl } from './planned-steps';
import { Schedule } from './schedule';

/** When each step of a plan would run if every step took as long as its action estimates. */
export interface Timetable {
  /** In the order in which they begin. */
  rows: TimetableRow[];
  /** Until the last step has ended. */
  seconds: number;
  /** Most steps at once that act on it, by name. */
  peak: { hosts: Record<string, number>; datastores: Record<string, number>; proxies: Record<string, number> };
  /** Most steps at once. */
  atOnce: number;
  /** What it can't tell, or what a window does to the run, each a sentence. */
  notes: string[];
}

/** Times in seconds from the start. */
export interface TimetableRow {
  key: string;
  title: string;
  fromSeconds: number;
  toSeconds: number;
  on: { hosts: string[]; datastores: string[]; proxies: string[] };
}

export interface TimetableOptions {
  /** Where VMs and hosts are, as far as somebody has looked. */
  whereIs?: (target: Target) => Whereabouts | undefined;
  /** When it would be started, in ms since 1970: for maintenance windows. */
  startAt?: number;
}

/**
 * Foretells the run of a plan in which every step succeeds: the same order, batches and limits as the run itself keeps. Steps that may be
 * left out count; people's answers take no time. Pure.
 */
export function timetableOf(plan: Plan, options: TimetableOptions = {}): Timetable {
  return new Foretelling(plan, options).whole();
}

/** Something that goes on, and gives back what it waits for. */
type Course = Generator<(goOn: () => void) => void, void, void>;

type PlannedItems = Extract<PlannedStep, { kind: 'items' }>;

class Foretelling {
  readonly #schedule = new Schedule();
  readonly #admission: Admission;
  readonly #rows: TimetableRow[] = [];
  readonly #notes = new Set<string>();
  /** Hosts that steps of this run have moved VMs to. */
  readonly #moved = new Map<string, string>();
  readonly #unplaced = new Set<string>();
  readonly #load = { hosts: new Load(), datastores: new Load(), proxies: new Load(), steps: new Load() };
  readonly #limits: NonNullable<Plan['limits']>;
  readonly #windows: Windows | undefined;

  constructor(
    private readonly plan: Plan,
    private readonly options: TimetableOptions,
  ) {
    this.#limits = plan.limits ?? {};
    this.#admission = new Admission(key => capacityOf(this.#limits, key));
    const { startAt } = options;
    if (plan.windows && startAt !== undefined) this.#windows = new Windows(plan.windows, startAt);
  }

  whole(): Timetable {
    this.#start(this.#run());
    this.#schedule.run();
    this.#tellUnplaced();
    const { hosts, datastores, proxies } = this.#load;
    return {
      rows: this.#rows,
      seconds: this.#schedule.now,
      peak: { hosts: hosts.peaks(), datastores: datastores.peaks(), proxies: proxies.peaks() },
      atOnce: this.#load.steps.peaks().all ?? 0,
      notes: [...(this.#windows?.notes ?? []), ...this.#notes],
    };
  }

  #start(course: Course, then?: () => void): void {
    const goOn = (): void => {
      const { done, value: wait } = course.next();
      if (done) then?.();
      // A turn of its own each: thousands of items that take no time must not go ever deeper.
      else wait(() => this.#schedule.after(0, goOn));
    };
    goOn();
  }

  *#run(): Course {
    for (const step of this.plan.steps) {
      if (step.when === false) continue;
      // Loops are let through item by item.
      if (step.kind !== 'items') yield* this.#passWindow(step.key);
      yield* this.#step(step, true);
    }
    yield* this.#steps(this.plan.finally ?? []);
  }

  *#steps(steps: readonly PlannedStep[]): Course {
    for (const step of steps) if (step.when !== false) yield* this.#step(step, false);
  }

  *#step(step: PlannedStep, outermost: boolean): Course {
    switch (step.kind) {
      case 'action':
        yield* this.#action(step);
        return;
      case 'control':
        this.#begin(step);
        yield* this.#pass(step.estimateSeconds);
        return;
      case 'parallel': {
        const branches = step.steps.map(branch => () => this.#steps([branch]));
        yield* this.#sideBySide(branches, branches.length);
        return;
      }
      case 'items':
        yield* this.#items(step, outermost);
        return;
      default:
        yield* this.#steps(step.steps);
    }
  }

  *#items({ key, items, body, batch, canary }: PlannedItems, outermost: boolean): Course {
    if (items === 'unknown') {
      this.#notes.add(`The items of ${key} are not known yet; one of them is counted.`);
      yield* this.#steps(body);
      return;
    }
    const courses = items.map(
      ({ value, steps }) =>
        () =>
          this.#item(outermost ? itemKey(key, value) : undefined, steps),
    );
    const first = Math.min(canary ?? 0, items.length);
    yield* this.#sideBySide(courses.slice(0, first), batch);
    yield* this.#sideBySide(courses.slice(first), batch);
  }

  *#item(windowed: string | undefined, steps: readonly PlannedStep[]): Course {
    if (windowed !== undefined) yield* this.#passWindow(windowed);
    yield* this.#steps(steps);
  }

  /** `max` at once, begun in order. */
  *#sideBySide(courses: readonly (() => Course)[], max: number): Course {
    let next = 0;
    function* worker(): Course {
      while (next < courses.length) yield* courses[next++]!();
    }
    let working = Math.min(max, courses.length);
    if (working === 0) return;
    yield goOn => {
      for (let count = working; count > 0; count--) {
        this.#start(worker(), () => {
          if (--working === 0) goOn();
        });
      }
    };
  }

  *#pass(seconds: number): Course {
    if (seconds > 0) yield goOn => this.#schedule.after(seconds, goOn);
  }

  *#action(step: PlannedAction): Course {
    const targets = [...step.reads, ...step.changes];
    const keys = keysOf(this.#limits, targets, target => this.#whereIs(target));
    let ticket: Ticket | undefined;
    if (keys.length > 0) {
      yield goOn => {
        ticket = this.#admission.enter(keys, goOn);
      };
    }
    const on = this.#placesOf(targets);
    this.#begin(step, on);
    yield* this.#pass(step.estimateSeconds);
    this.#end(on);
    this.#move(step);
    if (ticket) this.#admission.leave(ticket);
  }

  #begin(step: PlannedAction | PlannedControl, on?: TimetableRow['on']): void {
    const { key, title, estimateSeconds } = step;
    const { now } = this.#schedule;
    const places = on ?? { hosts: [], datastores: [], proxies: [] };
    this.#rows.push({ key, title, fromSeconds: now, toSeconds: now + estimateSeconds, on: places });
    if (!on) return;
    this.#load.steps.add('all');
    for (const kind of ['hosts', 'datastores', 'proxies'] as const)
      for (const name of on[kind]) this.#load[kind].add(name);
  }

  #end(on: TimetableRow['on']): void {
    this.#load.steps.remove('all');
    for (const kind of ['hosts', 'datastores', 'proxies'] as const)
      for (const name of on[kind]) this.#load[kind].remove(name);
  }

  /** A step that changes a VM and a host moves the VM there. */
  #move({ changes }: PlannedAction): void {
    const vms = changes.filter(target => target.kind === 'vm');
    const hosts = changes.filter(target => target.kind === 'host');
    if (vms.length === 1 && hosts.length === 1) this.#moved.set(vms[0]!.name, hosts[0]!.name);
  }

  #whereIs(target: Target): Whereabouts {
    const known = this.options.whereIs?.(target);
    if (!known && target.kind === 'vm') this.#unplaced.add(target.name);
    const host = target.kind === 'vm' ? this.#moved.get(target.name) : undefined;
    if (host === undefined) return known ?? {};
    const connection = this.options.whereIs?.({ kind: 'host', name: host })?.connection;
    return { ...known, host, ...(connection !== undefined && { connection }) };
  }

  #placesOf(targets: readonly Target[]): TimetableRow['on'] {
    const [hosts, datastores, proxies] = [new Set<string>(), new Set<string>(), new Set<string>()];
    for (const target of targets) {
      if (target.kind === 'host') hosts.add(target.name);
      else if (target.kind === 'datastore') datastores.add(target.name);
      else if (target.kind === 'proxy') proxies.add(target.name);
      else {
        const where = this.#whereIs(target);
        if (where.host !== undefined) hosts.add(where.host);
        for (const name of where.datastores ?? []) datastores.add(name);
      }
    }
    return { hosts: [...hosts], datastores: [...datastores], proxies: [...proxies] };
  }

  #tellUnplaced(): void {
    if (this.#unplaced.size === 0 || !needsPlaces(this.#limits)) return;
    const names = [...this.#unplaced];
    const some = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
    const are = names.length > 1 ? 'are' : 'is';
    this.#notes.add(
      `Where ${some} ${are} is not known without a look at the inventory, so limits that count on hosts, connections and datastores are left out for ${are === 'is' ? 'it' : 'them'}: it may take longer.`,
    );
  }

  *#passWindow(key: string): Course {
    const wait = this.#windows?.waitSeconds(key, this.#schedule.now) ?? 0;
    // It never gets there.
    if (wait === Number.POSITIVE_INFINITY) yield () => undefined;
    yield* this.#pass(wait);
  }
}

function itemKey(loop: string, value: Json): string {
  return `${loop}[${itemName(value)}]`;
}

/** How many steps act on each of some things, and the most there have been. */
class Load {
  readonly #now = new Map<string, number>();
  readonly #peak = new Map<string, number>();

  add(name: string): void {
    const count = (this.#now.get(name) ?? 0) + 1;
    this.#now.set(name, count);
    if (count > (this.#peak.get(name) ?? 0)) this.#peak.set(name, count);
  }

  remove(name: string): void {
    this.#now.set(name, (this.#now.get(name) ?? 0) - 1);
  }

  peaks(): Record<string, number> {
    return Object.fromEntries([...this.#peak].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** What maintenance windows make of a run that is started at a certain time. */
class Windows {
  readonly notes = new Set<string>();
  #begun = false;
  #undone = false;

  constructor(
    private readonly windows: readonly MaintenanceWindow[],
    private readonly startAt: number,
  ) {}

  /** How long the step or item waits; infinite: it is never begun. */
  waitSeconds(key: string, now: number): number {
    if (this.#undone) return Number.POSITIVE_INFINITY;
    const time = this.startAt + now * 1000;
    const shut = this.windows.filter(window => !isOpen(window, time));
    const [first] = shut;
    if (!first || (this.#begun && shut.every(window => window.closing === 'ignore'))) {
      this.#begun = true;
      return 0;
    }
    const opens = allOpenFrom(this.windows, time);
    if (opens === undefined) {
      this.notes.add('Its maintenance windows are never all open: correct their hours.');
      this.#undone = true;
      return Number.POSITIVE_INFINITY;
    }
    const then = momentText(opens, first.zone);
    if (this.#begun && shut.some(window => window.closing === 'rollback')) {
      this.notes.add(`Its maintenance window closes before ${key}: everything would be undone.`);
      this.#undone = true;
      return Number.POSITIVE_INFINITY;
    }
    if (this.#begun) {
      this.notes.add(
        `Its maintenance window closes before ${key}: it would stop there, to be resumed when it opens again, ${then}.`,
      );
    } else if (shut.some(window => window.outside === 'refuse')) {
      this.notes.add(
        `Started now it would be refused, because its maintenance window is closed: start it when it opens, ${then}.`,
      );
    } else this.notes.add(`Started now it would wait for its maintenance window, which opens ${then}.`);
    this.#begun = true;
    return (opens - time) / 1000;
  }
}

/** `Sat 2026-11-28 22:00 Europe/London` */
function momentText(time: number, zone: string): string {
  const options = {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  } as const;
  const parts = new Map(
    new Intl.DateTimeFormat('en-GB', options).formatToParts(time).map(({ type, value }) => [type, value]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): string => parts.get(name) ?? '';
  return `${part('weekday')} ${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')} ${zone}`;
}
