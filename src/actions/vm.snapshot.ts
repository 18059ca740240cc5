import { Type } from 'typebox';
import type { Consistency } from '../hypervisors/ports';
import { defineAction } from './action';
import { agentAnswers, blocker, inspect, pausedBlocker, portOf, warning } from './located-vm';
import { closed, vmReference } from './references';
import { hasSnapshot, markOf, removeSnapshot } from './safety-snapshot';

export const consistencySchema = Type.Enum(['application', 'memory', 'crash', 'offline'], {
  description:
    '`application`: file systems were frozen; `memory`: RAM was saved too; `crash`: as after a power cut; `offline`: the VM was off.',
});

export const quiesceSchema = Type.Optional(
  Type.Enum(['require', 'prefer', 'no'], {
    default: 'prefer',
    description:
      'Freeze the file systems of the guest through its agent. `require`: fail without an agent; `prefer`: go on without; `no`: do not freeze.',
  }),
);

/** How long the memory of a VM takes to be saved, roughly; its guest stands still meanwhile. */
export const savingSeconds = 4;

export const vmSnapshot = defineAction({
  name: 'vm.snapshot',
  title: 'Take a snapshot',
  summary: 'Takes a snapshot of a VM to go back to.',
  docs: `Takes a snapshot of all disks, and of the memory if \`memory: true\`. Without memory the file systems of the guest are frozen for the
moment through its agent (\`quiesce\`) and thawed on every way out.

A snapshot is for undoing a change, not a backup: it lives on the same datastore, it grows, and a VM that has one can't be migrated by
libvirt. Remove it with \`vm.snapshot.delete\` when the change has proven good.

**Undo** removes the snapshot; the VM stays as it is. To go back to it, use \`vm.revert\`.`,
  example: `- id: before
  uses: vm.snapshot
  with:
    vm: web1
    name: before-upgrade
    quiesce: require`,
  inputs: Type.Object(
    {
      vm: vmReference('The VM, by name or uuid.'),
      name: Type.Optional(
        Type.String({
          minLength: 1,
          pattern: '^[A-Za-z0-9_.-]+$',
          description: 'Name of the snapshot; made from the run and the step when left out.',
        }),
      ),
      description: Type.Optional(Type.String({ description: 'Kept with the snapshot, for people.' })),
      memory: Type.Optional(
        Type.Boolean({
          default: false,
          description: 'Save the memory too: reverting then resumes the guest where it was instead of booting it.',
        }),
      ),
      quiesce: quiesceSchema,
    },
    closed,
  ),
  outputs: Type.Object(
    {
      snapshot: Type.String({ description: 'Name of the snapshot.' }),
      consistency: consistencySchema,
    },
    closed,
  ),
  before: Type.Object(
    {
      uuid: Type.String({ description: 'Identity of the VM.' }),
      state: Type.String({ description: 'State of the VM.' }),
      name: Type.String({ description: 'Name that the snapshot gets.' }),
      existed: Type.Boolean({ description: 'Somebody else has a snapshot of that name already; it is left alone.' }),
    },
    closed,
  ),
  undoClass: 'reversible',
  idempotent: false,
  requires: ({ memory, quiesce }) => [
    'snapshot',
    ...(memory ? (['snapshot.memory'] as const) : []),
    ...(quiesce === 'require' && !memory ? (['snapshot.quiesce'] as const) : []),
  ],
  operation: ({ name, memory }) => ({
    exclusive: true,
    takesSnapshot: { ...(name !== undefined && { name }), memory: memory ?? false, until: 'deleted' },
  }),
  targets: ({ vm }) => ({ reads: [], changes: [{ kind: 'vm', name: vm }] }),
  describe: ({ vm, name, memory }) => `snapshot ${vm}${name ? ` as ${name}` : ''}${memory ? ' with memory' : ''}`,
  describeUndo: ({ vm, name }, before) => `delete the snapshot ${before?.name ?? name ?? 'of this step'} of ${vm}`,
  estimateSeconds: ({ memory }) => (memory ? savingSeconds : 1),
  outageSeconds: ({ memory }) => (memory ? savingSeconds : 0),

  preflight: (context, { vm, name, memory, quiesce }) =>
    inspect(context, vm, async location => {
      const findings = pausedBlocker(location);
      if (name !== undefined && (await hasSnapshot(location, name))) {
        findings.push(blocker(`${vm} already has a snapshot ${name}; delete it first or choose another name.`));
      }
      if (location.vm.state === 'running' && !memory && quiesce !== 'no' && !(await agentAnswers(location))) {
        findings.push(
          quiesce === 'require'
            ? blocker(
                `The guest agent of ${vm} does not answer, so its file systems can't be frozen; look after it or use \`quiesce: prefer\`.`,
              )
            : warning(`The guest agent of ${vm} does not answer; the snapshot will be as after a power cut.`),
        );
      }
      if (memory) {
        findings.push(
          warning(
            `Reverting ${vm} to a snapshot with memory sets its clock and its connections back; not for cluster members.`,
          ),
        );
      }
      const names = new Set(location.vm.disks.filter(disk => disk.writable).map(disk => disk.datastore));
      const { datastores } = await location.hypervisor.state();
      for (const datastore of datastores) {
        if (datastore.host !== location.host || !names.has(datastore.name)) continue;
        const free = datastore.freeBytes / datastore.capacityBytes;
        if (free < 0.1) {
          findings.push(warning(`${datastore.name} is ${Math.round((1 - free) * 100)} % full, and a snapshot grows.`));
        }
      }
      return findings;
    }),

  async prepare(context, { vm, name }) {
    const location = await context.fleet.locate(vm);
    const wanted = name ?? markOf(context);
    const existed = await hasSnapshot(location, wanted);
    return { uuid: location.vm.uuid, state: location.vm.state, name: wanted, existed };
  },

  async apply(context, inputs, before) {
    const location = await context.fleet.locate(before.uuid);
    const { consistency } = await portOf(location, 'snapshots').create(before.uuid, {
      name: before.name,
      description: inputs.description ?? `Virtbook run ${context.runId}`,
      memory: inputs.memory ?? false,
      quiesce: inputs.quiesce ?? 'prefer',
      signal: context.signal,
      onProgress: context.progress,
    });
    return { snapshot: before.name, consistency };
  },

  async probe(context, inputs, before) {
    const location = await context.fleet.locate(before.uuid);
    if (before.existed) return { outcome: 'not-done' };
    const snapshots = portOf(location, 'snapshots');
    // One that is still in the making is listed already, and may yet fail: this waits for its end, and thaws the guest.
    await snapshots.cleanUp(before.uuid, before.name);
    const taken = (await snapshots.list(before.uuid)).find(snapshot => snapshot.name === before.name);
    if (!taken) return { outcome: 'not-done' };
    // Nobody can tell any more whether the freeze held, so the least is claimed.
    const consistency: Consistency = taken.memory ? 'memory' : before.state === 'shutoff' ? 'offline' : 'crash';
    if (consistency === 'crash' && inputs.quiesce === 'require') {
      return {
        outcome: 'unknown',
        why: `${before.name} was taken, but it can't be told whether ${inputs.vm} was frozen.`,
      };
    }
    return { outcome: 'done', outputs: { snapshot: before.name, consistency } };
  },

  async undo(context, _inputs, before) {
    if (before.existed) return;
    await removeSnapshot(await context.fleet.locate(before.uuid), before.name);
  },
});
