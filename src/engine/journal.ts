import type { Json, JsonObject } from '../runbook/json';
import type { Plan } from './plan';

/**
 * - `keep`: what was done stays; the step under way is undone
 * - `rollback`: everything is undone
 */
export type CancelMode = 'keep' | 'rollback';

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
      /** How things stood when it was planned; a step that finds its targets otherwise stops. */
      observed?: Observed;
      /** It stands before its first step until a person or a debugger lets it go. */
      hold?: true;
    }
  | { type: 'run.started'; pid: number; machine: string; resumed: boolean }
  | EffectIntent
  | EffectEnd
  | OnceEvent
  | NoteEvent
  | PauseEvent
  | { type: 'wait.started'; id: string; until: number }
  | { type: 'time.read'; id: string; value: number }
  | { type: 'question.asked'; id: string; text: string; choices: { id: string; label: string }[] }
  | { type: 'question.answered'; id: string; choice: string; by: string }
  | ApprovalEvent
  | { type: 'cancel.requested'; mode: CancelMode; by: string }
  | RunEnded;

/** `planHash`: an approval is for one plan and no other. */
export type ApprovalEvent =
  | {
      type: 'approval.asked';
      key: string;
      pointer: string;
      message: string;
      planHash: string;
      /** How many people. */
      by: number;
      self: boolean;
      expiresAt?: number;
    }
  | { type: 'approval.given'; key: string; planHash: string; by: string; note?: string }
  | { type: 'approval.rejected'; key: string; planHash: string; by: string; note?: string }
  /** Nobody decided in time, or the run was cancelled. */
  | { type: 'approval.over'; key: string; why: 'expired' | 'cancelled' };

/** Intents: what will be done, what it was before, how it would be taken back. On disk before the effect. */
export type EffectIntent =
  | {
      type: 'step.intent';
      key: string;
      pointer: string;
      attempt: number;
      uses: string;
      title: string;
      inputs: JsonObject;
      before: Json;
      /** What its preflight found that does not stop it. */
      warnings?: string[];
      /** One line of what the undo will do; absent when there is nothing to undo. */
      undo?: string;
    }
  /** `attempt`: the one whose `before` it works from. `back`: id of the `step.back` that it belongs to; absent: of a rollback. */
  | { type: 'undo.intent'; key: string; attempt: number; title: string; back?: string }
  | { type: 'commit.intent'; key: string; attempt: number; title: string };

/** `step.failed` without an intent before it: nothing was changed. */
export type EffectEnd =
  | { type: 'step.done'; key: string; pointer: string; attempt: number; outputs: JsonObject; probed?: boolean }
  | {
      type: 'step.failed';
      key: string;
      pointer: string;
      attempt: number;
      failure: Failure;
      willRetry: boolean;
      /** For a step that failed before its intent. */
      title?: string;
      /** It failed before its intent, so there is nothing to undo. */
      untouched?: boolean;
      /** A probe found that it had not happened. */
      notDone?: boolean;
    }
  | { type: 'undo.done'; key: string; attempt: number; back?: string }
  | { type: 'undo.failed'; key: string; attempt: number; failure: Failure; back?: string }
  | { type: 'commit.done'; key: string; attempt: number }
  | { type: 'commit.failed'; key: string; attempt: number; failure: Failure };

export type OnceEvent =
  | { type: 'step.skipped'; key: string; pointer: string; reason: string }
  | { type: 'item.started'; key: string; pointer: string; value: Json }
  /** Not started: too many items before it had failed. */
  | { type: 'item.skipped'; key: string; pointer: string; value: Json; reason: string }
  | {
      type: 'item.ended';
      key: string;
      pointer: string;
      ok: boolean;
      failure?: Failure;
      /** It failed within `maxFailures`. */
      within?: true;
      /** It could not be taken back. */
      stuck?: true;
    }
  /** `key`: of the item that is rolled back alone; absent: the whole run. */
  | { type: 'rollback.started'; key?: string; reason: string }
  /** All steps are done; what was only kept for the undo is removed. */
  | { type: 'commit.started' }
  /** A step that is no action (wait, assert, approve, call, pointOfNoReturn) has been begun, and has ended well. Failed: `step.failed`. */
  | { type: 'control.started'; key: string; pointer: string; kind: ControlKind; title: string }
  | { type: 'control.done'; key: string; pointer: string; kind: ControlKind; outputs?: JsonObject }
  /** What was done before it is not undone any more. */
  | { type: 'noreturn.passed'; key: string; pointer: string; message: string }
  /** The steps of `finally` begin. */
  | { type: 'finally.started' }
  /** A maintenance window: waited for, or closed. */
  | { type: 'window.waiting'; id: string; opensAt: number; text: string }
  | { type: 'window.closed'; id: string; text: string; what: 'stop' | 'rollback' }
  | SteeringEvent;

/**
 * A person has changed the way of the run, while it stood before the step `key`. A replay goes the same way. `id`: its list of steps, and its
 * number in that.
 */
