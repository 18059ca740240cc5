import { type Static, Type } from 'typebox';
import { HypervisorError } from '../hypervisors/errors';
import type { MigrateOptions } from '../hypervisors/ports';
import type { VmLocation } from '../inventory/fleet';
import { type ActionContext, defineAction } from './action';
import { ActionError } from './action-error';
import { blocker, inspect, pausedBlocker, portOf, warning } from './located-vm';
import { closed, hostReference, vmReference } from './references';
import { markOf } from './safety-snapshot';

/** A guest that is migrated live stands still for no longer when it changes over: QEMU's own bound. */
const mostDowntimeSeconds = 0.3;

const inputs = Type.Object(
  {
    vm: vmReference('The VM to move, by name or uuid.'),
    to: hostReference('The host to move it to.'),
    storage: Type.Optional(
      Type.Enum(['auto', 'shared', 'copy'], {
        default: 'auto',
        description: '`shared`: both hosts see the disks; `copy`: the disks are copied too; `auto`: look and decide.',
      }),
    ),
    live: Type.Optional(
      Type.Boolean({ default: true, description: 'Move it while it runs. `false` moves a VM that is off.' }),
    ),
    autoConverge: Type.Optional(
      Type.Boolean({
        default: true,
        description: 'Slow the guest down when it writes memory faster than it can be sent.',
      }),
    ),
    bandwidth: Type.Optional(
      Type.Integer({ minimum: 0, default: 0, description: 'Most MiB per second to use for it; 0: no bound.' }),
    ),
  },
  closed,
);

async function migrateOptions(
  context: ActionContext,
  given: Static<typeof inputs>,
  to: string,
  storage = given.storage ?? 'auto',
): Promise<MigrateOptions> {
  return {
    target: { hypervisor: await context.fleet.host(to), host: to },
    storage,
    live: given.live ?? true,
    autoConverge: given.autoConverge ?? true,
    bandwidthMiBps: given.bandwidth ?? 0,
    mark: markOf(context),
    signal: context.signal,
    onProgress: context.progress,
  };
}

/** Settles what an interrupted migration left and says on which host the VM is. undefined: it can't be told. */
async function settledHost(
  context: ActionContext,
  given: Static<typeof inputs>,
  before: { uuid: string; connection: string; from: string },
): Promise<string | undefined> {
  const source = await context.fleet.hypervisor(before.connection);
  if (!source.migration) return undefined;
  const settled = await source.migration.settle(before.uuid, await migrateOptions(context, given, given.to));
  return settled === 'target' ? given.to : settled === 'source' ? before.from : undefined;
}

const outputs = Type.Object(
  {
    from: Type.String({ description: 'Host that it came from.' }),
    to: Type.String({ description: 'Host that it is on now.' }),
    storage: Type.Enum(['shared', 'copy', 'none'], {
      description: 'Whether disks were copied; `none`: it was there already.',
    }),
    downtimeMs: Type.Optional(Type.Number({ description: 'How long the guest stood still, in milliseconds.' })),
    transferredBytes: Type.Optional(Type.Number({ description: 'What went over the network, in bytes.' })),
    durationMs: Type.Optional(Type.Number({ description: 'How long it took, in milliseconds.' })),
  },
  closed,
);
type Outputs = Static<typeof outputs>;

