import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { isAbsolute, join, parse as parsePath, sep } from 'node:path';
import { SSHConfig } from 'ssh-config';
import { SshError } from './errors';
import { matchesPattern } from './pattern';

/** One directive of an OpenSSH client config file. */
export interface ConfigLine {
  /** Lower case. */
  keyword: string;
  /** Words as OpenSSH splits them, quotes taken off. */
  words: readonly string[];
  file: string;
  line: number;
}

interface CachedFile {
  stamp: string;
  lines: readonly ConfigLine[];
}

// Parsed files, kept as long as the file on disk does not change: a hundred hosts share one parse.
const cache = new Map<string, CachedFile>();

/**
 * The directives of a file, in order. undefined when there is no such file.
 * @throws SshError `config` naming file and line for a line that cannot be read.
 */
export function readConfigFile(file: string): readonly ConfigLine[] | undefined {
  let stats: Stats;
  try {
    stats = statSync(file);
  } catch {
    return undefined;
  }
  if (!stats.isFile()) return undefined;
  const stamp = `${stats.mtimeMs}:${stats.size}:${stats.ino}`;
  const known = cache.get(file);
  if (known?.stamp === stamp) return known.lines;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SshError('config', `The SSH config file ${file} cannot be read. Check its permissions.`, { cause });
  }
  const lines = parseConfig(text, file);
  cache.set(file, { stamp, lines });
  return lines;
}

/** @throws SshError `config` naming file and line. */
function parseConfig(text: string, file: string): ConfigLine[] {
  const lines: ConfigLine[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    lines.push(parseLine(trimmed, file, index + 1));
  }
  return lines;
}

// The library splits words and quotes; it is given one line at a time because it keeps no line numbers.
function parseLine(text: string, file: string, line: number): ConfigLine {
  try {
    const [node] = SSHConfig.parse(text);
    if (node?.type === SSHConfig.DIRECTIVE) {
      const words = typeof node.value === 'string' ? [node.value] : node.value.map(word => word.val);
      if (words.length > 0 && words[0] !== '') return { keyword: node.param.toLowerCase(), words, file, line };
    }
  } catch {
    // Falls through to the one message.
  }
  throw new SshError('config', `${file}:${line}: this line needs a keyword and a value, with quotes closed: ${text}`);
}

/** Files that an absolute path with `*` and `?` names, sorted as OpenSSH reads them. */
export function expandGlob(path: string): string[] {
  if (!isAbsolute(path) || !/[*?]/.test(path)) return [path];
  const { root } = parsePath(path);
  let found = [root];
  for (const segment of path.slice(root.length).split(sep === '\\' ? /[\\/]+/ : /\/+/)) {
    if (!/[*?]/.test(segment)) {
      found = found.map(folder => join(folder, segment));
      continue;
    }
    found = found.flatMap(folder => {
      try {
        return readdirSync(folder)
          .filter(name => matchesPattern(name, segment) && (!name.startsWith('.') || segment.startsWith('.')))
          .map(name => join(folder, name));
      } catch {
        return [];
      }
    });
  }
  return found.sort();
}
