import { type Static, Type } from 'typebox';
import { HypervisorError } from '../hypervisors/errors';
import type { BackupProxy } from '../hypervisors/ports';
import { type ActionContext, defineAction } from './action';
import { agentAnswers, blocker, inspect, pausedBlocker, portOf, warning } from './located-vm';
import { closed, proxyReference, vmReference } from './references';
import { markOf } from './safety-snapshot';
import { consistencySchema, quiesceSchema } from './vm.snapshot';

const imageSchema = Type.Object(
  {
    target: Type.String({ description: 'Device in the guest, e.g. `vda`.' }),
    path: Type.String({ description: 'The qcow2 image on the proxy.' }),
    sizeBytes: Type.Number({ description: 'Size of the image file.' }),
    virtualSizeBytes: Type.Number({ description: 'Size of the disk as the guest sees it.' }),
  },
  closed,
);

const outputs = Type.Object(
  {
    folder: Type.String({ description: 'Folder of this backup on the proxy.' }),
    manifest: Type.String({
      description: 'Its manifest: what was backed up, when, how consistent, with the definition of the VM.',
    }),
    consistency: consistencySchema,
    disks: Type.Array(imageSchema, { description: 'The images.' }),
  },
  closed,
);
type Outputs = Static<typeof outputs>;

const before = Type.Object(
  {
    uuid: Type.String({ description: 'Identity of the VM.' }),
    name: Type.String({ description: 'Name of the VM.' }),
    host: Type.String({ description: 'Host that it is on.' }),
    folder: Type.String({ description: 'Folder that the backup goes to.' }),
    mark: Type.String({ description: 'Mark by which the job is found again.' }),
  },
  closed,
);
type Before = Static<typeof before>;

/** `manifest.json`, written last: a folder without one is no backup. */
interface Manifest {
  version: 1;
  kind: 'full';
  vm: { uuid: string; name: string; host: string };
  run: string;
  takenAt: string;
  consistency: Outputs['consistency'];
  disks: { target: string; file: string; sizeBytes: number; virtualSizeBytes: number }[];
  definition: string;
}

const manifestPath = (folder: string): string => `${folder}/manifest.json`;

/** A name as one path component. */
function component(name: string): string {
  return name.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^\.+/, '_');
}

/** Ends the job with this mark and thaws the guest, wherever the VM is now. Idempotent. */
async function release(context: ActionContext, { uuid, mark }: Before): Promise<void> {
  const location = await context.fleet.locate(uuid);
  await portOf(location, 'imageBackup').end(uuid, mark);
  const agent = location.hypervisor.guestAgent;
  if (!agent || location.vm.state !== 'running' || !(await agentAnswers(location))) return;
  if (await agent.isFrozen(uuid, { timeoutMs: 5000 })) await agent.thaw(uuid, { timeoutMs: 5000 });
}