export const vmMigrate = defineAction({
  name: 'vm.migrate',
  title: 'Migrate a VM',
  summary: 'Moves a VM to another host while it runs, with its disks where they are not shared.',
  docs: `Moves the VM to the host \`to\`. With \`storage: auto\` its disks stay where they are when both hosts see them, and are copied otherwise,
which needs room on the target.

What stands in the way is found before anything moves: snapshots, local media, a CPU that the target lacks, memory, space. If the
migration breaks off, both hosts are asked where the VM is; it is never simply tried again. Only volumes that this step made are removed.

The target may be a host of another connection of the same kind.

**Undo** moves the VM back to the host that it came from.`,
  example: `- uses: vm.migrate
  with:
    vm: web1
    to: hv2
    bandwidth: 500`,
  inputs,
  outputs,
  before: Type.Object(
    {
      uuid: Type.String({ description: 'Identity of the VM.' }),
      connection: Type.String({ description: 'Connection that it was found on.' }),
      from: Type.String({ description: 'Host that it was on.' }),
      state: Type.String({ description: 'State of the VM.' }),
    },
    closed,
  ),
  undoClass: 'reversible',
  idempotent: false,
  requires: ({ storage }) => ['migrate.live', ...(storage === 'copy' ? (['migrate.storage'] as const) : [])],
  operation: ({ live, autoConverge }) => ({
    role: 'migration',
    exclusive: true,
    refusesSnapshots: true,
    ...(live !== false && autoConverge === false && { endless: true }),
  }),
  targets: ({ vm, to }) => ({
    reads: [],
    changes: [
      { kind: 'vm', name: vm },
      { kind: 'host', name: to },
    ],
  }),
  describe: ({ vm, to, storage, live }) =>
    `migrate ${vm} to ${to}${live === false ? ' while it is off' : ''}${storage === 'copy' ? ' with its disks' : ''}`,
  describeUndo: ({ vm }, before) => `migrate ${vm} back to ${before?.from ?? 'the host that it came from'}`,
  estimateSeconds: ({ storage }) => (storage === 'copy' ? 120 : 15),
  // A VM that is off, which is what `live: false` is for, serves nobody anyway.
  outageSeconds: ({ live }) => (live === false ? 0 : mostDowntimeSeconds),

  preflight: (context, given) =>
    inspect(context, given.vm, async location => {
      if (location.host === given.to) return [warning(`${given.vm} is on ${given.to} already; nothing will be done.`)];
      const findings = pausedBlocker(location);
      const options = await migrateOptions(context, given, given.to);
      const found = await portOf(location, 'migration').blockers(location.vm.uuid, options);
      findings.push(...found.map(blocker));
      if (findings.length > 0 || location.vm.state !== 'running') return findings;
      const { hosts } = await options.target.hypervisor.state();
      const free = hosts.find(host => host.name === given.to)?.freeMemoryMiB;
      if (free !== undefined && free < location.vm.memoryMiB) {
        findings.push(
          blocker(`${given.to} has ${free} MiB of memory left, ${given.vm} needs ${location.vm.memoryMiB}.`),
        );
      }
      return findings;
    }),

  async prepare(context, { vm }) {
    const { hypervisor, host, vm: info } = await context.fleet.locate(vm);
    return { uuid: info.uuid, connection: hypervisor.connection, from: host, state: info.state };
  },

  async apply(context, given, before): Promise<Outputs> {
    const location = await context.fleet.locate(before.uuid);
    if (location.host === given.to) return { from: before.from, to: given.to, storage: 'none' };
    const report = await portOf(location, 'migration').migrate(
      before.uuid,
      await migrateOptions(context, given, given.to),
    );
    return { from: before.from, to: given.to, ...report };
  },

  async probe(context, given, before) {
    const host = before.from === given.to ? given.to : await settledHost(context, given, before);
    if (host === undefined) {
      return {
        outcome: 'unknown',
        why: `It can't be told whether ${given.vm} runs on ${before.from} or ${given.to}; look at both.`,
      };
    }
    if (host !== given.to) return { outcome: 'not-done' };
    const storage: Outputs['storage'] =
      before.from === given.to ? 'none' : given.storage === 'copy' ? 'copy' : 'shared';
    return { outcome: 'done', outputs: { from: before.from, to: given.to, storage } };
  },

  async undo(context, given, before, outputs) {
    if (before.from === given.to) return;
    // First whatever a half-done migration left behind, so that the VM is whole on one side.
    const host = outputs ? undefined : await settledHost(context, given, before);
    const location: VmLocation = await context.fleet.locate(before.uuid);
    if (location.host === before.from) return;
    if (host === undefined && !outputs) {
      throw new HypervisorError(
        'failed',
        `It can't be told whether ${given.vm} runs on ${before.from} or ${given.to}; look at both, then undo again.`,
        { vm: given.vm, host: given.to },
      );
    }
    if (location.host !== given.to) {
      throw new ActionError(
        `${given.vm} is on ${location.host}: somebody else has moved it since, so it is not moved back to ${before.from}.`,
        { vm: given.vm, host: location.host },
      );
    }
    const storage = outputs && outputs.storage !== 'none' ? outputs.storage : (given.storage ?? 'auto');
    const options = await migrateOptions(context, given, before.from, storage);
    await portOf(location, 'migration').migrate(before.uuid, { ...options, live: location.vm.state === 'running' });
  },
});
