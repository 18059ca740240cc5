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
  steps: Step[];
}

/** `hosts` and `vms` take a list of names, one name, `group:NAME`, or `tag:NAME`, and become a list of names. */
export type InputType = 'string' | 'number' | 'boolean' | 'list' | 'host' | 'hosts' | 'vm' | 'vms';

export interface InputDefinition {
  type: InputType;
  description?: string;
  default?: Json;
  enum?: Json[];
}

export type Step = ActionStep | ForEachStep | GroupStep;

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
  /** How many items may fail before no further item is started and the run fails. 0: the first failure ends it. */
  maxFailures: number;
  steps: Step[];
}

export interface GroupStep extends StepBase {
  kind: 'steps';
  steps: Step[];
}
