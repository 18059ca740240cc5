import { createHash, createHmac, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { SshError } from './errors';
import { matchesPatternList } from './pattern';

/** A line of a known_hosts file. */
export interface KnownHost {
  file: string;
  line: number;
  marker: 'key' | 'revoked' | 'cert-authority';
  /** Lower-case patterns; empty for a hashed entry. */
  patterns: readonly string[];
  hashed: { salt: Buffer; hash: Buffer } | undefined;
  keyType: string;
  key: Buffer;
}

export interface KnownHostsProblem {
  file: string;
  line: number;
  text: string;
}

export interface KnownHostsFile {
  entries: readonly KnownHost[];
  problems: readonly KnownHostsProblem[];
}

/** What the files say about a key that a server showed. */
export type HostKeyVerdict =
  | { outcome: 'trusted'; by: KnownHost }
  | { outcome: 'revoked'; by: KnownHost }
  /** The host is recorded with other keys, all listed. */
  | { outcome: 'changed'; recorded: readonly KnownHost[] }
  /** `authorities`: CA lines for this host, which cannot be used because host certificates are not verified. */
  | { outcome: 'unknown'; authorities: readonly KnownHost[] };

/** The name a host has in known_hosts: `host`, or `[host]:port` for another port than 22. */
export function knownHostsName(target: { host: string; port: number; hostKeyAlias?: string | undefined }): string {
  if (target.hostKeyAlias !== undefined) return target.hostKeyAlias.toLowerCase();
  return target.port === 22 ? target.host.toLowerCase() : `[${target.host.toLowerCase()}]:${target.port}`;
}

/** `SHA256:…`, as `ssh-keygen -lf` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a public key blob says it has, e.g. `ssh-ed25519`. undefined when it is no key. */
export function keyTypeOf(key: Buffer): string | undefined {
  if (key.length < 4) return undefined;
  const length = key.readUInt32BE(0);
  if (length === 0 || length > 64 || key.length < 4 + length) return undefined;
  return key.toString('latin1', 4, 4 + length);
}

/** Never throws: a line that makes no sense becomes a problem, and trusts nobody. */
export function parseKnownHosts(text: string, file: string): KnownHostsFile {
  const entries: KnownHost[] = [];
  const problems: KnownHostsProblem[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const entry = parseEntry(trimmed, file, index + 1);
    if (typeof entry === 'string') problems.push({ file, line: index + 1, text: entry });
    else entries.push(entry);
  }
  return { entries, problems };
}

function parseEntry(text: string, file: string, line: number): KnownHost | string {
  const words = text.split(/[ \t]+/);
  let marker: KnownHost['marker'] = 'key';
  if (words[0]!.startsWith('@')) {
    const word = words.shift()!;
    if (word === '@revoked') marker = 'revoked';
    else if (word === '@cert-authority') marker = 'cert-authority';
    else return `"${word}" is no marker; known are @revoked and @cert-authority`;
  }
  const [names, keyType, blob] = words;
  if (names === undefined || keyType === undefined || blob === undefined)
    return 'host names, a key type and a key are needed';
  if (/^\d+$/.test(keyType)) return 'this is an SSH version 1 key, which nothing uses any more';
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(blob)) return 'the key is not base64';
  const key = Buffer.from(blob, 'base64');
  if (keyTypeOf(key) !== keyType) return `the key is not of type ${keyType}`;
  const common = { file, line, marker, keyType, key };
  if (!names.startsWith('|')) return { ...common, patterns: names.toLowerCase().split(','), hashed: undefined };
  const hashed = /^\|1\|([A-Za-z0-9+/]+=*)\|([A-Za-z0-9+/]+=*)$/.exec(names);
  if (!hashed) return 'the hashed host name is not |1|salt|hash';
  const [salt, hash] = [Buffer.from(hashed[1]!, 'base64'), Buffer.from(hashed[2]!, 'base64')];
  if (hash.length !== 20) return 'the hashed host name is not a SHA-1 hash';
  return { ...common, patterns: [], hashed: { salt, hash } };
}

function names(entry: KnownHost, host: string): boolean {
  if (entry.hashed) return createHmac('sha1', entry.hashed.salt).update(host).digest().equals(entry.hashed.hash);
  return matchesPatternList(host, entry.patterns);
}

