import { createHash } from 'node:crypto';
import { homedir, hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type ConfigLine, expandGlob, readConfigFile } from './config-file';
import type { TargetOverride } from './contract';
import { SshError } from './errors';
import { matchesPatternList } from './pattern';

/** Where to connect and how, after config files, defaults and tokens. All paths are absolute. */
export interface ResolvedTarget {
  /** As the user typed it. */
  given: string;
  /** Name to connect to, lower case. */
  host: string;
  port: number;
  user: string;
  /** In the order to try; not all need exist. */
  identityFiles: string[];
  /** False when `identityFiles` are the built-in defaults, which may be missing without a word. */
  identityFilesConfigured: boolean;
  identitiesOnly: boolean;
  /** Socket or pipe; undefined = no agent. */
  agent: string | undefined;
  pubkeyAuthentication: boolean;
  passwordAuthentication: boolean;
  keyboardAuthentication: boolean;
  /** Hops before this host, nearest to us first; each is resolved through the same files. */
  jumps: ResolvedTarget[];
  userKnownHostsFiles: string[];
  globalKnownHostsFiles: string[];
  strictHostKeyChecking: 'ask' | 'yes' | 'no' | 'accept-new';
  hostKeyAlias: string | undefined;
  hashKnownHosts: boolean;
  /** Seconds; 0 = no keep-alive. */
  serverAliveInterval: number;
  serverAliveCountMax: number;
  /** Seconds; undefined = not set. */
  connectTimeout: number | undefined;
  addressFamily: 'any' | 'inet' | 'inet6';
}

export interface ResolveOptions {
  /** Instead of ~/.ssh/config; the system-wide file is then left out, as with `ssh -F`. */
  configFile?: string;
  override?: TargetOverride;
}

