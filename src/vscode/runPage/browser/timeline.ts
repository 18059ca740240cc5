import type { StepState } from '../../../engine/view';
import { type Bar, layoutTimeline, sinceText, type TimelineLayout, ticks } from '../layout';
import type { Lane, PageHead, PageStep } from '../protocol';
import { stateSigns } from '../signs';
import type { PageTexts } from '../texts';
import { el } from './dom';

const ROW = 20;
const LANE_GAP = 8;
const AXIS = 24;
const GUTTER = 140;
/** px of the bar that a title needs to be worth showing. */
const TITLE = 60;

const colorNames: Record<StepState, string> = {
  pending: '--vscode-descriptionForeground',
  running: '--vscode-charts-blue',
  retrying: '--vscode-charts-orange',
  done: '--vscode-charts-green',
  failed: '--vscode-charts-red',
  skipped: '--vscode-descriptionForeground',
  undoing: '--vscode-charts-yellow',
  undone: '--vscode-charts-yellow',
  'undo-failed': '--vscode-charts-red',
};

interface Theme {
  state: Record<StepState, string>;
  foreground: string;
  background: string;
  muted: string;
  grid: string;
  focus: string;
  font: string;
  highContrast: boolean;
}

/** Steps as bars by host and time, drawn on a canvas of the size of what is seen: 10,000 bars cost no elements. */
export class Timeline {
  readonly element: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly space: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private layout: TimelineLayout = { bars: [], rows: [], from: 0, to: 1 };
  private tops: number[] = [];
  private steps: readonly PageStep[] = [];
  private lanes: readonly Lane[] = [];
  private chosen = -1;
  private now = 0;
  private isLive = false;
  private zoom = 1;
  private frame = 0;
  private theme: Theme | undefined;

