import { HypervisorError } from '../hypervisors/errors';
import type { Exec } from '../hypervisors/ports';
import type { SshConnections } from '../ssh/contract';
import { SshError } from '../ssh/errors';

/** Commands in a guest over SSH. Connections are shared; what SSH says of itself is told in the classes that the engine knows. */
export function guestOverSsh(connections: SshConnections, target: string, vm: string): Exec {
  return {
    async exec(argv, { stdin, timeoutMs, signal, onOutput }) {
      let started = false;
      try {
        return await connections.use(
          target,
          async session => {
            started = true;
            const out = new TextDecoder();
            const err = new TextDecoder();
            const result = await session.exec(argv, {
              stdin,
              timeoutMs,
              signal,
              ...(onOutput && {
                onStdout: chunk => onOutput('stdout', out.decode(chunk, { stream: true })),
                onStderr: chunk => onOutput('stderr', err.decode(chunk, { stream: true })),
              }),
            });
            return {
              // As a shell says that a signal ended it.
              code: result.code ?? 128,
              stdout: result.stdout.toString(),
              stderr: result.stderr.toString(),
            };
          },
          { signal },
        );
      } catch (error) {
        throw error instanceof SshError ? classified(error, vm, started) : error;
      }
    },
  };
}

/** `started`: the command was on its way, so losing the connection leaves its outcome open. */
function classified(error: SshError, vm: string, started: boolean): HypervisorError {
  const message = `${vm}: ${error.message}`;
  const details = { vm, cause: error, outcomeUnknown: started && (error.code === 'lost' || error.code === 'timeout') };
  switch (error.code) {
    case 'aborted':
      return new HypervisorError('cancelled', message, details);
    case 'timeout':
      return new HypervisorError('timeout', message, details);
    case 'lost':
    case 'unreachable':
      return new HypervisorError('unreachable', message, details);
    case 'channel':
      return new HypervisorError('failed', message, details);
    default:
      return new HypervisorError('refused', message, details);
  }
}
