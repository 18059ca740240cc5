import { clipped, code, details, escaped, htmlCode, markdownTable } from '../../engine/markdown-text';
import { shortHash } from '../../engine/plan-summary';
import { time } from '../../engine/text-table';
import type {
  AddedRemoved,
  Difference,
  FailurePoint,
  Place,
  PlanFacts,
  Problem,
  RehearsalFacts,
  Review,
  ReviewedFile,
  ReviewedRunbook,
} from '../model';
import { fitted, type Section } from './fitted-markdown';
import {
  alikeFailures,
  bySeverity,
  compared,
  failureText,
  faultText,
  faultWithWays,
  greatestOutageChange,
  headline,
  isFormattingOnly,
  isQuiet,
  type Marks,
  newTargets,
  outageChange,
  outageText,
  placeText,
  plural,
  rehearsalChange,
  rehearsedText,
  seconds,
  sentence,
  some,
  verdictWords,
} from './words';

/** By which a comment is found again, to be updated in place. */
export const reviewMark = '<!-- virtbook-review -->';

export interface MarkdownOptions {
  /** Address (`https:`) of a place at the head; undefined: no link. */
  link?(place: Place): string | undefined;
  /** Characters at most. GitHub takes 65,536 in a comment, GitLab a million. */
  limit?: number;
}

/** Names and sentences that are longer are cut, so that no single one fills a comment. */
const longestName = 120;
const longestText = 500;
/** Items of a list that are shown without a click, and on one. */
const mostOpen = 10;
const mostFolded = 100;
/** Things that are not as they were, and how much of each is told. */
const mostLeft = 4;
const longestLeft = 100;
/** VMs, hosts … in one cell. */
const mostNames = 20;

const marks: Marks = {
  name: text => code(clipped(text, longestName)),
  // Nothing at all would take the item of a list with it.
  prose: text => escaped(clipped(text, longestText)) || '""',
};
const { name, prose } = marks;

/** A comment of a pull request, for GitHub, GitLab and Gitea. */
export function reviewMarkdown(review: Review, { link, limit = 65_000 }: MarkdownOptions = {}): string {
  const writer = new Writer(link);
  const told = review.files.filter(file => !isFormattingOnly(file));
  // What there is only one of is not hidden.
  const isFolded = (file: ReviewedFile): boolean => told.length > 1 && isQuiet(file);
  return fitted(
    {
      head: `${reviewMark}\n${writer.head(review)}`,
      columns: used(
        columns,
        told.map(file => writer.row(file)),
      ),
      after: writer.after(review),
      sections: [
        ...told.filter(file => !isFolded(file)).map(file => writer.section(file)),
        ...told.filter(isFolded).map((file, at) => writer.quiet(file, at === 0)),
      ],
    },
    limit,
  );
}

const columns = ['file', 'change', 'newly touched', 'longest outage', 'not coming back', 'new problems', 'risk'];

/** Without columns in which nothing stands. */
function used(head: readonly string[], rows: readonly string[][]): { head: string[]; rows: string[][] } {
  const kept = head.map((_, at) => at === 0 || rows.some(row => row[at] !== ''));
  return {
    head: head.filter((_, at) => kept[at]),
    rows: rows.map(row => row.filter((_, at) => kept[at])),
  };
}

class Writer {
  constructor(private readonly link: MarkdownOptions['link']) {}

  head(review: Review): string {
    const { level } = review.risk;
    const risk = `risk: ${level === 'high' ? '**high**' : level}`;
    const lines = [`**${headline(review, marks)}**`, [compared(review, marks), risk].join(' · ')];
    if (review.files.length > 0) lines.push(rehearsedText(review));
    return lines.join('\n\n');
  }

  /** What stands between the table and the files. */
  after(review: Review): string {
    const parts: string[] = [];
    if (review.reviewers.length > 0) {
      const teams = review.reviewers
        .slice(0, mostOpen)
        .map(({ team, because }) => `${name(team)} for ${because.slice(0, 5).map(prose).join(', ')}`);
      const more = review.reviewers.length > mostOpen ? `; and ${review.reviewers.length - mostOpen} more` : '';
      parts.push(`**Suggested reviewers:** ${teams.join('; ')}${more}`);
    }
    if (review.unknowns.length > 0) {
      parts.push(`**What can't be known:**\n\n${list(review.unknowns, text => `- ${prose(text)}`, mostOpen)}`);
    }
    const formatted = review.files.filter(isFormattingOnly).map(({ path }) => path);
    if (formatted.length > 0 && formatted.length < review.files.length) {
      parts.push(`Nothing but comments and formatting changes in ${some(formatted, mostNames, marks)}.`);
    }
    return parts.join('\n\n');
  }

