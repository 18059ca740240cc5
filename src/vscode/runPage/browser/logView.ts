import type { LogLine } from '../protocol';
import { fill, type PageTexts } from '../texts';
import { el, setText } from './dom';
import { Rows } from './rows';

/** Kept in the page, as on the other side. */
const KEPT = 5_000;

/** The log of the chosen step: follows its end while the end is seen, and shows only the lines that hold what is searched. */
export class LogView {
  readonly element: HTMLElement;
  private readonly rows: Rows;
  private readonly search: HTMLInputElement;
  private readonly count: HTMLElement;
  private lines: LogLine[] = [];
  private shown: LogLine[] = [];
  private dropped = 0;

  constructor(private readonly texts: PageTexts) {
    this.search = el('input', { type: 'search', placeholder: texts.searchLog, 'aria-label': texts.searchLog });
    this.search.addEventListener('input', () => this.filter());
    this.count = el('span', { class: 'count', role: 'status' });
    this.rows = new Rows({
      role: 'log',
      label: texts.log,
      className: 'log',
      rowHeight: 18,
      draw: index => this.row(index),
    });
    this.element = el(
      'div',
      { class: 'log-view' },
      el('div', { class: 'bar' }, this.search, this.count),
      this.rows.element,
    );
    this.filter();
  }

  clear(): void {
    this.take([], true, 0);
  }

  take(lines: readonly LogLine[], replace: boolean, dropped: number): void {
    const follows = replace || this.rows.isAtEnd;
    this.lines = replace ? [...lines] : [...this.lines, ...lines].slice(-KEPT);
    this.dropped = dropped;
    this.filter();
    if (follows) this.rows.toEnd();
  }

  private filter(): void {
    const wanted = this.search.value.toLowerCase();
    this.shown = wanted === '' ? this.lines : this.lines.filter(line => line.text.toLowerCase().includes(wanted));
    const { texts } = this;
    const counted =
      this.lines.length === 0
        ? texts.noLog
        : wanted === ''
          ? fill(texts.lines, this.lines.length)
          : fill(texts.found, this.shown.length, this.lines.length);
    setText(this.count, this.dropped > 0 ? `${counted} · ${fill(texts.dropped, this.dropped)}` : counted);
    this.rows.show(this.shown.length);
  }

  private row(index: number): HTMLElement {
    const { stream, text } = this.shown[index]!;
    // Not by colour alone.
    return el('div', { class: `row ${stream}` }, `${stream === 'stderr' ? '! ' : '  '}${text}`);
  }
}
