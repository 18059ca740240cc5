import type { Json, JsonObject } from '../runbook/json';
import type { Plan } from './plan';

/** Everything that can happen in a run. Terminal, tree, lens, run page, history and resume all read these and nothing else. */
export type RunEvent =
  | {
      type: 'run.submitted';
      runId: string;
      plan: Plan;
      planHash: string;
      by: string;
      runbookPath: string;
      inventoryPath?: string;
    }
  | { type: 'run.started'; pid: number; machine: string; resumed: boolean }
  /** Intent: what will be done, what it was before, how it would be taken back. On disk before the effect. */
  | {
      type: 'step.intent';
      key: string;
      pointer: string;
      attempt: number;
      uses: string;
      title: string;
      inputs: JsonObject;
      before: Json;
      undo?: string;
    }
  | { type: 'step.progress'; key: string; fraction?: number; message?: string }
  | { type: 'step.log'; key: string; stream: 'stdout' | 'stderr'; text: string }
  | { type: 'step.done'; key: string; pointer: string; outputs: JsonObject; probed?: boolean }
  | { type: 'step.failed'; key: string; pointer: string; attempt: number; failure: Failure; willRetry: boolean }
  | { type: 'step.skipped'; key: string; pointer: string; reason: string }
  | { type: 'item.started'; key: string; pointer: string; value: Json }
  | { type: 'item.ended'; key: string; pointer: string; ok: boolean }
  | { type: 'rollback.started'; reason: string }
  | { type: 'undo.intent'; key: string; title: string }
  | { type: 'undo.done'; key: string }
  | { type: 'undo.failed'; key: string; failure: Failure }
  | { type: 'question.asked'; id: string; text: string; choices: { id: string; label: string }[] }
  | { type: 'question.answered'; id: string; choice: string; by: string }
  | { type: 'cancel.requested'; mode: 'keep' | 'rollback'; by: string }
  | { type: 'run.ended'; status: EndStatus; outputs?: JsonObject; failure?: Failure; remaining?: Remaining[] };

/**
 * - `done`: all steps done
 * - `rolled-back`: a step failed or a person asked, and everything was taken back
 * - `stopped`: cancelled, what was done is kept on request
 * - `needs-operator`: something could not be taken back; `remaining` lists it
 * - `failed`: failed before anything was changed, so there was nothing to take back
 */
export type EndStatus = 'done' | 'rolled-back' | 'stopped' | 'failed' | 'needs-operator';

/** Declared failure, time-out, unreachable, unknown outcome and cancellation are different things. */
export interface Failure {
  class: 'failed' | 'blocked' | 'timeout' | 'unreachable' | 'unknown' | 'cancelled';
  message: string;
}

/** An undo that is left for a person. */
export interface Remaining {
  key: string;
  uses: string;
  text: string;
  why: string;
}

/** A line of the journal: the event with its number from 0 without gaps, its time in ms since 1970, and a checksum of the line. */
export type JournalRecord = RunEvent & { n: number; t: number };