  row(file: ReviewedFile): string[] {
    const path = this.linked(name(file.path), placeOf(file), file.change !== 'deleted');
    if (file.kind === 'unreadable') {
      return [path, file.isNew ? "**can't be read**" : "can't be read, as before", '', '', '', '', ''];
    }
    const count = file.differences.length;
    const isOneSided = file.change === 'added' || file.change === 'deleted';
    const change = isOneSided || count === 0 ? file.change : `${file.change}: ${plural(count, 'difference')}`;
    const { level } = file.risk;
    const risk = level === 'high' ? '**high**' : level;
    const problems = counted(file.problems.added);
    if (file.kind === 'inventory') return [path, change, '', '', '', problems, risk];
    const targets = some([...new Set(newTargets(file))], 4, marks);
    return [path, change, targets, outageCell(file), rehearsalCell(file), problems, risk];
  }

  section(file: ReviewedFile): Section {
    const path = this.linked(name(file.path), placeOf(file), file.change !== 'deleted');
    if (file.kind === 'unreadable') {
      return { heading: `### ${path}`, core: [`Can't be read: ${sentence(prose(file.why))}`], details: [] };
    }
    // Never as the beginning of a line: GitLab takes `/close` there for a command.
    const core = [file.kind === 'runbook' ? `Runbook: ${prose(file.name)}` : 'Inventory'];
    if (file.basePath !== undefined) core[0] += ` · renamed from ${name(file.basePath)}`;
    if (file.kind === 'runbook' && file.because.length > 0) {
      core[0] += ` · ${file.change === 'affected' ? 'unchanged itself; ' : ''}affected by ${some(file.because, 6, marks)}`;
    }
    if (file.kind === 'inventory' && file.runbooks.length > 0) {
      core[0] += ` · named by ${some(file.runbooks, 6, marks)}`;
    }
    const { level, reasons } = file.risk;
    if (reasons.length > 0) {
      core.push(
        `**Risk ${level}:** ${reasons
          .slice(0, mostOpen)
          .map(({ text }) => prose(text))
          .join('; ')}`,
      );
    }
    const folded = file.kind === 'runbook' ? this.runbook(file, core) : [];
    const { added, kept, removed } = file.problems;
    if (added.length > 0) core.push(`**New problems**\n\n${this.problems(file, added, mostOpen)}`);
    if (file.differences.length > 0) {
      const line = (one: Difference): string => this.difference(file, one);
      core.push(`**What changes**\n\n${list(file.differences, line, mostOpen)}`);
      if (file.differences.length > mostOpen) {
        folded.unshift(fold('The other differences', list(file.differences.slice(mostOpen), line, mostFolded)));
      }
    }
    if (kept.length > 0) {
      folded.push(fold(`${plural(kept.length, 'problem')} from before`, this.problems(file, kept, mostFolded)));
    }
    if (removed.length > 0) {
      folded.push(fold(`${plural(removed.length, 'problem')} gone`, this.problems(file, removed, mostFolded, true)));
    }
    if (file.kind === 'runbook') folded.push(...granted(file));
    return { heading: `### ${path}`, core, details: folded };
  }

  /** All of it opens on a click. */
  quiet(file: ReviewedFile, isFirst: boolean): Section {
    const what =
      file.kind === 'unreadable'
        ? "can't be read, as before"
        : `${file.change}, ${file.risk.level === 'none' ? 'no' : file.risk.level} risk`;
    const summary = `${htmlCode(clipped(file.path, longestName))}: ${what}`;
    return { ...this.section(file), heading: isFirst ? '### Little or no risk' : '', summary };
  }

  /** Writes what matters of a runbook, and gives what is folded. */
  private runbook(file: ReviewedRunbook, core: string[]): string[] {
    const { rehearsal, plan } = file;
    const { newlyBad, noLongerBad, stillBad, head } = rehearsal;
    if (plan.headProblem) core.push(`**There is no plan:** ${sentence(prose(plan.headProblem))}`);
    if (head && head.clean.status !== 'done') {
      const { status, message } = head.clean;
      const before = rehearsal.base?.clean.status === status ? ' So it did before.' : '';
      const why = message ? `: ${sentence(prose(message))}` : '.';
      core.push(
        `**Even when nothing goes wrong, it ends ${prose(status)}**${why}${before} So no failure point was rehearsed.`,
      );
    } else if (rehearsal.headProblem && rehearsal.headProblem !== plan.headProblem && !plan.headProblem) {
      core.push(`**Not rehearsed:** ${sentence(prose(rehearsal.headProblem))}`);
    }
    const folded: string[] = [];
    if (newlyBad.length > 0) {
      const lines = list(alikeFailures(newlyBad), alike => this.failures(file, alike), mostOpen);
      core.push(`**Newly does not come back** (rehearsed on a simulated copy)\n\n${lines}`);
      const stories = newlyBad.filter(({ story }) => story.length > 0);
      if (stories.length > 0) folded.push(fold('What happens then', list(stories, story, mostFolded)));
    }
    folded.push(...planDetails(file), ...rehearsalDetails(file));
    if (noLongerBad.length > 0) {
      const line = ({ fault, step }: FailurePoint): string => `- When ${faultText(fault, name(step.title))}`;
      const lines = list(noLongerBad, line, mostFolded);
      folded.push(
        fold(`${plural(noLongerBad.length, 'failure')} that did not come back, and now does or is gone`, lines),
      );
    }
    if (stillBad.length > 0) {
      const lines = list(alikeFailures(stillBad), alike => this.failures(file, alike), mostFolded);
      folded.push(fold(`${plural(stillBad.length, 'failure')} that did not come back before either`, lines));
    }
    return folded;
  }

