import { HypervisorError, type HypervisorErrorKind } from '../errors';
import type { GuestAgent, GuestExecOptions, GuestExecResult } from '../ports';
import { type Domain, qemuDomainAgentCommand } from './generated/procedures';
import { type LibvirtHost, pause } from './libvirt-host';

const FIRST_POLL_MS = 20;
const SLOWEST_POLL_MS = 1_000;
const THAW_MS = 60_000;
/** Kinds of failure that say nothing of what the agent does. */
const unheard: ReadonlySet<HypervisorErrorKind> = new Set(['unreachable', 'timeout', 'agent', 'busy']);

/** Commands through qemu-guest-agent. */
export class LibvirtGuestAgent implements GuestAgent {
  constructor(private readonly host: LibvirtHost) {}

  async ping(uuid: string, options: { timeoutMs: number }): Promise<void> {
    await this.command(await this.host.domain(uuid), 'guest-ping', {}, options.timeoutMs);
  }

  async exec(uuid: string, argv: string[], options: GuestExecOptions): Promise<GuestExecResult> {
    const [path, ...arg] = argv;
    if (path === undefined) throw this.host.error('refused', 'an empty command cannot be run.');
    const dom = await this.host.domain(uuid);
    if (options.signal?.aborted)
      throw this.host.error('cancelled', `${path} was not run in ${dom.name}: cancelled.`, dom.name);
    const until = Date.now() + options.timeoutMs;
    const started = await this.command(
      dom,
      'guest-exec',
      {
        path,
        arg,
        'capture-output': true,
        ...(options.stdin === undefined ? {} : { 'input-data': Buffer.from(options.stdin).toString('base64') }),
      },
      Math.min(options.timeoutMs, 30_000),
    );
    const pid = Number(field(started, 'pid'));
    for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 1.5, SLOWEST_POLL_MS)) {
      await pause(Math.min(wait, Math.max(0, until - Date.now())), options.signal);
      const status = await this.command(dom, 'guest-exec-status', { pid }, 30_000).catch(async error => {
        throw await this.begunAndUnheard(dom, path, error);
      });
      if (field(status, 'exited') === true) return this.result(dom, argv, status, options);
      if (options.signal?.aborted || Date.now() >= until) {
        const stopped = await this.kill(dom, pid);
        const still = stopped ? 'it was ended' : `its process ${pid} could not be ended and may still run`;
        throw options.signal?.aborted && stopped
          ? this.host.error('cancelled', `${path} in ${dom.name} was cancelled; ${still}.`, dom.name)
          : this.host.error(
              'timeout',
              `${path} in ${dom.name} was not done after ${Math.round(options.timeoutMs / 1000)} s; ${still}.`,
              dom.name,
            );
      }
    }
  }

  /** The command was begun, so whether it has happened can't be told when nothing is heard of it any more. */
  private async begunAndUnheard(dom: Domain, path: string, error: unknown): Promise<unknown> {
    if (!(error instanceof HypervisorError) || !unheard.has(error.kind) || error.outcomeUnknown) return error;
    if (error.kind === 'agent' && (await this.goesOff(dom)))
      return this.host.error('failed', `${dom.name} went off while ${path} ran in it.`, dom.name, error);
    return new HypervisorError(error.kind, `${error.message} ${path} was begun in ${dom.name} and may still run.`, {
      ...error.details,
      outcomeUnknown: true,
    });
  }

  /** The agent of a VM whose process was killed is gone a moment before libvirt says that the VM is off. */
  private async goesOff(dom: Domain): Promise<boolean> {
    for (let looks = 0; looks < 8; looks++) {
      const active = await this.host.isActive(dom).catch(() => undefined);
      if (active === undefined) return false;
      if (!active) return true;
      await pause(250);
    }
    return false;
  }

  private result(dom: Domain, argv: string[], status: unknown, options: GuestExecOptions): GuestExecResult {
    const decode = (name: string) => Buffer.from(String(field(status, name) ?? ''), 'base64').toString('utf8');
    const stdout = decode('out-data');
    const stderr = decode('err-data');
    if (stdout) options.onOutput?.('stdout', stdout);
    if (stderr) options.onOutput?.('stderr', stderr);
    const code = field(status, 'exitcode');
    const signal = field(status, 'signal');
    if (typeof code !== 'number' && typeof signal !== 'number')
      throw this.host.error('failed', `the agent of ${dom.name} gave no exit code for ${argv[0]}.`, dom.name);
    // As a shell tells it: 128 + the signal's number.
    return { code: typeof code === 'number' ? code : 128 + Number(signal), stdout, stderr };
  }

  /** The agent can't end what it started; kill(1) can. Tells whether the process is seen gone. */
  private async kill(dom: Domain, pid: number): Promise<boolean> {
    for (const signal of ['-TERM', '-KILL']) {
      try {
        await this.command(dom, 'guest-exec', { path: 'kill', arg: [signal, String(pid)] }, 5_000);
        for (let i = 0; i < 10; i++) {
          await pause(100);
          if (field(await this.command(dom, 'guest-exec-status', { pid }, 5_000), 'exited') === true) return true;
        }
      } catch {
        return false;
      }
    }
    return false;
  }

  async thaw(uuid: string, options: { timeoutMs: number }): Promise<number> {
    return Number(
      await this.command(await this.host.domain(uuid), 'guest-fsfreeze-thaw', undefined, options.timeoutMs),
    );
  }

  async isFrozen(uuid: string, options: { timeoutMs: number }): Promise<boolean> {
    return (
      (await this.command(await this.host.domain(uuid), 'guest-fsfreeze-status', undefined, options.timeoutMs)) ===
      'frozen'
    );
  }

  /** Whether the agent answers within the time. */
  async answers(dom: Domain, timeoutMs: number): Promise<boolean> {
    try {
      await this.command(dom, 'guest-ping', undefined, timeoutMs);
      return true;
    } catch (error) {
      if (error instanceof HypervisorError && error.kind !== 'unreachable') return false;
      throw error;
    }
  }

  /**
   * Makes sure that the guest is not left frozen. An agent that is slow to freeze (a hook that takes long) freezes after its caller gave up,
   * and hears a thaw only then: so this asks again for a while.
   * @throws HypervisorError `agent` when the guest is, or may be, frozen still.
   */
  async thawForSure(dom: Domain): Promise<void> {
    const until = Date.now() + THAW_MS;
    for (let wait = 250; ; wait = Math.min(wait * 2, 2_000)) {
      try {
        await this.command(dom, 'guest-fsfreeze-thaw', undefined, 5_000);
        return;
      } catch (error) {
        if (error instanceof HypervisorError && error.kind === 'unreachable') throw error;
        if (!(await this.host.isActive(dom))) return;
        // A hook that fails makes the thaw an error, and the guest is thawed all the same.
        const status = await this.command(dom, 'guest-fsfreeze-status', undefined, 5_000).catch(() => undefined);
        if (status === 'thawed') return;
        if (Date.now() >= until)
          throw this.host.error(
            'agent',
            `the guest of ${dom.name} may still be frozen: its agent does not answer to the thaw. Thaw it, or restart the VM.`,
            dom.name,
            error,
          );
        await pause(wait);
      }
    }
  }

  /** Sends one command; gives its `return`. Rejects with `agent` for silence and for the agent's own errors. */
  async command(dom: Domain, execute: string, args: object | undefined, timeoutMs: number): Promise<unknown> {
    const cmd = JSON.stringify(args && Object.keys(args).length > 0 ? { execute, arguments: args } : { execute });
    const timeout = Math.max(1, Math.ceil(timeoutMs / 1000));
    const { result } = await this.host.call(
      qemuDomainAgentCommand,
      { dom, cmd, timeout, flags: 0 },
      { timeoutMs: timeout * 1000 + 35_000 },
    );
    let reply: unknown;
    try {
      reply = JSON.parse(result ?? '');
    } catch (cause) {
      throw this.host.error('agent', `the agent of ${dom.name} answered ${execute} with no JSON.`, dom.name, cause);
    }
    const error = field(reply, 'error');
    if (error !== undefined)
      throw this.host.error(
        'agent',
        `the agent of ${dom.name} refused ${execute}: ${field(error, 'desc') ?? ''}.`,
        dom.name,
      );
    return field(reply, 'return');
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
