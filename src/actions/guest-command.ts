import { HypervisorError } from '../hypervisors/errors';
import type { Exec, GuestExecResult } from '../hypervisors/ports';
import type { ActionContext } from './action';
import { ActionError } from './action-error';

/** How long a guest takes to boot, roughly. */
export const bootSeconds = 13;

export type Via = 'auto' | 'agent' | 'ssh';

/** Runs argv in a guest and passes its output on. A non-zero code resolves. */
export function runInGuest(
  context: ActionContext,
  guest: Exec,
  argv: string[],
  options: { timeoutMs: number; stdin?: string; quiet?: boolean },
): Promise<GuestExecResult> {
  return guest.exec(argv, {
    timeoutMs: options.timeoutMs,
    signal: context.signal,
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    ...(options.quiet ? {} : { onOutput: (stream, text) => context.log(text, stream) }),
  });
}

/** Said by apt and debconf in every failure, and no help in any. */
const chatter = /^(debconf: |Errors were encountered while processing:|W: |E: Sub-process )/;

/** The end of what a command said, for an error that has to fit a line or a few. */
export function lastWords(context: ActionContext, result: GuestExecResult): string {
  return toldOf(context, result.stderr.trim() || result.stdout.trim(), endOf);
}

/** A text that `tell` cuts, without half a secret in it. */
export function toldOf<T>(context: ActionContext, value: T, tell: (value: T) => string): string {
  return context.told ? context.told(value, tell) : tell(value);
}

function endOf(text: string): string {
  const lines = text.split('\n').map(line => line.trim());
  const telling = lines.filter(line => !chatter.test(line));
  const end = (telling.length > 0 ? telling : lines).slice(-5).join('; ').replaceAll(':; ', ': ');
  return end.length > 400 ? `…${end.slice(-400)}` : end || 'it printed nothing';
}

/** Waits until commands can be run in the guest (it has booted). Throws `ActionError` when the time is over. */
export async function waitForGuest(context: ActionContext, vm: string, via: Via, timeoutMs: number): Promise<Exec> {
  const end = context.now() + timeoutMs;
  for (;;) {
    let why: unknown;
    try {
      const guest = await context.fleet.guest(vm, via);
      const { code } = await runInGuest(context, guest, ['true'], { timeoutMs: 5000, quiet: true });
      if (code === 0) return guest;
      why = new Error(`"true" ended with code ${code}`);
    } catch (error) {
      if (!(error instanceof HypervisorError) || error.kind === 'cancelled') throw error;
      why = error;
    }
    if (context.now() >= end) {
      throw new ActionError(
        `No command can be run in ${vm} after ${timeoutMs / 1000} s: ${why instanceof Error ? why.message : why} ` +
          'Look at its console, its agent and its network.',
        { vm, cause: why },
      );
    }
    await context.sleep(2000);
  }
}
