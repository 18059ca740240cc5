import { HypervisorError } from '../errors';
import type { Hypervisor, MigrateOptions, Migration } from '../ports';
import type { SimulatedLab } from './lab';
import type { LabDisk, LabHost, LabVm } from './state';
import { refused, shows, type Visible, visibleVm } from './visible';

/** Speed of the network between hosts. */
const linkMiBps = 1000;
const copyMiBps = 400;
/** For how long a guest that is migrated live stands still when it changes over. */
export const switchOverMs = 80;

interface Way {
  storage: 'shared' | 'copy';
  disks: LabDisk[];
  blockers: string[];
}

/** The lab behind a simulated connection. Throws when the other connection is over another lab or of another kind. */
function sameLab(visible: Visible, target: Hypervisor): Visible {
  const other = target as Hypervisor & Partial<Visible>;
  if (other.kind !== 'simulated' || other.lab !== visible.lab) {
    throw new HypervisorError('unsupported', `${target.connection} is not in the same simulated lab.`, {
      connection: visible.connection,
    });
  }
  return other as Visible;
}

export function simulatedMigration(visible: Visible): Migration {
  const { lab } = visible;
  return {
    async blockers(uuid, options) {
      const { name, host } = visibleVm(visible, uuid);
      return lab.read({ at: 'migration.blockers', vm: name, host }, () => {
        const vm = visibleVm(visible, uuid);
        return plan(visible, vm, options).blockers;
      });
    },

    async migrate(uuid, options) {
      const vm = visibleVm(visible, uuid);
      const started = lab.clock.now();
      return lab.call(
        { at: 'migration.migrate', vm: vm.name, host: vm.host },
        {
          seconds: () => seconds(visibleVm(visible, uuid), options, plan(visible, vm, options).storage),
          options,
          holds: vm.name,
          check: () => {
            const now = visibleVm(visible, uuid);
            if (lab.isLost(options.target.host)) {
              throw new HypervisorError(
                'failed',
                `${options.target.host} does not answer; ${now.name} stays on ${now.host}.`,
                {
                  host: options.target.host,
                  vm: now.name,
                },
              );
            }
            const { blockers } = plan(visible, now, options);
            if (blockers.length > 0) {
              throw refused(now, `${now.name} cannot move to ${options.target.host}: ${blockers.join(' ')}`);
            }
          },
          effect: () => {
            const now = visibleVm(visible, uuid);
            const { storage, disks } = plan(visible, now, options);
            if (neverConverges(now, options)) {
              throw new HypervisorError(
                'failed',
                `The migration of ${now.name} does not converge: it writes memory faster than it is sent; use autoConverge or more bandwidth.`,
                { host: now.host, vm: now.name },
              );
            }
            const downtimeMs = stillMs(now, options, storage);
            lab.putVm(
              { ...now, host: options.target.host, disks: storage === 'shared' ? now.disks : disks },
              downtimeMs,
            );
            return {
              storage,
              downtimeMs,
              transferredBytes: now.memoryMiB * 1024 ** 2,
              durationMs: lab.clock.now() - started,
            };
          },
          halfway: () => {
            const now = visibleVm(visible, uuid);
            const { storage, disks } = plan(visible, now, options);
            if (storage === 'copy') {
              for (const disk of disks) {
                lab.strand(disk.datastore, {
                  volume: disk.volume,
                  sizeGiB: disk.allocatedGiB / 2,
                  vm: now.name,
                  mark: options.mark,
                });
              }
            }
            return undefined as never;
          },
        },
      );
    },

    async settle(uuid, options) {
      sameLab(visible, options.target.hypervisor);
      const vm = lab.find(uuid);
      return lab.call(
        { at: 'migration.settle', ...(vm ? { vm: vm.name } : {}) },
        {
          seconds: 0.3,
          effect: () => {
            const now = lab.find(uuid);
            if (!now || lab.isLost(now.host)) return undefined;
            lab.sweep(now.name, options.mark);
            if (now.host === options.target.host) return 'target';
            return shows(visible, now.host) ? 'source' : undefined;
          },
        },
      );
    },
  };
}

function neverConverges(vm: LabVm, options: MigrateOptions): boolean {
  const sent = options.bandwidthMiBps > 0 ? Math.min(options.bandwidthMiBps, linkMiBps) : linkMiBps;
  return options.live && vm.state === 'running' && !options.autoConverge && vm.dirtyMiBps >= sent;
}

function seconds(vm: LabVm, options: MigrateOptions, storage: 'shared' | 'copy'): number {
  const bound = options.bandwidthMiBps > 0 ? options.bandwidthMiBps : Number.POSITIVE_INFINITY;
  const copied = vm.disks.reduce((sum, disk) => sum + disk.allocatedGiB * 1024, 0);
  const copying = storage === 'copy' ? copied / Math.min(copyMiBps, bound) : 0;
  if (vm.state !== 'running') return 0.5 + copying;
  if (neverConverges(vm, options)) return 600;
  return 1 + copying + vm.memoryMiB / Math.min(linkMiBps, bound);
}

