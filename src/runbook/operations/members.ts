import type { KnownNames } from '../check-context';
import type { Findings } from './findings';
import type { Act, OperationRule } from './flow';
import { capital, stepText } from './names';

/** Snapshots with memory of VMs that others have agreed something with: reverted, they believe that it is still then. */
export class Members implements OperationRule {
  constructor(
    readonly findings: Findings,
    readonly known: KnownNames | undefined,
  ) {}

  act(act: Act): void {
    const { operation, vm } = act;
    if (!operation.takesSnapshot?.memory || !vm) return;
    const names = vm.literal === undefined ? (vm.list?.literals ?? vm.list?.byDefault ?? []) : [vm.literal];
    const vms = names.flatMap(name => (/^(group|tag):/.test(name) ? (this.known?.vmsOf?.(name) ?? []) : [name]));
    for (const name of vms) {
      const tag = this.known?.tagsOfVm?.(name).find(isMember);
      if (tag === undefined) continue;
      this.findings.add(
        'memory-of-member',
        act,
        `${capital(stepText(act))} keeps the memory of \`${name}\`, which has the tag \`${tag}\`. To go back to it would set the clock and what it has agreed with others back. Leave the memory out.`,
      );
      return;
    }
  }
}

/** Tags of VMs that keep a state together with others. */
function isMember(tag: string): boolean {
  return /^(cluster|database|db|quorum|domain-controller)(?![a-z])/i.test(tag);
}
