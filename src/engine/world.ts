import type { ActionDefinition } from '../actions/action';
import type { Fleet } from '../inventory/fleet';
import type { Clock } from './journal-durable';

/** What a run acts with: the same interpreter runs on real connections and on a rehearsal's simulated ones. */
export interface World {
  action(name: string): ActionDefinition | undefined;
  fleet: Fleet;
  clock: Clock;
}