  /** Those of a step that end alike, each on a line of its own where there are several; then what any of them leaves. */
  private failures(file: ReviewedFile, alike: readonly FailurePoint[]): string {
    const point = alike[0]!;
    const where = point.place ? ` ${this.place(file, point.place)}` : '';
    const lines =
      alike.length === 1
        ? [`- ${failureText(point, marks)}${where}`]
        : [`- Step ${name(point.step.title)}${where} ${verdictWords[point.verdict]}:`];
    if (alike.length > 1) for (const one of alike) lines.push(`  - ${faultWithWays(one)}`);
    const left = [...new Set(alike.flatMap(one => one.left))];
    if (left.length === 0) return lines.join('\n');
    const more = left.length > mostLeft ? `; and ${left.length - mostLeft} more` : '';
    const shown = left.slice(0, mostLeft).map(text => prose(clipped(text, longestLeft)));
    lines.push(`  - Not as it was: ${shown.join('; ')}${more}`);
    return lines.join('\n');
  }

  private difference(file: ReviewedFile, { text, effect, head, base }: Difference): string {
    const weight = effect === 'neutral' ? '' : effect === 'riskier' ? ' — **riskier**' : ' — safer';
    const where = head ? ` ${this.place(file, head)}` : base ? ` ${this.place(file, base, true)}` : '';
    return `- ${prose(text)}${weight}${where}`;
  }

  private problems(file: ReviewedFile, problems: readonly Problem[], most: number, isGone = false): string {
    const line = ({ severity, code: rule, message, place }: Problem): string =>
      `- ${severity === 'error' ? '**error**' : severity} ${this.place(file, place, isGone)}: ${prose(message)} ${name(rule)}`;
    return list(bySeverity(problems), line, most);
  }

  /** `line 12`, and its file where that is another. */
  private place(file: ReviewedFile, place: Place, isGone = false): string {
    const there = isGone ? `line ${place.line} at the base` : `line ${place.line}`;
    const text = place.path === file.path ? there : name(placeText(place));
    return `(${this.linked(text, place, !isGone)})`;
  }

