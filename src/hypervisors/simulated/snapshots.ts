import { HypervisorError } from '../errors';
import type { Consistency, Quiesce, Snapshots } from '../ports';
import type { SimulatedLab } from './lab';
import { poweredOff, poweredOn, requireMemory, requireNoJob } from './power';
import type { LabSnapshot, LabVm } from './state';
import { agentHangs, agentSilent, refused, requireAgent, type Visible, visibleVm } from './visible';

/** What an overlay takes at first, a quarter of a MiB as qcow2 does; with memory, the RAM comes on top. */
const overlayGiB = 1 / 4096;

/** How long the memory of a VM takes to be saved; the guest stands still meanwhile. */
export function savingSeconds({ memoryMiB }: LabVm): number {
  return 0.5 + memoryMiB / 1024;
}

/** How consistent a copy taken now is. Throws `agent` when it must be quiesced and can't. */
export function quiesced(lab: SimulatedLab, vm: LabVm, quiesce: Quiesce): Consistency {
  if (vm.state !== 'running') return 'offline';
  if (quiesce === 'no') return 'crash';
  try {
    requireAgent(lab, vm);
    if (agentHangs(vm)) throw agentSilent(vm);
    return 'application';
  } catch (error) {
    if (quiesce === 'prefer') return 'crash';
    throw error;
  }
}

export const revertSeconds = 1.5;

/** A snapshot of a running VM without memory is an overlay beside the image; what came after it lies on top. */
function requireNoChildren(vm: LabVm, snapshot: LabSnapshot, what: string): void {
  if (snapshot.memory || snapshot.state !== 'running') return;
  const children = vm.snapshots.filter(other => other.parent === snapshot.name).map(other => other.name);
  if (children.length === 0) return;
  const later = children.join(', ');
  throw refused(
    vm,
    `snapshot ${snapshot.name} of ${vm.name} cannot be ${what}: ${later} came after it. Delete those first.`,
  );
}

function notFound(vm: LabVm, name: string): HypervisorError {
  return new HypervisorError('not-found', `${vm.name} has no snapshot ${name}.`, { host: vm.host, vm: vm.name });
}

