import { visible } from '../../engine/markdown-text';
import { columns } from '../../engine/text-table';
import type { Problem, Review, ReviewedFile } from '../model';
import {
  compared,
  failureText,
  headline,
  isFormattingOnly,
  type Marks,
  newTargets,
  noLongerTargets,
  outageChange,
  placeText,
  plural,
  rehearsalChange,
  rehearsedText,
  some,
} from './words';

const marks: Marks = { name: visible, prose: visible };

/** As a terminal shows it. */
export function reviewText(review: Review): string {
  const lines = [headline(review, marks), `${compared(review, marks)}; risk: ${review.risk.level}`];
  if (review.files.length > 0) lines.push(rehearsedText(review));
  for (const file of review.files) lines.push('', ...fileLines(file));
  if (review.reviewers.length > 0) {
    lines.push('', 'Who should look at it:');
    for (const { team, because } of review.reviewers)
      lines.push(`  ${visible(team)}: ${because.map(visible).join(', ')}`);
  }
  if (review.unknowns.length > 0) {
    lines.push('', 'What is not known:', ...review.unknowns.map(text => `  ${visible(text)}`));
  }
  return `${lines.map(safe).join('\n')}\n`;
}

/** The log of a CI run must not take a name for a command. */
function safe(line: string): string {
  return line.replaceAll('##[', '## [').replace(/^(\s*)::/, '$1: :');
}

function fileLines(file: ReviewedFile): string[] {
  const title = `${visible(file.path)} (${file.change}${file.basePath === undefined ? '' : ` from ${visible(file.basePath)}`})`;
  if (file.kind === 'unreadable') return [title, `  ${visible(file.why)}`];
  if (isFormattingOnly(file)) return [title, '  only comments and formatting'];
  const lines = [`${title}  risk: ${file.risk.level}`];
  for (const { text } of file.risk.reasons) lines.push(`  ! ${visible(text)}`);
  if (file.kind === 'runbook') {
    if (file.because.length > 0) lines.push(`  affected by ${some(file.because, 8, marks)}`);
    const added = newTargets(file);
    const removed = noLongerTargets(file);
    if (added.length > 0) lines.push(`  newly touched: ${some(added, 12, marks)}`);
    if (removed.length > 0) lines.push(`  no longer touched: ${some(removed, 12, marks)}`);
    if (file.plan.outages.length > 0) {
      lines.push('  longest predicted outage:');
      const rows = file.plan.outages.map(({ vm, before, after }) => [visible(vm), outageChange(before, after)]);
      lines.push(...columns(rows.slice(0, 20)).map(line => `    ${line}`));
    }
    if (file.plan.headProblem) lines.push(`  no plan: ${visible(file.plan.headProblem)}`);
    const change = rehearsalChange(file);
    if (change !== undefined) lines.push(`  failure points that do not come back: ${change}`);
    else if (file.rehearsal.headProblem) lines.push(`  not rehearsed: ${visible(file.rehearsal.headProblem)}`);
    for (const point of file.rehearsal.newlyBad) {
      lines.push(`  NEWLY NOT BACK: ${failureText(point, marks)}`);
      for (const sentence of point.story) lines.push(`    ${visible(sentence)}`);
      for (const left of point.left) lines.push(`    not as it was: ${visible(left)}`);
    }
  }
  for (const { text } of file.differences) lines.push(`  - ${visible(text)}`);
  lines.push(...file.problems.added.map(problem => `  new ${problemText(problem)}`));
  if (file.problems.kept.length > 0) lines.push(`  and ${plural(file.problems.kept.length, 'problem')} from before`);
  if (file.kind === 'runbook') for (const text of file.unknowns) lines.push(`  not known: ${visible(text)}`);
  return lines;
}

function problemText({ severity, code, message, place }: Problem): string {
  return `${severity}: ${visible(placeText(place))} ${visible(message)} (${code})`;
}
