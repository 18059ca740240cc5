import { HypervisorError } from '../errors';
import type { BackupProxy, DiskExport } from '../ports';
import type { SimulatedLab } from './lab';
import { GiB, type LabDisk, type LabFile, type LabProxy, type LabVm } from './state';

const readMiBps = 300;

/** A machine in the lab that keeps backups. The lab need not name it: then it is made with 1 TiB. */
export function simulatedProxy(
  lab: SimulatedLab,
  name: string,
  directory: string,
  transport: 'tcp' | 'unix' = 'tcp',
): BackupProxy {
  const proxy = (): LabProxy => lab.proxies.get(name) ?? { capacityGiB: 1024, files: {} };
  const put = (files: LabProxy['files']): void => lab.proxies.set(name, { ...proxy(), files });
  const free = (): number => {
    const { capacityGiB, files } = proxy();
    return capacityGiB * GiB - Object.values(files).reduce((sum, file) => sum + file.sizeBytes, 0);
  };
  const noSpace = (): HypervisorError =>
    new HypervisorError('no-space', `The proxy ${name} has no room left under ${directory}; free some first.`);

  function exported(source: DiskExport): { vm: LabVm; disk: LabDisk } {
    const at = source.tcp ? `${source.tcp.host}:${source.tcp.port}` : `${source.unix?.host}:${source.unix?.path}`;
    for (const [, vm] of lab.vms.entries()) {
      const { job } = vm;
      if (!job?.targets.includes(source.target)) continue;
      if (at !== `${vm.host}:${job.port}` && at !== `${vm.host}:/run/virtbook/${job.port}`) continue;
      const disk = vm.disks.find(entry => entry.target === source.target);
      if (disk) return { vm, disk };
    }
    throw new HypervisorError(
      'failed',
      `${name} finds no export of ${source.target} on ${at}; the backup job has ended.`,
    );
  }

  return {
    name,
    directory,
    transport,
    async readImage(source, path, options) {
      const { vm } = exported(source);
      return lab.call(
        { at: 'proxy.readImage', vm: vm.name },
        {
          seconds: () => 0.3 + (exported(source).disk.allocatedGiB * 1024) / readMiBps,
          options,
          check: () => {
            if (free() < exported(source).disk.allocatedGiB * GiB) throw noSpace();
          },
          effect: () => {
            const { vm: now, disk } = exported(source);
            const sizeBytes = disk.allocatedGiB * GiB;
            const file: LabFile = { sizeBytes, image: { vm: now.name, target: disk.target, guest: now.guest } };
            put({ ...proxy().files, [path]: file });
            return { path, sizeBytes, virtualSizeBytes: disk.capacityGiB * GiB };
          },
          halfway: () => {
            const { disk } = exported(source);
            put({ ...proxy().files, [`${path}.partial`]: { sizeBytes: (disk.allocatedGiB * GiB) / 2 } });
            return undefined as never;
          },
        },
      );
    },
    async writeFile(path, text) {
      await lab.call(
        { at: 'proxy.writeFile' },
        {
          check: () => {
            if (free() < text.length) throw noSpace();
          },
          effect: () => put({ ...proxy().files, [path]: { sizeBytes: text.length, text } }),
        },
      );
    },
    async readFile(path) {
      return lab.read({ at: 'proxy.readFile' }, () => proxy().files[path]?.text);
    },
    async stat(path) {
      return lab.read({ at: 'proxy.stat' }, () => {
        const { files } = proxy();
        const file = files[path];
        if (file) return { sizeBytes: file.sizeBytes };
        const inside = Object.entries(files).filter(([name]) => name.startsWith(`${path}/`));
        return inside.length > 0
          ? { sizeBytes: inside.reduce((sum, [, entry]) => sum + entry.sizeBytes, 0) }
          : undefined;
      });
    },
    async freeBytes() {
      return lab.read({ at: 'proxy.freeBytes' }, free);
    },
    async remove(path) {
      await lab.call(
        { at: 'proxy.remove' },
        {
          effect: () => {
            const { files } = proxy();
            const gone = (name: string): boolean =>
              name === path || name === `${path}.partial` || name.startsWith(`${path}/`);
            if (Object.keys(files).some(gone))
              put(Object.fromEntries(Object.entries(files).filter(([name]) => !gone(name))));
          },
        },
      );
    },
  };
}
