import type { StepState } from '../../engine/view';
import { duration } from '../duration';
import { escapeHtml } from './html';
import { type Bar, layoutTimeline, sinceText, ticks } from './layout';
import type { Lane, PageHead, PageStep } from './protocol';
import { stateSigns } from './signs';
import { fill, type PageTexts } from './texts';

export interface PrintedRun {
  head: PageHead;
  lanes: readonly Lane[];
  steps: readonly PageStep[];
  texts: PageTexts;
  /** ms since 1970. */
  now: number;
  language: string;
}

const WIDTH = 1000;
const GUTTER = 130;
const ROW = 16;

const colors: Partial<Record<StepState, string>> = {
  done: '#2e7d4f',
  failed: '#b3261e',
  'undo-failed': '#b3261e',
  undone: '#7a6a00',
  running: '#1f6feb',
  retrying: '#1f6feb',
  undoing: '#7a6a00',
};

/** The run as one HTML file without scripts or anything from elsewhere, laid out for paper. */
export function printedRun(run: PrintedRun): string {
  const { head, steps, texts, language } = run;
  const begun = head.startedAt ?? head.submittedAt;
  const facts = [
    head.statusText,
    fill(texts.by, head.by),
    fill(texts.started, moment(begun, language)),
    ...(head.endedAt === undefined ? [] : [fill(texts.took, duration(head.endedAt - begun))]),
    fill(texts.plan, head.planHash.slice(0, 12)),
    head.runId,
  ];
  const undo = steps
    .filter(({ live }) => live.undoOrder !== undefined)
    .sort((a, b) => b.live.undoOrder! - a.live.undoOrder!);
  const list = (title: string, lines: readonly string[], tag = 'ul'): string =>
    lines.length === 0
      ? ''
      : `<h2>${escapeHtml(title)}</h2><${tag}>${lines.map(line => `<li>${escapeHtml(line)}</li>`).join('')}</${tag}>`;
  return `<!DOCTYPE html>
<html lang="${escapeHtml(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(head.name)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(head.name)}</h1>
<p>${facts.map(escapeHtml).join(' · ')}</p>
${head.failure === undefined ? '' : `<p class="failure">✗ ${escapeHtml(head.failure)}</p>`}
<h2>${escapeHtml(texts.timeline)}</h2>
${timeline(run)}
<p class="small">${escapeHtml(texts.legend)}</p>
${list(
  texts.remaining,
  head.remaining.map(({ key, text, why }) => `${text} (${key}): ${why}`),
)}
${list(texts.warnings, head.warnings)}
<h2>${escapeHtml(texts.steps)}</h2>
${table(run)}
${list(
  texts.undoList,
  undo.map(({ key, live }) => `${live.undo ?? live.title} (${key})`),
  'ol',
)}
<p class="small">${escapeHtml(fill(texts.printed, moment(run.now, language)))}</p>
</body>
</html>
`;
}

const style = `
body { font: 10pt/1.4 system-ui, sans-serif; color: #000; background: #fff; margin: 1.5cm; }
h1 { font-size: 16pt; margin: 0; } h2 { font-size: 12pt; margin: 1.2em 0 .4em; break-after: avoid; }
table { border-collapse: collapse; width: 100%; } thead { display: table-header-group; }
th, td { text-align: left; vertical-align: top; padding: 2pt 6pt 2pt 0; border-bottom: .5pt solid #bbb; }
tr, li { break-inside: avoid; } td.n { white-space: nowrap; font-variant-numeric: tabular-nums; }
.failure { color: #b3261e; } .small { color: #444; font-size: 8.5pt; } svg { width: 100%; height: auto; }
svg text { font: 10px system-ui, sans-serif; fill: #000; }
@page { margin: 1.2cm; } @media print { body { margin: 0; } * { print-color-adjust: exact; } }`;

