import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { isFile } from './is-file';
import { UsageError } from './usage-error';

const run = promisify(execFile);
/** A signature for something else, such as a commit, is none of ours. */
const namespace = 'virtbook-evidence';
const program = 'ssh-keygen';
/** Windows looks for a program in the folder that it is started from first: not in one that holds what somebody else wrote. */
const neutral = dirname(process.execPath);

/**
 * Signs with `ssh-keygen -Y`: a private key, or a public one whose private half is in the agent. A passphrase is asked for at the terminal.
 * Gives the armored signature. @throws UsageError when there is no key, or it can't be used
 */
export async function sign(text: string, key: string | undefined): Promise<string> {
  const chosen = key ?? (await ownKey());
  return inFolder(async folder => {
    const file = join(folder, 'record.md');
    await writeFile(file, text);
    await new Promise<void>((done, reject) => {
      const child = spawn(program, ['-Y', 'sign', '-q', '-f', resolve(chosen), '-n', namespace, file], {
        cwd: neutral,
        stdio: ['inherit', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.on('data', data => {
        said += data;
      });
      child.on('error', error => reject(missing(error)));
      child.on('close', code => {
        if (code === 0) done();
        else reject(new UsageError(`${chosen} can't sign: ${said.trim() || `${program} ended with ${code}`}`));
      });
    });
    return readFile(`${file}.sig`, 'utf8');
  });
}

/** Who signed it. */
export interface Signer {
  /** As the file of allowed signers names them; undefined: it does not know the key, or does not allow it for this. */
  principal?: string;
  /** `ED25519 key SHA256:…` */
  key: string;
}

/** undefined: the signature is not for this text. `allowed`: a file as ssh-keygen(1) describes under ALLOWED SIGNERS. */
export async function verify(
  text: string,
  signature: string,
  allowed: string | undefined,
): Promise<Signer | undefined> {
  return inFolder(async folder => {
    const file = join(folder, 'record.sig');
    await writeFile(file, signature);
    const checked = await keygen(['-Y', 'check-novalidate', '-n', namespace, '-s', file], text);
    if (checked.code !== 0) return undefined;
    const key = /with (\S+ key SHA256:\S+)/.exec(checked.output)?.[1] ?? 'a key';
    if (allowed === undefined) return { key };
    const found = await keygen(['-Y', 'find-principals', '-s', file, '-f', resolve(allowed)], '');
    for (const principal of found.code === 0 ? found.output.split('\n').filter(Boolean) : []) {
      const asked = ['-Y', 'verify', '-n', namespace, '-s', file, '-f', resolve(allowed), '-I', principal];
      const vouched = await keygen(asked, text);
      if (vouched.code === 0) return { key, principal };
    }
    return { key };
  });
}

async function keygen(args: readonly string[], input: string): Promise<{ code: number; output: string }> {
  try {
    const child = run(program, args, { cwd: neutral, maxBuffer: 1 << 20 });
    child.child.stdin?.on('error', () => {});
    child.child.stdin?.end(input);
    return { code: 0, output: (await child).stdout };
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout?: string };
    if (typeof code !== 'number') throw missing(error);
    return { code, output: stdout ?? '' };
  }
}

function missing(error: unknown): Error {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
    return error instanceof Error ? error : new Error(String(error));
  return new UsageError(`There is no ${program} here. It comes with OpenSSH (8.2 or newer); install that.`);
}

/** What git signs commits with, else the first of the usual names. */
async function ownKey(): Promise<string> {
  const format = await gitSetting('gpg.format');
  const key = format === 'ssh' ? await gitSetting('user.signingkey') : undefined;
  if (key !== undefined && !key.startsWith('key::')) return key.startsWith('~/') ? join(homedir(), key.slice(2)) : key;
  const names = ['id_ed25519', 'id_ecdsa', 'id_rsa', 'id_ed25519_sk', 'id_ecdsa_sk'];
  for (const name of names) {
    const file = join(homedir(), '.ssh', name);
    if (await isFile(file)) return file;
    // Its private half may be in the agent only.
    if (await isFile(`${file}.pub`)) return `${file}.pub`;
  }
  throw new UsageError(
    'No SSH key to sign with was found. Name one: --sign ~/.ssh/KEY (or its .pub when the private half is in the agent).',
  );
}

async function gitSetting(name: string): Promise<string | undefined> {
  return run('git', ['config', '--global', '--get', name], { cwd: neutral }).then(
    ({ stdout }) => stdout.trim() || undefined,
    () => undefined,
  );
}

async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'virtbook-sign-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
