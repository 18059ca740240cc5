import { runbookText } from './runbook-text';

/** Somebody types a line in the middle of a runbook: what it says after every key, and where the cursor stands then. */
export interface Typing {
  /** Before anything is typed. */
  before: string;
  keys: { text: string; offset: number }[];
  /** The first character of a key with a value, near the cursor. */
  near: number;
}

const line = '    name: "Before ${{ inputs.package }} is patched"';

export function typing(lines: number): Typing {
  const before = runbookText(lines);
  const near = before.indexOf('timeout: 5m', before.length / 2);
  const start = before.indexOf('\n', near) + 1;
  const keys = Array.from(line, (_, index) => {
    const typed = line.slice(0, index + 1);
    return { text: `${before.slice(0, start)}${typed}\n${before.slice(start)}`, offset: start + typed.length };
  });
  return { before, keys, near };
}
