import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { labSources } from './guest-cache';

/**
 * Has another process tear down what stands in `directory` when this process is gone, however it went:
 * the end of the pipe between the two tells it. Call what is returned once everything is torn down in good order.
 */
export function watchOver(directory: string): () => void {
  const command = [process.execPath, join(labSources, 'main.mjs'), 'down', '--dir', directory];
  const watchdog = spawn('sh', ['-c', 'read -r _ || exec "$@"', 'lab-watchdog', ...command], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.stdin.on('error', () => undefined);
  watchdog.unref();
  // A pipe is a socket to Node, which its types do not say; it must not keep this process alive.
  if ('unref' in watchdog.stdin && typeof watchdog.stdin.unref === 'function') watchdog.stdin.unref();
  return () => {
    if (!watchdog.stdin.writableEnded) watchdog.stdin.end('\n');
  };
}
