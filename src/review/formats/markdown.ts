import { clipped, code, details, escaped, markdownTable } from '../../engine/markdown-text';
import { shortHash } from '../../engine/plan-summary';
import { time } from '../../engine/text-table';
import type {
  AddedRemoved,
  FailurePoint,
  Place,
  PlanFacts,
  Problem,
  Review,
  ReviewedFile,
  ReviewedRunbook,
  RiskLevel,
} from '../model';
import {
  compared,
  failureText,
  faultWords,
  headline,
  isFormattingOnly,
  type Marks,
  newTargets,
  placeText,
  plural,
  rehearsalChange,
  rehearsedPoints,
  seconds,
  some,
} from './words';

/** By which a comment is found again, to be updated in place. */
export const reviewMark = '<!-- virtbook-review -->';

export interface MarkdownOptions {
  /** Address of a line of the head, or of the base where it is gone; undefined: no link. */
  link?(place: Place): string | undefined;
  /** Characters at most; GitHub takes 65,536 in a comment. */
  limit?: number;
}

/** Room for the sentence that says what was left out. */
const noteLength = 300;
/** A text in a report is no longer than this. */
const longestText = 500;
/** Differences, problems and failure points of a file that are shown without a click. */
const mostOpen = 12;
/** Lines of one folded list. */
const mostFolded = 200;

const riskWords: Record<RiskLevel, string> = { none: '⚪ none', low: '🟢 low', medium: '🟡 medium', high: '🔴 high' };

/** What is told of one file; details are folded, and left out first when there is no room. */
interface Section {
  core: string;
  details: string[];
}

/** A comment of a pull request, for GitHub, GitLab and Gitea. */
export function reviewMarkdown(review: Review, { link, limit = 65_000 }: MarkdownOptions = {}): string {
  const writer = new Writer(link);
  const told = review.files.filter(file => !isFormattingOnly(file));
  const formatted = review.files.filter(isFormattingOnly);
  return fitted(
    {
      head: [reviewMark, `**${headline(review, marks)}**`, writer.facts(review)].join('\n\n'),
      tableHead: tableHead,
      rows: told.map(file => writer.row(file)),
      sections: told.map(file => writer.section(file)),
      tail: writer.tail(review, formatted),
    },
    limit,
  );
}

const tableHead = ['file', 'change', 'newly touched', 'outage', 'not coming back', 'new problems', 'risk'];

const marks: Marks = { name: text => code(clipped(text, 120)), prose: text => escaped(clipped(text, longestText)) };
const { name, prose } = marks;

class Writer {
  constructor(private readonly link: MarkdownOptions['link']) {}

  facts(review: Review): string {
    const points = rehearsedPoints(review);
    const parts = [
      compared(review, marks),
      `risk: ${riskWords[review.risk.level]}`,
      points > 0
        ? `rehearsed ${plural(points, 'failure point')} on a **simulated** copy; nothing real was touched`
        : 'nothing was rehearsed',
    ];
    return parts.join(' · ');
  }

  row(file: ReviewedFile): string[] {
    const place = file.kind === 'unreadable' ? file.place : undefined;
    const path = this.linked(
      name(file.path),
      place ?? { path: file.path, line: 1, endLine: 1 },
      file.change !== 'deleted',
    );
    if (file.kind === 'unreadable') {
      return [path, "can't be read", '', '', '', file.isNew ? '1' : '', ''];
    }
    const problems = counted(file.problems.added);
    const change = file.change === 'renamed' && file.differences.length === 0 ? 'renamed' : changeText(file);
    if (file.kind === 'inventory') return [path, change, '', '', '', problems, riskWords[file.risk.level]];
    return [
      path,
      change,
      some([...new Set(newTargets(file))], 3, marks),
      outageCell(file),
      rehearsalCell(file),
      problems,
      riskWords[file.risk.level],
    ];
  }

