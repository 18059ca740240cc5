import type { Target, UndoClass } from '../actions/action';
import type { Inventory } from '../inventory/model';
import type { Json, JsonObject } from '../runbook/json';
import type { Limits, MaintenanceWindow, Runbook } from '../runbook/model';
import type { ControlKind } from './journal';

/**
 * What a run will do: plain data, frozen when the run is submitted, identified by the hash of its canonical JSON. The interpreter runs
 * `program` with `inputs`; `steps` is what could be foretold of that, for people, drift and review.
 */
export interface Plan {
  version: 1;
  name: string;
  program: Runbook;
  /** Resolved: defaults filled in, `group:` and `tag:` turned into lists of names. */
  inputs: JsonObject;
  /** As it was at the time of planning; paths in it are relative to the inventory file. Absent: the runbook names none. */
  inventory?: Inventory;
  steps: PlannedStep[];
  /** `program` is only a part of the file: this step (by pointer), or the steps from this one on. */
  only?: string;
  from?: string;
  /** What the plan does not know, each a sentence. */
  unknowns: string[];
  /** Of the runbook and all that it calls, the strictest of each. */
  limits?: Limits;
  /** Of the runbook and all that it calls; all must be open. */
  windows?: MaintenanceWindow[];
  /** Names of secret inputs, as the outermost runbook calls them; their values in `inputs` are marks (`secretMark`). */
  secrets?: string[];
  /** The steps of `finally`, called runbooks' first. */
  finally?: PlannedStep[];
}

export type PlannedStep =
  | {
      kind: 'action';
      key: string;
      pointer: string;
      uses: string;
      title: string;
      /** Inputs with every value that could be evaluated; a template that could not stays as it is. */
      inputs: JsonObject;
      reads: Target[];
      changes: Target[];
      undoClass: UndoClass;
      undo: string;
      when: boolean | 'unknown';
      estimateSeconds: number;
    }
  | {
      kind: 'items';
      key: string;
      pointer: string;
      /** Its name, where it has one. */
      title?: string;
      variable: string;
      when: boolean | 'unknown';
      batch: number;
      canary?: number;
      maxFailures: number;
      items: { value: Json; steps: PlannedStep[] }[] | 'unknown';
      /** The steps of any item, where the items are not known; else empty. */
      body: PlannedStep[];
    }
  | {
      kind: 'group' | 'parallel' | 'call';
      key: string;
      pointer: string;
      /** Its name, where it has one. */
      title?: string;
      /** Of a call: the runbook, as written. */
      uses?: string;
      when: boolean | 'unknown';
      steps: PlannedStep[];
    }
  /** A step that acts on nothing. */
  | {
      kind: 'control';
      control: Exclude<ControlKind, 'call'>;
      key: string;
      pointer: string;
      title: string;
      when: boolean | 'unknown';
      /** Of a wait. */
      estimateSeconds: number;
    };
