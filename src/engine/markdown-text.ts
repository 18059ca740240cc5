/**
 * Text from outside (names, messages) as Markdown that GitHub, GitLab and Gitea show as it is: it opens no markup, links to nothing, and calls
 * nobody.
 */

/** What can't be seen, or turns the direction of what is: controls, zero-width and bidirectional characters, lone halves of pairs. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** Joiners and selectors that make up an emoji. */
const emoji =
  /(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier})(?:\ufe0f?\u200d(?=\p{Extended_Pictographic})|\ufe0f)/gu;

/** On one line, and what can't be seen written as `⟨U+202E⟩`. */
export function visible(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  let shown = '';
  let from = 0;
  for (const found of line.matchAll(emoji)) {
    shown += line.slice(from, found.index).replace(unseen, codePoint) + found[0];
    from = found.index + found[0].length;
  }
  return shown + line.slice(from).replace(unseen, codePoint);
}

function codePoint(character: string): string {
  return `⟨U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** At most so many characters (of UTF-16), the last an ellipsis when it was longer. */
export function clipped(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not between the halves of a pair.
  return `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/**
 * What one of the three would make a link, a mention, a reference or a formula of: `@name`, `#12`, `!12`, `~label`, `https://…`, `$x$`, `:tada:`, a
 * commit. A backslash does not keep them from it, because they look at the text that Markdown has been made into; in code they don't look.
 */
const reference =
  /[@$]|:\/\/|www\.|\bGH-\d|[#!&~%^*]["'\p{L}\p{N}_]|(?<!\w):[\w+-]+:|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b/iu;

/**
 * As text of a paragraph, an item of a list or a cell; never as the beginning of a line. What stands in backticks, as in our messages, is code. Not
 * for `<summary>`, see `htmlCode`.
 */
export function escaped(text: string): string {
  return visible(text)
    .trim()
    .replace(
      /(?<=^| )(\(?)`([^`]*[^` ][^`]*)`(?=[.,;:?)]*(?: |$))|\S*\$\{\{.*?\}\}\S*|\S+/g,
      (piece, before, quoted) => {
        if (quoted !== undefined) return `${before}${code(quoted)}`;
        return reference.test(piece) ? coded(piece) : withBackslashes(piece);
      },
    )
    .replace(/^(?:[-+=]|\d+(?=[.)]))/, start => (/\d/.test(start) ? `${start}\\` : `\\${start}`));
}

/** As code, apart from brackets and punctuation around it. */
function coded(piece: string): string {
  const [, before = '', core = '', after = ''] = /^([("']*)(.*?)([.,;)"']*)$/.exec(piece) ?? [];
  return reference.test(core) ? `${withBackslashes(before)}${code(core)}${withBackslashes(after)}` : code(piece);
}

function withBackslashes(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|#~!@&$^]/g, character => `\\${character}`);
}

/** A name as a code span, in tables too. */
export function code(text: string): string {
  const shown = visible(text).trim();
  if (shown === '') return '""';
  // Tables end a cell at a bar, in code as well; what a backslash before it means in code depends on the reader.
  return shown
    .split('|')
    .map(part => (part === '' ? '' : span(part)))
    .join('\\|');
}

function span(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const space = /^`|`$|^ .* $/.test(text) ? ' ' : '';
  return `${fence}${space}${text}${space}${fence}`;
}

/** A name inside HTML, as in `<summary>`, where Markdown is not read. */
export function htmlCode(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return `<code>${visible(text)
    .trim()
    .replace(/[&<>"']/g, character => entities[character]!)}</code>`;
}

/** A table of cells that are Markdown already: every bar in them has its backslash, as `escaped` and `code` write it. */
export function markdownTable(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [row(head), `|${head.map(() => '---|').join('')}`, ...body.map(row)];
}

/** A table of text from outside. */
export function grid(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  return markdownTable(
    head.map(escaped),
    body.map(cells => cells.map(escaped)),
  );
}

/** What is opened on a click. Blank lines let Markdown be read again; `summary` is HTML. */
export function details(summary: string, content: readonly string[]): string[] {
  return ['<details>', `<summary>${summary}</summary>`, '', ...content, '', '</details>'];
}
