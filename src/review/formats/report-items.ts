import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { FailurePoint, Place, Problem, Review, ReviewedFile } from '../model';
import { failureText, faultText, type Marks } from './words';

/** One line of what machines are told (SARIF, annotations, code quality): a problem, a failure that does not come back, a file that can't be read. */
export interface ReportItem {
  /** Code of the rule, or of what stands for one. */
  code: string;
  severity: Problem['severity'];
  /** What it is, in few words. */
  title: string;
  message: string;
  place: Place;
  /** `new`: of this change; `unchanged`: was there before; `absent`: is gone. */
  state: 'new' | 'unchanged' | 'absent';
  /** The same while it is the same, wherever its lines move to; unique in a report. */
  fingerprint: string;
}

/** Codes of what no rule of the editor stands for. */
export const extraRules: Record<string, { severity: Problem['severity']; summary: string; docs: string }> = {
  'rehearsal-left': {
    severity: 'error',
    summary: 'A failure from which the run does not come back.',
    docs: 'The rehearsal on a simulated copy ended with something that is not as it was before the run, and the run says so. Give the step a `rollback`, or put what can not be undone behind a `pointOfNoReturn`.',
  },
  'rehearsal-left-unsaid': {
    severity: 'error',
    summary: 'A failure from which the run does not come back, without saying so.',
    docs: 'The rehearsal on a simulated copy ended with something that is not as it was before the run, and nothing in the end of the run names it.',
  },
  'rehearsal-stuck': {
    severity: 'error',
    summary: 'A failure after which the run never ends.',
    docs: 'The rehearsal on a simulated copy never came to an end. Give the step a `timeout`.',
  },
  'rehearsal-fails': {
    severity: 'error',
    summary: 'The run fails even when nothing is made to go wrong.',
    docs: 'The rehearsal on a simulated copy failed without any failure made. Correct the runbook, or the inventory that it is rehearsed on.',
  },
  'unreadable-file': {
    severity: 'error',
    summary: 'A runbook or inventory that can not be read.',
    docs: 'It is new, or could be read before this change. The message says why it can not be now.',
  },
};

/** Each format escapes all of a message. */
const plain: Marks = { name: text => text, prose: text => text };

const severities: readonly Problem['severity'][] = ['error', 'warning', 'info'];

/** The most important first: failures, then errors, warnings and the rest, in the order of files and lines. */
export function reportItems(review: Review): ReportItem[] {
  const found = review.files.flatMap(itemsOf);
  const order = ({ state, code, severity }: Bare): number =>
    (state === 'new' ? 0 : 100) + (code.startsWith('rehearsal-') ? 0 : 10) + severities.indexOf(severity);
  const sorted = found.map((item, at) => ({ item, at })).sort((a, b) => order(a.item) - order(b.item) || a.at - b.at);
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  const items: ReportItem[] = [];
  for (const { item } of sorted) {
    // A problem of a called runbook is seen from each that calls it.
    const whole = JSON.stringify(item);
    if (seen.has(whole)) continue;
    seen.add(whole);
    const { identity, ...rest } = item;
    const base = JSON.stringify([item.code, item.place.path, ...identity]);
    const nth = (counts.get(base) ?? 0) + 1;
    counts.set(base, nth);
    const fingerprint = bytesToHex(sha256(utf8ToBytes(`${base} ${nth}`))).slice(0, 32);
    items.push({ ...rest, fingerprint });
  }
  return items;
}

/** An item without its fingerprint, and what makes it the same as another. */
type Bare = Omit<ReportItem, 'fingerprint'> & { identity: string[] };

function itemsOf(file: ReviewedFile): Bare[] {
  const start: Place = { path: file.path, line: 1, endLine: 1 };
  if (file.kind === 'unreadable') {
    const place = file.place ?? start;
    const message = file.why;
    return [
      {
        code: 'unreadable-file',
        severity: 'error',
        title: 'Not readable',
        message,
        place,
        state: file.isNew ? 'new' : 'unchanged',
        identity: [],
      },
    ];
  }
  const { added, kept, removed } = file.problems;
  const problems = [
    ...added.map(one => problemItem(one, 'new')),
    ...kept.map(one => problemItem(one, 'unchanged')),
    ...removed.map(one => problemItem(one, 'absent')),
  ];
  if (file.kind === 'inventory') return problems;
  const { newlyBad, stillBad, noLongerBad, base, head } = file.rehearsal;
  const failures = [
    ...newlyBad.map(one => failureItem(one, 'new', start)),
    ...stillBad.map(one => failureItem(one, 'unchanged', start)),
    ...noLongerBad.map(one => failureItem(one, 'absent', start)),
  ];
  if (head && head.clean.status !== 'done') {
    failures.push({
      code: 'rehearsal-fails',
      severity: 'error',
      title: 'Fails by itself',
      message: `Rehearsed on a simulated copy, it ends ${head.clean.status} even when nothing is made to go wrong${head.clean.message ? `: ${head.clean.message}` : '.'}`,
      place: start,
      state: base?.clean.status === head.clean.status ? 'unchanged' : 'new',
      identity: [head.clean.status],
    });
  }
  return [...failures, ...problems];
}

function problemItem({ code, severity, message, place }: Problem, state: ReportItem['state']): Bare {
  // Some messages say where something else stands: that moves as well.
  return { code, severity, title: code, message, place, state, identity: [message.replace(/\bline \d+/g, 'line')] };
}

function failureItem(point: FailurePoint, state: ReportItem['state'], start: Place): Bare {
  const left = point.left.length > 0 ? [`Not as it was: ${point.left.join('; ')}.`] : [];
  const now =
    state === 'absent'
      ? `When ${faultText(point.fault, point.step.title)}, it did not come back before, and does now or is gone.`
      : failureText(point, plain);
  return {
    code: `rehearsal-${point.verdict}`,
    severity: 'error',
    title: `${point.step.title} does not come back`,
    message: [`Rehearsed on a simulated copy: ${now}`, ...point.story, ...left].join('\n'),
    place: point.place ?? start,
    state,
    identity: [point.step.key, point.fault],
  };
}