interface CachedFile extends KnownHostsFile {
  stamp: string;
  /** Lines of plain names by name; many hosts at once must not read all lines for each. */
  plain: Map<string, KnownHost[]>;
  /** Lines with patterns or hashes, which have to be tried. */
  others: readonly KnownHost[];
  /** Lines for a host already looked up: hashed files cost a hash per line, so they are asked once per host. */
  byHost: Map<string, readonly KnownHost[]>;
}

const cache = new Map<string, CachedFile>();

/** Lines about one host in several files, cached until a file changes. Missing files are empty. */
export class KnownHosts {
  readonly files: readonly string[];

  constructor(files: readonly string[]) {
    this.files = files;
  }

  /** Every line that names this host (see `knownHostsName`). */
  about(host: string): readonly KnownHost[] {
    return this.files.flatMap(file => {
      const known = load(file);
      let entries = known.byHost.get(host);
      if (entries === undefined) {
        const tried = known.others.filter(entry => names(entry, host));
        entries = [...(known.plain.get(host) ?? []), ...tried].sort((a, b) => a.line - b.line);
        known.byHost.set(host, entries);
      }
      return entries;
    });
  }

  /** Lines that could not be read, in all files. */
  get problems(): readonly KnownHostsProblem[] {
    return this.files.flatMap(file => load(file).problems);
  }

  /** Any different key recorded for this host makes a key that is not recorded `changed`, whatever its type. */
  judge(host: string, key: Buffer): HostKeyVerdict {
    const entries = this.about(host);
    const revoked = entries.find(entry => entry.marker === 'revoked' && entry.key.equals(key));
    if (revoked) return { outcome: 'revoked', by: revoked };
    const recorded = entries.filter(entry => entry.marker === 'key');
    const same = recorded.find(entry => entry.key.equals(key));
    if (same) return { outcome: 'trusted', by: same };
    if (recorded.length > 0) return { outcome: 'changed', recorded };
    return { outcome: 'unknown', authorities: entries.filter(entry => entry.marker === 'cert-authority') };
  }

  /** Key types recorded for this host: asking for one of these first is what makes a known host stay known. */
  typesOf(host: string): string[] {
    return [...new Set(this.about(host).flatMap(entry => (entry.marker === 'key' ? [entry.keyType] : [])))];
  }
}

function load(file: string): CachedFile {
  let stats: Stats | undefined;
  try {
    stats = statSync(file);
  } catch {
    stats = undefined;
  }
  const stamp = stats === undefined ? 'missing' : `${stats.mtimeMs}:${stats.size}:${stats.ino}`;
  const known = cache.get(file);
  if (known?.stamp === stamp) return known;
  let text = '';
  try {
    // A device such as /dev/null means "no known hosts".
    if (stats?.isFile()) text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SshError('config', `The known hosts file ${file} cannot be read. Check its permissions.`, { cause });
  }
  const parsed = parseKnownHosts(text, file);
  const isPlain = (entry: KnownHost) => !entry.hashed && !entry.patterns.some(pattern => /[*?!]/.test(pattern));
  const plain = new Map<string, KnownHost[]>();
  for (const entry of parsed.entries.filter(isPlain))
    for (const name of new Set(entry.patterns)) plain.set(name, [...(plain.get(name) ?? []), entry]);
  const others = parsed.entries.filter(entry => !isPlain(entry));
  const loaded: CachedFile = { stamp, plain, others, byHost: new Map(), ...parsed };
  cache.set(file, loaded);
  return loaded;
}

/**
 * Adds a line for a host to a file, making the file (0600) and its folder (0700) when needed.
 * One write at the end of the file, so that two processes that add at once both succeed.
 */
export function addKnownHost(file: string, host: string, key: Buffer, options: { hash: boolean }): void {
  const keyType = keyTypeOf(key);
  if (keyType === undefined) throw new SshError('config', `${host} shows something that is no public key.`);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const line = `${options.hash ? hashName(host) : host} ${keyType} ${key.toString('base64')}\n`;
  appendFileSync(file, endsInsideLine(file) ? `\n${line}` : line, { mode: 0o600 });
  // The size is part of the stamp, yet a rewrite of equal size within one clock tick is not.
  cache.delete(file);
}

function hashName(host: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(host).digest('base64')}`;
}

function endsInsideLine(file: string): boolean {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch {
    return false;
  }
  try {
    const { size } = fstatSync(handle);
    const last = Buffer.alloc(1);
    return size > 0 && readSync(handle, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
  } finally {
    closeSync(handle);
  }
}
