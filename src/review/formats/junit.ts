import type { FailurePoint, Review, ReviewedFile } from '../model';
import { failureText, faultText, type Marks, plural, sentence } from './words';

interface Case {
  name: string;
  /** `skipped`: it is no fault of this change. */
  outcome: 'passed' | 'failed' | 'skipped';
  message?: string;
  text?: string;
}

const plain: Marks = { name: text => text, prose: text => text };

/** Rehearsals and problems as CI shows tests: a suite for each file. */
export function reviewJUnit(review: Review): string {
  const suites = review.files.map(file => ({ path: file.path, cases: casesOf(file) }));
  const all = suites.flatMap(({ cases }) => cases);
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', `<testsuites name="virtbook review"${counts(all)}>`];
  for (const { path, cases } of suites) {
    lines.push(`  <testsuite name="${xml(path)}"${counts(cases)}>`);
    for (const one of cases) lines.push(...caseLines(path, one));
    lines.push('  </testsuite>');
  }
  lines.push('</testsuites>');
  return `${lines.join('\n')}\n`;
}

function counts(cases: readonly Case[]): string {
  const of = (outcome: Case['outcome']): number => cases.filter(one => one.outcome === outcome).length;
  return ` tests="${cases.length}" failures="${of('failed')}" errors="0" skipped="${of('skipped')}"`;
}

function caseLines(path: string, { name, outcome, message, text }: Case): string[] {
  const open = `    <testcase classname="${xml(path)}" name="${xml(name)}" file="${xml(path)}"`;
  if (outcome === 'passed') return [`${open}/>`];
  if (outcome === 'skipped') return [`${open}>`, `      <skipped message="${xml(message ?? '')}"/>`, '    </testcase>'];
  return [
    `${open}>`,
    `      <failure message="${xml(message ?? '')}">${xml(text ?? message ?? '')}</failure>`,
    '    </testcase>',
  ];
}

function casesOf(file: ReviewedFile): Case[] {
  if (file.kind === 'unreadable') {
    return [{ name: 'can be read', outcome: file.isNew ? 'failed' : 'skipped', message: file.why }];
  }
  const cases: Case[] = [];
  if (file.kind === 'runbook') {
    const { base, head, headProblem, newlyBad, stillBad, noLongerBad } = file.rehearsal;
    if (head) {
      const { status, message } = head.clean;
      const name = 'rehearsal: nothing goes wrong';
      const text = `It ends ${status}${message ? `: ${message}` : '.'}`;
      if (status === 'done') cases.push({ name, outcome: 'passed' });
      else if (base?.clean.status === status) cases.push({ name, outcome: 'skipped', message: `As before: ${text}` });
      else cases.push({ name, outcome: 'failed', message: text });
      if (head.points > head.bad) {
        cases.push({
          name: `rehearsal: ${plural(head.points - head.bad, 'failure point')} with a good end`,
          outcome: 'passed',
        });
      }
    } else if (headProblem) {
      cases.push({ name: 'rehearsal', outcome: 'skipped', message: headProblem });
    }
    for (const point of newlyBad) {
      const text = [...point.story, ...point.left.map(left => `Not as it was: ${left}`)].join('\n');
      cases.push({ name: pointName(point), outcome: 'failed', message: failureText(point, plain), text });
    }
    for (const point of stillBad) {
      cases.push({ name: pointName(point), outcome: 'skipped', message: `As before: ${failureText(point, plain)}` });
    }
    for (const point of noLongerBad) cases.push({ name: pointName(point), outcome: 'passed' });
  }
  const { added, kept } = file.problems;
  for (const { code, severity, message, place } of added) {
    const text = `${place.path}:${place.line}: ${sentence(message)}`;
    cases.push({ name: `${code}: ${message}`, outcome: severity === 'error' ? 'failed' : 'skipped', message: text });
  }
  for (const { code, message, place } of kept) {
    const text = `As before: ${place.path}:${place.line}: ${sentence(message)}`;
    cases.push({ name: `${code}: ${message}`, outcome: 'skipped', message: text });
  }
  if (added.length === 0) cases.push({ name: 'no new problems', outcome: 'passed' });
  return cases;
}

function pointName({ step, fault }: FailurePoint): string {
  return `rehearsal: ${faultText(fault, step.key)}`;
}

/** XML 1.0 has no way to write control characters, nor halves of pairs. */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"\t\n\r]/g, character => `&#${character.charCodeAt(0)};`);
}