/** For how long its guest stands still. A running one that is not migrated live does so all the time. */
function stillMs(vm: LabVm, options: MigrateOptions, storage: 'shared' | 'copy'): number {
  if (vm.state !== 'running') return 0;
  return options.live ? switchOverMs : seconds(vm, options, storage) * 1000;
}

/** Where the disks would go and what stands in the way. */
function plan(visible: Visible, vm: LabVm, options: MigrateOptions): Way {
  const { lab } = visible;
  const { host } = options.target;
  const blockers: string[] = [];
  const target = shows(sameLab(visible, options.target.hypervisor), host) ? lab.hosts.get(host) : undefined;
  if (!target)
    return {
      storage: 'shared',
      disks: [],
      blockers: [`There is no host ${host} on ${options.target.hypervisor.connection}.`],
    };
  const source = lab.hosts.get(vm.host)!;
  if (vm.host === host) blockers.push(`${vm.name} is on ${host} already.`);
  if (vm.snapshots.length > 0) {
    const names = vm.snapshots.map(snapshot => snapshot.name).join(', ');
    blockers.push(`${vm.name} has snapshots (${names}); delete them first, a VM with snapshots can't be migrated.`);
  }
  if (vm.state === 'crashed')
    blockers.push(`${vm.name} has crashed; only a running VM or one that is off can be migrated.`);
  if (vm.state === 'paused') {
    blockers.push(
      `${vm.name} is paused${vm.stateReason ? ` (${vm.stateReason})` : ''}; find out why before it is moved.`,
    );
  }
  if (vm.job) blockers.push(`${vm.name} is being backed up (${vm.job.mark}); wait for the backup to end.`);
  const cpu = cpuBlocker(vm, source, target, host);
  if (cpu !== undefined) blockers.push(cpu);
  if (vm.cdrom !== undefined) blockers.push(`${vm.name} has local media in its drive (${vm.cdrom}); eject it first.`);
  if (vm.state === 'running' && vm.host !== host && lab.freeMemoryMiB(host) < vm.memoryMiB) {
    blockers.push(`${host} has ${lab.freeMemoryMiB(host)} MiB of memory left, ${vm.name} needs ${vm.memoryMiB}.`);
  }
  const seen = (disk: LabDisk): boolean => lab.datastores.get(disk.datastore)?.hosts.includes(host) ?? false;
  const shared = vm.disks.every(seen);
  const storage = options.storage === 'auto' ? (shared ? 'shared' : 'copy') : options.storage;
  if (storage === 'shared') {
    if (vm.state === 'shutoff' && options.live)
      blockers.push(`${vm.name} is off and can't be migrated live; use \`live: false\`.`);
    for (const disk of vm.disks) {
      if (!seen(disk))
        blockers.push(`${host} does not see the datastore ${disk.datastore} with ${disk.target}; copy the storage.`);
    }
    return { storage, disks: vm.disks, blockers };
  }
  if (vm.state !== 'running')
    blockers.push(`${vm.name} is ${vm.state}, and its disks are copied only while it runs. Start it first.`);
  const disks = copies(lab, vm, host, blockers);
  return { storage, disks, blockers };
}

function cpuBlocker(vm: LabVm, source: LabHost, target: LabHost, host: string): string | undefined {
  if (vm.cpu === 'host-passthrough') {
    return `${vm.name} has the CPU of its host itself (${source.cpu}), which no other host is known to have; use a named model.`;
  }
  const level = Number(vm.cpu.at(-1));
  if (level <= target.cpuLevel) return undefined;
  return `${vm.name} needs a CPU of level ${vm.cpu}; ${host} has ${target.cpu} (x86-64-v${target.cpuLevel}).`;
}

/** A place for each disk on the target: a datastore at the same path, as the definition of the VM names its disks by path. */
function copies(lab: SimulatedLab, vm: LabVm, host: string, blockers: string[]): LabDisk[] {
  const taken = new Map<string, number>();
  return vm.disks.map(disk => {
    const source = lab.datastores.get(disk.datastore);
    if (source?.hosts.includes(host)) {
      blockers.push(
        `${host} sees ${disk.datastore} too, so ${disk.target} can't be copied onto itself; use shared storage.`,
      );
      return disk;
    }
    let name: string | undefined;
    for (const [candidate, datastore] of lab.datastores.entries()) {
      if (datastore.hosts.includes(host) && datastore.path === source?.path) name = candidate;
    }
    if (name === undefined) {
      blockers.push(`${host} has no datastore at ${source?.path} for a copy of ${disk.target}; make one there.`);
      return disk;
    }
    const used = taken.get(name) ?? 0;
    if (lab.freeGiB(name) - used < disk.allocatedGiB) {
      blockers.push(
        `The datastore ${name} on ${host} has no room for ${disk.target} of ${vm.name} (${disk.allocatedGiB} GiB).`,
      );
    }
    taken.set(name, used + disk.allocatedGiB);
    return { ...disk, datastore: name };
  });
}
