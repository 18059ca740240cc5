import type { ActionDefinition, Target } from '../actions/action';
import type { Fleet } from '../inventory/fleet';
import type { JsonObject } from '../runbook/json';
import type { Failure } from './journal';
import type { Clock } from './journal-durable';
import type { KnownRests } from './known-rests';
import type { Secrets } from './secrets';
import type { StopPoints } from './stop-points';

/** What a run acts with: the same interpreter runs on real connections and on a rehearsal's simulated ones. */
export interface World {
  action(name: string): ActionDefinition | undefined;
  fleet: Fleet;
  clock: Clock;
  /** How many steps may act at once; absent: no limits. Held for an effect (apply, undo, commit), never across steps. */
  limits?: Gate;
  /** Absent: the run has none, or has marks in their place. */
  secrets?: Secrets;
  /** Looked at right before an intent is written, after `preflight`; what it gives fails the step before anything is changed. */
  guards?: readonly Guard[];
  /** Absent: nobody can stop it anywhere. */
  debug?: StopPoints;
  /** Of a rehearsal: what the rest of a rollback comes to, from an equal one before. */
  rests?: KnownRests;
}

/** Lets effects through so that no limit is passed; waiting ends early, with a rejection by its reason, when the signal is aborted. */
export interface Gate {
  enter(claim: Claim, signal?: AbortSignal): Promise<() => void>;
}

/** What an effect acts on, as its action tells it. */
export interface Claim {
  key: string;
  definition: ActionDefinition;
  inputs: JsonObject;
  targets: { reads: Target[]; changes: Target[] };
}

/** Locks and drift: may this effect touch its targets now? */
export interface Guard {
  /** `undo`: what was done is being taken back. */
  check(claim: Claim, phase: 'step' | 'undo'): Promise<Failure | undefined>;
}
