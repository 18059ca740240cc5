import { runbookText } from './runbook-text';

/** Somebody types a line in the middle of a runbook: what it says after every key, and where the cursor stands then. */
export interface Typing {
  /** Before anything is typed. */
  before: string;
  keys: { text: string; offset: number }[];
  /** The first character of a key with a value, near the cursor. */
  near: number;
}

const line = '    retry: { attempts: 2, delay: 10s }';

export function typing(lines: number): Typing {
  const before = runbookText(lines);
  const near = before.indexOf('timeout: 5m', before.length / 2);
  const start = before.indexOf('\n', near) + 1;
  const keys = Array.from(`${line}\n`, (_, index) => {
    const typed = `${line}\n`.slice(0, index + 1);
    return { text: before.slice(0, start) + typed + before.slice(start), offset: start + typed.length };
  });
  return { before, keys: keys.slice(line.indexOf('r')), near };
}