  section(file: ReviewedFile): Section {
    const heading = `### ${this.linked(name(file.path), { path: file.path, line: 1, endLine: 1 }, file.change !== 'deleted')}`;
    if (file.kind === 'unreadable') {
      return { core: [heading, prose(file.why)].join('\n\n'), details: [] };
    }
    const core = [heading];
    if (file.kind === 'runbook') core.push(`${escaped(clipped(file.name, longestText))}`);
    if (file.basePath !== undefined) core.push(`Renamed from ${name(file.basePath)}.`);
    if (file.kind === 'runbook' && file.because.length > 0) {
      core.push(`Affected by ${some(file.because, 8, marks)}.`);
    }
    if (file.kind === 'inventory' && file.runbooks.length > 0) {
      core.push(`Used by ${some(file.runbooks, 8, marks)}.`);
    }
    if (file.risk.reasons.length > 0) {
      core.push(`Risk ${riskWords[file.risk.level]}: ${file.risk.reasons.map(({ text }) => prose(text)).join('; ')}`);
    }
    const folded: string[] = [];
    if (file.kind === 'runbook') this.runbook(file, core, folded);
    this.problems('New problems', file.problems.added, core);
    if (file.differences.length > 0) {
      core.push(
        '**What changes**',
        this.list(file.differences, ({ text, effect, head, base }) => {
          const place = head ?? base;
          const mark =
            effect === 'riskier' ? ' ⚠️ takes a safeguard away' : effect === 'safer' ? ' (a new safeguard)' : '';
          return `- ${prose(text)}${mark}${place ? ` ${this.place(place, head !== undefined)}` : ''}`;
        }),
      );
    }
    if (file.kind === 'runbook') folded.unshift(...this.plan(file));
    if (file.problems.kept.length > 0) {
      folded.push(
        this.foldedProblems(
          `${plural(file.problems.kept.length, 'problem')} that was there before`,
          file.problems.kept,
        ),
      );
    }
    if (file.problems.removed.length > 0) {
      folded.push(
        this.foldedProblems(`${plural(file.problems.removed.length, 'problem')} gone`, file.problems.removed),
      );
    }
    if (file.kind === 'runbook') folded.push(...granted(file));
    return { core: core.join('\n\n'), details: folded };
  }

  private runbook(file: ReviewedRunbook, core: string[], folded: string[]): void {
    const { rehearsal, plan } = file;
    if (plan.headProblem) core.push(`There is no plan: ${prose(plan.headProblem)}`);
    if (rehearsal.headProblem && rehearsal.headProblem !== plan.headProblem) {
      core.push(`Not rehearsed: ${prose(rehearsal.headProblem)}`);
    }
    const { head, base } = rehearsal;
    if (head && head.clean.status !== 'done') {
      const before = base && base.clean.status === head.clean.status ? ' It did so before.' : '';
      core.push(
        `**Even when nothing is made to go wrong, it ends ${prose(head.clean.status)}**${head.clean.message ? `: ${prose(head.clean.message)}` : '.'}${before}`,
      );
    }
    if (rehearsal.newlyBad.length > 0) {
      core.push(
        '**Newly does not come back** (rehearsed on a simulated copy)',
        this.list(rehearsal.newlyBad, point => this.failure(point)),
      );
    }
    if (rehearsal.noLongerBad.length > 0) {
      folded.push(
        details(`${plural(rehearsal.noLongerBad.length, 'failure')} that now come back or are gone`, [
          this.list(
            rehearsal.noLongerBad,
            point => `- ${name(point.step.title)}: when ${faultWords[point.fault]}`,
            mostFolded,
          ),
        ]).join('\n'),
      );
    }
    if (rehearsal.stillBad.length > 0) {
      folded.push(
        details(`${plural(rehearsal.stillBad.length, 'failure')} that did not come back before either`, [
          this.list(rehearsal.stillBad, point => this.failure(point), mostFolded),
        ]).join('\n'),
      );
    }
  }

  private failure(point: FailurePoint): string {
    const place = point.place ? ` ${this.place(point.place, true)}` : '';
    const lines = [`- **${name(point.step.title)}**${place}: ${failureText(point)}`];
    for (const sentence of point.story.slice(0, 12)) lines.push(`  - ${prose(sentence)}`);
    if (point.left.length > 0) lines.push(`  - not as it was: ${point.left.slice(0, 8).map(prose).join('; ')}`);
    return lines.join('\n');
  }

  private problems(title: string, problems: readonly Problem[], core: string[]): void {
    if (problems.length === 0) return;
    core.push(
      `**${title}**`,
      this.list(problems, problem => this.problem(problem)),
    );
  }

  private problem({ severity, code: rule, message, place }: Problem): string {
    return `- ${severity} ${this.place(place, true)}: ${prose(message)} (${name(rule)})`;
  }

