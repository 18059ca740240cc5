import type { Json, JsonObject } from './json';

/**
 * A runbook as plain data: what is left of the YAML when positions and comments are taken away.
 * It is what a plan freezes, so it holds nothing that JSON can't. A string with `${{ … }}` in it is a template;
 * it is evaluated when the step is reached.
 */
export interface Runbook {
  version: 1;
  name: string;
  description?: string;
  /** Path of the inventory file, relative to the runbook. */
  inventory?: string;
  inputs: Record<string, InputDefinition>;
  /** What a runbook that calls this one gets back: templates over its steps, by name. */
  outputs?: JsonObject;
  limits?: Limits;
  window?: MaintenanceWindow;
  steps: Step[];
  /** Run at the end, whatever became of the steps, after a rollback too; never undone, not stopped by a cancel. */
  finally?: Step[];
}

/** How many steps may act at once, each counted on what it acts on. Absent: no bound. */
export interface Limits {
  perHost?: number;
  perDatastore?: number;
  perProxy?: number;
  perConnection?: number;
  total?: number;
}

/** When steps may be begun. */
export interface MaintenanceWindow {
  /** Each `[DAYS] HH:MM-HH:MM`, e.g. `Sat 22:00-04:00`, `Mon-Fri 20:00-23:30`, `Sat,Sun 00:00-24:00`, `22:00-04:00` (every day). */
  allow: string[];
  /** IANA name, e.g. `Europe/London`. */
  zone: string;
  /** A run that is started outside: `wait` until it opens (default), or `refuse`. */
  outside: 'wait' | 'refuse';
  /**
   * When it closes while the run is under way. `drain` (default): items and steps under way are finished, no other item and no other step of
   * the outermost list is begun, the run ends `stopped` and can be resumed in the next window. `rollback`: everything is undone. `ignore`: it
   * goes on to its end.
   */
  closing: 'drain' | 'rollback' | 'ignore';
}

/**
 * `hosts` and `vms` take a list of names, one name, `group:NAME`, or `tag:NAME`, and become a list of names. `secret` is a string that is
 * never written down: it comes from the environment (`VIRTBOOK_SECRET_NAME`, or what `env` says), VS Code's SecretStorage, or a prompt.
 */
export type InputType = 'string' | 'number' | 'boolean' | 'list' | 'host' | 'hosts' | 'vm' | 'vms' | 'secret';

export interface InputDefinition {
  type: InputType;
  description?: string;
  default?: Json;
  enum?: Json[];
  /** What a person is asked when nothing was given. */
  prompt?: string;
  /** For a `secret`: the environment variable that holds it. */
  env?: string;
}

export type Step =
  | ActionStep
  | ForEachStep
  | GroupStep
  | ParallelStep
  | CallStep
  | ApproveStep
  | WaitStep
  | AssertStep
  | NoReturnStep;

/** Steps that hold steps of the same document. */
export type BlockStep = ForEachStep | GroupStep | ParallelStep;

interface StepBase {
  /** JSON pointer of the step in the document, e.g. `/steps/1/steps/0`. Ties plan, journal and editor together. */
  pointer: string;
  /** Given in the file; unique in the runbook. Outputs are read as `steps.ID.outputs.NAME`. */
  id?: string;
  /** For people; may be a template. Defaults to the id or the action's title. */
  name?: string;
  /** A CEL expression (with or without `${{ }}`) or a boolean; the step is skipped when it is false. */
  when?: string | boolean;
}

export interface ActionStep extends StepBase {
  kind: 'action';
  uses: string;
  with: JsonObject;
  retry?: { attempts: number; delayMs: number };
  timeoutMs?: number;
  /** Replaces the action's own undo: steps to run instead, or `none`. */
  rollback?: 'none' | Step[];
}

export interface ForEachStep extends StepBase {
  kind: 'forEach';
  /** Name of the loop variable. */
  variable: string;
  /** A list, or a template that gives one. */
  in: Json;
  /** How many items at once; 1 is one after another. */
  batch: number;
  /** So many items go first, and all of them must succeed before any other is started. */
  canary?: number;
  /** How many items may fail before no further item is started and the run fails. 0: the first failure ends it. */
  maxFailures: number;
  steps: Step[];
}

export interface GroupStep extends StepBase {
  kind: 'steps';
  steps: Step[];
}

/** Its steps run side by side; a branch of several steps is a group. */
export interface ParallelStep extends StepBase {
  kind: 'parallel';
  steps: Step[];
}

/** `uses: ./other.runbook.yaml`. */
export interface CallStep extends StepBase {
  kind: 'call';
  /** As written, relative to the file it stands in. */
  uses: string;
  with: JsonObject;
  /**
   * The called runbook, filled in by `linkRunbooks`; without it the step can't be planned. Pointers of its steps begin with the path of its
   * file relative to the outermost runbook and `#`: `other.runbook.yaml#/steps/0`.
   */
  runbook?: Runbook;
}

/** Waits until people have approved this very plan. */
export interface ApproveStep extends StepBase {
  kind: 'approve';
  /** How many different people. */
  by: number;
  /** Not approved within this time: the step fails. */
  expiresMs?: number;
  /** Template. */
  message: string;
  /** Whether who submitted the run may approve it. */
  self: boolean;
}

export interface WaitStep extends StepBase {
  kind: 'wait';
  /** A duration such as `5m`, or a template that gives one. */
  duration: string;
}

/** Fails unless its condition holds. */
export interface AssertStep extends StepBase {
  kind: 'assert';
  /** Like `when`. */
  condition: string | boolean;
  /** Template. */
  message?: string;
}

/** Only in the outermost `steps`. What was done before it is never undone: a failure after it stops the run, which then only goes forward. */
export interface NoReturnStep extends StepBase {
  kind: 'pointOfNoReturn';
  /** Why, for people; template. */
  message: string;
}

/** Steps of the same document inside a step. */
export function innerSteps(step: Step): readonly Step[] {
  return step.kind === 'forEach' || step.kind === 'steps' || step.kind === 'parallel' ? step.steps : [];
}

/** Every step of the document, those in `rollback` and `finally` included, in the order of the file. */
export function everyStep(runbook: { steps: readonly Step[]; finally?: readonly Step[] }): Step[] {
  const found: Step[] = [];
  const visit = (steps: readonly Step[]) => {
    for (const step of steps) {
      found.push(step);
      visit(innerSteps(step));
      if (step.kind === 'action' && Array.isArray(step.rollback)) visit(step.rollback);
    }
  };
  visit(runbook.steps);
  visit(runbook.finally ?? []);
  return found;
}
