import type { Review } from '../model';
import { reportItems } from './report-items';

const severities = { error: 'major', warning: 'minor', info: 'info' } as const;

/** A code quality report of GitLab: an array of what is new. */
export function reviewGitlab(review: Review): string {
  const issues = reportItems(review)
    .filter(({ state }) => state === 'new')
    .map(({ code, severity, message, place, fingerprint }) => ({
      description: message,
      check_name: code,
      fingerprint,
      severity: code.startsWith('rehearsal-') ? 'critical' : severities[severity],
      location: { path: place.path, lines: { begin: place.line, end: place.endLine } },
    }));
  return `${JSON.stringify(issues, undefined, 2)}\n`;
}
