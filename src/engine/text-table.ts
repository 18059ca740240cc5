/** Times and tables as terminals show them. */

/** `0:05`, `12:30`, `1:02:03`. */
export function time(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** As wide as they need to be, two spaces between them. */
export function columns(cells: readonly (readonly string[])[]): string[] {
  const widths = (cells[0] ?? []).map((_, at) => Math.max(...cells.map(row => row[at]?.length ?? 0)));
  return cells.map(row =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Rows that a table of times shows at most. */
const mostTimes = 30;

/** A long timetable, with a row in place of its middle. */
export function withoutMiddle(rows: string[][]): string[][] {
  const { first, leftOut, last } = bothEnds(rows);
  return leftOut === 0 ? rows : [...first, ['…', '…', `${leftOut} more`], ...last];
}

/** The beginning and the end of a timetable, and how many rows of a long one are left out between them. */
export function bothEnds<T>(rows: readonly T[]): { first: T[]; leftOut: number; last: T[] } {
  if (rows.length <= mostTimes) return { first: [...rows], leftOut: 0, last: [] };
  const half = mostTimes / 2;
  return { first: rows.slice(0, half), leftOut: rows.length - mostTimes, last: rows.slice(-half) };
}
