import type { CalledRunbooks } from './calls';
import type { Operation, UndoClassName } from './operations/operation';
import type { JsonSchema } from './value-type';

/** What the language needs to know of an action. Every ActionDefinition is one. */
export interface ActionSignature {
  name: string;
  title: string;
  summary: string;
  docs: string;
  example: string;
  inputs: object;
  outputs: object;
  undoClass: UndoClassName | ((inputs: unknown) => UndoClassName);
  idempotent: boolean | ((inputs: unknown) => boolean);
  requires(inputs: unknown): readonly string[];
  /** For the rules that know operations. Left out: nothing is known of it. */
  operation?(inputs: unknown): Operation;
}

/** Names an inventory has. A list that is undefined is not known (to the end), so nothing is said about names of that kind. */
export interface KnownNames {
  hosts?: ReadonlySet<string>;
  vms?: ReadonlySet<string>;
  /** Names that exist although the list may not be complete; for completion and for "did you mean". */
  someHosts?: ReadonlySet<string>;
  someVms?: ReadonlySet<string>;
  datastores?: ReadonlySet<string>;
  proxies?: ReadonlySet<string>;
  groups?: ReadonlySet<string>;
  /** Tags of connections, as `tag:NAME` selects hosts. */
  hostTags?: ReadonlySet<string>;
  vmTags?: ReadonlySet<string>;
  /** What the host's connection can do; undefined: not known. */
  capabilitiesOfHost?(host: string): ReadonlySet<string> | undefined;
  capabilitiesOfVm?(vm: string): ReadonlySet<string> | undefined;
  /** Tags that the inventory gives a VM. */
  tagsOfVm?(vm: string): readonly string[];
  /** Groups that a VM is in. */
  groupsOfVm?(vm: string): readonly string[];
  /** VMs that `group:NAME` or `tag:NAME` selects; undefined: it is no such selector, or selects nothing known. */
  vmsOf?(selector: string): readonly string[] | undefined;
}

export interface CheckContext {
  actions: readonly ActionSignature[];
  /** undefined: there is no inventory, or it could not be read; then no name is doubted. */
  inventory?: KnownNames;
  /** The file that `inventory:` names is not there. */
  inventoryMissing?: boolean;
  /** Called runbooks. Without it calls are not looked into. */
  runbooks?: CalledRunbooks;
  /** File name of the runbook itself, so that it is known when another one calls it. */
  path?: string;
}

export function inputSchemas(action: ActionSignature): Record<string, JsonSchema> {
  return (action.inputs as JsonSchema).properties ?? {};
}

export function requiredInputs(action: ActionSignature): string[] {
  return (action.inputs as JsonSchema).required ?? [];
}