  constructor(
    private readonly texts: PageTexts,
    private readonly onChoose: (index: number) => void,
  ) {
    this.canvas = el('canvas', { 'aria-hidden': 'true' });
    this.space = el('div', { class: 'timeline-space' }, this.canvas);
    this.scroller = el(
      'div',
      { class: 'timeline', tabindex: 0, role: 'group', 'aria-label': texts.timelineHelp },
      this.space,
    );
    this.element = this.scroller;
    this.scroller.addEventListener('scroll', () => this.drawSoon());
    this.scroller.addEventListener('keydown', event => this.onKey(event));
    this.scroller.addEventListener('click', event => this.onClick(event));
    this.scroller.addEventListener('mousemove', event => this.onMove(event));
    this.scroller.addEventListener(
      'wheel',
      event => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        this.zoomBy(event.deltaY < 0 ? 1.25 : 0.8);
      },
      { passive: false },
    );
    new ResizeObserver(() => this.resize()).observe(this.scroller);
    // VS Code tells a change of theme by the classes and variables of the body and the root.
    const observer = new MutationObserver(() => {
      this.theme = undefined;
      this.drawSoon();
    });
    observer.observe(document.body, { attributes: true });
    observer.observe(document.documentElement, { attributes: true });
  }

  show(head: PageHead, steps: readonly PageStep[], lanes: readonly Lane[], chosen: number, now: number): void {
    this.steps = steps;
    this.lanes = lanes;
    this.chosen = chosen;
    this.now = now;
    this.isLive = head.live;
    this.layout = layoutTimeline(steps, lanes.length, {
      start: head.startedAt ?? head.submittedAt,
      now,
      foretell: head.live && head.status !== 'rolling-back',
      ...(head.endedAt !== undefined && { end: head.endedAt }),
    });
    let y = AXIS;
    this.tops = this.layout.rows.map(rows => {
      const top = y;
      if (rows > 0) y += rows * ROW + LANE_GAP;
      return top;
    });
    this.space.style.height = `${y}px`;
    this.resize();
  }

  choose(index: number): void {
    this.chosen = index;
    this.drawSoon();
  }

  zoomBy(factor: number): void {
    this.zoomTo(this.zoom * factor);
  }

  zoomTo(zoom: number): void {
    const { scroller } = this;
    const middle = (scroller.scrollLeft + (scroller.clientWidth - GUTTER) / 2) / this.zoom;
    this.zoom = Math.max(1, Math.min(500, zoom));
    this.resize();
    scroller.scrollLeft = middle * this.zoom - (scroller.clientWidth - GUTTER) / 2;
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.scroller;
    const ratio = window.devicePixelRatio || 1;
    this.space.style.width = `${GUTTER + (clientWidth - GUTTER) * this.zoom}px`;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.canvas.style.width = `${clientWidth}px`;
      this.canvas.style.height = `${clientHeight}px`;
    }
    this.drawSoon();
  }

  private drawSoon(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** Of a time, in px of what is seen. */
  private x(t: number): number {
    const { from, to } = this.layout;
    const width = (this.scroller.clientWidth - GUTTER - 12) * this.zoom;
    return GUTTER + ((t - from) / (to - from)) * width - this.scroller.scrollLeft;
  }

  private draw(): void {
    const context = this.canvas.getContext('2d');
    if (!context) return;
    this.theme ??= readTheme();
    const { theme } = this;
    const { clientWidth: width, clientHeight: height, scrollTop } = this.scroller;
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = theme.background;
    context.fillRect(0, 0, width, height);
    context.font = `12px ${theme.font}`;
    context.textBaseline = 'middle';
    this.drawLanes(context, theme, width, scrollTop);
    context.save();
    context.beginPath();
    context.rect(GUTTER, 0, width - GUTTER, height);
    context.clip();
    this.drawAxis(context, theme, width, height);
    context.beginPath();
    context.rect(GUTTER, AXIS, width - GUTTER, height - AXIS);
    context.clip();
    this.drawBars(context, theme, width, height, scrollTop);
    if (this.isLive) this.drawNow(context, theme, height);
    context.restore();
  }

  private drawAxis(context: CanvasRenderingContext2D, theme: Theme, width: number, height: number): void {
    const { from, to } = this.layout;
    const most = Math.max(2, Math.floor(((width - GUTTER) * this.zoom) / 90));
    context.fillStyle = theme.muted;
    context.strokeStyle = theme.grid;
    context.lineWidth = 1;
    for (const t of ticks(from, to, most).at) {
      const x = Math.round(this.x(t)) + 0.5;
      if (x < GUTTER - 60 || x > width) continue;
      context.beginPath();
      context.moveTo(x, AXIS - 4);
      context.lineTo(x, height);
      context.stroke();
      context.fillText(sinceText(t - from), x + 3, AXIS / 2);
    }
  }

  private drawLanes(context: CanvasRenderingContext2D, theme: Theme, width: number, scrollTop: number): void {
    const { height } = this.canvas;
    for (let lane = 0; lane < this.lanes.length; lane++) {
      const rows = this.layout.rows[lane] ?? 0;
      const top = this.tops[lane]! - scrollTop;
      if (rows === 0 || top > height || top + rows * ROW < AXIS) continue;
      context.strokeStyle = theme.grid;
      context.beginPath();
      context.moveTo(0, top - LANE_GAP / 2 + 0.5);
      context.lineTo(width, top - LANE_GAP / 2 + 0.5);
      if (top - LANE_GAP / 2 > AXIS) context.stroke();
      context.save();
      context.beginPath();
      context.rect(0, AXIS, GUTTER - 8, height);
      context.clip();
      context.fillStyle = theme.foreground;
      context.fillText(this.laneName(this.lanes[lane]!), 8, top + ROW / 2 - 1);
      context.restore();
    }
  }

  private drawBars(
    context: CanvasRenderingContext2D,
    theme: Theme,
    width: number,
    height: number,
    scrollTop: number,
  ): void {
    // Of bars that fall on one pixel, the first is drawn.
    let [lastLane, lastPixels] = [-1, new Map<number, number>()];
    for (const bar of this.layout.bars) {
      const y = this.tops[bar.lane]! + bar.row * ROW - scrollTop;
      if (y > height || y + ROW < AXIS) continue;
      const x = this.x(bar.from);
      const end = Math.max(x + 2, this.x(bar.to));
      if (end < GUTTER || x > width) continue;
      if (bar.lane !== lastLane) [lastLane, lastPixels] = [bar.lane, new Map()];
      const isChosen = bar.step === this.chosen;
      if (!isChosen && end <= (lastPixels.get(bar.row) ?? Number.NEGATIVE_INFINITY) + 0.5) continue;
      lastPixels.set(bar.row, end);
      drawBar(context, theme, bar, this.steps[bar.step]!, isChosen, x, y, end - x);
    }
  }

  private drawNow(context: CanvasRenderingContext2D, theme: Theme, height: number): void {
    const x = Math.round(this.x(this.now)) + 0.5;
    context.strokeStyle = theme.focus;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height);
    context.stroke();
  }

  private laneName({ kind, name }: Lane): string {
    if (kind === 'run') return this.texts.wholeRun;
    return kind === 'host' ? name : `${this.texts[kind]} ${name}`;
  }

  private barAt(event: MouseEvent): Bar | undefined {
    const box = this.scroller.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    if (x < GUTTER || y < AXIS) return undefined;
    const { scrollTop } = this.scroller;
    return this.layout.bars.find(bar => {
      const top = this.tops[bar.lane]! + bar.row * ROW - scrollTop;
      return (
        y >= top && y < top + ROW && x >= this.x(bar.from) - 1 && x <= Math.max(this.x(bar.to), this.x(bar.from) + 3)
      );
    });
  }

  private onClick(event: MouseEvent): void {
    const bar = this.barAt(event);
    if (bar) this.onChoose(bar.step);
  }

  private onMove(event: MouseEvent): void {
    const bar = this.barAt(event);
    const live = bar && this.steps[bar.step]?.live;
    const text = live ? `${live.title}: ${this.texts.states[live.state]}` : '';
    if (this.scroller.title !== text) this.scroller.title = text;
  }

  private onKey(event: KeyboardEvent): void {
    const { key } = event;
    if (key === '+' || key === '=') this.zoomBy(1.5);
    else if (key === '-') this.zoomBy(1 / 1.5);
    else if (key === '0') this.zoomTo(1);
    else if (key.startsWith('Arrow')) this.toNeighbour(key);
    else return;
    event.preventDefault();
  }

  private toNeighbour(key: string): void {
    const { bars } = this.layout;
    const at = bars.findIndex(bar => bar.step === this.chosen);
    const here = bars[at];
    let next: Bar | undefined;
    if (!here) next = bars[0];
    else if (key === 'ArrowLeft') next = bars.findLast((bar, i) => i < at && bar.lane === here.lane);
    else if (key === 'ArrowRight')
      next = bars.find((bar, i) => i > at && bar.lane === here.lane && bar.step !== here.step);
    else {
      const lanes = [...new Set(bars.map(bar => bar.lane))].sort((a, b) => a - b);
      const lane = lanes[lanes.indexOf(here.lane) + (key === 'ArrowDown' ? 1 : -1)];
      const there = bars.filter(bar => bar.lane === lane);
      next = there.toSorted((a, b) => Math.abs(a.from - here.from) - Math.abs(b.from - here.from))[0];
    }
    if (!next) return;
    this.reveal(next);
    this.onChoose(next.step);
  }

  private reveal(bar: Bar): void {
    const { scroller } = this;
    const [x, y] = [this.x(bar.from), this.tops[bar.lane]! + bar.row * ROW - scroller.scrollTop];
    if (x < GUTTER || x > scroller.clientWidth - 40) scroller.scrollLeft += x - scroller.clientWidth / 2;
    if (y < AXIS || y > scroller.clientHeight - ROW) scroller.scrollTop += y - scroller.clientHeight / 2;
  }
}

