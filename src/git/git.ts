import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { dirname, resolve } from 'node:path';

/** What git said, or that there is none: a sentence that says what to do. */
export class GitError extends Error {
  override readonly name = 'GitError';
}

export interface GitAnswer {
  code: number;
  output: Buffer;
  errors: string;
}

/** Of the environment, what says where the repository is: hooks are given it, and `git commit -a` has an index of its own. Nothing that runs a program. */
const kept = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_COMMON_DIR',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_CEILING_DIRECTORIES',
  'GIT_DISCOVERY_ACROSS_FILESYSTEM',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
];

/** Settings that could run a program, or change what git answers. */
const settings: readonly (readonly [string, string])[] = [
  ['core.fsmonitor', 'false'],
  ['core.untrackedCache', 'false'],
  ['core.splitIndex', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.quotePath', 'false'],
  // It would refuse a file whose line ends are not those of this computer.
  ['core.safecrlf', 'false'],
  ['core.pager', 'cat'],
  // Set to `always`, names come with colours.
  ['color.ui', 'false'],
  ['color.grep', 'false'],
  ['core.alternateRefsCommand', ''],
  ['submodule.recurse', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
];

/** Where git is started from: on Windows a program is looked for in that folder first, and one called git may lie in a repository. */
const neutral = dirname(process.execPath);

/** Runs git, without a shell, and so that it neither writes to the repository nor runs anything that is set in it. */
export class Git {
  readonly #env: NodeJS.ProcessEnv;

  constructor(
    readonly folder: string,
    environment: NodeJS.ProcessEnv = process.env,
    /** Further settings. */
    private readonly more: readonly (readonly [string, string])[] = [],
  ) {
    this.#env = gitEnvironment(environment, [...settings, ...more]);
  }

  /** The same with other settings or another environment. */
  with(environment: NodeJS.ProcessEnv, more: readonly (readonly [string, string])[] = []): Git {
    return new Git(this.folder, { ...process.env, ...environment }, [...this.more, ...more]);
  }

  start(args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn('git', ['-C', resolve(this.folder), '--no-pager', '--no-optional-locks', ...args], {
      cwd: neutral,
      env: this.#env,
      stdio: 'pipe',
      windowsHide: true,
    });
  }

  /** @throws GitError when there is no git */
  async ask(args: readonly string[], input?: string | Buffer): Promise<GitAnswer> {
    const child = this.start(args);
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => output.push(piece));
    child.stderr.on('data', (piece: Buffer) => errors.push(piece));
    // One that ends before it has read all tells more by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    return new Promise<GitAnswer>((resolve, reject) => {
      child.on('error', error => reject(notStarted(error, this.folder)));
      child.on('close', code =>
        resolve({ code: code ?? -1, output: Buffer.concat(output), errors: Buffer.concat(errors).toString('utf8') }),
      );
    });
  }

  /** What it prints. @throws GitError with what it said, when it fails */
  async run(args: readonly string[], input?: string | Buffer): Promise<Buffer> {
    const { code, output, errors } = await this.ask(args, input);
    if (code !== 0) throw new GitError(said(args, errors));
    return output;
  }

  /** The same as a line of text. */
  async line(args: readonly string[]): Promise<string> {
    return lineOf(await this.run(args));
  }
}

export function lineOf(output: Buffer): string {
  return output.toString('utf8').replace(/\r?\n$/, '');
}

export function notStarted(error: Error, folder: string): GitError {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return new GitError(`git can't be started: ${error.message}`);
  return new GitError(`git can't be started for ${folder}: install it, or put it in the PATH.`);
}

function said(args: readonly string[], errors: string): string {
  const text = errors.trim().replace(/^(fatal|error): /, '');
  return `git ${args[0] ?? ''} failed: ${text || 'it did not say why.'}`;
}

function gitEnvironment(from: NodeJS.ProcessEnv, more: readonly (readonly [string, string])[]): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(from))
    if (!name.startsWith('GIT_') || kept.includes(name)) env[name] = value;
  // Continuous integration says `safe.directory` in this way.
  const given = Number.parseInt(from.GIT_CONFIG_COUNT ?? '0', 10) || 0;
  const pairs = Array.from({ length: given }, (_, at) => [
    from[`GIT_CONFIG_KEY_${at}`] ?? '',
    from[`GIT_CONFIG_VALUE_${at}`] ?? '',
  ]);
  const all = [...pairs.filter(([key]) => key !== ''), ...more];
  env.GIT_CONFIG_COUNT = String(all.length);
  for (const [at, [key, value]] of all.entries()) {
    env[`GIT_CONFIG_KEY_${at}`] = key;
    env[`GIT_CONFIG_VALUE_${at}`] = value;
  }
  // Nothing is fetched, also not what a partial clone lacks: that would run the `core.sshCommand` or `uploadpack` that is set.
  env.GIT_ALLOW_PROTOCOL = 'none';
  env.GIT_NO_LAZY_FETCH = '1';
  // Nobody is asked for a password, nothing is written that is not asked for, and messages are in English.
  return {
    ...env,
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_ATTR_NOSYSTEM: '1',
    LC_ALL: 'C',
    LANGUAGE: '',
  };
}
