/** What the output can show. */
export interface Terminal {
  /** Lines can be redrawn, and a person is looking. */
  live: boolean;
  /** A person can be asked. */
  interactive: boolean;
  color: boolean;
  unicode: boolean;
  columns(): number;
  write(text: string): void;
}

export function openTerminal(env: NodeJS.ProcessEnv = process.env): Terminal {
  const { stdout, stdin } = process;
  const dumb = env.TERM === 'dumb';
  const tty = stdout.isTTY === true && !dumb;
  return {
    live: tty && !env.CI,
    interactive: stdin.isTTY === true && stdout.isTTY === true,
    color: env.NO_COLOR ? false : env.FORCE_COLOR ? env.FORCE_COLOR !== '0' : tty && stdout.hasColors?.() === true,
    unicode: process.platform === 'win32' ? Boolean(env.WT_SESSION ?? env.TERM_PROGRAM) : !dumb && env.TERM !== 'linux',
    // Some terminals say 0.
    columns: () => stdout.columns || 80,
    write: text => {
      stdout.write(text);
    },
  };
}

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  cyan: [36, 39],
} as const;
export type Color = keyof typeof codes;

export function paint(terminal: Pick<Terminal, 'color'>, color: Color, text: string): string {
  if (!terminal.color || text === '') return text;
  const [on, off] = codes[color];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

/**
 * A line of text from runbooks, guests and hypervisors, which must neither drive the terminal, nor look like a line of ours, nor turn the direction
 * of what stands around it.
 */
export function printable(text: string): string {
  return text
    .replace(/[\r\n\u0085\u2028\u2029]\s*/g, ' ')
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '�');
}

/** A message that may have several lines; those after the first are set in, so that none passes for one of ours. */
export function printableLines(text: string, indent = '    '): string {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line, at) => (at === 0 ? '' : indent) + printable(line))
    .join('\n');
}

/** Cut to a width, without colour codes. Wide characters count double, so that a redrawn line never wraps. */
export function cutTo(text: string, width: number): string {
  let used = 0;
  let result = '';
  for (const char of text) {
    const code = char.codePointAt(0)!;
    const size =
      code >= 0x1100 &&
      (code <= 0x115f ||
        (code >= 0x2e80 && code <= 0xa4cf) ||
        (code >= 0xac00 && code <= 0xd7a3) ||
        (code >= 0xf900 && code <= 0xfaff) ||
        (code >= 0xfe30 && code <= 0xfe6f) ||
        (code >= 0xff00 && code <= 0xff60) ||
        code >= 0x1f300)
        ? 2
        : 1;
    if (used + size > width - 1) return `${result}…`;
    used += size;
    result += char;
  }
  return result;
}
