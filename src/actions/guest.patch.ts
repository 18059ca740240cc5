import { type Static, Type } from 'typebox';
import { HypervisorError } from '../hypervisors/errors';
import type { Exec } from '../hypervisors/ports';
import { type ActionContext, defineAction } from './action';
import { ActionError } from './action-error';
import {
  aptGet,
  differences,
  installedPackages,
  type PackageList,
  type Upgrade,
  upgrades,
  waitForIdleApt,
} from './dpkg';
import { viaSchema } from './guest.run';
import { lastWords, runInGuest, waitForGuest } from './guest-command';
import { blocker, inspect, portOf, warning } from './located-vm';
import { closed, vmReference } from './references';
import { ensureSnapshot, hasSnapshot, markOf, removeSnapshot } from './safety-snapshot';
import { savingSeconds } from './vm.snapshot';

const defaultTimeout = 1800;
/** For a guest to come up again after it was reverted. */
const bootTimeoutMs = 300_000;

const inputs = Type.Object(
  {
    vm: vmReference('The VM to patch, by name or uuid.'),
    packages: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^[a-z0-9][a-z0-9+.-]*(:[a-z0-9]+)?(=[A-Za-z0-9.+~:-]+)?$',
          description: 'An installed package, or `NAME=VERSION`.',
        }),
        { minItems: 1, description: 'Packages to upgrade; everything that can be upgraded when left out.' },
      ),
    ),
    snapshot: Type.Optional(
      Type.Boolean({
        default: true,
        description:
          'Take a snapshot first, which the undo goes back to. It is removed when the whole run has succeeded.',
      }),
    ),
    memory: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Keep the memory in that snapshot too, so that an undo needs no boot.',
      }),
    ),
    via: viaSchema,
    timeout: Type.Optional(
      Type.Integer({ minimum: 1, default: defaultTimeout, description: 'Seconds that apt may take.' }),
    ),
  },
  closed,
);
type Inputs = Static<typeof inputs>;

const before = Type.Object(
  {
    uuid: Type.String({ description: 'Identity of the VM.' }),
    snapshot: Type.String({ description: 'Name of the safety snapshot.' }),
    versions: Type.Record(Type.String(), Type.String(), { description: 'What was installed, and in which version.' }),
  },
  closed,
);
type Before = Static<typeof before>;

const outputs = Type.Object(
  {
    upgraded: Type.Array(
      Type.Object(
        {
          name: Type.String({ description: 'The package.' }),
          from: Type.Optional(Type.String({ description: 'Version before; left out when it was not installed.' })),
          to: Type.String({ description: 'Version now.' }),
        },
        closed,
      ),
      { description: 'What was upgraded.' },
    ),
    rebootRequired: Type.Boolean({ description: 'The guest asks for a reboot.' }),
  },
  closed,
);

