import { details, escaped, grid } from './markdown-text';
import type { Cell, CleanRun, Rehearsal, RehearsedStep, Story } from './rehearse';
import { type RehearsedFault, rehearsedFaults } from './rehearse-points';
import { isBad, needsPerson, type Verdict, verdicts } from './rehearse-verdict';
import { columns, time, withoutMiddle } from './text-table';

export interface ReportOptions {
  /** What of the inventory was taken for granted. */
  assumed?: readonly string[];
  /** Stories told in full; the others are counted. */
  stories?: number;
}

const heads: Record<RehearsedFault, string> = {
  'fails-before': 'fails before',
  'fails-after': 'fails after',
  unknown: 'unknown',
  'host-lost': 'host lost',
  'datastore-full': 'no space',
  'agent-silent': 'agent silent',
  'runner-killed': 'killed',
  cancelled: 'cancelled',
  rejected: 'rejected',
  expired: 'expired',
};

const words: Record<Verdict, string> = {
  'not-hit': '–',
  finished: 'done',
  'came-back': 'back',
  'as-declared': 'kept',
  'came-back-later': 'later',
  forward: 'forward',
  'finally-open': 'open',
  left: 'LEFT',
  'left-unsaid': 'UNSAID',
  stuck: 'STUCK',
};

const legend = [
  'Each number says in how many ways it was made to happen; 8/12: in 8 of 12 ways, the others ended better',
  'done: the run went on and did its work',
  'back: the inventory is as it was before the run',
  'kept: back, apart from what `rollback: none` keeps',
  'later (a person is needed): the run ended in need of one, who started what a lost host took down and rolled the run back again',
  'forward (a person is needed): it stopped at the end of a step, after its point of no return or when its window closed; `virtbook resume` goes on from there',
  'open (a person is needed): all is as it should be but for what finally, or the clean-up after a success, could not do; the run says so',
  'LEFT: not back, and the run says what is left',
  'UNSAID: not back, and the run does not say so',
  'STUCK: the run never ended',
  '–: the fault can not hit this step',
];

/** Beyond this many rows, items of a loop share one. */
const mostRows = 60;
/** Beyond this many, a table in Markdown is folded. */
const mostOpenRows = 20;

/** As a terminal shows it. */
export function rehearsalText(rehearsal: Rehearsal, options: ReportOptions = {}): string {
  const lines = [`Rehearsal of ${rehearsal.name}`, ''];
  for (const line of summary(rehearsal)) lines.push(line);
  if (options.assumed?.length) {
    lines.push('', 'Taken for granted, because nobody has looked:');
    for (const one of options.assumed) lines.push(`  ${one}`);
  }
  if (rehearsal.clean.status === 'done') {
    lines.push(
      '',
      ...columns([['step', ...shownFaults(rehearsal).map(fault => heads[fault])], ...rows(rehearsal)]),
      '',
    );
    for (const line of legendOf(rehearsal)) lines.push(`  ${line}`);
  }
  const { told, more } = chosen(rehearsal, options);
  for (const story of told) {
    lines.push('', `${words[story.verdict]}: ${story.text[0]}`);
    for (const sentence of story.text.slice(1)) lines.push(`  ${sentence}`);
    for (const left of story.left) lines.push(`  not as it was: ${left}`);
  }
  if (more > 0) lines.push('', `… and ${more} more like these; --format json tells all.`);
  if (rehearsal.clean.timetable.length > 0) {
    lines.push('', 'When nothing goes wrong:', ...columns(timetable(rehearsal)).map(line => `  ${line}`));
    lines.push('', 'At most in use:', ...columns(peaks(rehearsal)).map(line => `  ${line}`));
  }
  return `${lines.join('\n')}\n`;
}

