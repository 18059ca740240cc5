import { readFileSync, type Stats, statSync } from 'node:fs';
import { type ParsedKey, utils } from 'ssh2';

/** A private or public key file, as far as it can be read without a passphrase. */
export interface KeyFile {
  path: string;
  /** Known for nearly every key: from the key itself, from `path.pub`, or from the clear part of an encrypted key. */
  publicKey: ParsedKey | undefined;
  /** Ready to sign with; undefined for an encrypted key not yet unlocked and for a public key file. */
  privateKey: ParsedKey | undefined;
  encrypted: boolean;
  /** Why this file is of no use, for the list of what was tried. */
  unusable: string | undefined;
}

interface Cached {
  stamp: string;
  file: KeyFile;
}

// Parsed once for all connections: a hundred hosts share one key.
const cache = new Map<string, Cached>();

/** undefined when there is no such file. */
export function readKeyFile(path: string): KeyFile | undefined {
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch {
    return undefined;
  }
  const stamp = `${stats.mtimeMs}:${stats.size}:${stats.mode}`;
  const known = cache.get(path);
  if (known?.stamp === stamp) return known.file;
  const file = parseFile(path, stats);
  cache.set(path, { stamp, file });
  return file;
}

function parseFile(path: string, stats: Stats): KeyFile {
  const none = { path, publicKey: undefined, privateKey: undefined, encrypted: false };
  let data: Buffer;
  try {
    data = readFileSync(path);
  } catch {
    return { ...none, unusable: 'it cannot be read' };
  }
  const key = firstKey(data);
  if (key && !key.isPrivateKey()) return { ...none, publicKey: key, unusable: undefined };
  // OpenSSH refuses such a key too: whoever else can read it may be using it.
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0)
    return { ...none, unusable: `others may read it (mode 0${(stats.mode & 0o777).toString(8)}); chmod 600 it` };
  if (key) return { ...none, publicKey: key, privateKey: key, unusable: undefined };
  if (!isEncrypted(data))
    return { ...none, unusable: 'its format is not understood (ssh-keygen -p -f FILE rewrites it)' };
  return { ...none, publicKey: publicKeyBeside(path) ?? clearPublicKey(data), encrypted: true, unusable: undefined };
}

function firstKey(data: Buffer | string, passphrase?: string): ParsedKey | undefined {
  // Some formats hold a list; the library's types do not say so.
  const parsed: unknown = utils.parseKey(data, passphrase);
  const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  return key === undefined || key instanceof Error ? undefined : (key as ParsedKey);
}

function isEncrypted(data: Buffer): boolean {
  const result: unknown = utils.parseKey(data);
  return result instanceof Error && /encrypted/i.test(result.message);
}

function publicKeyBeside(path: string): ParsedKey | undefined {
  try {
    return firstKey(readFileSync(`${path}.pub`));
  } catch {
    return undefined;
  }
}

// OpenSSH's own format keeps the public key outside the encrypted part:
// magic, cipher, kdf, kdf options, number of keys, public key; each string with its length before it.
function clearPublicKey(data: Buffer): ParsedKey | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(data.toString('latin1'))?.[1];
  if (body === undefined) return undefined;
  const bytes = Buffer.from(body, 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  try {
    let offset = magic.length;
    for (let skipped = 0; skipped < 3; skipped++) offset += 4 + bytes.readUInt32BE(offset);
    offset += 4;
    const length = bytes.readUInt32BE(offset);
    const blob = bytes.subarray(offset + 4, offset + 4 + length);
    const type = blob.toString('latin1', 4, 4 + blob.readUInt32BE(0));
    return firstKey(`${type} ${blob.toString('base64')}`);
  } catch {
    return undefined;
  }
}

// Being unlocked, by path: connections that need the same key at once ask once.
const unlocking = new Map<string, Promise<ParsedKey | undefined>>();

/**
 * The private key, asking for its passphrase when it is encrypted; asked again up to three times, then kept in memory.
 * undefined when nobody knows the passphrase.
 */
export async function unlock(
  file: KeyFile,
  ask: ((keyPath: string, attempt: number) => Promise<string | undefined>) | undefined,
): Promise<ParsedKey | undefined> {
  const current = readKeyFile(file.path) ?? file;
  if (current.privateKey || !current.encrypted || ask === undefined) return current.privateKey;
  const running = unlocking.get(file.path);
  if (running) return running;
  const work = askAndOpen(current, ask).finally(() => unlocking.delete(file.path));
  unlocking.set(file.path, work);
  return work;
}

async function askAndOpen(
  file: KeyFile,
  ask: (keyPath: string, attempt: number) => Promise<string | undefined>,
): Promise<ParsedKey | undefined> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    const passphrase = await ask(file.path, attempt);
    if (passphrase === undefined) return undefined;
    const key = firstKey(readFileSync(file.path), passphrase);
    if (key?.isPrivateKey()) {
      // The cached object itself learns the key: it is dropped as soon as the file changes.
      file.privateKey = key;
      return key;
    }
  }
  return undefined;
}