  private linked(text: string, place: Place, exists: boolean): string {
    const address = exists ? this.link?.(place) : undefined;
    if (address === undefined || !/^https?:\/\//.test(address)) return text;
    return `[${text}](<${address.replace(/[\s<>\\|`]/g, encodeURIComponent)}>)`;
  }
}

function placeOf(file: ReviewedFile): Place {
  return (file.kind === 'unreadable' && file.place) || { path: file.path, line: 1, endLine: 1 };
}

function list<T>(items: readonly T[], line: (item: T) => string, most: number): string {
  const lines = items.slice(0, most).map(line);
  if (items.length > most) lines.push(`- … and ${items.length - most} more`);
  return lines.join('\n');
}

function fold(summary: string, content: string): string {
  return details(summary, [content]).join('\n');
}

function story({ fault, step, story: sentences }: FailurePoint): string {
  const lines = [`- When ${faultText(fault, name(step.title))}:`];
  for (const one of sentences.slice(0, mostOpen)) lines.push(`  - ${prose(one)}`);
  return lines.join('\n');
}

function counted(problems: readonly Problem[]): string {
  const of = (severity: Problem['severity']): number => problems.filter(one => one.severity === severity).length;
  return [
    ...(of('error') > 0 ? [`**${plural(of('error'), 'error')}**`] : []),
    ...(of('warning') > 0 ? [plural(of('warning'), 'warning')] : []),
    ...(of('info') > 0 ? [`${of('info')} info`] : []),
  ].join(', ');
}

function outageCell({ plan }: ReviewedRunbook): string {
  const most = greatestOutageChange(plan.outages);
  if (!most) return '';
  const others = plan.outages.length > 1 ? `, and ${plan.outages.length - 1} more` : '';
  return `${name(most.vm)} ${outageChange(most.before, most.after)}${others}`;
}

function rehearsalCell(file: ReviewedRunbook): string {
  const text = rehearsalChange(file);
  if (text === undefined) return file.change === 'deleted' ? '' : 'not rehearsed';
  return file.rehearsal.newlyBad.length > 0 ? `**${prose(text)}**` : prose(text);
}

/** Rows of what is not the same; of one side only, all. */
function compare<T>(
  base: T | undefined,
  head: T | undefined,
  rows: readonly [string, (facts: T) => string][],
): string[] {
  const body = rows.flatMap(([title, tell]) => {
    const [before, after] = [base && tell(base), head && tell(head)];
    return before === after ? [] : [[title, before ?? '', after ?? '']];
  });
  return body.length === 0 ? [] : markdownTable(['', 'before', 'after'], body);
}

function planDetails({ plan }: ReviewedRunbook): string[] {
  const { base, head } = plan;
  const tables = [
    compare<PlanFacts>(base, head, [
      ['steps', ({ steps }) => String(steps)],
      ['estimated time', facts => seconds(facts.seconds)],
      ['limits', ({ limits }) => (limits ? prose(limits) : 'none')],
      ['windows', ({ windows }) => windows.map(prose).join('; ') || 'none'],
      ['plan', ({ hash }) => name(shortHash(hash))],
    ]),
    targets([
      ['VMs', plan.vms],
      ['hosts', plan.hosts],
      ['datastores', plan.datastores],
      ['proxies', plan.proxies],
      ["steps that can't be undone", plan.irreversible],
      ['points of no return', plan.pointsOfNoReturn],
      ['secrets', plan.secrets],
    ]),
    outages(plan.outages),
  ].filter(table => table.length > 0);
  const folded =
    plan.same || tables.length === 0
      ? []
      : [fold(base && head ? 'Plan, before and after' : 'Plan', tables.map(table => table.join('\n')).join('\n\n'))];
  if (head && head.timetable.length > 0 && !plan.same) {
    const rows = head.timetable.map(({ title, fromSeconds, toSeconds }) => [
      time(fromSeconds * 1000),
      time(toSeconds * 1000),
      prose(title),
    ]);
    const more = head.timetableLeftOut > 0 ? `\n\nWithout ${plural(head.timetableLeftOut, 'step')} of its middle.` : '';
    const table = markdownTable(['from', 'to', 'step'], rows).join('\n');
    folded.push(fold('Timetable, if every step takes as long as estimated', `${table}${more}`));
  }
  return folded;
}

function targets(lists: readonly [string, AddedRemoved][]): string[] {
  const rows = lists
    .filter(([, { added, removed, kept }]) => added.length + removed.length + kept.length > 0)
    .map(([title, { added, removed, kept }]) => [
      title,
      ...[added, removed, kept].map(names => some(names, mostNames, marks)),
    ]);
  if (rows.length === 0) return [];
  const shown = used(['', 'new', 'no longer', 'as before'], rows);
  return markdownTable(shown.head, shown.rows);
}

function outages(changes: ReviewedRunbook['plan']['outages']): string[] {
  if (changes.length === 0) return [];
  const rows = changes
    .slice(0, mostFolded)
    .map(({ vm, before, after }) => [
      name(vm),
      before ? `${outageText(before)}, ${before.from}` : 'none',
      after ? `${outageText(after)}, ${after.from}` : 'none',
    ]);
  const more = changes.length > mostFolded ? [[`… ${changes.length - mostFolded} more`, '', '']] : [];
  return markdownTable(['longest outage of', 'before', 'after'], [...rows, ...more]);
}

function rehearsalDetails({ rehearsal: { base, head, baseProblem } }: ReviewedRunbook): string[] {
  const table = compare<RehearsalFacts>(base, head, [
    ['failure points', ({ points }) => String(points)],
    ['do not come back', ({ bad }) => String(bad)],
    ['come to a good end with a person', ({ needPerson }) => String(needPerson)],
    [
      'when nothing goes wrong',
      ({ clean, durationMs }) => `${prose(clean.status)} after ${seconds(durationMs / 1000)}`,
    ],
  ]);
  const why = baseProblem ? [`Not rehearsed before: ${sentence(prose(baseProblem))}`] : [];
  const parts = [...(table.length > 0 ? [table.join('\n')] : []), ...why];
  return head && parts.length > 0 ? [fold('Rehearsal on a simulated copy, before and after', parts.join('\n\n'))] : [];
}

function granted({ plan, rehearsal, unknowns }: ReviewedRunbook): string[] {
  const lines = [...unknowns, ...(rehearsal.head?.assumed ?? []), ...(plan.head?.unknowns ?? [])];
  if (lines.length === 0) return [];
  return [
    fold(
      'Taken for granted, or not known',
      list([...new Set(lines)], text => `- ${prose(text)}`, mostFolded),
    ),
  ];
}
