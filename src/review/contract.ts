import type { Plan } from '../engine/plan';
import type { Rehearsal } from '../engine/rehearse';
import type { Timetable } from '../engine/timetable';
import type { Inventory } from '../inventory/model';
import type { Place, Review } from './model';

/** Where a step or a field stands: by JSON pointer, of called runbooks too (`other.runbook.yaml#/steps/0`). */
export type PlaceOf = (pointer: string) => Place | undefined;

/** What is done elsewhere: in threads on a computer, in a worker in a browser, at once in a test. */
export interface ReviewPorts {
  /** Rehearses a plan on labs given as text; undefined: rehearsals are not wanted, or not possible here. */
  rehearse?(work: ReviewRehearsal, signal?: AbortSignal): Promise<{ rehearsal: Rehearsal; assumed: string[] }>;
  /** How far it is. */
  onProgress?(done: number, total: number, what: string): void;
}

export interface ReviewRehearsal {
  plan: Plan;
  inventory: Inventory;
  labs: ReviewLabs;
}

/** Texts of lab files by the `lab` of simulated connections; or one capture for all connections. */
export type ReviewLabs =
  | { kind: 'labs'; texts: Record<string, string> }
  | { kind: 'capture'; name: string; text: string };

/** A review and what it was made from, for those that show more than the report. */
export interface ReviewResult {
  review: Review;
  /** By path as in the review. */
  plans: Map<string, { base?: SidePlan; head?: SidePlan }>;
}

export interface SidePlan {
  plan: Plan;
  hash: string;
  timetable: Timetable;
}
