import { code, escaped } from '../engine/markdown-text';
import { type ReportItem, reportItems } from './formats/report-items';
import { compared, placeText } from './formats/words';
import type { Place, Review } from './model';

/** A comment that a reviewer could make on a finding, as it is proposed. */
export interface PreparedComment {
  /** The same while the finding is the same, wherever its lines move to; unique in a review. */
  fingerprint: string;
  /** In the files of the head. */
  place: Place;
  /** Markdown; what comes from runbooks and from rehearsals is escaped. */
  body: string;
}

/** A comment as it stands now. */
export type DraftComment = Pick<PreparedComment, 'place' | 'body'>;

/** One for each new problem, and one for each step with failures that newly do not come back; by file and line. */
export function preparedComments(review: Review): PreparedComment[] {
  const found = reportItems(review).filter(({ state }) => state === 'new');
  const failures = new Map<string, ReportItem[]>();
  const single: PreparedComment[] = [];
  for (const item of found) {
    const { fingerprint, place } = item;
    if (!item.code.startsWith('rehearsal-')) single.push({ fingerprint, place, body: problemBody(item) });
    else {
      const key = placeText(place);
      failures.set(key, [...(failures.get(key) ?? []), item]);
    }
  }
  const steps = [...failures.values()].map(items => ({
    fingerprint: items[0]!.fingerprint,
    place: items[0]!.place,
    body: items.map(failureBody).join('\n\n'),
  }));
  return [...steps, ...single].sort(byPlace);
}

/** All comments as one text, to be pasted into a pull request: by file and line. */
export function commentsAsReview(review: Review, comments: readonly DraftComment[]): string {
  const files = new Map<string, DraftComment[]>();
  for (const comment of [...comments].sort(byPlace))
    files.set(comment.place.path, [...(files.get(comment.place.path) ?? []), comment]);
  const lines = [`Review of ${compared(review, { name: code, prose: escaped })}.`];
  for (const [path, inFile] of files) {
    lines.push('', `### ${code(path)}`);
    for (const { place, body } of inFile) {
      const where = place.endLine > place.line ? `Lines ${place.line}–${place.endLine}` : `Line ${place.line}`;
      lines.push('', `**${where}**`, '', body);
    }
  }
  return `${lines.join('\n')}\n`;
}

function problemBody({ severity, code: rule, message }: ReportItem): string {
  return `**${severity === 'info' ? 'Note' : severity === 'error' ? 'Error' : 'Warning'}** ${code(rule)}: ${escaped(message)}`;
}

/** The first line of a message says what fails; the others tell the story. */
function failureBody({ title, message }: ReportItem): string {
  const [what = '', ...story] = message.split('\n');
  return [`**${escaped(title)}**: ${escaped(what)}`, '', ...story.map(line => `- ${escaped(line)}`)]
    .join('\n')
    .trimEnd();
}

function byPlace(one: DraftComment, other: DraftComment): number {
  const [a, b] = [one.place, other.place];
  return a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1;
}
