import type { OnProgress } from '../ports';
import { BlockCommit, BlockJobAbort } from './flags';
import { type Domain, domainBlockCommit, domainBlockJobAbort, domainGetBlockJobInfo } from './generated/procedures';
import { errorCode, isLibvirt } from './libvirt-error';
import { type LibvirtHost, pause } from './libvirt-host';

/**
 * Merges a running VM's active layer into the image below it and goes on with that image. Safe to repeat after an interruption:
 * a job found under way is taken over, a disk that uses the base already is left alone.
 */
export async function commitActiveLayer(
  host: LibvirtHost,
  dom: Domain,
  target: string,
  overlay: string,
  base: string,
  options: { signal?: AbortSignal; onProgress?: OnProgress } = {},
): Promise<void> {
  const disk = async () => (await host.definition(dom)).disks.find(one => one.target === target);
  const before = await disk();
  if (before?.source === base) return;
  if (before?.source !== overlay)
    throw host.error(
      'refused',
      `${target} of ${dom.name} uses ${before?.source ?? 'nothing'} and not ${overlay}: something else changed its disks.`,
      dom.name,
    );
  if (before.mirror && before.mirror.job !== 'active-commit')
    throw host.error('busy', `another block job (${before.mirror.job}) works on ${target} of ${dom.name}.`, dom.name);
  if (!before.mirror)
    await host.call(
      domainBlockCommit,
      { dom, disk: target, base, top: null, bandwidth: 0, flags: BlockCommit.active },
      { signal: options.signal },
    );
  for (let wait = 20; ; wait = Math.min(wait * 1.5, 500)) {
    const now = await disk();
    if (now?.source === base && !now.mirror) return;
    if (now?.mirror?.ready) {
      try {
        await host.call(domainBlockJobAbort, { dom, path: target, flags: BlockJobAbort.pivot });
      } catch (error) {
        // "Not ready yet" right after ready: libvirt's look at the job was older than ours.
        if (!isLibvirt(error, errorCode.blockCopyActive)) throw error;
      }
      continue;
    }
    const job = await host.call(domainGetBlockJobInfo, { dom, path: target, flags: 0 });
    if (job.found === 0 && !now?.mirror && now?.source === overlay)
      throw host.error(
        'failed',
        `the merge of ${overlay} into ${base} ended before it was done. Look at the host's log and at the free space there.`,
        dom.name,
      );
    if (job.end > 0) options.onProgress?.({ fraction: job.cur / job.end, message: `merging ${target}` });
    if (options.signal?.aborted) {
      await host.call(domainBlockJobAbort, { dom, path: target, flags: 0 });
      throw host.error(
        'cancelled',
        `the merge of ${target} of ${dom.name} was stopped; the snapshot is still there.`,
        dom.name,
      );
    }
    await pause(wait, options.signal);
  }
}
