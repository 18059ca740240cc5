import type { ActionDefinition, Target } from '../actions/action';
import { HypervisorError } from '../hypervisors/errors';
import { isStale, staleLockMs } from '../hypervisors/lock-age';
import type { HeldLock, HostLocks, LockRecord } from '../hypervisors/ports';
import type { Fleet } from '../inventory/fleet';
import type { JsonObject } from '../runbook/json';
import { allOpenFrom } from '../runbook/window';
import { classifyRead, messageOf } from './failure';
import type { Failure, Remaining } from './journal';
import type { Clock } from './journal-durable';
import { heldText, lostText } from './lock-text';
import type { Plan } from './plan';
import { reachableActions } from './planned-steps';
import type { Claim, Guard } from './world';

export interface RunLocksOptions {
  runId: string;
  /** `user@machine`. */
  owner: string;
  /** The runbook's name. */
  note: string;
  fleet: Fleet;
  clock: Clock;
  /** What this computer knows of a run that holds something, as a sentence: e.g. that it could be resumed here. */
  known?(lock: HeldLock): Promise<string | undefined>;
}

/** What one step changes. */
export type Changes = readonly Target[];

/** How often others are told that the run lives. */
const heartbeatMs = 30_000;
/** A lock that was looked at so lately need not be looked at again before an effect. */
const freshMs = 1_000;
/** How often, and how long apart, a run looks again at locks that younger runs have. */
const yieldLooks = 6;
const yieldMs = 500;

/** Where a lock stands. */
interface Place {
  connection: string;
  name: string;
  label: string;
}

interface Held extends Place {
  record: LockRecord;
  /** When it was last seen to be ours. */
  seenAt: number;
  /** Where it stands did not answer when last asked. */
  silent: boolean;
}

/** Why a lock can't be had. */
interface Refused {
  place: Place;
  failure: Failure;
  /** A run that began later has it, and lives. */
  byYounger: boolean;
}

/**
 * The locks of one run on everything that it changes, each on the connection where that is. Taken for as long as the run lasts, all or
 * none; those of what only turns out on the way, before the step that changes it. A lock that was taken away stops the run: whoever took it
 * may be at work there.
 */
export class RunLocks implements Guard {
  /** By name; one that goes from host to host has several. */
  readonly #held = new Map<string, Held[]>();
  readonly #taking = new Map<string, Promise<Refused | undefined>>();
  readonly #places = new Map<string, Promise<Place[]>>();
  readonly #unlocked = new Set<string>();
  readonly #over = new AbortController();
  #beating: Promise<void> | undefined;
  #lost: Failure | undefined;

  constructor(private readonly options: RunLocksOptions) {}

