import type { Problem, Review, RiskLevel } from './model';
import { failsNewly } from './rehearsal-facts';

/** What makes a review fail. `never` stands alone. */
export const failConditions = [
  'error',
  'warning',
  'not-back',
  'unreadable',
  'risk:medium',
  'risk:high',
  'never',
] as const;
export type FailCondition = (typeof failConditions)[number];

export const usualFailConditions = 'error,not-back,unreadable';

/** Reads a list with commas. A string says what is wrong with it. */
export function parseFailOn(text: string): FailCondition[] | string {
  const words = text
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '');
  const wrong = words.find(word => !isCondition(word));
  if (wrong !== undefined || words.length === 0)
    return `There is no ${wrong === undefined ? 'condition in it' : `condition ${wrong}`}. There are ${failConditions.join(', ')}.`;
  if (words.includes('never') && words.length > 1) return '`never` can only stand alone.';
  return words.filter(isCondition);
}

function isCondition(word: string): word is FailCondition {
  return (failConditions as readonly string[]).includes(word);
}

const levels: readonly RiskLevel[] = ['none', 'low', 'medium', 'high'];

/** Why the review fails by these conditions, each a few words; none: it does not. What was there before the change never counts. */
export function failuresOf(review: Review, conditions: readonly FailCondition[]): string[] {
  const on = new Set(conditions);
  const added: Problem[] = review.files.flatMap(file => (file.kind === 'unreadable' ? [] : file.problems.added));
  const count = (severity: Problem['severity']): number => added.filter(one => one.severity === severity).length;
  const found: string[] = [];
  const tell = (number: number, one: string, many: string): void => {
    if (number > 0) found.push(`${number} ${number === 1 ? one : many}`);
  };
  if (on.has('error') || on.has('warning')) tell(count('error'), 'new error', 'new errors');
  if (on.has('warning')) tell(count('warning'), 'new warning', 'new warnings');
  if (on.has('not-back')) {
    const rehearsals = review.files.flatMap(file => (file.kind === 'runbook' ? [file.rehearsal] : []));
    const points = rehearsals.flatMap(({ newlyBad }) => newlyBad);
    tell(points.length, 'failure point does not come back now', 'failure points do not come back now');
    tell(rehearsals.filter(failsNewly).length, 'runbook fails now by itself', 'runbooks fail now by themselves');
  }
  if (on.has('unreadable')) {
    const files = review.files.filter(file => file.kind === 'unreadable' && file.isNew);
    tell(files.length, 'file can not be read', 'files can not be read');
  }
  const least = on.has('risk:medium') ? 'medium' : on.has('risk:high') ? 'high' : undefined;
  if (least && levels.indexOf(review.risk.level) >= levels.indexOf(least))
    found.push(`the risk is ${review.risk.level}`);
  return found;
}