export function simulatedSnapshots(visible: Visible): Snapshots {
  const { lab } = visible;
  const called = (at: string, vm: LabVm) => ({ at: `snapshots.${at}`, vm: vm.name, host: vm.host });
  return {
    async list(uuid) {
      const { name, host } = visibleVm(visible, uuid);
      return lab.read({ at: 'snapshots.list', vm: name, host }, () => {
        const vm = visibleVm(visible, uuid);
        return vm.snapshots.map(snapshot => ({
          name: snapshot.name,
          createdAt: new Date(snapshot.createdAt).toISOString(),
          ...(snapshot.description === undefined ? {} : { description: snapshot.description }),
          memory: snapshot.memory,
          current: snapshot.name === vm.currentSnapshot,
        }));
      });
    },

    async create(uuid, options) {
      const vm = visibleVm(visible, uuid);
      const withMemory = (now: LabVm): boolean => options.memory && now.state === 'running';
      const sizeGiB = (now: LabVm): number => overlayGiB + (withMemory(now) ? now.memoryMiB / 1024 : 0);
      const store = (now: LabVm): string => now.disks[0]?.datastore ?? '';
      return lab.call(called('create', vm), {
        seconds: () => (withMemory(visibleVm(visible, uuid)) ? savingSeconds(vm) : 0.4),
        options,
        holds: vm.name,
        check: () => {
          const now = visibleVm(visible, uuid);
          requireNoJob(now);
          if (now.snapshots.some(snapshot => snapshot.name === options.name)) {
            throw new HypervisorError('refused', `${now.name} already has a snapshot ${options.name}.`, {
              host: now.host,
              vm: now.name,
            });
          }
          if (lab.freeGiB(store(now)) < sizeGiB(now)) {
            throw new HypervisorError(
              'no-space',
              `The datastore ${store(now)} has no room for a snapshot of ${now.name}.`,
              {
                host: now.host,
                vm: now.name,
              },
            );
          }
          if (!withMemory(now)) quiesced(lab, now, options.quiesce);
        },
        effect: () => {
          const now = visibleVm(visible, uuid);
          const consistency = withMemory(now) ? 'memory' : quiesced(lab, now, options.quiesce);
          const snapshot: LabSnapshot = {
            name: options.name,
            ...(options.description === undefined ? {} : { description: options.description }),
            createdAt: lab.clock.now(),
            memory: withMemory(now),
            state: now.state,
            sizeGiB: sizeGiB(now),
            datastore: store(now),
            guest: now.guest,
            ...(now.currentSnapshot === undefined ? {} : { parent: now.currentSnapshot }),
          };
          const stoodStillMs = withMemory(now) ? savingSeconds(now) * 1000 : 0;
          lab.putVm({ ...now, snapshots: [...now.snapshots, snapshot], currentSnapshot: options.name }, stoodStillMs);
          return { consistency };
        },
        halfway: () => {
          const now = visibleVm(visible, uuid);
          const volume = `${now.name}.${options.name}`;
          lab.strand(store(now), { volume, sizeGiB: sizeGiB(now), vm: now.name, mark: options.name });
          if (!withMemory(now) && quiesced(lab, now, options.quiesce) === 'application')
            lab.putVm({ ...now, frozen: true });
          return undefined as never;
        },
      });
    },

    async delete(uuid, name, options) {
      const vm = visibleVm(visible, uuid);
      await lab.call(called('delete', vm), {
        seconds: 0.8,
        options,
        holds: vm.name,
        check: () => {
          const now = visibleVm(visible, uuid);
          requireNoJob(now);
          const snapshot = now.snapshots.find(entry => entry.name === name);
          if (!snapshot) throw notFound(now, name);
          requireNoChildren(now, snapshot, 'deleted');
        },
        effect: () => {
          const now = visibleVm(visible, uuid);
          const gone = now.snapshots.find(snapshot => snapshot.name === name);
          const snapshots = now.snapshots
            .filter(snapshot => snapshot !== gone)
            .map(({ parent, ...snapshot }): LabSnapshot => {
              const next = parent === name ? gone?.parent : parent;
              return next === undefined ? snapshot : { ...snapshot, parent: next };
            });
          const { currentSnapshot, ...rest } = now;
          const current = currentSnapshot === name ? gone?.parent : currentSnapshot;
          lab.putVm({ ...rest, snapshots, ...(current === undefined ? {} : { currentSnapshot: current }) });
        },
      });
    },

    async revert(uuid, name, options) {
      const vm = visibleVm(visible, uuid);
      const goal = (snapshot: LabSnapshot): boolean =>
        options?.running ?? (snapshot.state === 'running' || snapshot.state === 'paused');
      const find = (now: LabVm): LabSnapshot => {
        const snapshot = now.snapshots.find(entry => entry.name === name);
        if (!snapshot) throw notFound(now, name);
        return snapshot;
      };
      await lab.call(called('revert', vm), {
        seconds: revertSeconds,
        options,
        holds: vm.name,
        check: () => {
          const now = visibleVm(visible, uuid);
          requireNoJob(now);
          requireNoChildren(now, find(now), 'reverted to');
          if (goal(find(now)) && now.state !== 'running' && now.state !== 'paused') requireMemory(lab, now, now.host);
        },
        effect: () => {
          const now = visibleVm(visible, uuid);
          const snapshot = find(now);
          const back: LabVm = { ...poweredOff(now), guest: snapshot.guest, currentSnapshot: name };
          const goneMs = now.state === 'running' ? revertSeconds * 1000 : 0;
          if (!goal(snapshot)) lab.putVm(back, goneMs);
          // With memory the guest goes on where it was; without, it boots.
          else {
            const on = snapshot.memory ? { ...back, state: snapshot.state, readyAt: 0 } : poweredOn(lab, back);
            lab.putVm(on, goneMs);
          }
        },
      });
    },

    async cleanUp(uuid, name) {
      const vm = visibleVm(visible, uuid);
      await lab.call(called('cleanUp', vm), {
        seconds: 0.2,
        effect: () => {
          const now = visibleVm(visible, uuid);
          lab.sweep(now.name, name);
          if (now.frozen) lab.putVm({ ...now, frozen: false });
        },
      });
    },
  };
}
