import { HypervisorError } from '../errors';
import type { VolumeInfo, Volumes } from '../ports';
import { GiB } from './state';
import { shows, type Visible } from './visible';

/** What lies on a lab's datastores: disks of VMs, also of those on hosts that this connection does not show, and what was left behind. */
export function simulatedVolumes(visible: Visible): Volumes {
  const { lab, connection } = visible;
  return {
    list: datastore =>
      lab.read({ at: 'volumes.list' }, () => {
        const store = lab.datastores.get(datastore);
        if (!store?.hosts.some(host => shows(visible, host) && !lab.isLost(host))) {
          throw new HypervisorError('not-found', `There is no datastore ${datastore} on ${connection}.`, {
            connection,
          });
        }
        const found: VolumeInfo[] = store.strays.map(stray => ({
          name: stray.volume,
          path: `${store.path}/${stray.volume}`,
          capacityBytes: stray.sizeGiB * GiB,
          allocationBytes: stray.sizeGiB * GiB,
        }));
        for (const [, vm] of lab.vms.entries()) {
          for (const disk of vm.disks) {
            if (disk.datastore !== datastore) continue;
            found.push({
              name: disk.volume,
              path: `${store.path}/${disk.volume}`,
              format: disk.format,
              capacityBytes: disk.capacityGiB * GiB,
              allocationBytes: disk.allocatedGiB * GiB,
            });
          }
        }
        return found.sort((one, other) => (one.name < other.name ? -1 : 1));
      }),
  };
}
