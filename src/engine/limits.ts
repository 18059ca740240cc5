import type { Target } from '../actions/action';
import type { Fleet } from '../inventory/fleet';
import type { Limits } from '../runbook/model';
import { Admission } from './admission';
import type { Claim, Gate } from './world';

/** Where something is; what is not known is left out. */
export interface Whereabouts {
  connection?: string;
  host?: string;
  datastores?: readonly string[];
}

/** Of a VM or a host. Rejects when it can't be found. */
export type WhereIs = (target: Target) => Promise<Whereabouts>;

/** What each limit counts on. */
const limitNames = {
  host: 'perHost',
  datastore: 'perDatastore',
  proxy: 'perProxy',
  connection: 'perConnection',
  total: 'total',
} as const;
type KeyKind = keyof typeof limitNames;

/** How many may use a key, e.g. `host hv1`, at once. */
export function capacityOf(limits: Limits, key: string): number {
  const kind = key.split(' ', 1)[0] as KeyKind;
  return limits[limitNames[kind]] ?? Number.POSITIVE_INFINITY;
}

/** Whether what a limit counts on can only be told by looking where targets are. */
export function needsPlaces({ perHost, perDatastore, perConnection }: Limits): boolean {
  return perHost !== undefined || perDatastore !== undefined || perConnection !== undefined;
}

/**
 * The keys that an effect takes: of each target and of the place where it is. Datastores of one name on several hosts count as one: a limit
 * that is too strict does no harm, one that is passed does.
 */
export function keysOf(limits: Limits, targets: readonly Target[], whereIs: (target: Target) => Whereabouts): string[] {
  const keys = new Set<string>();
  const add = (kind: KeyKind, name: string): void => {
    if (limits[limitNames[kind]] !== undefined) keys.add(`${kind} ${name}`);
  };
  if (limits.total !== undefined) keys.add('total');
  for (const target of targets) {
    if (target.kind !== 'vm') add(target.kind, target.name);
    if (target.kind !== 'vm' && target.kind !== 'host') continue;
    const { connection, host, datastores } = whereIs(target);
    if (connection !== undefined) add('connection', connection);
    if (host !== undefined) add('host', host);
    for (const name of datastores ?? []) add('datastore', name);
  }
  return [...keys];
}

/** Holds effects back so that no limit is passed. Places are only looked up when a limit counts on them. */
export function makeGate(limits: Limits, whereIs: WhereIs): Gate {
  const admission = new Admission(key => capacityOf(limits, key));
  return {
    async enter(claim: Claim, signal?: AbortSignal): Promise<() => void> {
      signal?.throwIfAborted();
      const targets = [...claim.targets.reads, ...claim.targets.changes];
      const places = needsPlaces(limits) ? await lookUp(limits, targets, whereIs) : new Map<string, Whereabouts>();
      signal?.throwIfAborted();
      const keys = keysOf(limits, targets, target => places.get(nameOf(target)) ?? {});
      if (keys.length === 0) return () => undefined;
      return new Promise((resolve, reject) => {
        const stop = (): void => {
          if (admission.withdraw(ticket)) reject(signal?.reason);
        };
        signal?.addEventListener('abort', stop, { once: true });
        const ticket = admission.enter(keys, () => {
          signal?.removeEventListener('abort', stop);
          let left = false;
          resolve(() => {
            if (!left) admission.leave(ticket);
            left = true;
          });
        });
      });
    },
  };
}

/** What can't be found takes no place: the effect itself says what is wrong. */
async function lookUp(limits: Limits, targets: readonly Target[], whereIs: WhereIs): Promise<Map<string, Whereabouts>> {
  const places = new Map<string, Whereabouts>();
  const { perConnection } = limits;
  // A host is known by its name; only its connection must be looked up.
  const asked = targets.filter(({ kind }) => kind === 'vm' || (kind === 'host' && perConnection !== undefined));
  await Promise.all(
    asked.map(async target => {
      places.set(nameOf(target), await whereIs(target).catch(() => ({})));
    }),
  );
  return places;
}

function nameOf(target: Target): string {
  return `${target.kind} ${target.name}`;
}

/** Where things are now, as open connections tell it. */
export function whereNow(fleet: Fleet): WhereIs {
  return async ({ kind, name }) => {
    if (kind === 'host') return { host: name, connection: (await fleet.host(name)).connection };
    const { hypervisor, host, vm } = await fleet.locate(name);
    const datastores = vm.disks.flatMap(disk => (disk.datastore === undefined ? [] : [disk.datastore]));
    return { host, connection: hypervisor.connection, datastores };
  };
}
