import { type Static, Type } from 'typebox';
import { HypervisorError } from '../hypervisors/errors';
import { type ActionContext, defineAction } from './action';
import { ActionError } from './action-error';
import { argvSchema, viaSchema } from './guest.run';
import { lastWords, runInGuest } from './guest-command';
import { blocker, inspect, warning } from './located-vm';
import { closed, vmReference } from './references';

const defaultTimeout = 60;
const defaultInterval = 2;

const inputs = Type.Object(
  {
    vm: vmReference('The VM to look at, by name or uuid.'),
    agent: Type.Optional(Type.Boolean({ default: false, description: 'The guest agent answers.' })),
    tcp: Type.Optional(
      Type.Object(
        {
          port: Type.Integer({ minimum: 1, maximum: 65535, description: 'Port of the guest.' }),
          address: Type.Optional(
            Type.String({ description: 'Where it listens; the address of the VM when left out.' }),
          ),
        },
        { ...closed, description: 'Something accepts connections on this port.' },
      ),
    ),
    http: Type.Optional(
      Type.Object(
        {
          url: Type.String({ pattern: '^https?://', description: 'What to ask for; the runner asks, not the guest.' }),
          status: Type.Optional(Type.Integer({ default: 200, description: 'Status that it must answer.' })),
          contains: Type.Optional(Type.String({ description: 'Text that must be in the answer.' })),
        },
        { ...closed, description: 'A URL answers as it should.' },
      ),
    ),
    systemd: Type.Optional(Type.Array(Type.String(), { minItems: 1, description: 'Units that must be active.' })),
    command: Type.Optional(argvSchema('A command that only looks and must end with code 0 in the guest.')),
    via: viaSchema,
    timeout: Type.Optional(
      Type.Integer({
        minimum: 0,
        default: defaultTimeout,
        description: 'Seconds in which all of it must become true; 0: look once.',
      }),
    ),
    interval: Type.Optional(
      Type.Integer({ minimum: 1, default: defaultInterval, description: 'Seconds between two looks.' }),
    ),
  },
  closed,
);
type Inputs = Static<typeof inputs>;

/** One thing to look at; resolves with what is wrong, or undefined when it is as it should be. */
interface Check {
  name: string;
  look(): Promise<string | undefined>;
}

export const checkGuest = defineAction({
  name: 'check.guest',
  title: 'Check a guest',
  summary: 'Waits until a guest is healthy: its agent, a port, a URL, its services or a command.',
  docs: `Looks at everything that is asked for, again and again until all of it is true at once or the time is over; then the step fails, and
with it the run. It changes nothing, so there is nothing to undo.

\`tcp\` and \`http\` are tried from where the runner is, \`systemd\` and \`command\` run in the guest.`,
  example: `- uses: check.guest
  with:
    vm: web1
    agent: true
    systemd: [nginx]
    tcp: { port: 80 }
    timeout: 120`,
  inputs,
  outputs: Type.Object(
    {
      attempts: Type.Integer({ description: 'How often it looked.' }),
      checks: Type.Array(Type.String(), { description: 'What was found to be true.' }),
    },
    closed,
  ),
  before: Type.Object({ uuid: Type.String({ description: 'Identity of the VM.' }) }, closed),
  undoClass: 'none',
  idempotent: true,
  requires: ({ agent }) => (agent ? ['guest.agent'] : []),
  operation: ({ http, tcp, agent, systemd, command }) => ({
    role: 'check',
    // What a URL, another address or a command says may be of another machine.
    tellsOf: http || command || tcp?.address !== undefined ? 'anything' : 'vm',
    ...((agent || systemd || command) && { needsRunning: true }),
  }),
  targets: ({ vm }) => ({ reads: [{ kind: 'vm', name: vm }], changes: [] }),
  describe: given => `check ${given.vm}: ${named(given).join(', ') || 'nothing'}`,
  describeUndo: () => 'nothing: it only looks',
  estimateSeconds: () => 5,
  // No `outageSeconds`: it only looks.

  preflight: (context, given) =>
    inspect(context, given.vm, async location => {
      if (named(given).length === 0) {
        return [blocker(`Nothing to check on ${given.vm}; say at least one of agent, tcp, http, systemd or command.`)];
      }
      const findings = [];
      if (given.tcp && given.tcp.address === undefined && (await context.fleet.address(given.vm)) === undefined) {
        findings.push(
          blocker(
            `It is not known where ${given.vm} is reached; give \`tcp.address\`, or its address in the inventory.`,
          ),
        );
      }
      // It may be an earlier step's work to start it, so this is no reason to stop.
      if (location.vm.state !== 'running') findings.push(warning(`${given.vm} is ${location.vm.state} now.`));
      return findings;
    }),

  async prepare(context, { vm }) {
    const { vm: info } = await context.fleet.locate(vm);
    return { uuid: info.uuid };
  },

  async apply(context, given, before) {
    const checks = checksOf(context, given, before.uuid);
    if (checks.length === 0) {
      throw new ActionError(
        `Nothing to check on ${given.vm}; say at least one of agent, tcp, http, systemd or command.`,
      );
    }
    const end = context.now() + (given.timeout ?? defaultTimeout) * 1000;
    for (let attempts = 1; ; attempts++) {
      const wrong: string[] = [];
      for (const check of checks) {
        const problem = await attempt(check);
        if (problem !== undefined) wrong.push(`${check.name}: ${problem}`);
      }
      if (wrong.length === 0) return { attempts, checks: checks.map(check => check.name) };
      context.progress({ message: wrong.join('; ') });
      if (context.now() >= end) {
        throw new ActionError(
          `${given.vm} is not healthy after ${given.timeout ?? defaultTimeout} s (looked ${attempts} times): ${wrong.join('; ')}`,
          { vm: given.vm },
        );
      }
      await context.sleep((given.interval ?? defaultInterval) * 1000);
    }
  },

  // It changes nothing, so it can simply look again.
  async probe() {
    return { outcome: 'not-done' };
  },
});

