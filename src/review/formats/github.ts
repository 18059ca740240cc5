import type { Review } from '../model';
import { reportItems } from './report-items';

/** Workflow commands, which GitHub shows as annotations of lines: ten of each level in a step, so the most important come first. */
export function reviewGithub(review: Review): string {
  const levels = { error: 'error', warning: 'warning', info: 'notice' } as const;
  return reportItems(review)
    .filter(({ state }) => state === 'new')
    .map(({ severity, title, message, place }) => {
      const { path, line, endLine } = place;
      const properties = [`file=${property(path)}`, `line=${line}`, `endLine=${endLine}`, `title=${property(title)}`];
      return `::${levels[severity]} ${properties.join(',')}::${data(message)}\n`;
    })
    .join('');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
