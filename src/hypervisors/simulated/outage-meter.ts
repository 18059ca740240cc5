import type { LabVm } from './state';

/** The longest time that a VM did not serve at one go. */
export interface MeasuredOutage {
  vm: string;
  ms: number;
  /** It does not serve any more at the end, so `ms` counts until then. */
  staysOff: boolean;
}

/** Times on the lab's clock, in ms. */
interface Stretch {
  from: number;
  /** When the guest has booted; infinite: it is off. */
  to: number;
}

interface Kept {
  longestMs: number;
  /** The last time that it did not serve, which may go on. */
  last: Stretch | undefined;
}

/**
 * Measures for how long VMs don't serve: from when a guest goes down, or stands still, until it has booted, or goes on. VMs that were off at
 * the first look are nobody's to miss, so they are not counted; nor is what is left of a boot that began before.
 */
export class OutageMeter {
  /** undefined: it was off at first. */
  readonly #vms = new Map<string, Kept | undefined>();

  /** A VM's record has changed; for `goneMs` before that its guest had not served. */
  changed(vm: LabVm, before: LabVm, goneMs: number, now: number): void {
    if (!this.#vms.has(vm.name)) {
      this.#vms.set(vm.name, before.state === 'running' ? { longestMs: 0, last: undefined } : undefined);
    }
    const kept = this.#vms.get(vm.name);
    if (!kept) return;
    const to = vm.state !== 'running' ? Number.POSITIVE_INFINITY : Math.max(now, vm.readyAt);
    const boots = vm.readyAt !== before.readyAt && to > now;
    const goesDown = before.state === 'running' && (vm.state !== 'running' || boots || goneMs > 0);
    const { last } = kept;
    if (last && last.to >= now - goneMs) last.to = to;
    else if (goesDown) kept.last = { from: now - goneMs, to };
    if (kept.last && kept.last.to !== Number.POSITIVE_INFINITY) {
      kept.longestMs = Math.max(kept.longestMs, kept.last.to - kept.last.from);
    }
  }

  /** Of each VM that had one, the longest first, those that stay off before all. `now`: the end. */
  longest(now: number): MeasuredOutage[] {
    const found: MeasuredOutage[] = [];
    for (const [vm, kept] of this.#vms) {
      if (!kept?.last) continue;
      const staysOff = kept.last.to === Number.POSITIVE_INFINITY;
      const ms = Math.round(staysOff ? now - kept.last.from : kept.longestMs);
      if (staysOff || ms > 0) found.push({ vm, ms, staysOff });
    }
    return found.sort(
      (one, other) =>
        Number(other.staysOff) - Number(one.staysOff) || other.ms - one.ms || (one.vm < other.vm ? -1 : 1),
    );
  }
}
