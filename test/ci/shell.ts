import { spawn } from 'node:child_process';

export interface Ended {
  code: number | null;
  /** Both, in the order in which they came. */
  output: string;
}

export type Env = Record<string, string>;

/** What is set on any computer, and nothing of this one's git. */
export function plainEnv(home: string): Env {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ann',
    GIT_AUTHOR_EMAIL: 'ann@example.com',
    GIT_COMMITTER_NAME: 'Ann',
    GIT_COMMITTER_EMAIL: 'ann@example.com',
  };
}

/** Runs a program and waits for its end. */
export function end(command: string, args: readonly string[], cwd: string, env: Env): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', code => resolve({ code, output }));
  });
}

/** The same for git, whose output is given; rejects when it fails. */
export async function git(cwd: string, env: Env, ...args: string[]): Promise<string> {
  const { code, output } = await end('git', args, cwd, env);
  if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}: ${output}`);
  return output.trimEnd();
}
