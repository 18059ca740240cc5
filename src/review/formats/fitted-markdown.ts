import { details, markdownTable } from '../../engine/markdown-text';
import { plural } from './words';

/** What is told of one file. */
export interface Section {
  /** A line of its own, or empty. */
  heading: string;
  /** Of a file that needs no attention: all below the heading is folded under this line of HTML. */
  summary?: string;
  /** Paragraphs, lists and tables. */
  core: string[];
  /** Folded parts, the most important first. */
  details: string[];
}

export interface Parts {
  head: string;
  columns: { head: string[]; rows: string[][] };
  /** Below the table; may be empty. */
  after: string;
  sections: Section[];
}

/** Room for the sentence that says what was left out. */
const noteLength = 250;

/**
 * All parts in one text, at most `limit` characters long: whole parts are left out until it fits, first what is folded, then what is told of
 * files, then rows of the table, each from the last file on; and it is said. Only a `limit` too small for the head itself is passed over.
 */
export function fitted({ head, columns, after, sections }: Parts, limit: number): string {
  const titles = markdownTable(columns.head, []);
  const rows = columns.rows.map(row => markdownTable([], [row])[2]!);
  const kept = sections.map(section => ({ ...section, details: [...section.details] }));
  const texts = kept.map(sectionText);
  let length = sum([head, titles.join('\n'), ...rows, after, ...texts].map(text => text.length + 2));
  const gone = { details: 0, files: 0, rows: 0, after: 0 };
  if (length > limit) length += noteLength;
  for (let at = kept.length - 1; at >= 0 && length > limit; at--) {
    const section = kept[at]!;
    while (length > limit && section.details.length > 0) {
      section.details.pop();
      gone.details++;
      const text = sectionText(section);
      length -= texts[at]!.length - text.length;
      texts[at] = text;
    }
  }
  while (length > limit && texts.length > 0) {
    length -= texts.pop()!.length + 2;
    gone.files++;
  }
  while (length > limit && rows.length > 0) {
    length -= rows.pop()!.length + 2;
    gone.rows++;
  }
  if (length > limit && after !== '') gone.after = 1;
  const parts = [head];
  if (rows.length > 0) parts.push([...titles, ...rows].join('\n'));
  if (after !== '' && gone.after === 0) parts.push(after);
  parts.push(...texts);
  const said = [
    ...(gone.after > 0 ? ['reviewers and what is not known'] : []),
    ...(gone.rows > 0 ? [plural(gone.rows, 'row of the table', 'rows of the table')] : []),
    ...(gone.files > 0 ? [`what is told of ${plural(gone.files, 'file')}`] : []),
    ...(gone.details > 0 ? [plural(gone.details, 'folded part')] : []),
  ];
  if (said.length > 0) {
    parts.push(
      `Left out for want of room: ${said.join(', ')}. \`virtbook review --format text\` shows more, \`--format json\` all.`,
    );
  }
  return `${parts.join('\n\n')}\n`;
}

function sectionText({ heading, summary, core, details: folded }: Section): string {
  if (summary === undefined) return [heading, ...core, ...folded].join('\n\n');
  const text = details(summary, [[...core, ...folded].join('\n\n')]).join('\n');
  return heading === '' ? text : `${heading}\n\n${text}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