/** As a pull request shows it. */
export function rehearsalMarkdown(rehearsal: Rehearsal, options: ReportOptions = {}): string {
  const lines = [`## Rehearsal of ${escaped(rehearsal.name)}`, ''];
  for (const line of summary(rehearsal)) lines.push(`- ${escaped(line)}`);
  if (options.assumed?.length) {
    lines.push('', 'Taken for granted, because nobody has looked:', '');
    for (const one of options.assumed) lines.push(`- ${escaped(one)}`);
  }
  if (rehearsal.clean.status === 'done') {
    const table = grid(['step', ...shownFaults(rehearsal).map(fault => heads[fault])], rows(rehearsal));
    lines.push('', ...folded(table, `${rehearsal.steps.length} steps`), '');
    lines.push(`<sub>${legendOf(rehearsal).map(escaped).join(' · ')}</sub>`);
  }
  const { told, more } = chosen(rehearsal, options);
  if (told.length > 0) lines.push('', '### What does not come back');
  for (const story of told) {
    lines.push('', `**${words[story.verdict]}** ${escaped(story.text[0] ?? '')}`, '');
    for (const sentence of story.text.slice(1)) lines.push(`- ${escaped(sentence)}`);
    for (const left of story.left) lines.push(`- not as it was: ${escaped(left)}`);
  }
  if (more > 0) lines.push('', `… and ${more} more like these.`);
  if (rehearsal.clean.timetable.length === 0) return `${lines.join('\n')}\n`;
  const [timeHead, ...times] = timetable(rehearsal);
  lines.push('', '### When nothing goes wrong', '');
  lines.push(...folded(grid(timeHead ?? [], times), `${rehearsal.clean.timetable.length} steps`));
  const [peakHead, ...load] = peaks(rehearsal);
  lines.push(
    '',
    '### At most in use',
    '',
    ...folded(grid(peakHead ?? [], load), `${load.length} hosts and datastores`),
  );
  return `${lines.join('\n')}\n`;
}

function summary(rehearsal: Rehearsal): string[] {
  const { clean, counts, pairs } = rehearsal;
  const lines: string[] = [];
  if (clean.status === 'done') {
    lines.push(`When nothing goes wrong it is done after ${time(clean.durationMs)}.`, outagesText(clean));
    if (clean.windowOpens !== undefined) {
      lines.push(`It was begun when its maintenance window is open, at ${minute(clean.windowOpens)}.`);
    }
    for (const { key, message, atMs } of clean.noReturn) {
      lines.push(`After ${time(atMs)} it passes its point of no return, ${key}: ${message}`);
    }
  } else {
    const why = clean.failure ? `: ${clean.failedStep ?? ''} ${clean.failure.message}`.replace(':  ', ': ') : '.';
    lines.push(`Even when nothing is made to go wrong, it ends ${clean.status}${why}`);
    lines.push('So no failure point was rehearsed. Correct the runbook, or the inventory it is rehearsed on.');
  }
  if (clean.failedItems.length > 0) lines.push(`Items that fail in any case: ${clean.failedItems.join(', ')}.`);
  for (const warning of clean.warnings) lines.push(warning);
  if (clean.status === 'done') {
    lines.push(tally('failure points', counts));
    if (pairs) lines.push(tally('pairs of failures, the second in the rollback', pairs.counts));
    const { needPerson, asked } = rehearsal;
    if (needPerson > 0) {
      lines.push(
        `${needPerson} of them need a person before all is well: see ${peopleWords(rehearsal)} below. They don't count as failures.`,
      );
    }
    lines.push('VMs that a lost host took down with it stay off; that is not counted against the runbook.');
    if (asked > 0) {
      const forward = clean.noReturn.length > 0 ? ', and after the point of no return: try it again' : '';
      lines.push(
        `In ${asked} a person was asked what had become of a step. The person in the rehearsal answered: roll back${forward}.`,
      );
    }
  }
  return lines;
}

/** VMs whose outages are told; the others are counted. */
const mostOutages = 5;

/** `Longest outage: web1 25 s, web2 80 ms. Off at the end: old1.` */
function outagesText({ outages }: CleanRun): string {
  if (outages.length === 0) return 'No VM that is on stops serving.';
  const some = (names: readonly string[]): string => {
    const more = names.length > mostOutages ? ` and ${names.length - mostOutages} more` : '';
    return names.slice(0, mostOutages).join(', ') + more;
  };
  const ended = outages.filter(one => !one.staysOff).map(({ vm, ms }) => `${vm} ${shortTime(ms)}`);
  const off = outages.filter(one => one.staysOff).map(({ vm }) => vm);
  const told = [
    ...(ended.length > 0 ? [`Longest outage: ${some(ended)}.`] : []),
    ...(off.length > 0 ? [`Off at the end: ${some(off)}.`] : []),
  ];
  return told.join(' ');
}

/** `80 ms`, `25 s`, `1:30`. */
function shortTime(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : time(ms);
}

function peopleWords({ counts, pairs }: Rehearsal): string {
  const found = verdicts.filter(one => needsPerson(one) && counts[one] + (pairs?.counts[one] ?? 0) > 0);
  return found.map(one => words[one]).join(', ');
}