export type SteeringEvent =
  /** The last step of this list (`undone`, a key) is undone, and the run stands before it. Done again, its key has a round: `patch@2`. */
  | { type: 'step.back'; id: string; key: string; pointer: string; undone: string; by: string }
  /** It goes on at another step of this list (`to`, a pointer); `left`: keys of steps that are left out; `again`: that are done again. */
  | {
      type: 'step.jump';
      id: string;
      key: string;
      pointer: string;
      to: string;
      left: string[];
      again: string[];
      by: string;
    }
  /** `frame`: whose, 0 being the list that the step is in; `path` as in `FrameScope`. */
  | {
      type: 'variable.set';
      id: string;
      key: string;
      pointer: string;
      frame: number;
      path: string[];
      was: Json;
      value: Json;
      by: string;
    };

/** A thread of the run stands, and goes on. For views; a replay does not heed them. */
export type PauseEvent =
  | {
      type: 'run.paused';
      thread: number;
      /** Of the thread. */
      name: string;
      reason: StopReason;
      phase: StopPhase;
      /** The step, or the step whose undo it is; absent: a rollback as a whole. */
      key?: string;
      pointer?: string;
      /** Why, a sentence. */
      text: string;
    }
  | { type: 'run.continued'; thread: number; by: string; how: string };

/** - `entry`: before the first step, because it was asked for; `jump`, `back`: it has arrived there */
export type StopReason = 'entry' | 'breakpoint' | 'step' | 'pause' | 'failure' | 'rollback' | 'jump' | 'back';
/** Before a step, after one that failed, before a rollback, before an undo of it. */
export type StopPhase = 'step' | 'failed' | 'rollback' | 'undo';

export type ControlKind = 'approve' | 'wait' | 'assert' | 'pointOfNoReturn' | 'call';

export type NoteEvent =
  | { type: 'step.progress'; key: string; fraction?: number; message?: string }
  | { type: 'step.log'; key: string; stream: 'stdout' | 'stderr'; text: string };

export interface RunEnded {
  type: 'run.ended';
  status: EndStatus;
  failure?: Failure;
  /** Key of the step that failed. */
  failedStep?: string;
  /** Items that failed within `maxFailures`: they were rolled back, the others went on. The run is `done`, with exit code 1. */
  failedItems?: string[];
  /** What could not be taken back. */
  remaining?: Remaining[];
  /** It stopped after its point of no return: `resume` tries the failed step again, nothing is undone. */
  forward?: true;
  /** What a person should know although nothing is left to do, each a sentence. */
  warnings?: string[];
}

/**
 * - `done`: all steps done
 * - `rolled-back`: a step failed or a person asked, and everything was taken back
 * - `stopped`: cancelled, what was done is kept on request
 * - `needs-operator`: something could not be taken back; `remaining` lists it
 * - `failed`: failed before anything was changed, so there was nothing to take back
 */
export type EndStatus = 'done' | 'rolled-back' | 'stopped' | 'failed' | 'needs-operator';

/**
 * Declared failure, time-out, unreachable, unknown outcome and cancellation are different things. `blocked`: looked at, and not begun;
 * `locked`: somebody else holds its target; `drift`: its target is not as it was when the run was planned; `rejected`: a person said no.
 */
export interface Failure {
  class: 'failed' | 'blocked' | 'timeout' | 'unreachable' | 'unknown' | 'cancelled' | 'locked' | 'drift' | 'rejected';
  message: string;
}

/** Facts about VMs when the run was planned, by name as the runbook says it. */
export type Observed = Record<string, ObservedVm>;

export interface ObservedVm {
  uuid: string;
  host: string;
  state: string;
  snapshots: number;
  /** Sources of its writable disks by device. */
  disks: Record<string, string>;
}

/** An undo that is left for a person. */
export interface Remaining {
  key: string;
  uses: string;
  /** What the undo would have done; where there is none, what the step did. */
  text: string;
  why: string;
  /** There is no undo to try again. */
  final?: true;
  /** A step that does what is left, for the runbook that a person can run. Absent where there is none. */
  step?: { uses: string; with: JsonObject };
}

/** A line of the journal: the event with its number from 0 without gaps, and its time in ms since 1970. On disk it also has a checksum. */
export type JournalRecord = RunEvent & { n: number; t: number };

/** What intent and end of one effect have in common; equal on every replay. */
export function effectId(event: { type: string; key: string; attempt: number; back?: string }): string {
  const back = event.back === undefined ? '' : ` back ${event.back}`;
  return `${event.type.slice(0, event.type.indexOf('.'))} ${event.key}#${event.attempt}${back}`;
}

/** Of what a person decided at a stop; each such decision of one list of steps has its number. */
export function steeringId(id: string): string {
  return `steering ${id}`;
}

/** What makes an event that is written once in a run the same event on a replay. */
export function onceId(event: OnceEvent): string {
  // Started and skipped are two answers to one question.
  if (event.type === 'item.skipped') return `item.started ${event.key}`;
  if (event.type === 'step.back' || event.type === 'step.jump' || event.type === 'variable.set')
    return steeringId(event.id);
  if ('id' in event) return `${event.type} ${event.id}`;
  return 'key' in event ? `${event.type} ${event.key ?? ''}` : event.type;
}
