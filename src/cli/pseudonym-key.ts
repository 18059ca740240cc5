import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { shortestKey } from '../inventory/pseudonyms';
import { stateFolder } from '../runner/state-folder';
import { repositoryFolder } from './repository-folder';
import { UsageError } from './usage-error';

/**
 * The key of pseudonyms and the file that holds it, as hexadecimal digits; made when there is none yet.
 * @throws UsageError when the file could be committed with what it protects, or holds no key
 */
export async function pseudonymKey(file: string | undefined): Promise<{ file: string; key: Uint8Array }> {
  const path = resolve(file ?? join(stateFolder(), 'pseudonyms.key'));
  const repository = repositoryFolder(path);
  if (repository !== undefined) {
    throw new UsageError(
      `The key of the pseudonyms must not be committed, and ${path} is in the repository ${repository}. Name a file elsewhere with --pseudonym-key.`,
    );
  }
  const made = randomBytes(shortestKey).toString('hex');
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, `${made}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const text = (await readFile(path, 'utf8')).trim();
  if (!/^([0-9a-f]{2})+$/i.test(text) || text.length < 2 * shortestKey) {
    throw new UsageError(
      `${path} holds no key of pseudonyms: it takes ${2 * shortestKey} hexadecimal digits or more, as \`openssl rand -hex ${shortestKey}\` prints them. Remove the file to have a new one made.`,
    );
  }
  return { file: path, key: Buffer.from(text, 'hex') };
}
