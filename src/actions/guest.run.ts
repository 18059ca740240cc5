import { Type } from 'typebox';
import { HypervisorError } from '../hypervisors/errors';
import { defineAction } from './action';
import { ActionError } from './action-error';
import { lastWords, runInGuest, toldOf, type Via } from './guest-command';
import { blocker, inspect } from './located-vm';
import { closed, vmReference } from './references';

const defaultTimeout = 300;

/** A command as argv; the same shape wherever an action takes one. */
export const argvSchema = (description: string) => Type.Array(Type.String(), { minItems: 1, description });

export const viaSchema = Type.Optional(
  Type.Enum(['auto', 'agent', 'ssh'], {
    default: 'auto',
    description: 'How the guest is reached. `auto`: by its agent where there is one, else by SSH.',
  }),
);

export const guestRun = defineAction({
  name: 'guest.run',
  title: 'Run a command in a guest',
  summary: 'Runs a command in a guest and fails when its exit code is not the expected one.',
  docs: `Runs a command, given as a list of arguments: no shell, so nothing is expanded and nothing needs quoting. Where a shell is wanted, say so:
\`argv: [sh, -c, "…"]\`. Mind that the status of a pipe is that of its last command.

A command that only looks should say \`changes: false\`: then it may be repeated and there is nothing to undo.

**Undo** runs \`undo\`, if given. It also runs when the command failed or broke off halfway, so it must cope with that. Without \`undo\` the step
is **irreversible**. If the runner is killed while the command runs, \`probe\` decides whether it happened (exit code 0: it did); without
\`probe\` a person is asked.`,
  example: `- uses: guest.run
  with:
    vm: web1
    argv: [systemctl, stop, nginx]
    undo: [systemctl, start, nginx]`,
  inputs: Type.Object(
    {
      vm: vmReference('The VM, by name or uuid.'),
      argv: argvSchema('The command and its arguments.'),
      via: viaSchema,
      stdin: Type.Optional(Type.String({ description: 'What the command reads from its standard input.' })),
      expectCode: Type.Optional(
        Type.Union([Type.Integer(), Type.Array(Type.Integer(), { minItems: 1 })], {
          default: 0,
          description: 'Exit code, or list of exit codes, that mean success.',
        }),
      ),
      changes: Type.Optional(
        Type.Boolean({ default: true, description: 'Whether the command changes anything. `false`: it only looks.' }),
      ),
      undo: Type.Optional(
        argvSchema('A command that takes it back. Must be safe to run twice, and if the command never ran.'),
      ),
      probe: Type.Optional(argvSchema('A command that only looks and ends with 0 when this step has happened.')),
      timeout: Type.Optional(
        Type.Integer({ minimum: 1, default: defaultTimeout, description: 'Seconds it may take.' }),
      ),
    },
    closed,
  ),
  outputs: Type.Object(
    {
      code: Type.Integer({ description: 'Exit code.' }),
      stdout: Type.String({ description: 'What it printed.' }),
      stderr: Type.String({ description: 'What it printed as errors.' }),
    },
    closed,
  ),
  before: Type.Object({ uuid: Type.String({ description: 'Identity of the VM.' }) }, closed),
  undoClass: ({ changes, undo }) => (changes === false ? 'none' : undo ? 'reversible' : 'irreversible'),
  idempotent: ({ changes }) => changes === false,
  requires: ({ via }) => (via === 'agent' ? ['guest.agent'] : []),
  operation: ({ changes, undo }) => ({
    needsRunning: true,
    ...(changes === false ? { role: 'check', tellsOf: 'anything' } : !undo && { undoInput: 'undo' }),
  }),
  targets: ({ vm, changes }) => {
    const target = { kind: 'vm' as const, name: vm };
    return changes === false ? { reads: [target], changes: [] } : { reads: [], changes: [target] };
  },
  describe: ({ vm, argv }) => `run ${shown(argv)} in ${vm}`,
  describeUndo: ({ vm, changes, undo }) =>
    undo && changes !== false
      ? `run ${shown(undo)} in ${vm}`
      : changes === false
        ? 'nothing: it only looks'
        : 'nothing: there is no undo',
  estimateSeconds: () => 5,
  // No `outageSeconds`: what a command does to those who use the guest, only who wrote it knows.

  preflight: (context, { vm, via }) =>
    inspect(context, vm, async location => {
      if (location.vm.state !== 'running')
        return [blocker(`${vm} is ${location.vm.state}; start it before commands are run in it.`)];
      try {
        const guest = await context.fleet.guest(vm, via ?? 'auto');
        await runInGuest(context, guest, ['true'], { timeoutMs: 5000, quiet: true });
        return [];
      } catch (error) {
        if (!(error instanceof HypervisorError)) throw error;
        return [blocker(`No command can be run in ${vm}: ${error.message}`)];
      }
    }),

  async prepare(context, { vm }) {
    const { vm: info } = await context.fleet.locate(vm);
    return { uuid: info.uuid };
  },

  async apply(context, inputs) {
    const result = await run(inputs.argv, inputs.stdin);
    const expected = [inputs.expectCode ?? 0].flat();
    if (expected.includes(result.code)) return { code: result.code, stdout: result.stdout, stderr: result.stderr };
    throw new ActionError(
      `${toldOf(context, inputs.argv, shown)} in ${inputs.vm} ended with code ${result.code} (expected ${expected.join(' or ')}): ${lastWords(context, result)}`,
      { vm: inputs.vm },
    );

    async function run(argv: string[], stdin: string | undefined) {
      const guest = await context.fleet.guest(inputs.vm, viaOf(inputs));
      const timeoutMs = (inputs.timeout ?? defaultTimeout) * 1000;
      return runInGuest(context, guest, argv, { timeoutMs, ...(stdin === undefined ? {} : { stdin }) });
    }
  },

  async probe(context, inputs) {
    if (inputs.changes === false) return { outcome: 'not-done' };
    if (!inputs.probe)
      return {
        outcome: 'unknown',
        why: `It can't be told whether ${toldOf(context, inputs.argv, shown)} ran in ${inputs.vm}.`,
      };
    const guest = await context.fleet.guest(inputs.vm, viaOf(inputs));
    const { code } = await runInGuest(context, guest, inputs.probe, { timeoutMs: 60_000, quiet: true });
    if (code !== 0) return { outcome: 'not-done' };
    // What it printed is lost with the connection that it was printed to.
    return { outcome: 'done', outputs: { code: [inputs.expectCode ?? 0].flat()[0] ?? 0, stdout: '', stderr: '' } };
  },

  async undo(context, inputs) {
    if (inputs.changes === false || !inputs.undo) return;
    const guest = await context.fleet.guest(inputs.vm, viaOf(inputs));
    const timeoutMs = (inputs.timeout ?? defaultTimeout) * 1000;
    const result = await runInGuest(context, guest, inputs.undo, { timeoutMs });
    if (result.code === 0) return;
    throw new ActionError(
      `The undo ${toldOf(context, inputs.undo, shown)} in ${inputs.vm} ended with code ${result.code}: ${lastWords(context, result)}`,
      { vm: inputs.vm },
    );
  },
});

function viaOf(inputs: { via?: Via }): Via {
  return inputs.via ?? 'auto';
}

/** argv for people: an argument with spaces in quotes, a long command cut. */
function shown(argv: string[]): string {
  const text = argv.map(arg => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : JSON.stringify(arg))).join(' ');
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