export const backupImage = defineAction({
  name: 'backup.image',
  title: 'Back a VM up',
  summary: 'Takes a full backup of the disks of a running VM, read by a proxy into plain qcow2 files.',
  docs: `The hypervisor exports the disks as they are at one moment, with the file systems of the guest frozen for that moment only; the proxy reads
them into \`DIRECTORY/VM-UUID/RUN-TIME/\`, one qcow2 for each disk, and a \`manifest.json\` with the identity and the definition of the VM. The
guest goes on meanwhile. A folder without a manifest is not a backup.

The backup is filed under the uuid of the VM, so it stays with the VM when that moves to another host.

On every way out, a resume after a crash included, the export is ended and the guest is thawed. A VM has one job at a time: while it is
backed up it can't be migrated or get a snapshot.

**Undo** removes the folder.`,
  example: `- id: backup
  uses: backup.image
  with:
    vm: db1
    proxy: backup1
    quiesce: require`,
  inputs: Type.Object(
    {
      vm: vmReference('The VM to back up, by name or uuid.'),
      proxy: proxyReference('The proxy that reads the disks and keeps the images.'),
      quiesce: quiesceSchema,
      disks: Type.Optional(
        Type.Array(Type.String(), {
          minItems: 1,
          description: 'Devices to back up, e.g. `[vda]`; all writable disks when left out.',
        }),
      ),
    },
    closed,
  ),
  outputs,
  before,
  undoClass: 'reversible',
  idempotent: false,
  requires: ({ quiesce }) => ['backup.image', ...(quiesce === 'require' ? (['snapshot.quiesce'] as const) : [])],
  operation: () => ({ role: 'backup', exclusive: true, needsRunning: true }),
  targets: ({ vm, proxy }) => ({
    reads: [],
    changes: [
      { kind: 'vm', name: vm },
      { kind: 'proxy', name: proxy },
    ],
  }),
  describe: ({ vm, proxy, disks }) => `back up ${disks ? `${disks.join(', ')} of ` : ''}${vm} to ${proxy}`,
  describeUndo: ({ vm, proxy }, state) => `remove ${state?.folder ?? `this backup of ${vm}`} from ${proxy}`,
  estimateSeconds: () => 120,
  // No `outageSeconds`: the guest goes on; its file systems are frozen for a moment that nobody can foretell.

  preflight: (context, given) =>
    inspect(context, given.vm, async location => {
      const findings = pausedBlocker(location);
      const { vm } = location;
      portOf(location, 'imageBackup');
      if (vm.state === 'shutoff')
        findings.push(blocker(`${given.vm} is off; its disks can be exported only while it runs. Start it first.`));
      const writable = vm.disks.filter(disk => disk.writable);
      for (const target of given.disks ?? []) {
        if (!writable.some(disk => disk.target === target)) {
          findings.push(
            blocker(
              `${given.vm} has no writable disk ${target}; it has ${writable.map(disk => disk.target).join(', ')}.`,
            ),
          );
        }
      }
      if (vm.state === 'running' && given.quiesce !== 'no' && !(await agentAnswers(location))) {
        findings.push(
          given.quiesce === 'require'
            ? blocker(
                `The guest agent of ${given.vm} does not answer, so its file systems can't be frozen; look after it or use \`quiesce: prefer\`.`,
              )
            : warning(`The guest agent of ${given.vm} does not answer; the backup will be as after a power cut.`),
        );
      }
      const proxy = await context.fleet.proxy(given.proxy);
      const chosen = writable.filter(disk => given.disks === undefined || given.disks.includes(disk.target));
      const needed = chosen.reduce((sum, disk) => sum + (disk.allocationBytes ?? disk.capacityBytes ?? 0), 0);
      const free = await proxy.freeBytes();
      if (free < needed) {
        findings.push(
          blocker(
            `${given.proxy} has ${gib(free)} GiB left under ${proxy.directory}; ${given.vm} needs up to ${gib(needed)} GiB.`,
          ),
        );
      }
      return findings;
    }),

  async prepare(context, given) {
    const { vm, host } = await context.fleet.locate(given.vm);
    const proxy = await context.fleet.proxy(given.proxy);
    const time = new Date(context.now()).toISOString().replace(/[-:]/g, '').replace(/\..*/, 'Z');
    const folder = `${proxy.directory}/${component(vm.name)}-${vm.uuid}/${component(context.runId)}-${time}`;
    return { uuid: vm.uuid, name: vm.name, host, folder, mark: markOf(context) };
  },

  async apply(context, given, state) {
    const proxy = await context.fleet.proxy(given.proxy);
    const location = await context.fleet.locate(state.uuid);
    try {
      return await backUp();
    } catch (error) {
      // A lost connection can't be used to tidy up; the probe or the undo does it then.
      if (error instanceof HypervisorError && error.outcomeUnknown) throw error;
      await release(context, state).catch(also =>
        context.log(`The backup job of ${given.vm} could not be ended: ${also}`),
      );
      throw error;
    }

    async function backUp(): Promise<Outputs> {
      const takenAt = new Date(context.now()).toISOString();
      const port = portOf(location, 'imageBackup');
      const session = await port.begin(state.uuid, {
        quiesce: given.quiesce ?? 'prefer',
        mark: state.mark,
        transport: proxy.transport,
        signal: context.signal,
        ...(given.disks === undefined ? {} : { disks: given.disks }),
      });
      const disks: Outputs['disks'] = [];
      for (const [index, source] of session.disks.entries()) {
        context.progress({ fraction: index / session.disks.length, message: `${source.target} of ${given.vm}` });
        const image = await proxy.readImage(source, `${state.folder}/${component(source.target)}.qcow2`, {
          signal: context.signal,
          onProgress: ({ fraction = 0 }) =>
            context.progress({
              fraction: (index + fraction) / session.disks.length,
              message: `${source.target} of ${given.vm}`,
            }),
        });
        disks.push({ target: source.target, ...image });
      }
      await release(context, state);
      const manifest: Manifest = {
        version: 1,
        kind: 'full',
        vm: { uuid: state.uuid, name: state.name, host: location.host },
        run: context.runId,
        takenAt,
        consistency: session.consistency,
        disks: disks.map(({ path, ...disk }) => ({ file: path.slice(path.lastIndexOf('/') + 1), ...disk })),
        definition: session.definition,
      };
      await proxy.writeFile(manifestPath(state.folder), `${JSON.stringify(manifest, undefined, 2)}\n`);
      return { folder: state.folder, manifest: manifestPath(state.folder), consistency: session.consistency, disks };
    }
  },

  async probe(context, given, state) {
    await release(context, state);
    const proxy = await context.fleet.proxy(given.proxy);
    const found = await readManifest(proxy, state.folder);
    if (found) return { outcome: 'done', outputs: found };
    await proxy.remove(state.folder);
    return { outcome: 'not-done' };
  },

  async undo(context, given, state) {
    await release(context, state);
    const proxy = await context.fleet.proxy(given.proxy);
    await proxy.remove(state.folder);
  },
});

/** What a finished backup says of itself; undefined when there is no whole manifest. */
async function readManifest(proxy: BackupProxy, folder: string): Promise<Outputs | undefined> {
  const text = await proxy.readFile(manifestPath(folder));
  if (text === undefined) return undefined;
  const manifest = parseManifest(text);
  if (!manifest) return undefined;
  return {
    folder,
    manifest: manifestPath(folder),
    consistency: manifest.consistency,
    disks: manifest.disks.map(({ file, ...disk }) => ({ ...disk, path: `${folder}/${file}` })),
  };
}

/** undefined: it was cut off while it was written. */
function parseManifest(text: string): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isManifest(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isManifest(value: unknown): value is Manifest {
  const { version, consistency, disks } = (value ?? {}) as Partial<Record<keyof Manifest, unknown>>;
  return version === 1 && typeof consistency === 'string' && Array.isArray(disks);
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}
