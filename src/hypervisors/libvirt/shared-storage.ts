import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { LibvirtHost } from './libvirt-host';
import type { Storage } from './storage';

/**
 * Whether two hosts see one and the same folder: makes an empty file on one side and looks for it on the other. Equal paths and
 * pool names prove nothing (every host has its own /var/lib/libvirt/images), and taking a local folder for a shared one loses the disk.
 */
export async function isSharedFolder(
  folder: string,
  from: { host: LibvirtHost; storage: Storage },
  to: Storage,
): Promise<boolean> {
  const name = `virtbook-probe-${randomBytes(8).toString('hex')}`;
  const path = posix.join(folder, name);
  // Without a folder of that name over there nothing has to be made here.
  if ((await to.existing(folder, [])) === undefined) return false;
  await from.storage.create(path, { capacityBytes: 0, format: 'raw' });
  try {
    return ((await to.existing(folder, [name])) ?? []).length > 0;
  } finally {
    await from.storage.remove(path);
  }
}