export const guestPatch = defineAction({
  name: 'guest.patch',
  title: 'Patch a guest',
  summary: 'Upgrades packages in a Debian or Ubuntu guest with apt, with a snapshot to go back to.',
  docs: `Takes a snapshot, then runs \`apt-get update\` and \`apt-get install --only-upgrade\` (with \`packages\`) or \`apt-get upgrade\` in the guest, without
questions; changed configuration files are kept. The exit status of apt itself counts, and afterwards every package must be fully
installed: when a package's own script fails, the step fails.

The outputs say what was upgraded from which version to which, and whether a reboot is needed (\`steps.ID.outputs.rebootRequired\`).

**Undo** goes back to the snapshot and waits until the guest is up, or, with \`snapshot: false\`, installs the old versions again, which works
only while the repository still has them and leaves a request for a reboot standing. Either way it then looks whether the old versions are really back. With a snapshot, what the
guest did since is lost. If nothing had been changed yet, the guest is left alone.

The snapshot is removed once the **whole run** has succeeded; until then the VM can't be migrated by libvirt, so migrate before you patch,
or use \`snapshot: false\`.`,
  example: `- id: patch
  uses: guest.patch
  with:
    vm: web1
    packages: [openssl, nginx]
- uses: check.guest
  with:
    vm: web1
    systemd: [nginx]`,
  inputs,
  outputs,
  before,
  undoClass: 'restorable',
  idempotent: true,
  requires: ({ snapshot, memory, via }) => [
    ...(snapshot === false ? [] : (['snapshot'] as const)),
    ...(snapshot !== false && memory ? (['snapshot.memory'] as const) : []),
    ...(via === 'agent' ? (['guest.agent'] as const) : []),
  ],
  operation: ({ snapshot, memory }) => ({
    role: 'patch',
    exclusive: true,
    needsRunning: true,
    ...(snapshot !== false && { takesSnapshot: { memory: memory ?? false, until: 'success' } }),
  }),
  targets: ({ vm }) => ({ reads: [], changes: [{ kind: 'vm', name: vm }] }),
  describe: ({ vm, packages }) => `patch ${packages ? packages.join(', ') : 'all packages'} in ${vm}`,
  describeUndo: ({ vm, snapshot }) =>
    snapshot === false ? `install the old versions in ${vm} again` : `revert ${vm} to the snapshot taken before`,
  estimateSeconds: () => 90,
  // That packages restart their services is not counted, and it does not reboot.
  outageSeconds: ({ snapshot, memory }) => (snapshot !== false && memory ? savingSeconds : 0),

  preflight: (context, given) =>
    inspect(context, given.vm, async location => {
      const { vm } = given;
      if (location.vm.state !== 'running')
        return [blocker(`${vm} is ${location.vm.state}; start it before it is patched.`)];
      let found: PackageList;
      try {
        found = await installedPackages(context, await guestOf(context, given), vm);
      } catch (error) {
        if (!(error instanceof HypervisorError) && !(error instanceof ActionError)) throw error;
        return [blocker(error.message)];
      }
      const findings = [];
      if (found.broken.length > 0) {
        findings.push(
          blocker(
            `${vm} has packages that are not fully installed (${found.broken.join(', ')}); run \`dpkg --configure -a\` in it first.`,
          ),
        );
      }
      const names = new Set(Object.keys(found.versions).flatMap(name => [name, name.split(':')[0]]));
      for (const wanted of given.packages ?? []) {
        const [name = ''] = wanted.split('=');
        if (!names.has(name)) findings.push(blocker(`${name} is not installed in ${vm}; this step only upgrades.`));
      }
      if (given.snapshot !== false) {
        portOf(location, 'snapshots');
        if (location.vm.snapshotCount > 0) {
          findings.push(
            warning(`${vm} has ${location.vm.snapshotCount} snapshot(s) already; remove those that nobody needs.`),
          );
        }
      }
      return findings;
    }),

  async prepare(context, given) {
    const { vm } = await context.fleet.locate(given.vm);
    const { versions } = await installedPackages(context, await guestOf(context, given), given.vm);
    return { uuid: vm.uuid, snapshot: markOf(context), versions };
  },

  async apply(context, given, state) {
    const location = await context.fleet.locate(state.uuid);
    if (given.snapshot !== false) {
      context.progress({ message: 'taking a snapshot' });
      await ensureSnapshot(context, location, {
        name: state.snapshot,
        description: `Virtbook run ${context.runId}: ${given.vm} before it is patched`,
        memory: given.memory ?? false,
        quiesce: 'prefer',
      });
    }
    const guest = await guestOf(context, given);
    const timeoutMs = (given.timeout ?? defaultTimeout) * 1000;
    context.progress({ message: 'apt-get update' });
    await mustSucceed(['update']);
    context.progress({ message: given.packages ? `upgrading ${given.packages.join(', ')}` : 'apt-get upgrade' });
    await mustSucceed(upgradeArguments(given));
    const { versions, broken } = await installedPackages(context, guest, given.vm);
    if (broken.length > 0) {
      throw new ActionError(`Packages in ${given.vm} are not fully installed after apt: ${broken.join(', ')}.`, {
        vm: given.vm,
      });
    }
    return { upgraded: upgrades(state.versions, versions), rebootRequired: await rebootRequired(context, guest) };

    async function mustSucceed(args: string[]): Promise<void> {
      const result = await runInGuest(context, guest, aptGet(...args), { timeoutMs });
      if (result.code === 0) return;
      throw new ActionError(
        `apt-get ${args[0]} failed in ${given.vm} (code ${result.code}): ${lastWords(context, result)}`,
        {
          vm: given.vm,
        },
      );
    }
  },

  async probe(context, given, state) {
    let guest: Exec;
    try {
      const location = await context.fleet.locate(state.uuid);
      // A snapshot that was cut off leaves the guest frozen, and then nothing can be asked in it.
      if (given.snapshot !== false) await portOf(location, 'snapshots').cleanUp(state.uuid, state.snapshot);
      guest = await guestOf(context, given);
      await waitForIdleApt(context, guest, given.vm, (given.timeout ?? defaultTimeout) * 1000);
    } catch (error) {
      if (!(error instanceof HypervisorError) && !(error instanceof ActionError)) throw error;
      // A connection may well be back at the next look.
      if (error instanceof HypervisorError && error.kind === 'unreachable') throw error;
      return { outcome: 'unknown', why: `It can't be looked at ${given.vm}: ${error.message}` };
    }
    const { versions, broken } = await installedPackages(context, guest, given.vm);
    const upgraded: Upgrade[] = upgrades(state.versions, versions);
    if (upgraded.length === 0 || broken.length > 0) return { outcome: 'not-done' };
    const left = await runInGuest(context, guest, aptGet('--simulate', ...upgradeArguments(given)), {
      timeoutMs: 120_000,
      quiet: true,
    });
    if (left.code !== 0 || /^Inst /m.test(left.stdout)) return { outcome: 'not-done' };
    return { outcome: 'done', outputs: { upgraded, rebootRequired: await rebootRequired(context, guest) } };
  },

  async undo(context, given, state) {
    const location = await context.fleet.locate(state.uuid);
    // A snapshot that was cut off leaves the guest frozen, and then nothing can be asked or run in it.
    if (given.snapshot !== false) await portOf(location, 'snapshots').cleanUp(state.uuid, state.snapshot);
    const kept = given.snapshot !== false && (await hasSnapshot(location, state.snapshot));
    if (!(await isAsBefore(context, given, state))) {
      if (kept) {
        await portOf(location, 'snapshots').revert(state.uuid, state.snapshot, { running: true });
        await waitForGuest(context, given.vm, given.via ?? 'auto', bootTimeoutMs);
      } else {
        await installOldVersions(context, given, state);
      }
      await verifyOldVersions(context, given, state);
    }
    if (given.snapshot !== false) await removeSnapshot(await context.fleet.locate(state.uuid), state.snapshot);
  },

  async commit(context, given, state) {
    if (given.snapshot !== false) await removeSnapshot(await context.fleet.locate(state.uuid), state.snapshot);
  },
});