/** `Sat 2026-11-28 22:00 UTC`. */
function minute(at: number): string {
  const day = new Date(at).toLocaleDateString('en-GB', { weekday: 'short', timeZone: 'UTC' });
  return `${day} ${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function tally(what: string, counts: Record<Verdict, number>): string {
  const entries = Object.entries(counts) as [Verdict, number][];
  const all = entries.reduce((sum, [, count]) => sum + count, 0);
  const bad = entries.reduce((sum, [verdict, count]) => sum + (isBad(verdict) ? count : 0), 0);
  const parts = entries.filter(([, count]) => count > 0).map(([verdict, count]) => `${count} ${words[verdict]}`);
  const onward = counts.forward + counts['finally-open'] > 0 ? ' or end where they may' : '';
  return `${all} ${what}: ${bad === 0 ? `all come back${onward}` : `${bad} do not come back`}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}.`;
}

/** Approvals are rejected, and expire, only where there are any. */
function shownFaults({ steps }: Rehearsal): RehearsedFault[] {
  const rare: readonly RehearsedFault[] = ['rejected', 'expired'];
  return rehearsedFaults.filter(fault => !rare.includes(fault) || steps.some(step => step.faults[fault].points > 0));
}

/** What is said of words that stand in the table. */
function legendOf({ steps }: Rehearsal): string[] {
  const told = new Set(steps.flatMap(step => Object.values(step.faults).map(cell => words[cell.worst])));
  return legend.filter(line => {
    const word = /^\S+(?=:| \()/.exec(line)?.[0];
    return word === undefined || told.has(word);
  });
}

function rows(rehearsal: Rehearsal): string[][] {
  return (rehearsal.steps.length > mostRows ? merged(rehearsal.steps) : rehearsal.steps).map(step => [
    step.key,
    ...shownFaults(rehearsal).map(fault => cellText(step.faults[fault])),
  ]);
}

/** Steps of one place in the file, of all items, as one. */
function merged(steps: readonly RehearsedStep[]): RehearsedStep[] {
  const byPointer = new Map<string, RehearsedStep[]>();
  for (const step of steps) byPointer.set(step.pointer, [...(byPointer.get(step.pointer) ?? []), step]);
  return [...byPointer.values()].map(group => {
    const [first] = group;
    const key = group.length === 1 ? first!.key : `${first!.key.replace(/\[[^\]]*\]/g, '[…]')} × ${group.length}`;
    const faults = Object.fromEntries(
      rehearsedFaults.map(fault => [fault, sum(group.map(step => step.faults[fault]))]),
    ) as Record<RehearsedFault, Cell>;
    return { ...first!, key, faults };
  });
}

function sum(cells: readonly Cell[]): Cell {
  const total: Cell = { points: 0, counts: {}, worst: 'not-hit' };
  for (const cell of cells) {
    total.points += cell.points;
    for (const [verdict, count] of Object.entries(cell.counts) as [Verdict, number][]) {
      total.counts[verdict] = (total.counts[verdict] ?? 0) + count;
    }
    if (verdicts.indexOf(cell.worst) > verdicts.indexOf(total.worst)) total.worst = cell.worst;
  }
  return total;
}

/** `back 4`: all four ways; `LEFT 1/4`: one of four, the others better. */
function cellText({ points, counts, worst }: Cell): string {
  if (points === 0 || worst === 'not-hit') return words['not-hit'];
  const count = counts[worst] ?? 0;
  return count === points ? `${words[worst]} ${points}` : `${words[worst]} ${count}/${points}`;
}

function chosen(rehearsal: Rehearsal, { stories = 20 }: ReportOptions): { told: Story[]; more: number } {
  return { told: rehearsal.stories.slice(0, stories), more: Math.max(0, rehearsal.stories.length - stories) };
}

function timetable({ clean }: Rehearsal): string[][] {
  const cells = clean.timetable.map(({ title, fromMs, toMs }) => [time(fromMs), time(toMs), title]);
  return [['from', 'to', 'step'], ...withoutMiddle(cells)];
}

function peaks({ clean }: Rehearsal): string[][] {
  const hosts = Object.entries(clean.peak.hosts)
    .filter(([, peak]) => peak.steps > 0)
    .map(([name, { used, capacity, steps }]) => [name, `${used} of ${capacity} MiB`, `${steps} at once`]);
  const stores = Object.entries(clean.peak.datastores)
    .filter(([, peak]) => peak.used > 0)
    .map(([name, { used, capacity }]) => [name, `${used.toFixed(0)} of ${capacity.toFixed(0)} GiB`, '']);
  return [['host or datastore', 'in use', 'steps'], ...hosts, ...stores];
}

/** A table of many rows is opened on a click. */
function folded(table: string[], what: string): string[] {
  if (table.length - 2 <= mostOpenRows) return table;
  return details(what, table);
}