function named(given: Inputs): string[] {
  return [
    ...(given.agent ? ['agent'] : []),
    ...(given.tcp ? [`tcp ${given.tcp.port}`] : []),
    ...(given.http ? [given.http.url] : []),
    ...(given.systemd ? [`services ${given.systemd.join(', ')}`] : []),
    ...(given.command ? [given.command.join(' ')] : []),
  ];
}

async function attempt(check: Check): Promise<string | undefined> {
  try {
    return await check.look();
  } catch (error) {
    if (!(error instanceof HypervisorError) || error.kind === 'cancelled') throw error;
    return error.message;
  }
}

function checksOf(context: ActionContext, given: Inputs, uuid: string): Check[] {
  const { fleet, signal } = context;
  const timeoutMs = 10_000;
  const checks: Check[] = [];
  const inGuest = async (argv: string[]) =>
    runInGuest(context, await fleet.guest(given.vm, given.via ?? 'auto'), argv, { timeoutMs, quiet: true });
  if (given.agent) {
    checks.push({
      name: 'agent',
      look: async () => {
        const { hypervisor } = await fleet.locate(uuid);
        if (!hypervisor.guestAgent) return `${hypervisor.connection} can't ask guest agents`;
        await hypervisor.guestAgent.ping(uuid, { timeoutMs });
        return undefined;
      },
    });
  }
  const { tcp, http, systemd, command } = given;
  if (tcp) {
    checks.push({
      name: `tcp ${tcp.port}`,
      look: async () => {
        const address = tcp.address ?? (await fleet.address(given.vm));
        if (address === undefined) return `it is not known where ${given.vm} is reached`;
        await fleet.reach.tcp(address, tcp.port, { timeoutMs, signal });
        return undefined;
      },
    });
  }
  if (http) {
    checks.push({
      name: http.url,
      look: async () => {
        const { status, body } = await fleet.reach.http(http.url, { timeoutMs, signal });
        if (status !== (http.status ?? 200)) return `answered ${status} instead of ${http.status ?? 200}`;
        if (http.contains !== undefined && !body.includes(http.contains)) return `the answer has no "${http.contains}"`;
        return undefined;
      },
    });
  }
  if (systemd) {
    checks.push({
      name: `services ${systemd.join(', ')}`,
      look: async () => {
        const result = await inGuest(['systemctl', 'is-active', ...systemd]);
        if (result.code === 0) return undefined;
        const states = result.stdout.trim().split('\n');
        const bad = systemd
          .map((unit, at) => `${unit} is ${states[at] || 'unknown'}`)
          .filter((_, at) => states[at] !== 'active');
        return bad.join(', ') || lastWords(context, result);
      },
    });
  }
  if (command) {
    checks.push({
      name: command.join(' '),
      look: async () => {
        const result = await inGuest(command);
        return result.code === 0 ? undefined : `ended with code ${result.code}: ${lastWords(context, result)}`;
      },
    });
  }
  return checks;
}
