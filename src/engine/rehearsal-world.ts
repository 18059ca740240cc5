import type { Fleet } from '../inventory/fleet';
import type { Clock } from './journal-durable';

/** A call on a simulated inventory, e.g. `migration.migrate` of web1 on hv1. */
export interface SimulatedCall {
  at: string;
  vm?: string;
  host?: string;
}

/** How long a host that is lost in a rehearsal is gone. */
export const hostLostSeconds = 300;

/** What goes wrong in a call; a simulated inventory knows how. */
export interface SimulatedFault {
  kind:
    | 'fail-before'
    | 'fail-after'
    | 'fail-halfway'
    | 'unknown'
    | 'host-lost'
    | 'vm-lost'
    | 'datastore-full'
    | 'agent-silent'
    | 'hang';
  happened?: boolean;
  /** For `host-lost`: back after so long. */
  seconds?: number;
}

/** Time that jumps to the next wake-up when nothing else can go on. */
export interface RehearsalClock extends Clock {
  catchUp(time: number): void;
  /** Resolves when everything that could go on without time passing has gone on. */
  settled(): Promise<void>;
  /** Called when nothing goes on any more and no time that passes would change that. */
  watch(onIdle: () => void): void;
  /** Whoever waits, waits for ever. */
  stop(): void;
}

/** One thing that is not as it was. */
export interface StateDifference {
  kind: 'host' | 'datastore' | 'vm' | 'proxy';
  name: string;
  path: string;
  /** undefined: it was not there, or is not any more. */
  was: unknown;
  is: unknown;
  /** For people. */
  text: string;
  /** The loss of a host did it, whatever the run does. */
  byLoss: boolean;
}

/** Memory in MiB, space in GiB. */
export interface StateLoad {
  hosts: Record<string, { used: number; capacity: number }>;
  datastores: Record<string, { used: number; capacity: number }>;
}

/** The longest time that a VM which was on did not serve at one go: from when its guest went down, or stood still, until it had booted, or went on. */
export interface PredictedOutage {
  vm: string;
  ms: number;
  /** It does not serve any more at the end of the run, so `ms` counts until then. */
  staysOff: boolean;
}

/** What was done in an inventory, and what it had looked at there. */
export interface Deed {
  /** All that it looked at is the same in this one, apart from what time it is: it would go the same way. */
  fits(inventory: RehearsalInventory): boolean;
  /** Does it there, at once, with as much time passed. */
  repeat(inventory: RehearsalInventory): void;
}

/** A copy of the inventory to run on: state, time and the calls on it. */
export interface RehearsalInventory {
  readonly fleet: Fleet;
  readonly clock: RehearsalClock;
  set onCall(hook: ((call: SimulatedCall, reads: boolean) => SimulatedFault | undefined) | undefined);
  /** An independent copy as it is now, without hook and without what is under way. */
  fork(): RehearsalInventory;
  /** Nothing is under way: no call, no wait, no time-out. */
  readonly quiet: boolean;
  /** Equal in all that anything can find out, apart from what time it is: what comes next goes the same way in both. */
  isLike(other: RehearsalInventory): boolean;
  /** Goes on from where `to` is, with as much time passed as between `from` and `to`. */
  become(to: RehearsalInventory, from: RehearsalInventory): void;
  /** Notes what is looked at and changed from now on, until what it gives is called; nothing else may go on meanwhile. */
  watch(): () => Deed;
  /** What is different in a later fork. */
  differences(later: RehearsalInventory): StateDifference[];
  /** Starts the VMs that were lost, where their host is back, and agents that have fallen silent. */
  startLost(): void;
  load(): StateLoad;
  /** From now on; gives the outage of each VM that has had one until it is asked, the longest first, those that stay off before all. */
  measureOutages(): () => PredictedOutage[];
}
