import { equal } from '../../runbook/equal';
import { comparing } from './alike';
import { SummingClock } from './clock';
import type { SimulatedLab } from './lab';
import type { Looks, Table } from './table';

const tables = ['hosts', 'datastores', 'vms', 'proxies', 'memory', 'space'] as const;

function looks(): Looks {
  return { names: new Set(), all: false, changed: new Set() };
}

/**
 * What was done in a lab from when this is made until `end`: what it looked at, and what came of it. Where all that it looked at is
 * the same, the same comes of it, apart from what time it is. Nothing else may go on in the lab meanwhile.
 */
export class Footprint {
  readonly #before: SimulatedLab;
  readonly #looks = {
    hosts: looks(),
    datastores: looks(),
    vms: looks(),
    proxies: looks(),
    memory: looks(),
    space: looks(),
  };
  #after: SimulatedLab;

  constructor(private readonly lab: SimulatedLab) {
    this.#before = still(lab);
    this.#after = this.#before;
    for (const table of tables) lab[table].looks = this.#looks[table];
  }

  end(): void {
    for (const table of tables) this.lab[table].looks = undefined;
    this.#after = still(this.lab);
  }

  /** Whether it would go the same way in this lab, a fork of what the other was forked from. */
  fits(lab: SimulatedLab): boolean {
    const { hosts, vms } = comparing(this.#before.clock.now(), lab.clock.now());
    const same = <V>(
      table: (typeof tables)[number],
      before: Table<V>,
      now: Table<V>,
      isLike: (one: V, other: V) => boolean,
    ): boolean => {
      const { names, all } = this.#looks[table];
      if (all) return before.isLike(now, isLike);
      for (const name of names) {
        const [was, is] = [before.get(name), now.get(name)];
        if (was !== is && (was === undefined || is === undefined || !isLike(was, is))) return false;
      }
      return true;
    };
    const before = this.#before;
    return (
      same('vms', before.vms, lab.vms, vms) &&
      same('hosts', before.hosts, lab.hosts, hosts) &&
      same('memory', before.memory, lab.memory, equal) &&
      same('space', before.space, lab.space, equal) &&
      same('datastores', before.datastores, lab.datastores, equal) &&
      same('proxies', before.proxies, lab.proxies, equal)
    );
  }

  /** Does it in this lab, which it fits, but for the time that it takes. What is to happen by the clock happens as far ahead as it did there. */
  repeat(lab: SimulatedLab): void {
    const after = this.#after;
    const shiftMs = lab.clock.now() - this.#before.clock.now();
    // Whatever is ahead in one of the two.
    const now = Math.min(after.clock.now(), after.clock.now() + shiftMs);
    const { hosts, datastores, vms, proxies } = this.#looks;
    for (const name of vms.changed) {
      const vm = after.vms.get(name)!;
      lab.putVm(vm.readyAt > now ? { ...vm, readyAt: vm.readyAt + shiftMs } : vm);
    }
    for (const name of hosts.changed) {
      const host = after.hosts.get(name)!;
      const until = host.lost?.until;
      const moves = until !== undefined && until > now;
      lab.hosts.set(name, moves ? { ...host, lost: { until: until + shiftMs } } : host);
    }
    for (const name of datastores.changed) lab.putDatastore(name, after.datastores.get(name)!);
    for (const name of proxies.changed) lab.proxies.set(name, after.proxies.get(name)!);
  }
}

function still(lab: SimulatedLab): SimulatedLab {
  return lab.fork({ clock: new SummingClock(lab.clock.now()) });
}
