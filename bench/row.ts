/** One line of the report. `ours` and `rival` are medians in `unit`. */
export interface Row {
  name: string;
  unit: string;
  ours: number | null;
  rival: number | null;
  rivalName: string | null;
  /** rival / ours where there is a rival: how many times as fast we are. */
  ratio: number | null;
  /** What `bound` says of the ratio, or of `ours` where there is no rival. null: measured for information. */
  goal: number | null;
  bound: 'at least' | 'at most' | null;
  holds: boolean;
  /** What could not be measured, and why. */
  missing?: string;
  /** min, median and max of every round, and what else is worth knowing. */
  spread?: { ours: Spread; rival?: Spread };
  note?: string;
}

export interface Spread {
  min: number;
  median: number;
  max: number;
  rounds: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const at = (index: number) => {
    const value = sorted[index];
    if (value === undefined) throw new Error('nothing was measured');
    return value;
  };
  return {
    min: at(0),
    median: sorted.length % 2 ? at(middle) : (at(middle - 1) + at(middle)) / 2,
    max: at(sorted.length - 1),
    rounds: sorted.length,
  };
}

/** A row that compares medians. The goal is the least ratio; null where there is none. */
export function compared(
  name: string,
  unit: string,
  measured: { ours: number[]; rival: number[] },
  rivalName: string,
  goal: number | null,
  note?: string,
): Row {
  const ours = spread(measured.ours);
  const rival = spread(measured.rival);
  const ratio = rival.median / ours.median;
  return {
    name,
    unit,
    ours: ours.median,
    rival: rival.median,
    rivalName,
    ratio,
    goal,
    bound: goal === null ? null : 'at least',
    holds: goal === null || ratio >= goal,
    spread: { ours, rival },
    note,
  };
}

/** A row with a ceiling and no rival. */
export function limited(name: string, unit: string, ours: number, goal: number, note?: string): Row {
  return {
    name,
    unit,
    ours,
    rival: null,
    rivalName: null,
    ratio: null,
    goal,
    bound: 'at most',
    holds: ours <= goal,
    note,
  };
}

/** What was to be measured and could not be. */
export function missing(name: string, rivalName: string | null, why: string): Row {
  return {
    name,
    unit: '',
    ours: null,
    rival: null,
    rivalName,
    ratio: null,
    goal: null,
    bound: null,
    holds: false,
    missing: why,
  };
}

export function table(rows: readonly Row[]): string {
  const figure = (value: number | null) =>
    value === null ? '' : Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
  const range = (s?: Spread) => (s ? `${figure(s.min)} … ${figure(s.max)}` : '');
  const cells = rows.map(row => [
    row.name,
    figure(row.ours),
    range(row.spread?.ours),
    figure(row.rival),
    range(row.spread?.rival),
    row.unit,
    figure(row.ratio),
    row.goal === null ? '' : `${row.bound === 'at most' ? '≤' : '≥'} ${row.goal}`,
    row.missing ? 'MISSING' : row.goal === null ? '' : row.holds ? 'holds' : 'NOT HELD',
    row.rivalName ?? '',
  ]);
  const head = ['bench', 'ours', 'min … max', 'rival', 'min … max', 'unit', 'ratio', 'goal', '', 'rival is'];
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map(line => line[column]!.length)));
  const format = (line: string[]) =>
    line
      .map((cell, column) =>
        column >= 1 && column <= 6 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  const notes = rows
    .filter(row => row.note || row.missing)
    .map(row => `  ${row.name}: ${row.missing ? `missing: ${row.missing}` : row.note}`);
  return [format(head), ...cells.map(format), ...(notes.length ? ['', ...notes] : [])].join('\n');
}
