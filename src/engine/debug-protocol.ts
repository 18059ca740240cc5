import type { Json } from '../runbook/json';
import type { Failure, StopPhase, StopReason } from './journal';

export type { StopReason } from './journal';

/**
 * What a debugger and the runner of a run say to each other: requests with results, and events. Data only, so that it goes over the
 * control socket as it is. A thread is a branch of the run that goes on beside others: the run itself, an item of a loop, a branch of
 * `parallel`. It can stop before a step, after one that failed, before a rollback and before each undo of it; never inside a step.
 */
export type DebugRequest =
  /** Replaces all breakpoints. Result: `BreakpointResult[]`, in order. */
  | { do: 'breakpoints'; breakpoints: Breakpoint[] }
  /** `failure`: when a step has failed for good, before anything is undone. `rollback`: before a rollback begins. */
  | { do: 'exceptions'; on: ('failure' | 'rollback')[] }
  /** Result: `ThreadView[]`. After an attach it says what stands already: no event comes for that. */
  | { do: 'threads' }
  /** Stops at the next stop point; of every thread when none is named. Result: null. */
  | { do: 'pause'; thread?: number }
  /**
   * Lets a stopped thread go on; `continue` without a thread lets all go on. Result: null.
   * - `start`: a held run begins as if it had not stood: breakpoints that were set meanwhile on its first step count
   * - `over`: to the next step of the same list, or of what holds it when there is none
   * - `into`: to the next step wherever it is: the first of an item, of a group, of a called runbook
   * - `out`: to the step after what holds this one
   * - `back`: undoes the step before this one in the same list, and stops before it
   */
  | { do: 'go'; thread?: number; how: 'start' | 'continue' | 'over' | 'into' | 'out' | 'back' }
  /** Goes on at another step of the same list without doing or undoing what is between. Result: null. */
  | { do: 'jump'; thread: number; pointer: string }
  /** Where a stopped thread may jump to. Result: `JumpTarget[]`. */
  | { do: 'targets'; thread: number }
  /** Innermost first. Result: `FrameView[]`; before a rollback as a whole there is no step, and pointer and key of the innermost are empty. */
  | { do: 'stack'; thread: number }
  /** Names and values at a frame. Result: `FrameScope`. */
  | { do: 'scope'; thread: number; frame: number }
  /** A CEL expression at a frame. Result: its value, secrets struck. */
  | { do: 'evaluate'; thread: number; frame: number; expression: string }
  /**
   * Sets an input, an output of a step that is done or a loop variable for all steps from here on; `path` as in `FrameScope`:
   * `['inputs', 'count']`, `['steps', 'backup', 'outputs', 'path']`, `['variables', 'vm']`. `value`: JSON or plain text, as the type says.
   * It counts in this frame and in those of this thread that see the same value; what others see side by side is refused, and so is
   * everything in a run that people approve. Result: the new value.
   */
  | { do: 'set'; thread: number; frame: number; path: string[]; value: string }
  /** A VM or host as its hypervisor has it now. Result: `LiveState` or null when it is not found. */
  | { do: 'live'; kind: 'vm' | 'host'; name: string };

export interface Breakpoint {
  /** Pointer of a step as in the plan: `/steps/2/steps/0`, of a called runbook `parts/other.runbook.yaml#/steps/0`. */
  pointer: string;
  /** CEL; evaluated in the scope of the step. One that fails to evaluate stops, and says why. */
  condition?: string;
  /** `5`, `>= 5`, `% 2`: hits of this breakpoint, counted over all threads. */
  hitCondition?: string;
  /** Text with CEL in braces: said instead of stopping. */
  logMessage?: string;
}

export interface BreakpointResult {
  verified: boolean;
  /** Why it can never be hit, or how its condition is wrong. */
  message?: string;
}

export interface ThreadView {
  id: number;
  /** `maintenance`, `each-vm[web1]`, `prepare#2`. */
  name: string;
  stopped?: StopView;
}

export interface StopView {
  reason: StopReason;
  /** Before what: a step, or the undo of one. Absent before a rollback as a whole. */
  key?: string;
  pointer?: string;
  phase: StopPhase;
  /** For people, e.g. why the step failed, or that a condition could not be evaluated. */
  text?: string;
  failure?: Failure;
  /** Indexes of the breakpoints that were hit. */
  breakpoints?: number[];
}

export interface FrameView {
  /** The innermost is 0. */
  index: number;
  /** `snapshot in each-vm[web1]`; the outermost is the run. */
  name: string;
  /** Of the step that this frame is at. */
  pointer: string;
  key: string;
}

export interface JumpTarget {
  pointer: string;
  title: string;
  /** What a person should know before: steps that are left out, or done a second time. */
  warning: string;
}

/** Values with secrets struck. */
export interface FrameScope {
  inputs: Record<string, Json>;
  /** By id: outputs of steps that are done here. */
  steps: Record<string, { outputs: Record<string, Json> }>;
  /** Loop variables, and `index`. */
  variables: Record<string, Json>;
  /** Of the step that this frame is at, where it can be told already: its evaluated inputs. */
  with?: Record<string, Json>;
  /** VMs and hosts that the step is about, for `live`. */
  targets: { kind: 'vm' | 'host'; name: string }[];
  /** Paths that `set` takes. */
  editable: string[][];
}

export type LiveState = Record<string, Json>;

export type DebugEvent =
  | { type: 'stopped'; thread: number; stop: StopView; text: string }
  | { type: 'continued'; thread: number }
  | { type: 'thread'; thread: number; what: 'started' | 'exited'; name: string }
  /** What a logpoint says, or a breakpoint that could not be evaluated. */
  | { type: 'said'; thread: number; pointer: string; text: string };
