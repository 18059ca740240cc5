import type { ActionSignature, KnownNames } from '../runbook/check-context';
import type { JsonObject } from '../runbook/json';

/** Everything the editor is given from outside. All of it but `actions` may be missing. */
export interface EditorConfig {
  actions: readonly ActionSignature[];
  /** Names of the inventory that belongs to the document. */
  inventory?: KnownNames;
  /** State of a VM or host now, in a few words, e.g. `running on hv1, 4 vCPUs`; for hover. */
  liveState?(kind: 'vm' | 'host', name: string): string | undefined;
  /** Outputs and inputs of the last run or of the run being debugged; for hover. */
  values?: { inputs?: JsonObject; steps?: Record<string, { outputs: JsonObject }>; variables?: JsonObject };
}
