import { Type } from 'typebox';
import { type ActionContext, defineAction } from './action';
import { bootSeconds } from './guest-command';
import { blocker, inspect, portOf, warning } from './located-vm';
import { closed, snapshotReference, vmReference } from './references';
import { ensureSnapshot, hasSnapshot, markOf, removeSnapshot } from './safety-snapshot';

/** Roughly; a safety snapshot has the memory in it. */
function seconds({ safety }: { safety?: boolean }): number {
  return safety ? 6 : 3;
}

async function removeSafety(context: ActionContext, before: { uuid: string; safety: string }): Promise<void> {
  await removeSnapshot(await context.fleet.locate(before.uuid), before.safety);
}

export const vmRevert = defineAction({
  name: 'vm.revert',
  title: 'Revert to a snapshot',
  summary: 'Puts a VM back to a snapshot; what came since is lost.',
  docs: `Puts the disks back to the snapshot, and the memory too if the snapshot has it: then the guest goes on where it was, with an old
clock and dead connections. Without memory it boots.

Everything since the snapshot is lost. With \`safety: true\` the present state is kept in a snapshot of its own first; then the step has
an **undo**, which goes back to that, and the safety snapshot is removed once the whole run has succeeded. Without it there is **no undo**.`,
  example: `- uses: vm.revert
  with:
    vm: web1
    snapshot: before-upgrade`,
  inputs: Type.Object(
    {
      vm: vmReference('The VM, by name or uuid.'),
      snapshot: snapshotReference('Name of the snapshot to go back to.'),
      running: Type.Optional(
        Type.Boolean({ description: 'Whether the VM must run afterwards; as it was in the snapshot when left out.' }),
      ),
      safety: Type.Optional(
        Type.Boolean({
          default: false,
          description: 'Keep the present state in a snapshot first, so that the step can be undone.',
        }),
      ),
    },
    closed,
  ),
  outputs: Type.Object(
    {
      snapshot: Type.String({ description: 'Name of the snapshot.' }),
      state: Type.String({ description: 'State of the VM afterwards.' }),
    },
    closed,
  ),
  before: Type.Object(
    {
      uuid: Type.String({ description: 'Identity of the VM.' }),
      state: Type.String({ description: 'State of the VM.' }),
      safety: Type.String({ description: 'Name of the safety snapshot.' }),
    },
    closed,
  ),
  undoClass: inputs => (inputs.safety ? 'restorable' : 'irreversible'),
  idempotent: true,
  requires: ({ safety }) => ['snapshot', ...(safety ? (['snapshot.memory'] as const) : [])],
  operation: ({ snapshot, safety }) => ({
    exclusive: true,
    revertsTo: snapshot,
    ...(safety ? { takesSnapshot: { memory: true, until: 'success' } } : { undoInput: 'safety' }),
  }),
  targets: ({ vm }) => ({ reads: [], changes: [{ kind: 'vm', name: vm }] }),
  describe: ({ vm, snapshot }) => `revert ${vm} to ${snapshot}`,
  describeUndo: ({ vm, safety }) =>
    safety ? `revert ${vm} to where it was before this step` : `nothing: what ${vm} was before this step is lost`,
  estimateSeconds: seconds,
  // Whether the snapshot has memory, so that the guest needs no boot, nobody knows before it is looked at.
  outageSeconds: given => (given.running === false ? Number.POSITIVE_INFINITY : seconds(given) + bootSeconds),

  preflight: (context, { vm, snapshot }) =>
    inspect(context, vm, async location => {
      const wanted = (await portOf(location, 'snapshots').list(location.vm.uuid)).find(
        entry => entry.name === snapshot,
      );
      if (!wanted) return [blocker(`${vm} has no snapshot ${snapshot}; check its name.`)];
      const findings = [warning(`What ${vm} did since ${wanted.createdAt} will be lost.`)];
      if (wanted.memory) {
        findings.push(
          warning(
            `${snapshot} has memory: the clock and the connections of ${vm} go back too; not for cluster members.`,
          ),
        );
      }
      return findings;
    }),

  async prepare(context, { vm }) {
    const { vm: info } = await context.fleet.locate(vm);
    return { uuid: info.uuid, state: info.state, safety: markOf(context) };
  },

  async apply(context, inputs, before) {
    const location = await context.fleet.locate(before.uuid);
    if (inputs.safety) {
      await ensureSnapshot(context, location, {
        name: before.safety,
        description: `Virtbook run ${context.runId}: ${inputs.vm} before it is reverted to ${inputs.snapshot}`,
        memory: true,
        quiesce: 'prefer',
      });
    }
    await portOf(location, 'snapshots').revert(before.uuid, inputs.snapshot, {
      signal: context.signal,
      onProgress: context.progress,
      ...(inputs.running === undefined ? {} : { running: inputs.running }),
    });
    const { vm } = await context.fleet.locate(before.uuid);
    return { snapshot: inputs.snapshot, state: vm.state };
  },

  // Nothing on the hypervisor tells whether a revert took place; but reverting again ends in the same state.
  async probe() {
    return { outcome: 'not-done' };
  },

  async undo(context, inputs, before) {
    if (!inputs.safety) return;
    const location = await context.fleet.locate(before.uuid);
    if (await hasSnapshot(location, before.safety)) {
      await portOf(location, 'snapshots').revert(before.uuid, before.safety, { running: before.state === 'running' });
    }
    await removeSafety(context, before);
  },

  async commit(context, inputs, before) {
    if (inputs.safety) await removeSafety(context, before);
  },
});
