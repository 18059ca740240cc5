import type { CheckContext } from './check-context';
import type { Diagnostic } from './diagnostic';
import { type ParsedRunbook, parseRunbook } from './parse';

/** Everything that can be said of a runbook, in order of place, with what the file suppresses left out. */
export function checkRunbook(parsed: ParsedRunbook, _context: CheckContext): Diagnostic[] {
  return parsed.diagnostics;
}

/** Parse and check in one. */
export function checkRunbookText(text: string, context: CheckContext): Diagnostic[] {
  return checkRunbook(parseRunbook(text), context);
}
