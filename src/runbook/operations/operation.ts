import { type ActionSignature, inputSchemas } from '../check-context';
import type { JsonObject } from '../json';
import { isTemplate } from '../template';

/**
 * What a step does, as far as the rules in this folder ask. Each action says it of itself in its definition; what it leaves out is not known,
 * and what is not known gives no finding.
 */
export interface Operation {
  role?: 'backup' | 'migration' | 'patch' | 'check';
  /** Of a check: whether it tells of its VM only, or may tell of anything, e.g. of what stands behind a URL. */
  tellsOf?: 'vm' | 'anything';
  /** Nothing else may change the VM meanwhile, e.g. because a hypervisor gives it one job at a time. */
  exclusive?: true;
  /** It takes a snapshot that stays until it is deleted, or until the run has succeeded. `name`: undefined where it is made up. */
  takesSnapshot?: { name?: string; memory: boolean; until: 'deleted' | 'success' };
  /** Name of a snapshot that it removes; `fails` where there is none. */
  deletesSnapshot?: { name: string; fails: boolean };
  /** Name of a snapshot that has to be there. */
  revertsTo?: string;
  /** A hypervisor refuses it while the VM has a snapshot. */
  refusesSnapshots?: true;
  /** Whether the VM is on afterwards. */
  leaves?: 'on' | 'off';
  /** It fails when the VM is off. */
  needsRunning?: true;
  /** With this input the step would have an undo, which it has not as it is. */
  undoInput?: string;
  /** It may go on without end unless the step has a `timeout`. */
  endless?: true;
}

/** What a step does, or undefined where that hangs on something that is not known before the run. */
export function operationOf(action: ActionSignature, inputs: JsonObject): Operation | undefined {
  if (!action.operation) return {};
  const operation = told(action, inputs, () => action.operation!(inputs));
  const { deletesSnapshot, takesSnapshot, revertsTo } = operation ?? {};
  const names: unknown[] = [deletesSnapshot?.name, takesSnapshot?.name, revertsTo];
  // Inputs that are missing or no text; that has been said.
  if (deletesSnapshot && names[0] === undefined) return undefined;
  return names.every(name => name === undefined || typeof name === 'string') ? operation : undefined;
}

export type UndoClassName = 'none' | 'reversible' | 'restorable' | 'irreversible';

/** What undoing a step means; undefined: not known. */
export function undoClassOf(action: ActionSignature, inputs: JsonObject): UndoClassName | undefined {
  const { undoClass } = action;
  return typeof undoClass === 'string' ? undoClass : told(action, inputs, () => undoClass(inputs));
}

/** What an action does hangs on its switches: inputs that are true or false, or one of several words. */
function told<T>(action: ActionSignature, inputs: JsonObject, tell: () => T): T | undefined {
  for (const name of switchesOf(action)) if (isTemplate(inputs[name])) return undefined;
  try {
    return tell();
  } catch {
    // Inputs of another shape than they should have; that has been said.
    return undefined;
  }
}

const knownSwitches = new WeakMap<ActionSignature, readonly string[]>();

function switchesOf(action: ActionSignature): readonly string[] {
  let names = knownSwitches.get(action);
  if (!names) {
    names = Object.entries(inputSchemas(action)).flatMap(([name, { type, enum: words }]) =>
      type === 'boolean' || words ? [name] : [],
    );
    knownSwitches.set(action, names);
  }
  return names;
}

/** The input that names the VM which an action is about; undefined where there is none, or more than one. */
export function vmInput(action: ActionSignature): string | undefined {
  const names = Object.entries(inputSchemas(action)).flatMap(([name, schema]) =>
    schema['x-virtbook'] === 'vm' ? [name] : [],
  );
  return names.length === 1 ? names[0] : undefined;
}
