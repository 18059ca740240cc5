import type { ImageBackup } from '../ports';
import { requireNoJob } from './power';
import { quiesced } from './snapshots';
import { GiB, type LabVm } from './state';
import { refused, shows, type Visible, visibleVm } from './visible';

const firstPort = 10809;

/** A stand-in for the definition that a hypervisor gives: enough to see which VM a backup is of. */
function definitionOf(vm: LabVm): string {
  const disks = vm.disks
    .map(
      disk =>
        `    <disk type='file' device='disk'><source file='${disk.volume}'/><target dev='${disk.target}'/></disk>\n`,
    )
    .join('');
  return (
    `<domain type='simulated'>\n  <name>${vm.name}</name>\n  <uuid>${vm.uuid}</uuid>\n` +
    `  <memory unit='MiB'>${vm.memoryMiB}</memory>\n  <vcpu>${vm.vcpus}</vcpu>\n  <devices>\n${disks}  </devices>\n</domain>\n`
  );
}

export function simulatedImageBackup(visible: Visible): ImageBackup {
  const { lab } = visible;
  const chosen = (vm: LabVm, disks: string[] | undefined) =>
    vm.disks.filter(disk => disks === undefined || disks.includes(disk.target));
  return {
    async begin(uuid, options) {
      const vm = visibleVm(visible, uuid);
      return lab.call(
        { at: 'imageBackup.begin', vm: vm.name, host: vm.host },
        {
          seconds: 0.2,
          options,
          holds: vm.name,
          check: () => {
            const now = visibleVm(visible, uuid);
            requireNoJob(now);
            if (now.state !== 'running') {
              throw refused(
                now,
                `${now.name} is ${now.state}; its disks can be exported only while it runs. Start it first.`,
              );
            }
            const missing = options.disks?.find(target => !now.disks.some(disk => disk.target === target));
            if (missing !== undefined) {
              throw refused(now, `${now.name} has no disk ${missing}.`);
            }
            quiesced(lab, now, options.quiesce);
          },
          effect: () => {
            const now = visibleVm(visible, uuid);
            const consistency = quiesced(lab, now, options.quiesce);
            const ports = new Set([...lab.vms.entries()].map(([, other]) => other.job?.port));
            let port = firstPort;
            while (ports.has(port)) port++;
            const disks = chosen(now, options.disks);
            lab.putVm({
              ...now,
              job: { kind: 'backup', mark: options.mark, port, targets: disks.map(disk => disk.target), consistency },
            });
            return {
              consistency,
              definition: definitionOf(now),
              disks: disks.map(disk => ({
                target: disk.target,
                virtualSizeBytes: disk.capacityGiB * GiB,
                exportName: disk.target,
                ...(options.transport === 'tcp'
                  ? { tcp: { host: now.host, port } }
                  : {
                      unix: {
                        path: `/run/virtbook/${port}`,
                        host: now.host,
                        open: async () => ({ destroy: () => undefined }),
                      },
                    }),
              })),
            };
          },
          halfway: () => {
            const now = visibleVm(visible, uuid);
            if (quiesced(lab, now, options.quiesce) === 'application') lab.putVm({ ...now, frozen: true });
            return undefined as never;
          },
        },
      );
    },

    async end(uuid, mark) {
      const vm = lab.find(uuid);
      if (!vm || !shows(visible, vm.host)) return;
      await lab.call(
        { at: 'imageBackup.end', vm: vm.name, host: vm.host },
        {
          seconds: 0.1,
          effect: () => {
            const now = visibleVm(visible, uuid);
            if (now.job?.mark !== mark) return;
            const { job: _, ...rest } = now;
            lab.putVm(rest);
          },
        },
      );
    },

    async isActive(uuid, mark) {
      const vm = lab.find(uuid);
      if (!vm || !shows(visible, vm.host)) return false;
      const { name, host } = vm;
      return lab.read(
        { at: 'imageBackup.isActive', vm: name, host },
        () => visibleVm(visible, uuid).job?.mark === mark,
      );
    },
  };
}