  /**
   * Takes the locks of all these steps, or none and says why not. `goingOn`: the run may have changed something before, so what can't be
   * reached now is left for its step or undo to fail on; only what somebody else holds stands in the way, and then what it has stays held.
   */
  async take(steps: Iterable<Changes>, goingOn = false): Promise<Failure | undefined> {
    this.#beating ??= this.#beat();
    const different = new Map([...steps].map(changes => [JSON.stringify(changes), changes]));
    const found = await Promise.allSettled([...different.values()].map(changes => this.#placesOf(changes)));
    const failures = found.flatMap(one => (one.status === 'rejected' ? [classifyRead(one.reason)] : []));
    const places = distinct(found.flatMap(one => (one.status === 'fulfilled' ? one.value : [])));
    if (failures.length === 0 || goingOn) {
      failures.push(...(await this.#takeAll(places)));
    }
    const locked = failures.filter(failure => failure.class === 'locked');
    const failure = goingOn ? summed(locked) : (summed(locked) ?? failures[0]);
    if (!failure || goingOn) return failure;
    const left = await this.release();
    return left.length === 0 ? failure : { ...failure, message: [failure.message, ...left].join(' ') };
  }

  async check(claim: Claim): Promise<Failure | undefined> {
    if (this.#lost) return this.#lost;
    let places: Place[];
    try {
      places = await this.#placesOf(claim.targets.changes);
    } catch (error) {
      return classifyRead(error);
    }
    const [refused] = await this.#takeAll(places);
    if (refused) return refused;
    const names = new Set(places.map(place => place.name));
    const unsure = (await Promise.all([...names].map(name => this.#verify(name)))).find(
      failure => failure !== undefined,
    );
    return this.#lost ?? unsure;
  }

  /** Connections that keep no locks and on which the run changes something. */
  get unlocked(): string[] {
    return [...this.#unlocked].sort();
  }

  /** Gives all locks back. What could not be given back, each a sentence. */
  async release(): Promise<string[]> {
    const held = this.#all();
    this.#held.clear();
    const given = await Promise.allSettled(held.map(async one => (await this.#locksOf(one))?.release(one.record)));
    return given.flatMap((one, at) =>
      one.status === 'fulfilled'
        ? []
        : [
            `The lock on ${held[at]!.label} could not be given back: ${messageOf(one.reason)} When it can be reached, \`virtbook release ${this.options.runId}\` does it.`,
          ],
    );
  }

  /** Keeps what is still held, and tells everybody why. What could not be told, each a sentence. */
  async keep(remaining: readonly Remaining[]): Promise<string[]> {
    await this.stop();
    const left = remaining.map(({ key, text }) => `${key}: ${text}`).join('; ');
    const note = `${this.options.note}: ${left === '' ? 'not finished' : `needs a person, left is ${left}`}`;
    const told = await Promise.allSettled(
      this.#all().map(async one => (await this.#locksOf(one))?.heartbeat({ ...one.record, note })),
    );
    return told.flatMap(one =>
      one.status === 'rejected' ? [`A lock could not be marked as left for a person: ${messageOf(one.reason)}`] : [],
    );
  }

  /** No more heartbeats; what is held stays. */
  async stop(): Promise<void> {
    this.#over.abort();
    await this.#beating;
  }

  async #beat(): Promise<void> {
    const { signal } = this.#over;
    for (;;) {
      await this.options.clock.sleep(heartbeatMs, signal);
      if (signal.aborted) return;
      // One that can't be reached is not lost: nobody else gets it without breaking it, and that shows when it is reached again.
      await Promise.allSettled(this.#all().map(held => this.#look(held)));
    }
  }

  /**
   * Sees that a lock is still ours where it stands; why that can't be told. A VM that was moved away from a host that is down by now is locked
   * where it is. While a lock counts as alive for everybody, a host that does not answer is left for the effect itself to meet.
   */
  async #verify(name: string): Promise<Failure | undefined> {
    const held = this.#heldAs(name);
    const { clock } = this.options;
    // Asking a host that is down takes long; the next heartbeat does it anyway.
    const answering = held.filter(one => !one.silent);
    const looks = await Promise.allSettled(
      (answering.length > 0 ? answering : held).map(one =>
        clock.now() - one.seenAt < freshMs ? undefined : this.#look(one),
      ),
    );
    if (looks.some(look => look.status === 'fulfilled')) return undefined;
    const failed = looks.find(look => look.status === 'rejected');
    const alive = held.every(one => clock.now() - one.seenAt < staleLockMs);
    return failed && !alive ? classifyRead(failed.reason) : undefined;
  }

  #all(): Held[] {
    return [...this.#held.values()].flat();
  }

  #heldAs(name: string): Held[] {
    return this.#held.get(name) ?? [];
  }

  #find(place: Place): Held | undefined {
    return this.#heldAs(place.name).find(one => one.connection === place.connection);
  }

  /** Says that the run lives, and sees whether the lock is still its own. */
  async #look(held: Held): Promise<void> {
    try {
      await this.#beatOnce(held);
      held.silent = false;
    } catch (error) {
      held.silent = true;
      throw error;
    }
  }

  async #beatOnce(held: Held): Promise<void> {
    const locks = await this.#locksOf(held);
    if (!locks || (await locks.heartbeat(held.record))) {
      held.seenAt = this.options.clock.now();
      return;
    }
    // Given back, or taken anew, while it was looked at.
    if (this.#find(held) !== held) return;
    const holder = (await locks.list()).find(one => one.name === held.name);
    if (holder && this.#isElsewhere(held, holder)) {
      const others = this.#heldAs(held.name).filter(one => one !== held);
      this.#held.set(held.name, others);
      return;
    }
    this.#lost ??= { class: 'locked', message: lostText(held, this.options.runId, holder) };
  }

  /** Two connections of the inventory lead to the same host: the lock was taken through both, and only the later one counts. */
  #isElsewhere(held: Held, holder: HeldLock): boolean {
    if (holder.runId !== this.options.runId) return false;
    return this.#heldAs(held.name).some(other => other !== held && other.record.token === holder.token);
  }

  /** Why some could not be taken; empty: all were. */
  async #takeAll(places: readonly Place[]): Promise<Failure[]> {
    let wanted = places;
    for (let looks = 0; ; looks++) {
      const refused = (await Promise.all(wanted.map(place => this.#takeOnce(place)))).filter(one => one !== undefined);
      // Two runs that begin at once may each have what the other needs: the younger gives way, so the older looks again.
      const mayChange = refused.length > 0 && refused.every(one => one.byYounger) && this.#held.size > 0;
      if (!mayChange || looks === yieldLooks) return refused.map(one => one.failure);
      await this.options.clock.sleep(yieldMs);
      wanted = refused.map(one => one.place);
    }
  }

  /** Branches that need the same lock take it once. */
  #takeOnce(place: Place): Promise<Refused | undefined> {
    const key = keyOf(place);
    if (this.#find(place)) return Promise.resolve(undefined);
    const taking =
      this.#taking.get(key) ??
      this.#take(place)
        .catch((error: unknown) => ({ place, failure: classifyRead(error), byYounger: false }))
        .finally(() => this.#taking.delete(key));
    this.#taking.set(key, taking);
    return taking;
  }

  async #take(place: Place): Promise<Refused | undefined> {
    const { runId, owner, note, clock, known } = this.options;
    const locks = await this.#locksOf(place);
    if (!locks) {
      this.#unlocked.add(place.connection);
      return undefined;
    }
    const { name, label } = place;
    const got = await locks.take({ name, label, owner, runId, note });
    if ('taken' in got) {
      const held = { ...place, record: got.taken, seenAt: clock.now(), silent: false };
      this.#held.set(name, [...this.#heldAs(name), held]);
      return undefined;
    }
    const { heldBy } = got;
    const failure: Failure = { class: 'locked', message: heldText(heldBy, await known?.(heldBy)) };
    return { place, failure, byYounger: heldBy.runId > runId && !isStale(heldBy) };
  }

  async #locksOf({ connection }: { connection: string }): Promise<HostLocks | undefined> {
    return (await this.options.fleet.hypervisor(connection)).locks;
  }

  /** What is not there is left out: the step that needs it says so. */
  async #placesOf(changes: Changes): Promise<Place[]> {
    const found = await Promise.all(changes.map(target => this.#placesOfTarget(target)));
    const hosts = changes.flatMap((target, at) => (target.kind === 'host' ? found[at]! : []));
    const vms = changes.flatMap((target, at) => (target.kind === 'vm' ? found[at]! : []));
    // A VM that goes to a host is there, too, from some moment on.
    const there = vms.flatMap(vm => hosts.map(({ connection }) => ({ ...vm, connection })));
    return distinct([...found.flat(), ...there]);
  }

  #placesOfTarget(target: Target): Promise<Place[]> {
    const key = `${target.kind} ${target.name}`;
    const known = this.#places.get(key);
    if (known) return known;
    const finding = this.#locate(target).catch((error: unknown) => {
      this.#places.delete(key);
      if (error instanceof HypervisorError && error.kind === 'not-found') return [];
      throw error;
    });
    this.#places.set(key, finding);
    return finding;
  }

  async #locate({ kind, name }: Target): Promise<Place[]> {
    const { fleet } = this.options;
    switch (kind) {
      case 'vm': {
        const { hypervisor, vm } = await fleet.locate(name);
        return [{ connection: hypervisor.connection, name: `vm ${vm.uuid}`, label: `VM ${vm.name}` }];
      }
      case 'host': {
        const { connection } = await fleet.host(name);
        return [{ connection, name: `host ${name}`, label: `host ${name}` }];
      }
      case 'datastore': {
        const shown = await Promise.all(
          fleet.connections.map(async connection => {
            const { datastores } = await (await fleet.hypervisor(connection)).state();
            return datastores.some(one => one.name === name) ? [connection] : [];
          }),
        );
        return shown.flat().map(connection => ({
          connection,
          name: `datastore ${name}`,
          label: `datastore ${name}`,
        }));
      }
      case 'proxy':
        return [];
    }
  }
}

/**
 * What a plan would change, step by step. Nothing while its maintenance window is closed: a run that waits for days must not keep others
 * away, so it takes its locks step by step when it goes on.
 */
export function plannedChanges(plan: Plan, now: number): Changes[] {
  if (plan.windows && allOpenFrom(plan.windows, now) !== now) return [];
  return reachableActions([...plan.steps, ...(plan.finally ?? [])]).map(step => step.changes);
}

/** What a step that is recorded changes; nothing where its action is not known any more. */
export function recordedChanges(definition: ActionDefinition | undefined, inputs: JsonObject): Changes {
  try {
    return definition?.targets(inputs).changes ?? [];
  } catch {
    // Inputs of another version: its step fails on them by itself.
    return [];
  }
}

function summed(failures: readonly Failure[]): Failure | undefined {
  const [first] = failures;
  const more = failures.length - 1;
  if (!first || more === 0) return first;
  return { ...first, message: `${first.message} ${more} more ${more === 1 ? 'lock is' : 'locks are'} held, too.` };
}

function keyOf({ connection, name }: Place): string {
  return `${connection}\n${name}`;
}

/** In an order that is the same for every run. */
function distinct(places: readonly Place[]): Place[] {
  const byKey = new Map(places.map(place => [keyOf(place), place]));
  return [...byKey].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, place]) => place);
}