function guestOf(context: ActionContext, given: Inputs): Promise<Exec> {
  return context.fleet.guest(given.vm, given.via ?? 'auto');
}

function upgradeArguments({ packages }: Inputs): string[] {
  return packages ? ['install', '--only-upgrade', ...packages] : ['upgrade'];
}

async function rebootRequired(context: ActionContext, guest: Exec): Promise<boolean> {
  const { code } = await runInGuest(context, guest, ['test', '-e', '/run/reboot-required'], {
    timeoutMs: 30_000,
    quiet: true,
  });
  return code === 0;
}

/** Whether the guest can be looked at, apt is idle, and no package differs from before. */
async function isAsBefore(context: ActionContext, given: Inputs, state: Before): Promise<boolean> {
  try {
    const guest = await guestOf(context, given);
    if (
      (await runInGuest(context, guest, ['pidof', 'apt-get', 'dpkg'], { timeoutMs: 30_000, quiet: true })).code === 0
    ) {
      return false;
    }
    const now = await installedPackages(context, guest, given.vm);
    return now.broken.length === 0 && differences(state.versions, now.versions).length === 0;
  } catch (error) {
    if (error instanceof HypervisorError || error instanceof ActionError) return false;
    throw error;
  }
}

async function installOldVersions(context: ActionContext, given: Inputs, state: Before): Promise<void> {
  const guest = await waitForGuest(context, given.vm, given.via ?? 'auto', bootTimeoutMs);
  const timeoutMs = (given.timeout ?? defaultTimeout) * 1000;
  await waitForIdleApt(context, guest, given.vm, timeoutMs);
  const now = await installedPackages(context, guest, given.vm);
  const changed = upgrades(state.versions, now.versions);
  // A package that is in its old version and half set up is installed again, too.
  const back = [
    ...changed.flatMap(({ name, from }) => (from === undefined ? [] : [`${name}=${from}`])),
    ...now.broken.filter(name => !changed.some(change => change.name === name)),
  ];
  const added = changed.filter(change => change.from === undefined).map(change => change.name);
  for (const args of [
    back.length > 0 ? ['install', '--allow-downgrades', ...back] : [],
    added.length > 0 ? ['remove', ...added] : [],
  ]) {
    if (args.length === 0) continue;
    const result = await runInGuest(context, guest, aptGet(...args), { timeoutMs });
    if (result.code !== 0) {
      throw new ActionError(
        `The old versions can't be installed in ${given.vm} again (code ${result.code}): ${lastWords(context, result)}`,
        { vm: given.vm },
      );
    }
  }
}

async function verifyOldVersions(context: ActionContext, given: Inputs, state: Before): Promise<void> {
  const guest = await guestOf(context, given);
  const { versions, broken } = await installedPackages(context, guest, given.vm);
  const wrong = [...differences(state.versions, versions), ...broken.map(name => `${name} is not fully installed`)];
  if (wrong.length === 0) return;
  throw new ActionError(`${given.vm} is not back to its old packages: ${wrong.slice(0, 5).join('; ')}.`, {
    vm: given.vm,
  });
}
