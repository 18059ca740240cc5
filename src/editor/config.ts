import type { Inventory } from '../inventory/model';
import type { CalledRunbooks } from '../runbook/calls';
import type { ActionSignature, KnownNames } from '../runbook/check-context';
import type { JsonObject } from '../runbook/json';
import type { ParseCache } from './parse-cache';

/** Everything the editor is given from outside. All of it but `actions` may be missing. */
export interface EditorConfig {
  actions: readonly ActionSignature[];
  /** Names of the inventory that belongs to the document: `knownNames()` of src/inventory/names.ts, with what is live added. */
  inventory?: KnownNames;
  /** The file that `inventory:` names is not there. */
  inventoryMissing?: boolean;
  /** The inventory itself, when it has no mistakes: for what a selection comes to and how long steps take. */
  inventoryFile?: Inventory;
  /** Hosts that a connection was seen to show, by connection; for the same. */
  seenHosts?: Record<string, readonly string[]>;
  /** Runbooks that the document calls, and those that these call: what `loadCalled` of src/runbook/link.ts gives. */
  runbooks?: CalledRunbooks;
  /** Runbooks that might be called, for completion: paths relative to the folder of the document, with `/`. */
  callable?: readonly string[];
  /** Inventories that `inventory:` might name; paths like those of `callable`. */
  inventories?: readonly string[];
  /** Snapshots that a VM has now, as far as it has been looked at; for completion and hover. */
  snapshotsOf?(vm: string): readonly string[] | undefined;
  /** State of a VM or host now, in a few words, e.g. `running on hv1, 4 vCPUs`; for hover and completion. */
  liveState?(kind: 'vm' | 'host', name: string): string | undefined;
  /** Inputs and outputs of the last run, or of the run being debugged; for hover. */
  values?: { inputs?: JsonObject; steps?: Record<string, { outputs: JsonObject }>; variables?: JsonObject };
  /** Owned by the caller, so that nothing outlives it. Without it every call parses anew. */
  cache?: ParseCache;
}