  private foldedProblems(summary: string, problems: readonly Problem[]): string {
    return details(summary, [this.list(problems, problem => this.problem(problem), mostFolded)]).join('\n');
  }

  private plan(file: ReviewedRunbook): string[] {
    const { plan } = file;
    const { base, head } = plan;
    if (!base && !head) return [];
    const fact = (title: string, tell: (facts: PlanFacts) => string): string[] => {
      const [before, after] = [base ? tell(base) : '', head ? tell(head) : ''];
      return [title, before, before === after ? 'the same' : after];
    };
    const rows = [
      fact('steps', ({ steps }) => String(steps)),
      fact('estimated time', facts => seconds(facts.seconds)),
      fact('limits', ({ limits }) => (limits ? prose(limits) : 'none')),
      fact('windows', ({ windows }) => windows.map(prose).join('; ') || 'none'),
      fact('plan', ({ hash }) => name(shortHash(hash))),
    ];
    const lists: [string, AddedRemoved][] = [
      ['VMs', plan.vms],
      ['hosts', plan.hosts],
      ['datastores', plan.datastores],
      ['proxies', plan.proxies],
      ["steps that can't be undone", plan.irreversible],
      ['points of no return', plan.pointsOfNoReturn],
      ['secrets', plan.secrets],
    ];
    const changed = lists
      .filter(([, { added, removed, kept }]) => added.length + removed.length + kept.length > 0)
      .map(([title, { added, removed, kept }]) => [
        title,
        some(added, 20, marks),
        some(removed, 20, marks),
        some(kept, 20, marks),
      ]);
    const content = markdownTable(['plan', 'before', 'after'], rows);
    if (changed.length > 0) content.push('', ...markdownTable(['', 'new', 'no longer', 'as before'], changed));
    if (plan.outages.length > 0) {
      const outages = plan.outages
        .slice(0, mostFolded)
        .map(({ vm, before, after }) => [
          name(vm),
          before ? `${seconds(before.seconds)} (${before.from})` : 'none',
          after ? `${seconds(after.seconds)} (${after.from})` : 'none',
        ]);
      content.push('', ...markdownTable(['longest outage of', 'before', 'after'], outages));
    }
    const folded = [details(plan.same ? 'The plan is the same' : 'Plan before and after', content).join('\n')];
    if (head && head.timetable.length > 0) {
      const rows = head.timetable.map(({ title, fromSeconds, toSeconds }) => [
        time(fromSeconds * 1000),
        time(toSeconds * 1000),
        prose(title),
      ]);
      const more = head.timetableLeftOut > 0 ? ['', `… and ${head.timetableLeftOut} more.`] : [];
      folded.push(details('Timetable', [...markdownTable(['from', 'to', 'step'], rows), ...more]).join('\n'));
    }
    return folded;
  }

  tail(review: Review, formatted: readonly ReviewedFile[]): string {
    const parts: string[] = [];
    if (formatted.length > 0) {
      parts.push(
        `Only comments and formatting change in ${some(
          formatted.map(({ path }) => path),
          20,
          marks,
        )}.`,
      );
    }
    if (review.reviewers.length > 0) {
      parts.push(
        '**Who should look at it**',
        this.list(
          review.reviewers,
          ({ team, because }) => `- ${name(team)}: ${because.slice(0, 8).map(prose).join(', ')}`,
        ),
      );
    }
    if (review.unknowns.length > 0) {
      parts.push(
        '**What is not known**',
        this.list(review.unknowns, text => `- ${prose(text)}`),
      );
    }
    return parts.join('\n\n');
  }

  private list<T>(items: readonly T[], line: (item: T) => string, most = mostOpen): string {
    const lines = items.slice(0, most).map(line);
    if (items.length > most) lines.push(`- … and ${items.length - most} more`);
    return lines.join('\n');
  }

  private place(place: Place, exists: boolean): string {
    return this.linked(name(placeText(place)), place, exists);
  }

