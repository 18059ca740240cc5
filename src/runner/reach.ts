import { connect } from 'node:net';
import { HypervisorError } from '../hypervisors/errors';
import type { Reach } from '../hypervisors/ports';

const longestBody = 1024 * 1024;

/** Network probes from this machine. */
export const localReach: Reach = {
  tcp(host, port, { timeoutMs, signal }) {
    return new Promise((resolve, reject) => {
      const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
      const socket = connect({ host, port, signal: limit });
      socket.once('connect', () => {
        socket.destroy();
        resolve();
      });
      socket.on('error', error => reject(unreachable(`${host}:${port}`, error, timeoutMs, limit, signal)));
    });
  },

  async http(url, { timeoutMs, signal }) {
    const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
    try {
      const response = await fetch(url, { signal: limit, redirect: 'manual' });
      let body = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        body += decoder.decode(chunk as Uint8Array, { stream: true });
        if (body.length > longestBody) break;
      }
      return { status: response.status, body };
    } catch (error) {
      throw unreachable(url, error, timeoutMs, limit, signal);
    }
  },
};

/** A probe changes nothing, so its outcome is never unknown. */
function unreachable(
  what: string,
  error: unknown,
  timeoutMs: number,
  limit: AbortSignal,
  signal: AbortSignal | undefined,
): HypervisorError {
  const details = { cause: error, outcomeUnknown: false };
  if (signal?.aborted) return new HypervisorError('cancelled', `The probe of ${what} was stopped.`, details);
  if (limit.aborted) return new HypervisorError('timeout', `${what} gave no answer in ${timeoutMs / 1000} s.`, details);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new HypervisorError(
    'unreachable',
    `${what} can't be reached: ${cause instanceof Error ? cause.message : String(cause)}`,
    details,
  );
}
