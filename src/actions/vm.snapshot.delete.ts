import { Type } from 'typebox';
import { defineAction } from './action';
import { blocker, inspect, pausedBlocker, portOf, warning } from './located-vm';
import { closed, snapshotReference, vmReference } from './references';
import { hasSnapshot, removeSnapshot } from './safety-snapshot';

export const vmSnapshotDelete = defineAction({
  name: 'vm.snapshot.delete',
  title: 'Delete a snapshot',
  summary: 'Removes a snapshot; the VM stays as it is now.',
  docs: `Merges or drops the snapshot. The VM keeps its present state and goes on running.

There is **no undo**: afterwards there is nothing to go back to. Put it at the end, when the change has proven good.`,
  example: `- uses: vm.snapshot.delete
  with:
    vm: web1
    snapshot: before-upgrade`,
  inputs: Type.Object(
    {
      vm: vmReference('The VM, by name or uuid.'),
      snapshot: snapshotReference('Name of the snapshot.'),
      missing: Type.Optional(
        Type.Enum(['fail', 'ignore'], { default: 'fail', description: 'What to do when there is no such snapshot.' }),
      ),
    },
    closed,
  ),
  outputs: Type.Object({ deleted: Type.Boolean({ description: 'False when it was not there.' }) }, closed),
  before: Type.Object(
    {
      uuid: Type.String({ description: 'Identity of the VM.' }),
      existed: Type.Boolean({ description: 'The snapshot was there.' }),
    },
    closed,
  ),
  undoClass: 'irreversible',
  idempotent: true,
  requires: () => ['snapshot'],
  operation: ({ snapshot, missing }) => ({
    exclusive: true,
    deletesSnapshot: { name: snapshot, fails: missing !== 'ignore' },
  }),
  targets: ({ vm }) => ({ reads: [], changes: [{ kind: 'vm', name: vm }] }),
  describe: ({ vm, snapshot }) => `delete the snapshot ${snapshot} of ${vm}`,
  describeUndo: ({ snapshot }) => `nothing: ${snapshot} can't be brought back`,
  estimateSeconds: () => 2,
  // No `outageSeconds`: the guest goes on.

  preflight: (context, { vm, snapshot, missing }) =>
    inspect(context, vm, async location => {
      const findings = pausedBlocker(location);
      if (!(await hasSnapshot(location, snapshot))) {
        findings.push(
          missing === 'ignore'
            ? warning(`${vm} has no snapshot ${snapshot}; nothing will be done.`)
            : blocker(`${vm} has no snapshot ${snapshot}; check its name.`),
        );
      }
      return findings;
    }),

  async prepare(context, { vm, snapshot }) {
    const location = await context.fleet.locate(vm);
    return { uuid: location.vm.uuid, existed: await hasSnapshot(location, snapshot) };
  },

  async apply(context, inputs, before) {
    const location = await context.fleet.locate(before.uuid);
    if (before.existed || inputs.missing !== 'ignore') {
      // A repeated attempt finds it gone already, and that is what was asked for.
      const options = { signal: context.signal, onProgress: context.progress };
      if (before.existed) await removeSnapshot(location, inputs.snapshot, options);
      else await portOf(location, 'snapshots').delete(before.uuid, inputs.snapshot, options);
    }
    return { deleted: before.existed };
  },

  async probe(context, inputs, before) {
    const location = await context.fleet.locate(before.uuid);
    if (await hasSnapshot(location, inputs.snapshot)) return { outcome: 'not-done' };
    return { outcome: 'done', outputs: { deleted: before.existed } };
  },
});
