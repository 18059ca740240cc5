import { spawn } from 'node:child_process';

/** Process groups that are under way; they end with the bench. */
const running = new Set<number>();
process.once('exit', () => {
  for (const pid of running)
    try {
      process.kill(-pid, 'SIGTERM');
    } catch {
      // It has ended in this moment.
    }
});

/** Runs a command to its end and keeps what it said; children go with it when the bench is stopped. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<{ code: number; stdout: string; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own: a stop ends what it started, too.
      detached: true,
    });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    if (child.pid !== undefined) running.add(child.pid);
    const ended = () => running.delete(child.pid ?? 0);
    child.on('error', error => {
      ended();
      reject(error);
    });
    child.on('close', code => {
      ended();
      resolve({ code: code ?? 1, stdout, output });
    });
  });
}