  private linked(text: string, place: Place, exists: boolean): string {
    const address = exists ? this.link?.(place) : undefined;
    return address !== undefined && /^https?:\/\//.test(address)
      ? `[${text}](<${address.replace(/[\s<>\\|`]/g, encodeURIComponent)}>)`
      : text;
  }
}

function changeText(file: Exclude<ReviewedFile, { kind: 'unreadable' }>): string {
  const count = file.differences.length;
  if (file.change === 'added' || file.change === 'deleted') return file.change;
  return count > 0 ? `${file.change}: ${plural(count, 'difference')}` : file.change;
}

function counted(problems: readonly Problem[]): string {
  const of = (severity: Problem['severity']): number => problems.filter(one => one.severity === severity).length;
  return [
    ...(of('error') > 0 ? [plural(of('error'), 'error')] : []),
    ...(of('warning') > 0 ? [plural(of('warning'), 'warning')] : []),
    ...(of('info') > 0 ? [`${of('info')} info`] : []),
  ].join(', ');
}

function outageCell({ plan }: ReviewedRunbook): string {
  const [first] = plan.outages;
  if (!first) return plan.head ? 'as before' : '';
  const text = (outage: typeof first.before): string => (outage ? seconds(outage.seconds) : 'none');
  const more = plan.outages.length > 1 ? ` and ${plan.outages.length - 1} more` : '';
  return `${name(first.vm)} ${text(first.before)} → ${text(first.after)}${more}`;
}

function rehearsalCell(file: ReviewedRunbook): string {
  const text = rehearsalChange(file);
  if (text === undefined) return file.change === 'deleted' ? '' : 'not rehearsed';
  return file.rehearsal.newlyBad.length > 0 ? `**${text}**` : text;
}

function granted({ plan, rehearsal, unknowns }: ReviewedRunbook): string[] {
  const taken = Object.entries(plan.head?.taken ?? {});
  const lines = [
    ...taken.map(
      ([input, value]) => `- input ${name(input)}: ${name(JSON.stringify(value))} was taken, as it has no default`,
    ),
    ...(rehearsal.head?.assumed ?? []).map(text => `- ${prose(text)}`),
    ...(plan.head?.unknowns ?? []).map(text => `- ${prose(text)}`),
    ...unknowns.map(text => `- ${prose(text)}`),
  ];
  const once = [...new Set(lines)];
  if (once.length === 0) return [];
  const more = once.length > mostFolded ? [`- … and ${once.length - mostFolded} more`] : [];
  return [details('Taken for granted, or not known', [[...once.slice(0, mostFolded), ...more].join('\n')]).join('\n')];
}

interface Parts {
  head: string;
  tableHead: readonly string[];
  rows: string[][];
  sections: Section[];
  tail: string;
}

/** Whole parts are left out until it fits: details from the last file on, then what is said of files, then rows of the table. */
function fitted({ head, tableHead: titles, rows, sections, tail }: Parts, limit: number): string {
  const between = 2;
  const lines = rows.map(row => markdownTable([], [row])[2]!);
  let length =
    head.length +
    tail.length +
    3 * between +
    1 +
    markdownTable(titles, []).join('\n').length +
    sum(lines.map(line => line.length + 1));
  for (const { core, details: folded } of sections) {
    length += core.length + between + sum(folded.map(one => one.length + between));
  }
  const gone = { details: 0, files: 0, rows: 0 };
  if (length > limit) length += noteLength;
  const kept = sections.map(section => ({ ...section, details: [...section.details], isOut: false }));
  for (const section of [...kept].reverse()) {
    while (length > limit && section.details.length > 0) {
      length -= section.details.pop()!.length + between;
      gone.details++;
    }
  }
  for (const section of [...kept].reverse()) {
    if (length <= limit) break;
    length -= section.core.length + between;
    section.isOut = true;
    gone.files++;
  }
  while (length > limit && lines.length > 0) {
    length -= lines.pop()!.length + 1;
    gone.rows++;
  }
  const parts = [head];
  if (lines.length > 0) parts.push([...markdownTable(titles, []), ...lines].join('\n'));
  for (const { core, details: folded, isOut } of kept) {
    if (!isOut) parts.push(core, ...folded);
  }
  if (tail !== '') parts.push(tail);
  const said = [
    ...(gone.rows > 0 ? [`${gone.rows} rows of the table`] : []),
    ...(gone.files > 0 ? [`what is said of ${plural(gone.files, 'file')}`] : []),
    ...(gone.details > 0 ? [`${plural(gone.details, 'folded part')}`] : []),
  ];
  if (said.length > 0)
    parts.push(`Left out for want of room: ${said.join(', ')}. \`virtbook review --format json\` has all of it.`);
  return `${parts.join('\n\n')}\n`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
