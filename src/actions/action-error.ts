/**
 * A step failed, and it is known how: the action did its work and the result is not what was asked for (a command's exit status, a check
 * that does not pass). What a hypervisor refuses is a `HypervisorError` instead.
 */
export class ActionError extends Error {
  override readonly name = 'ActionError';
  constructor(
    /** A sentence that names the VM and says what to do next. */
    message: string,
    readonly details: { vm?: string; host?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
  }
}
