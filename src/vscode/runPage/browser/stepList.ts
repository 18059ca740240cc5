import type { StepState } from '../../../engine/view';
import { duration } from '../../duration';
import type { Lane, PageStep } from '../protocol';
import { stateSigns } from '../signs';
import { fill, type PageTexts } from '../texts';
import { el, setText } from './dom';
import { Rows } from './rows';

export interface StepListOptions {
  texts: PageTexts;
  onChoose(index: number): void;
  /** Enter on a step. */
  onOpen(index: number): void;
}

/** All steps in words: what the timeline shows, for everyone. */
export class StepList {
  readonly element: HTMLElement;
  private readonly rows: Rows;
  private readonly filterBox: HTMLInputElement;
  private readonly stateBox: HTMLSelectElement;
  private readonly count: HTMLElement;
  private steps: readonly PageStep[] = [];
  private lanes: readonly Lane[] = [];
  private shown: number[] = [];
  private chosen = -1;
  private now = 0;

  constructor(private readonly options: StepListOptions) {
    const { texts } = options;
    this.filterBox = el('input', { type: 'search', placeholder: texts.filterSteps, 'aria-label': texts.filterSteps });
    this.stateBox = el('select', { 'aria-label': texts.column.state }, el('option', { value: '' }, texts.allStates));
    for (const [state, word] of Object.entries(texts.states)) {
      this.stateBox.append(el('option', { value: state }, word));
    }
    for (const box of [this.filterBox, this.stateBox]) box.addEventListener('input', () => this.filter());
    this.count = el('span', { class: 'count', role: 'status' });
    this.rows = new Rows({
      role: 'grid',
      label: texts.steps,
      className: 'steps',
      rowHeight: 24,
      draw: at => this.row(at),
    });
    this.rows.element.addEventListener('keydown', event => this.onKey(event));
    const { state, step, where, begun, took } = texts.column;
    const heading = el('div', { class: 'row heading', 'aria-hidden': 'true' });
    for (const text of [state, step, where, begun, took]) heading.append(el('span', {}, text));
    this.element = el(
      'div',
      { class: 'step-list' },
      el('div', { class: 'bar' }, this.filterBox, this.stateBox, this.count),
      heading,
      this.rows.element,
    );
  }

  show(steps: readonly PageStep[], lanes: readonly Lane[], chosen: number, now: number): void {
    this.steps = steps;
    this.lanes = lanes;
    this.chosen = chosen;
    this.now = now;
    this.filter();
  }

  /** Only times have gone on. */
  tick(now: number): void {
    this.now = now;
    this.rows.draw(true);
  }

  reveal(index: number): void {
    this.chosen = index;
    const at = this.shown.indexOf(index);
    if (at >= 0) this.rows.reveal(at);
    this.mark();
  }

  private filter(): void {
    const wanted = this.filterBox.value.toLowerCase();
    const state = this.stateBox.value as StepState | '';
    this.shown = [];
    for (let index = 0; index < this.steps.length; index++) {
      const { key, live } = this.steps[index]!;
      if (state !== '' && live.state !== state) continue;
      if (wanted === '' || `${live.title}\n${key}\n${this.where(index)}`.toLowerCase().includes(wanted))
        this.shown.push(index);
    }
    setText(this.count, fill(this.options.texts.shown, this.shown.length, this.steps.length));
    this.rows.show(this.shown.length);
    this.mark();
  }

  private where(index: number): string {
    return this.steps[index]!.lanes.map(lane => this.lanes[lane]?.name ?? '')
      .filter(Boolean)
      .join(', ');
  }

  private row(at: number): HTMLElement {
    const index = this.shown[at]!;
    const { texts } = this.options;
    const { key, live } = this.steps[index]!;
    const { startedAt, endedAt, state, title } = live;
    const took = startedAt === undefined ? '' : tookText(startedAt, endedAt, state, this.now);
    const percent = live.fraction === undefined ? '' : ` ${Math.round(live.fraction * 100)} %`;
    const begun = startedAt === undefined ? '' : new Date(startedAt).toLocaleTimeString();
    const attempt = live.attempt > 1 ? ` (${fill(texts.attempt, live.attempt)})` : '';
    const cells = [
      `${stateSigns[state]} ${texts.states[state]}${percent}`,
      title + attempt,
      this.where(index),
      begun,
      took,
    ];
    const row = el('div', {
      class: `row state-${state}`,
      role: 'row',
      id: `step-${index}`,
      'aria-rowindex': at + 2,
      'aria-selected': index === this.chosen ? 'true' : 'false',
      title: live.failure ?? live.reason ?? live.message ?? key,
    });
    for (const text of cells) row.append(el('span', { role: 'gridcell' }, text));
    row.addEventListener('click', () => this.options.onChoose(index));
    row.addEventListener('dblclick', () => this.options.onOpen(index));
    return row;
  }

  private onKey(event: KeyboardEvent): void {
    const at = this.shown.indexOf(this.chosen);
    const page = Math.max(1, Math.floor(this.rows.element.clientHeight / 24) - 1);
    const last = this.shown.length - 1;
    const to: Partial<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: last,
    };
    if (event.key === 'Enter' && at >= 0) this.options.onOpen(this.chosen);
    const target = to[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const index = this.shown[Math.max(0, Math.min(last, target))];
    if (index !== undefined) this.options.onChoose(index);
  }

  private mark(): void {
    const drawn = this.rows.element.querySelector(`#step-${this.chosen}`);
    if (drawn) this.rows.element.setAttribute('aria-activedescendant', drawn.id);
    else this.rows.element.removeAttribute('aria-activedescendant');
  }
}

function tookText(startedAt: number, endedAt: number | undefined, state: StepState, now: number): string {
  if (endedAt !== undefined) return duration(endedAt - startedAt);
  return state === 'running' || state === 'retrying' ? duration(Math.max(0, now - startedAt)) : '';
}
