import { el, setAttribute } from './dom';

export interface RowsOptions {
  role: 'grid' | 'log';
  label: string;
  className: string;
  /** px */
  rowHeight: number;
  draw(index: number): HTMLElement;
}

/** Rows drawn above and below those that can be seen. */
const SPARE = 10;

/** A list of any length of which only what can be seen is in the page. Rows are all as high. */
export class Rows {
  readonly element: HTMLElement;
  private readonly spacer: HTMLElement;
  private count = 0;
  private drawn: [from: number, to: number] = [0, 0];

  constructor(private readonly options: RowsOptions) {
    this.spacer = el('div', { class: 'rows-space', role: 'presentation' });
    this.element = el(
      'div',
      { class: `rows ${options.className}`, role: options.role, 'aria-label': options.label, tabindex: 0 },
      this.spacer,
    );
    // A log that grows would be read out line by line.
    if (options.role === 'log') this.element.setAttribute('aria-live', 'off');
    this.element.addEventListener('scroll', () => this.draw(false));
    new ResizeObserver(() => this.draw(false)).observe(this.element);
  }

  get isAtEnd(): boolean {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    return scrollTop + clientHeight >= scrollHeight - this.options.rowHeight * 2;
  }

  show(count: number): void {
    this.count = count;
    this.spacer.style.height = `${count * this.options.rowHeight}px`;
    if (this.options.role === 'grid') setAttribute(this.element, 'aria-rowcount', count + 1);
    this.draw(true);
  }

  toEnd(): void {
    this.element.scrollTop = this.element.scrollHeight;
  }

  reveal(index: number): void {
    const { rowHeight } = this.options;
    const { scrollTop, clientHeight } = this.element;
    const top = index * rowHeight;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight) this.element.scrollTop = top + rowHeight - clientHeight;
    this.draw(true);
  }

  /** `anew`: what is in the rows may have changed. */
  draw(anew: boolean): void {
    const { rowHeight, draw } = this.options;
    const { scrollTop, clientHeight } = this.element;
    const from = Math.max(0, Math.floor(scrollTop / rowHeight) - SPARE);
    const to = Math.min(this.count, Math.ceil((scrollTop + clientHeight) / rowHeight) + SPARE);
    if (!anew && this.drawn[0] === from && this.drawn[1] === to) return;
    this.drawn = [from, to];
    const rows: HTMLElement[] = [];
    for (let index = from; index < to; index++) {
      const row = draw(index);
      row.style.top = `${index * rowHeight}px`;
      row.style.height = `${rowHeight}px`;
      rows.push(row);
    }
    this.spacer.replaceChildren(...rows);
  }
}