function timeline({ head, lanes, steps, now, texts }: PrintedRun): string {
  const start = head.startedAt ?? head.submittedAt;
  const layout = layoutTimeline(steps, lanes.length, {
    start,
    now,
    foretell: head.live,
    ...(head.endedAt !== undefined && { end: head.endedAt }),
  });
  const span = layout.to - layout.from;
  const x = (t: number): number => GUTTER + ((t - layout.from) / span) * (WIDTH - GUTTER);
  const parts: string[] = [];
  let y = 18;
  const tops = lanes.map((lane, index) => {
    const top = y;
    const rows = layout.rows[index] ?? 0;
    if (rows > 0) {
      parts.push(`<text x="0" y="${top + 11}">${escapeHtml(laneName(lane) || texts.wholeRun)}</text>`);
      parts.push(`<path d="M0 ${top - 2.5}H${WIDTH}" stroke="#ddd" stroke-width="1"/>`);
      y += rows * ROW + 5;
    }
    return top;
  });
  for (const t of ticks(layout.from, layout.to, 8).at) {
    parts.push(`<path d="M${round(x(t))} 14V${y}" stroke="#ccc" stroke-width="1"/>`);
    parts.push(`<text x="${round(x(t))}" y="10">${escapeHtml(sinceText(t - layout.from))}</text>`);
  }
  for (const bar of layout.bars) parts.push(barSvg(bar, steps[bar.step]!, tops[bar.lane]! + bar.row * ROW, x));
  const stripes =
    '<defs><pattern id="undo" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V6" stroke="#7a6a00" stroke-width="5"/></pattern></defs>';
  return `<svg viewBox="0 0 ${WIDTH} ${y + 4}" role="img">${stripes}${parts.join('')}</svg>`;
}

function barSvg(bar: Bar, { live }: PageStep, top: number, x: (t: number) => number): string {
  const from = round(x(bar.from));
  const width = Math.max(1.5, round(x(bar.to) - x(bar.from)));
  const color = colors[live.state] ?? '#777';
  const fill = bar.kind === 'did' ? color : bar.kind === 'undo' ? 'url(#undo)' : '#fff';
  const line = bar.kind === 'will' ? ' stroke="#777" stroke-dasharray="3 2"' : '';
  const text = bar.kind === 'undo' ? (live.undo ?? live.title) : live.title;
  const box = `<rect x="${from}" y="${top}" width="${width}" height="${ROW - 3}" fill="${fill}"${line}><title>${escapeHtml(text)}</title></rect>`;
  if (width < 14) return box;
  const ink = bar.kind === 'will' ? '#555' : '#fff';
  return `${box}<text x="${from + 3}" y="${top + 10}" style="fill:${ink}">${stateSigns[live.state]}</text>`;
}

function table({ head, lanes, steps, texts, language }: PrintedRun): string {
  const { column } = texts;
  const start = head.startedAt ?? head.submittedAt;
  const headings = [column.state, column.step, column.where, column.begun, column.took];
  const rows = steps.map(({ key, lanes: where, live }) => {
    const { startedAt, endedAt, failure, reason, undo, undoEndedAt } = live;
    const more = [
      ...(live.attempt > 1 ? [fill(texts.attempt, live.attempt)] : []),
      ...(failure === undefined ? [] : [failure]),
      ...(reason === undefined ? [] : [reason]),
      ...(undoEndedAt === undefined || undo === undefined ? [] : [`${texts.undo}: ${undo}`]),
    ];
    const details = more.map(text => `<div class="small">${escapeHtml(text)}</div>`).join('');
    return `<tr><td class="n">${stateSigns[live.state]} ${escapeHtml(texts.states[live.state])}</td><td>${escapeHtml(live.title)} <span class="small">${escapeHtml(key)}</span>${details}</td><td>${escapeHtml(where.map(lane => laneName(lanes[lane])).join(', '))}</td><td class="n">${startedAt === undefined ? '' : escapeHtml(`${clockTime(startedAt, language)} (${sinceText(startedAt - start)})`)}</td><td class="n">${startedAt === undefined || endedAt === undefined ? '' : escapeHtml(duration(endedAt - startedAt))}</td></tr>`;
  });
  return `<table><thead><tr>${headings.map(text => `<th>${escapeHtml(text)}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function laneName(lane: Lane | undefined): string {
  if (!lane || lane.kind === 'run') return '';
  return lane.kind === 'host' ? lane.name : `${lane.kind === 'vm' ? 'VM' : lane.kind} ${lane.name}`;
}

function moment(t: number, language: string): string {
  return new Date(t).toLocaleString(language);
}

function clockTime(t: number, language: string): string {
  return new Date(t).toLocaleTimeString(language);
}

function round(n: number): number {
  return Math.round(n * 10) / 10;
}
