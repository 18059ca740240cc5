import { Type } from 'typebox';
import { HypervisorError } from '../hypervisors/errors';
import { defineAction } from './action';
import { agentAnswers, blocker, inspect, pausedBlocker, portOf, warning } from './located-vm';
import { closed, vmReference } from './references';

const defaultTimeout = 180;

export const vmShutdown = defineAction({
  name: 'vm.shutdown',
  title: 'Shut a VM down',
  summary: 'Asks a guest to shut down and waits until it is off.',
  docs: `Asks through the guest agent where there is one, else by ACPI, and waits until the VM is off.

A guest that does not go down in time makes the step fail, unless \`force: true\` allows its power to be cut: then what it had not yet
written to disk is lost.

**Undo** starts the VM again if it ran before. What was only in its memory does not come back.`,
  example: `- uses: vm.shutdown
  with:
    vm: web1
    timeout: 120`,
  inputs: Type.Object(
    {
      vm: vmReference('The VM to shut down, by name or uuid.'),
      mode: Type.Optional(
        Type.Enum(['auto', 'agent', 'acpi'], {
          default: 'auto',
          description: 'How the guest is asked. `auto`: by the agent where there is one, else by ACPI.',
        }),
      ),
      timeout: Type.Optional(
        Type.Integer({ minimum: 1, default: defaultTimeout, description: 'Seconds to wait until it is off.' }),
      ),
      force: Type.Optional(
        Type.Boolean({
          default: false,
          description: 'Cut the power when it is not off in time. Loses what was not written to disk.',
        }),
      ),
    },
    closed,
  ),
  outputs: Type.Object(
    {
      wasRunning: Type.Boolean({ description: 'It was on before.' }),
      forced: Type.Boolean({ description: 'Its power had to be cut.' }),
    },
    closed,
  ),
  before: Type.Object(
    {
      uuid: Type.String({ description: 'Identity of the VM.' }),
      state: Type.String({ description: 'State of the VM.' }),
    },
    closed,
  ),
  undoClass: 'restorable',
  idempotent: true,
  requires: () => ['power'],
  operation: () => ({ exclusive: true, leaves: 'off' }),
  targets: ({ vm }) => ({ reads: [], changes: [{ kind: 'vm', name: vm }] }),
  describe: ({ vm, force }) => `shut ${vm} down${force ? ', by cutting its power if need be' : ''}`,
  describeUndo: ({ vm }, before) =>
    before && before.state !== 'running' ? `leave ${vm} off, as it was` : `start ${vm}`,
  estimateSeconds: () => 10,
  // From when it is asked: a guest that goes down stops its services first.
  outageSeconds: () => Number.POSITIVE_INFINITY,

  preflight: (context, { vm, mode }) =>
    inspect(context, vm, async location => {
      const findings = pausedBlocker(location);
      if (location.vm.state === 'shutoff') return [warning(`${vm} is off already; nothing will be done.`)];
      if (mode === 'agent' && !(await agentAnswers(location))) {
        findings.push(blocker(`The guest agent of ${vm} does not answer; use \`mode: acpi\` or look after the agent.`));
      }
      return findings;
    }),

  async prepare(context, { vm }) {
    const { vm: info } = await context.fleet.locate(vm);
    return { uuid: info.uuid, state: info.state };
  },

  async apply(context, inputs, before) {
    const location = await context.fleet.locate(before.uuid);
    const wasRunning = before.state !== 'shutoff';
    if (location.vm.state === 'shutoff') return { wasRunning, forced: false };
    try {
      await portOf(location, 'power').shutdown(before.uuid, {
        mode: inputs.mode ?? 'auto',
        timeoutMs: (inputs.timeout ?? defaultTimeout) * 1000,
        signal: context.signal,
        onProgress: context.progress,
      });
    } catch (error) {
      if (!inputs.force || !(error instanceof HypervisorError) || !['timeout', 'agent'].includes(error.kind))
        throw error;
      const now = await context.fleet.locate(before.uuid);
      if (now.vm.state === 'shutoff') return { wasRunning, forced: false };
      context.log(`${inputs.vm} does not shut down (${error.message}); its power is cut.`);
      await portOf(now, 'power').destroy(before.uuid, { signal: context.signal });
      return { wasRunning, forced: true };
    }
    return { wasRunning, forced: false };
  },

  async probe(context, _inputs, before) {
    const { vm } = await context.fleet.locate(before.uuid);
    if (vm.state === 'shutoff') {
      return { outcome: 'done', outputs: { wasRunning: before.state !== 'shutoff', forced: false } };
    }
    if (vm.state === 'running') return { outcome: 'not-done' };
    return { outcome: 'unknown', why: `${vm.name} is ${vm.state}${vm.stateReason ? ` (${vm.stateReason})` : ''}.` };
  },

  async undo(context, _inputs, before) {
    if (before.state !== 'running') return;
    const location = await context.fleet.locate(before.uuid);
    if (location.vm.state === 'running') return;
    await portOf(location, 'power').start(before.uuid);
  },
});