/** `user@host:port`, with brackets around an IPv6 address: how messages name a host. */
export function nameOf(target: Pick<ResolvedTarget, 'user' | 'host' | 'port'>): string {
  return `${target.user}@${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}

interface ParsedTarget {
  user: string | undefined;
  host: string;
  port: number | undefined;
}

/**
 * Reads `host`, `user@host`, `host:port`, `[v6]:port` and `ssh://user@host:port`.
 * @throws SshError `config`.
 */
export function parseTarget(given: string): ParsedTarget {
  const bad = (why: string) =>
    new SshError('config', `"${given}" is no SSH target: ${why}. Write host, user@host:port or ssh://user@host:port.`);
  let rest = given.trim();
  const uri = /^ssh:\/\//i.test(rest);
  if (uri) rest = rest.slice(6).replace(/\/$/, '');
  if (uri && rest.includes('/')) throw bad('an ssh:// target has no path');
  const at = rest.lastIndexOf('@');
  let user = at >= 0 ? rest.slice(0, at) : undefined;
  let host = rest.slice(at + 1);
  if (user !== undefined && uri) {
    // RFC 3986 userinfo and the ssh draft's ";fingerprint=" part; a password in a URI is refused, as OpenSSH does.
    user = user.split(';')[0]!;
    if (user.includes(':'))
      throw new SshError('config', 'A password has no place in an ssh:// target. Use a key or the agent.');
    try {
      user = decodeURIComponent(user);
    } catch {
      throw bad('the user has a broken % escape');
    }
  }
  let portText: string | undefined;
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(host);
  if (bracketed) {
    host = bracketed[1]!;
    portText = bracketed[2];
  } else if (host.indexOf(':') >= 0 && host.indexOf(':') === host.lastIndexOf(':')) {
    [host, portText] = host.split(':') as [string, string];
  }
  if (host === '') throw bad('the host is missing');
  if (user === '') throw bad('the user before @ is missing');
  // A leading dash is how an option is smuggled into a command line; no host is named so.
  if (host.startsWith('-') || /[\s\0'"`$\\;&<>|(){}/]/.test(host))
    throw bad('the host has characters no host name has');
  const port = portText === undefined ? undefined : readPort(portText);
  if (portText !== undefined && port === undefined) throw bad(`"${portText}" is no port`);
  return { user, host, port };
}

function readPort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535 ? Number(text) : undefined;
}

/**
 * What OpenSSH would make of this target: its own words, then overrides, then config files; the first value wins.
 * Reads files (cached until they change), connects nowhere, runs nothing.
 * @throws SshError `config` naming file and line.
 */
export function resolveTarget(given: string, options: ResolveOptions = {}): ResolvedTarget {
  return resolve(given, options, []);
}

function resolve(given: string, options: ResolveOptions, path: readonly string[]): ResolvedTarget {
  const parsed = parseTarget(given);
  const found = new Settings(parsed, options.override ?? {});
  readAll(found, options);
  return finish(given, parsed, found, options, path);
}

/** Values gathered so far. Keywords are lower case; the first value of each wins, identity files add up. */
class Settings {
  readonly values = new Map<string, ConfigLine>();
  readonly identityFiles: string[] = [];
  finalPass = false;
  wantsFinalPass = false;
  readonly parsed: ParsedTarget;

  constructor(parsed: ParsedTarget, override: TargetOverride) {
    this.parsed = parsed;
    this.set('user', parsed.user ?? override.user);
    this.set('port', parsed.port ?? override.port);
    this.set('hostname', override.hostName);
    this.set(
      'identitiesonly',
      override.identitiesOnly === undefined ? undefined : override.identitiesOnly ? 'yes' : 'no',
    );
    this.set('identityagent', override.identityAgent);
    this.set('proxyjump', override.proxyJump);
    if (override.userKnownHostsFiles) this.set('userknownhostsfile', ...override.userKnownHostsFiles);
    if (override.globalKnownHostsFiles) this.set('globalknownhostsfile', ...override.globalKnownHostsFiles);
    this.identityFiles.push(...(override.identityFiles ?? []));
  }

  private set(keyword: string, ...words: (string | number | undefined)[]): void {
    if (words[0] === undefined) return;
    this.values.set(keyword, { keyword, words: words.map(String), file: 'the command line', line: 0 });
  }

  add(line: ConfigLine): void {
    if (line.keyword === 'identityfile') {
      const name = line.words[0]!;
      if (!this.identityFiles.includes(name)) this.identityFiles.push(name);
      return;
    }
    // For a time, "none" is OpenSSH's word for not set: a later value still counts.
    if (isTime(line.keyword) && line.words[0]!.toLowerCase() === 'none') return;
    if (!this.values.has(line.keyword)) this.values.set(line.keyword, line);
    // OpenSSH lets whichever of the two comes first switch the other off.
    if (line.keyword === 'proxycommand' && !this.values.has('proxyjump'))
      this.values.set('proxyjump', { ...line, words: ['none'] });
    if (line.keyword === 'proxyjump' && !this.values.has('proxycommand'))
      this.values.set('proxycommand', { ...line, words: ['none'] });
  }

  /** OpenSSH takes the name found so far as given for the second reading. */
  enterFinalPass(): void {
    const host = this.hostName.toLowerCase();
    this.finalPass = true;
    const line = this.values.get('hostname') ?? { keyword: 'hostname', file: 'the command line', line: 0 };
    this.values.set('hostname', { ...line, words: [host.replaceAll('%', '%%')] });
  }

  word(keyword: string): string | undefined {
    return this.values.get(keyword)?.words[0];
  }

  /** What `Host` is compared with: the name as typed, and in the final pass the name it led to. */
  get hostArgument(): string {
    return this.finalPass ? this.hostName.toLowerCase() : this.parsed.host;
  }

  /** Host name as `Match host` sees it. */
  get hostName(): string {
    const given = this.word('hostname');
    return given === undefined ? this.parsed.host : expandTokens(given, { h: this.parsed.host }, 'HostName');
  }
}

function readAll(found: Settings, options: ResolveOptions): void {
  if (options.configFile === 'none') return;
  const explicit = options.configFile === undefined ? undefined : fromHome(options.configFile);
  if (explicit !== undefined && readConfigFile(explicit) === undefined)
    throw new SshError('config', `The SSH config file ${explicit} does not exist.`);
  const user = { path: explicit ?? join(homedir(), '.ssh', 'config'), base: join(homedir(), '.ssh') };
  const files = explicit === undefined ? [user, systemFile()] : [user];
  const pass = () => {
    for (const { path, base } of files) apply(readConfigFile(path) ?? [], base, true, found, 0);
  };
  pass();
  if (!found.wantsFinalPass) return;
  found.enterFinalPass();
  pass();
}

function systemFile(): { path: string; base: string } {
  const base = process.platform === 'win32' ? join(process.env.ProgramData ?? 'C:\\ProgramData', 'ssh') : '/etc/ssh';
  return { path: join(base, 'ssh_config'), base };
}

// Returns nothing: an Include leaves the activity of the block that holds it as it was.
function apply(lines: readonly ConfigLine[], base: string, enabled: boolean, found: Settings, depth: number): void {
  let active = enabled;
  for (const line of lines) {
    if (line.keyword === 'host') active = enabled && matchesPatternList(found.hostArgument, line.words);
    else if (line.keyword === 'match') active = matchesCriteria(line, found, enabled) && enabled;
    else if (line.keyword === 'include') {
      if (depth >= 16) throw at(line, 'Include is nested more than 16 deep. Look for a file that includes itself');
      for (const word of line.words) {
        const path = fromHome(word);
        for (const file of expandGlob(isAbsolute(path) ? path : join(base, path)))
          apply(readConfigFile(file) ?? [], base, active, found, depth + 1);
      }
    } else if (active) found.add(line);
  }
}

function matchesCriteria(line: ConfigLine, found: Settings, enabled: boolean): boolean {
  const words = [...line.words];
  let result = true;
  while (words.length > 0) {
    let attribute = words.shift()!.toLowerCase();
    const negated = attribute.startsWith('!');
    if (negated) attribute = attribute.slice(1);
    let holds: boolean;
    if (attribute === 'all') {
      if (words.length > 0 || line.words.length > 2) throw at(line, '"all" stands alone or after canonical/final');
      holds = true;
    } else if (attribute === 'final' || attribute === 'canonical') {
      if (attribute === 'final' && enabled) found.wantsFinalPass = true;
      holds = found.finalPass;
    } else {
      const value = words.shift();
      if (value === undefined) throw at(line, `Match ${attribute} needs a value`);
      const patterns = value.split(',');
      const lower = patterns.map(pattern => pattern.toLowerCase());
      if (attribute === 'host') holds = matchesPatternList(found.hostName.toLowerCase(), lower);
      else if (attribute === 'originalhost') holds = matchesPatternList(found.parsed.host.toLowerCase(), lower);
      else if (attribute === 'user') holds = matchesPatternList(found.word('user') ?? localUser(), patterns);
      else if (attribute === 'localuser') holds = matchesPatternList(localUser(), patterns);
      else if (!result || !enabled) holds = false;
      // Running a program, or guessing what it would say, are both wrong here.
      else
        throw at(
          line,
          `Match ${attribute} is not supported. Use Host, or Match with host, originalhost, user, localuser, final, all`,
        );
    }
    if (holds === negated) result = false;
  }
  return result;
}

function at(line: ConfigLine, problem: string): SshError {
  const where = line.line === 0 ? line.file : `${line.file}:${line.line}`;
  return new SshError('config', `${where}: ${problem}.`);
}

function finish(
  given: string,
  parsed: ParsedTarget,
  found: Settings,
  options: ResolveOptions,
  path: readonly string[],
): ResolvedTarget {
  const proxyCommand = found.values.get('proxycommand');
  if (proxyCommand && proxyCommand.words.join(' ').toLowerCase() !== 'none')
    throw at(proxyCommand, 'ProxyCommand runs a program and is not supported. Use ProxyJump');
  const host = found.hostName.toLowerCase();
  const portLine = found.values.get('port');
  const port = portLine === undefined ? 22 : readPort(portLine.words[0]!);
  if (port === undefined) throw at(portLine!, `"${portLine!.words[0]}" is no port`);
  const user = found.word('user') ?? localUser();
  const home = homedir();
  const tokens: Record<string, string> = {
    d: home,
    h: host,
    i: String(safeUserInfo()?.uid ?? ''),
    k: found.word('hostkeyalias') ?? parsed.host,
    L: hostname().split('.')[0]!,
    l: hostname(),
    n: parsed.host,
    p: String(port),
    r: user,
    u: localUser(),
    j: jumpText(found) ?? '',
  };
  tokens.C = createHash('sha1').update(`${tokens.l}${host}${port}${user}${tokens.j}`).digest('hex');
  const expand = (keyword: string, text: string) =>
    fromHome(expandEnvironment(expandTokens(text, tokens, keyword), keyword));
  const files = (keyword: string, fallback: string[]) => {
    const words = found.values.get(keyword)?.words;
    if (words === undefined) return fallback;
    return words.filter(word => word.toLowerCase() !== 'none').map(word => expand(keyword, word));
  };
  const system = systemFile().base;
  const identityFiles = found.identityFiles.filter(name => name.toLowerCase() !== 'none');
  const strict = found.word('stricthostkeychecking')?.toLowerCase() ?? 'ask';
  const strictness = (
    { ask: 'ask', yes: 'yes', true: 'yes', no: 'no', false: 'no', off: 'no', 'accept-new': 'accept-new' } as const
  )[strict];
  if (strictness === undefined)
    throw at(found.values.get('stricthostkeychecking')!, `StrictHostKeyChecking has no value "${strict}"`);
  return {
    given,
    host,
    port,
    user,
    identityFiles:
      found.identityFiles.length > 0
        ? identityFiles.map(name => expand('IdentityFile', name))
        : ['id_rsa', 'id_ecdsa', 'id_ed25519'].map(name => join(home, '.ssh', name)),
    identityFilesConfigured: found.identityFiles.length > 0,
    identitiesOnly: flag(found, 'identitiesonly', false),
    agent: agentSocket(found.word('identityagent'), expand),
    pubkeyAuthentication: flag(found, 'pubkeyauthentication', true),
    passwordAuthentication: flag(found, 'passwordauthentication', true),
    keyboardAuthentication: flag(found, 'kbdinteractiveauthentication', true),
    jumps: resolveJumps(given, found, options, path),
    userKnownHostsFiles: files('userknownhostsfile', [
      join(home, '.ssh', 'known_hosts'),
      join(home, '.ssh', 'known_hosts2'),
    ]),
    globalKnownHostsFiles: files('globalknownhostsfile', [
      join(system, 'ssh_known_hosts'),
      join(system, 'ssh_known_hosts2'),
    ]),
    strictHostKeyChecking: strictness,
    hostKeyAlias: found.word('hostkeyalias')?.toLowerCase(),
    hashKnownHosts: flag(found, 'hashknownhosts', false),
    serverAliveInterval: seconds(found, 'serveraliveinterval') ?? 15,
    serverAliveCountMax: count(found, 'serveralivecountmax') ?? 3,
    connectTimeout: seconds(found, 'connecttimeout'),
    addressFamily:
      ({ inet: 'inet', inet6: 'inet6' } as const)[found.word('addressfamily')?.toLowerCase() ?? ''] ?? 'any',
  };
}

function agentSocket(word: string | undefined, expand: (keyword: string, text: string) => string): string | undefined {
  if (word?.toLowerCase() === 'none') return undefined;
  if (word !== undefined && word !== 'SSH_AUTH_SOCK') {
    const variable = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(word);
    return variable ? process.env[variable[1]!] || undefined : expand('IdentityAgent', word);
  }
  const socket = process.env.SSH_AUTH_SOCK;
  if (socket) return socket;
  return process.platform === 'win32' && word === undefined ? '\\\\.\\pipe\\openssh-ssh-agent' : undefined;
}

function jumpText(found: Settings): string | undefined {
  const text = found.word('proxyjump');
  return text === undefined || text.toLowerCase() === 'none' ? undefined : text;
}

// `-J a,b host` is OpenSSH's `ssh -J a b`: only the first hop goes by its own ProxyJump.
function resolveJumps(
  given: string,
  found: Settings,
  options: ResolveOptions,
  path: readonly string[],
): ResolvedTarget[] {
  const text = jumpText(found);
  if (text === undefined) return [];
  const line = found.values.get('proxyjump')!;
  if (path.includes(given) || path.length >= 16)
    throw at(
      line,
      `ProxyJump goes round in a circle: ${[...path, given].join(' → ')}. Set "ProxyJump none" for the jump host`,
    );
  const names = text.split(',').map(name => name.trim());
  if (names.includes('')) throw at(line, 'ProxyJump has an empty entry');
  // A hop's own overrides are not ours to set: user and port belong to the last host, files to all.
  const { userKnownHostsFiles, globalKnownHostsFiles, identityFiles, identitiesOnly, identityAgent } =
    options.override ?? {};
  const shared: TargetOverride = {
    userKnownHostsFiles,
    globalKnownHostsFiles,
    identityFiles,
    identitiesOnly,
    identityAgent,
  };
  return names.flatMap((name, index) => {
    const override = index === 0 ? shared : { ...shared, proxyJump: 'none' };
    const hop = resolve(name, { ...options, override }, [...path, given]);
    return [...hop.jumps, { ...hop, jumps: [] }];
  });
}

function flag(found: Settings, keyword: string, fallback: boolean): boolean {
  const line = found.values.get(keyword);
  if (line === undefined) return fallback;
  const word = line.words[0]!.toLowerCase();
  if (word === 'yes' || word === 'true') return true;
  if (word === 'no' || word === 'false') return false;
  // PubkeyAuthentication has values between yes and no that all mean yes here.
  if (keyword === 'pubkeyauthentication' && (word === 'unbound' || word === 'host-bound')) return true;
  throw at(line, `${line.keyword} is yes or no, not "${word}"`);
}

function count(found: Settings, keyword: string): number | undefined {
  const line = found.values.get(keyword);
  if (line === undefined) return undefined;
  if (!/^\d+$/.test(line.words[0]!)) throw at(line, `${keyword} is a number, not "${line.words[0]}"`);
  return Number(line.words[0]);
}

function isTime(keyword: string): boolean {
  return keyword === 'connecttimeout' || keyword === 'serveraliveinterval';
}

const unitSeconds: Record<string, number> = { '': 1, s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

function seconds(found: Settings, keyword: string): number | undefined {
  const line = found.values.get(keyword);
  if (line === undefined) return undefined;
  const word = line.words[0]!.toLowerCase();
  if (!/^(\d+[smhdw]?)+$/.test(word)) throw at(line, `${keyword} is a time such as 30 or 1m, not "${word}"`);
  return [...word.matchAll(/(\d+)([smhdw]?)/g)].reduce(
    (sum, part) => sum + Number(part[1]) * unitSeconds[part[2]!]!,
    0,
  );
}

function expandTokens(text: string, tokens: Record<string, string>, keyword: string): string {
  return text.replace(/%(.?)/gs, (_, token: string) => {
    if (token === '%') return '%';
    const value = tokens[token];
    if (value === undefined)
      throw new SshError('config', `${keyword} "${text}": %${token} has no meaning here. Write %% for a percent sign.`);
    return value;
  });
}

function expandEnvironment(text: string, keyword: string): string {
  return text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = process.env[name];
    if (value === undefined) throw new SshError('config', `${keyword} "${text}": the environment has no ${name}.`);
    return value;
  });
}

function fromHome(path: string): string {
  return path === '~' || path.startsWith('~/') || (process.platform === 'win32' && path.startsWith('~\\'))
    ? join(homedir(), path.slice(1))
    : path;
}

let ownUser: { username: string; uid: number } | undefined;

function safeUserInfo(): { username: string; uid: number } | undefined {
  try {
    // A look into the user database each; every resolved target takes three.
    ownUser ??= userInfo();
    return ownUser;
  } catch {
    // A uid without a passwd entry, as containers have.
    return undefined;
  }
}

function localUser(): string {
  const name = safeUserInfo()?.username ?? process.env.USER ?? process.env.USERNAME ?? 'root';
  // Windows: DOMAIN\user.
  return name.slice(name.lastIndexOf('\\') + 1);
}