function drawBar(
  context: CanvasRenderingContext2D,
  theme: Theme,
  bar: Bar,
  { live }: PageStep,
  isChosen: boolean,
  x: number,
  top: number,
  width: number,
): void {
  const [y, height] = [top + 1, ROW - 4];
  const color = theme.state[live.state];
  context.lineWidth = 1;
  if (bar.kind === 'will') {
    context.strokeStyle = theme.muted;
    context.setLineDash([3, 2]);
    context.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), height - 1);
    context.setLineDash([]);
  } else {
    context.fillStyle = color;
    context.globalAlpha = bar.kind === 'undo' ? 0.35 : 1;
    context.fillRect(x, y, width, height);
    context.globalAlpha = 1;
    if (bar.kind === 'undo') stripe(context, color, x, y, width, height);
    if (theme.highContrast) {
      context.strokeStyle = theme.foreground;
      context.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), height - 1);
    }
  }
  if (isChosen) {
    context.strokeStyle = theme.focus;
    context.lineWidth = 2;
    context.strokeRect(x - 1, y - 1, width + 2, height + 2);
  }
  if (width < 14) return;
  context.save();
  context.beginPath();
  context.rect(x, y, width - 2, height);
  context.clip();
  context.fillStyle = bar.kind === 'did' ? theme.background : theme.foreground;
  const sign = bar.kind === 'undo' ? '↶' : bar.kind === 'will' ? '' : stateSigns[live.state];
  const text = width < TITLE ? sign : `${sign} ${live.title}`.trimStart();
  if (bar.kind === 'undo') {
    // Legible between the stripes.
    context.strokeStyle = theme.background;
    context.lineWidth = 4;
    context.strokeText(text, x + 4, y + height / 2);
  }
  context.fillText(text, x + 4, y + height / 2);
  context.restore();
}

function stripe(context: CanvasRenderingContext2D, color: string, x: number, y: number, width: number, height: number) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = color;
  context.lineWidth = 2;
  context.beginPath();
  for (let at = x - height; at < x + width; at += 6) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}

function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const read = (name: string, otherwise: string): string => style.getPropertyValue(name).trim() || otherwise;
  const foreground = read('--vscode-foreground', '#333');
  const state = Object.fromEntries(
    Object.entries(colorNames).map(([name, variable]) => [name, read(variable, foreground)]),
  ) as Record<StepState, string>;
  return {
    state,
    foreground,
    background: read('--vscode-editor-background', '#fff'),
    muted: read('--vscode-descriptionForeground', foreground),
    grid: read('--vscode-editorIndentGuide-background1', 'rgba(128,128,128,0.3)'),
    focus: read('--vscode-focusBorder', foreground),
    font: read('--vscode-font-family', 'sans-serif'),
    highContrast: /vscode-high-contrast/.test(document.body.className),
  };
}
