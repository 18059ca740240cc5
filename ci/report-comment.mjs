// The report as one comment, which every review of the same change updates.

/** By which the comment is found again; the report begins with it. */
export const mark = '<!-- virtbook-review -->';

/** What stands in a comment: the report, or its beginning when there is no room for all of it. */
export function commentText(report, limit, whereElse) {
  const text = report.startsWith(mark) ? report : `${mark}\n${report}`;
  if (text.length <= limit) return text;
  const note = `\n\nThe rest is left out for want of room. ${whereElse}\n`;
  // Nothing is folded or quoted before the first heading, so it can end anywhere there between two lines.
  const first = text.search(/^#{1,6} |^<details/m);
  const short = first > 0 ? text.slice(0, first) : text;
  const room = short.slice(0, limit - note.length);
  const end = short.length > room.length ? room.lastIndexOf('\n') : room.length;
  return `${room.slice(0, end).trimEnd()}${note}`;
}
