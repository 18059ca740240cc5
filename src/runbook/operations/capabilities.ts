import { requiredCapabilities } from '../check-action';
import type { KnownNames } from '../check-context';
import type { Findings } from './findings';
import type { Act, OperationRule } from './flow';

/** Steps in a loop over VMs that are written out, of which one is where the step can't be done. One VM alone is checked with the names. */
export class Capabilities implements OperationRule {
  constructor(
    readonly findings: Findings,
    readonly known: KnownNames | undefined,
  ) {}

  act(act: Act): void {
    const { vm, action, step, where } = act;
    // What a step of another file is given is known here only.
    const names = vm?.list?.literals ?? (where.call && vm?.literal !== undefined ? [vm.literal] : []);
    for (const name of names) {
      const offered = this.known?.capabilitiesOfVm?.(name);
      const missing = offered && requiredCapabilities(action, step.with).find(needed => !offered.has(needed));
      if (missing === undefined) continue;
      this.findings.add(
        'capability-missing',
        act,
        `\`${action.name}\` needs \`${missing}\`, which the hypervisor of \`${name}\` does not offer.`,
      );
      return;
    }
  }
}
