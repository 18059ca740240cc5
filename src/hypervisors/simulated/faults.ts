/** Faults on demand: which call goes wrong, and how. */

/**
 * - `fail-before`: it says that it failed, and nothing happened
 * - `fail-after`: it says that it failed, although it happened
 * - `fail-halfway`: the connection is lost in the middle; what is half done stays behind (a stray volume, a frozen guest, a half-set-up package)
 * - `unknown`: the connection is lost; it did happen unless `happened: false`
 * - `host-lost`: the host goes down with all its VMs, for `seconds` or for good
 * - `vm-lost`: the process that runs the VM is gone, so the VM is off; the host goes on
 * - `datastore-full`: the space runs out in this call
 * - `agent-silent`: the guest agent answers nothing any more from this call on, until the guest boots; with `happened`, it did what it was asked before
 * - `hang`: no answer at all until the caller gives up
 */
export const faultKinds = [
  'fail-before',
  'fail-after',
  'fail-halfway',
  'unknown',
  'host-lost',
  'vm-lost',
  'datastore-full',
  'agent-silent',
  'hang',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  kind: FaultKind;
  /** For `unknown`, `host-lost`, `vm-lost` and `agent-silent`: whether the effect happened first. */
  happened?: boolean;
  /** For `host-lost`: back after so long. */
  seconds?: number;
  message?: string;
}

/** A fault in a lab file: the `nth` call (from 1) that fits, and `times` calls from there on. */
export interface ScriptedFault extends Fault {
  /** `port.method`, e.g. `migration.migrate`, or `*`. */
  at: string;
  vm?: string;
  host?: string;
  nth?: number;
  times?: number;
}

export interface LabCall {
  /** `port.method`, e.g. `power.start`, `hypervisor.state`, `proxy.readImage`. */
  at: string;
  /** VM name. */
  vm?: string;
  host?: string;
}

/** Asked on every call. `reads`: it only looks. May throw to stop the caller there and then. */
export type FaultHook = (call: LabCall, reads: boolean) => Fault | undefined;

/** A hook that plays the scripted faults. */
export function scriptedFaults(faults: readonly ScriptedFault[]): FaultHook {
  const seen = faults.map(() => 0);
  return call => {
    let hit: ScriptedFault | undefined;
    faults.forEach((fault, index) => {
      if (fault.at !== '*' && fault.at !== call.at) return;
      if (fault.vm !== undefined && fault.vm !== call.vm) return;
      if (fault.host !== undefined && fault.host !== call.host) return;
      const count = (seen[index] ?? 0) + 1;
      seen[index] = count;
      const first = fault.nth ?? 1;
      if (count >= first && count < first + (fault.times ?? 1)) hit ??= fault;
    });
    return hit;
  };
}
