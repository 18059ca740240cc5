import { Type } from 'typebox';
import { HypervisorError } from '../hypervisors/errors';
import { defineAction } from './action';
import { bootSeconds, waitForGuest } from './guest-command';
import { blocker, inspect, pausedBlocker, portOf, warning } from './located-vm';
import { closed, vmReference } from './references';

/** Without the boot of the guest, roughly. */
const startSeconds = 2;

export const vmStart = defineAction({
  name: 'vm.start',
  title: 'Start a VM',
  summary: 'Starts a VM that is off and, if wanted, waits until its guest can be reached.',
  docs: `Starts the VM on the host where it is defined. A VM that runs already is left alone, so the step can be repeated.

A **paused** VM is not resumed: it is paused for a reason (a full datastore, an I/O error) that a person has to look at.

**Undo** shuts the guest down again, and cuts its power if it does not go down within two minutes. A VM that ran before is left running.`,
  example: `- uses: vm.start
  with:
    vm: web1
    waitForGuest: 120`,
  inputs: Type.Object(
    {
      vm: vmReference('The VM to start, by name or uuid.'),
      waitForGuest: Type.Optional(
        Type.Integer({
          minimum: 0,
          default: 0,
          description: 'Seconds to wait until commands can be run in the guest; 0: do not wait.',
        }),
      ),
    },
    closed,
  ),
  outputs: Type.Object(
    {
      host: Type.String({ description: 'Host that it runs on.' }),
      alreadyRunning: Type.Boolean({ description: 'It ran before, so nothing was done.' }),
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
  undoClass: 'reversible',
  idempotent: true,
  requires: () => ['power'],
  operation: () => ({ exclusive: true, leaves: 'on' }),
  targets: ({ vm }) => ({ reads: [], changes: [{ kind: 'vm', name: vm }] }),
  describe: ({ vm }) => `start ${vm}`,
  describeUndo: ({ vm }, before) =>
    before?.state === 'running' ? `leave ${vm} running, as it was` : `shut ${vm} down`,
  estimateSeconds: ({ waitForGuest }) => startSeconds + (waitForGuest ? bootSeconds : 0),
  // Whether or not anybody waits for it, the guest has to boot.
  outageSeconds: () => startSeconds + bootSeconds,

  preflight: (context, { vm }) =>
    inspect(context, vm, async location => {
      const findings = pausedBlocker(location);
      if (location.vm.state === 'running') return [warning(`${vm} is running already; nothing will be done.`)];
      const { hosts } = await location.hypervisor.state();
      const free = hosts.find(host => host.name === location.host)?.freeMemoryMiB;
      if (free !== undefined && free < location.vm.memoryMiB) {
        findings.push(
          blocker(
            `${location.host} has ${free} MiB of memory left, ${vm} needs ${location.vm.memoryMiB}; free some first.`,
          ),
        );
      }
      return findings;
    }),

  async prepare(context, { vm }) {
    const { vm: info } = await context.fleet.locate(vm);
    return { uuid: info.uuid, state: info.state };
  },

  async apply(context, inputs, before) {
    const location = await context.fleet.locate(before.uuid);
    const alreadyRunning = location.vm.state === 'running';
    if (!alreadyRunning) {
      await portOf(location, 'power').start(before.uuid, { signal: context.signal, onProgress: context.progress });
    }
    if (inputs.waitForGuest) await waitForGuest(context, inputs.vm, 'auto', inputs.waitForGuest * 1000);
    return { host: location.host, alreadyRunning };
  },

  async probe(context, inputs, before) {
    const { vm, host } = await context.fleet.locate(before.uuid);
    if (vm.state === 'running')
      return { outcome: 'done', outputs: { host, alreadyRunning: before.state === 'running' } };
    if (vm.state === 'shutoff') return { outcome: 'not-done' };
    return { outcome: 'unknown', why: `${inputs.vm} is ${vm.state}${vm.stateReason ? ` (${vm.stateReason})` : ''}.` };
  },

  async undo(context, inputs, before) {
    if (before.state === 'running') return;
    const location = await context.fleet.locate(before.uuid);
    if (location.vm.state === 'shutoff') return;
    const power = portOf(location, 'power');
    try {
      await power.shutdown(before.uuid, { mode: 'auto', timeoutMs: 120_000 });
    } catch (error) {
      if (!(error instanceof HypervisorError)) throw error;
      const now = await context.fleet.locate(before.uuid);
      if (now.vm.state === 'shutoff') return;
      context.log(`${inputs.vm} does not shut down (${error.message}); its power is cut.`);
      await portOf(now, 'power').destroy(before.uuid);
    }
  },
});
