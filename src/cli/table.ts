import { printable } from './terminal';

/** Columns as wide as they need to be, two spaces between them, nothing at the ends of lines. Each row is one line, whatever its cells hold: text without colours. */
export function table(cells: readonly (readonly string[])[]): string[] {
  const rows = cells.map(row => row.map(printable));
  const columns = Math.max(0, ...rows.map(row => row.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map(row => row[at]?.length ?? 0)));
  return rows.map(row =>
    row
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join('  ')
      .trimEnd(),
  );
}
