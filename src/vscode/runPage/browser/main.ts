import { duration } from '../../duration';
import type { FromPage, Lane, PageHead, PageStep, RunAction, ToPage } from '../protocol';
import { readFromHost } from '../protocol';
import { stateSigns } from '../signs';
import { fill, type PageTexts } from '../texts';
import { button, el, setAttribute, setText } from './dom';
import { LogView } from './logView';
import { StepList } from './stepList';
import { Timeline } from './timeline';

declare function acquireVsCodeApi(): {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: unknown): void;
};

const host = acquireVsCodeApi();
/** Undos listed; the rest is counted. */
const UNDOS = 200;

/** The page of one run. Made when the first whole comes. */
class RunPage {
  private steps: PageStep[] = [];
  private lanes: Lane[] = [];
  private chosen = -1;
  /** A person chose, or looks around: the page does not choose for itself any more. */
  private isChosenByHand = false;
  /** To add to the browser's clock. */
  private clockAhead = 0;
  private drawn: Record<string, string> = {};
  private said = '';

  private readonly title = el('h1');
  private readonly status = el('span', { class: 'status' });
  private readonly facts = el('span', { class: 'facts' });
  private readonly progress = el('progress', { max: 1 });
  private readonly progressText = el('span', { class: 'facts' });
  private readonly failure = el('p', { class: 'failure', hidden: true });
  private readonly problem = el('p', { class: 'failure', role: 'alert', hidden: true });
  private readonly toolbar: HTMLElement;
  private readonly waiting: HTMLElement;
  private readonly details = el('div', { class: 'details' });
  private readonly undo: HTMLElement;
  private readonly left: HTMLElement;
  private readonly warnings: HTMLElement;
  private readonly news = el('div', { class: 'only-read', role: 'status', 'aria-live': 'polite' });
  private readonly timeline: Timeline;
  private readonly list: StepList;
  private readonly log: LogView;

  constructor(
    root: HTMLElement,
    private head: PageHead,
    private readonly texts: PageTexts,
  ) {
    this.timeline = new Timeline(texts, index => this.choose(index, true));
    this.list = new StepList({
      texts,
      onChoose: index => this.choose(index, true),
      onOpen: index => this.open(index),
    });
    this.log = new LogView(texts);
    this.toolbar = el('div', { class: 'toolbar', role: 'group', 'aria-label': head.name });
    this.waiting = el('section', { class: 'waiting', 'aria-label': texts.waiting, hidden: true });
    this.undo = el('section', { 'aria-label': texts.undoList });
    this.left = el('section', { 'aria-label': texts.remaining, hidden: true });
    this.warnings = el('section', { 'aria-label': texts.warnings, hidden: true });
    const zoom = el(
      'span',
      { class: 'zoom' },
      button('−', () => this.timeline.zoomBy(1 / 1.5), { 'aria-label': texts.zoomOut, title: texts.zoomOut }),
      button('+', () => this.timeline.zoomBy(1.5), { 'aria-label': texts.zoomIn, title: texts.zoomIn }),
      button(texts.zoomFit, () => this.timeline.zoomTo(1)),
    );
    root.replaceChildren(
      el(
        'header',
        {},
        this.title,
        el('p', {}, this.status, ' ', this.facts),
        el('p', { class: 'progress' }, this.progress, ' ', this.progressText),
        this.failure,
        this.problem,
        this.toolbar,
      ),
      this.waiting,
      this.left,
      el('section', { 'aria-label': texts.timeline }, heading(texts.timeline, zoom), this.timeline.element),
      el('p', { class: 'legend' }, texts.legend),
      el(
        'div',
        { class: 'columns' },
        el('section', { 'aria-label': texts.steps }, heading(texts.steps), this.list.element),
        el('section', { 'aria-label': texts.details }, heading(texts.details), this.details, this.log.element),
      ),
      this.undo,
      this.warnings,
      this.news,
    );
    // Who looks around is not taken elsewhere.
    for (const element of [this.timeline.element, this.list.element]) {
      for (const name of ['wheel', 'pointerdown', 'keydown']) {
        element.addEventListener(name, () => this.stay(), { passive: true });
      }
    }
    setInterval(() => this.tick(), 1_000);
    document.addEventListener('visibilitychange', () => this.tick());
  }

  whole(message: Extract<ToPage, { type: 'whole' }>): void {
    const key = this.steps[this.chosen]?.key;
    this.head = message.head;
    this.lanes = message.lanes;
    this.steps = message.steps;
    this.clockAhead = message.clock - Date.now();
    // Folded anew, steps may stand elsewhere.
    this.chosen = key === undefined ? -1 : this.steps.findIndex(step => step.key === key);
    host.setState({ runId: this.head.runId });
    this.draw();
  }

  update(message: Extract<ToPage, { type: 'update' }>): void {
    this.clockAhead = message.clock - Date.now();
    if (message.head) this.head = message.head;
    if (message.lanes) this.lanes = message.lanes;
    for (const [index, live] of message.changed ?? []) {
      const step = this.steps[index];
      if (step) step.live = live;
    }
    if (message.added) this.steps.push(...message.added);
    this.draw();
  }

  takeLog({ key, lines, replace, dropped }: Extract<ToPage, { type: 'log' }>): void {
    if (this.steps[this.chosen]?.key === key) this.log.take(lines, replace, dropped);
  }

  tellProblem(text: string): void {
    this.problem.hidden = false;
    setText(this.problem, text);
  }

  private get now(): number {
    return this.head.endedAt !== undefined && !this.head.live ? this.head.endedAt : Date.now() + this.clockAhead;
  }

  private tick(): void {
    if (!this.head.live || document.hidden) return;
    this.drawFacts();
    this.timeline.show(this.head, this.steps, this.lanes, this.chosen, this.now);
    this.list.tick(this.now);
  }

  private draw(): void {
    if (!this.isChosenByHand) {
      const found = this.worthSeeing();
      if (found !== this.chosen) this.choose(found, false);
    }
    this.drawHead();
    this.drawFacts();
    this.timeline.show(this.head, this.steps, this.lanes, this.chosen, this.now);
    this.list.show(this.steps, this.lanes, this.chosen, this.now);
    this.drawDetails();
    this.drawUndo();
    this.tellNews();
  }

  /** The step that a person would look at: what goes on, else what failed, else what was last. */
  private worthSeeing(): number {
    const { steps } = this;
    const at = (wanted: readonly string[]): number => steps.findLastIndex(({ live }) => wanted.includes(live.state));
    for (const states of [
      ['running', 'retrying', 'undoing'],
      ['failed', 'undo-failed'],
      ['done', 'undone'],
    ]) {
      const found = at(states);
      if (found >= 0) return found;
    }
    return -1;
  }

  private choose(index: number, byHand: boolean): void {
    if (byHand) this.isChosenByHand = true;
    const key = this.steps[index]?.key;
    if (index !== this.chosen) {
      this.chosen = index;
      this.log.clear();
      host.postMessage(key === undefined ? { type: 'choose' } : { type: 'choose', key });
    }
    this.timeline.choose(index);
    this.list.reveal(index);
    this.drawDetails();
    const live = this.steps[index]?.live;
    if (byHand && live) this.say(`${live.title}: ${this.texts.states[live.state]}`);
  }

  private stay(): void {
    this.isChosenByHand = true;
  }

  private open(index: number): void {
    const key = this.steps[index]?.key;
    if (key !== undefined) host.postMessage({ type: 'open', key });
  }

  /** Draws a part only when what it is made of has changed: buttons keep their focus. */
  private part(name: string, made: unknown, draw: () => void): void {
    const text = JSON.stringify(made);
    if (this.drawn[name] === text) return;
    this.drawn[name] = text;
    draw();
  }

  private drawHead(): void {
    const { head, texts } = this;
    setText(this.title, head.name);
    setText(this.status, head.statusText);
    this.status.className = `status status-${head.status}`;
    const reason = head.failure ?? head.rollbackReason ?? head.window;
    this.failure.hidden = reason === undefined;
    setText(this.failure, reason ?? '');
    this.part('toolbar', head.actions, () => {
      this.toolbar.replaceChildren(
        ...head.actions.map(action =>
          button(actionLabels(texts)[action], () => host.postMessage({ type: 'do', action })),
        ),
        button(texts.journal, () => host.postMessage({ type: 'journal' }), { class: 'quiet' }),
        button(texts.print, () => host.postMessage({ type: 'print' }), { class: 'quiet' }),
      );
    });
    this.part('waiting', [head.questions, head.approvals, head.paused], () => this.drawWaiting());
    this.part('left', head.remaining, () => {
      this.left.hidden = head.remaining.length === 0;
      const items = head.remaining.map(({ key, text, why }) =>
        el('li', {}, text, el('div', { class: 'facts' }, `${key}: ${why}`)),
      );
      this.left.replaceChildren(heading(texts.remaining), el('ul', {}, ...items));
    });
    this.part('warnings', [head.warnings, head.noReturn], () => {
      const all = [...(head.noReturn === undefined ? [] : [texts.noReturn]), ...head.warnings];
      this.warnings.hidden = all.length === 0;
      this.warnings.replaceChildren(heading(texts.warnings), el('ul', {}, ...all.map(text => el('li', {}, text))));
    });
  }

  private drawWaiting(): void {
    const { head, texts } = this;
    const questions = head.questions.map(({ id, text, choices }) =>
      el(
        'div',
        { class: 'ask' },
        el('p', {}, text),
        ...choices.map(choice =>
          button(choice.label, () => host.postMessage({ type: 'answer', question: id, choice: choice.id })),
        ),
      ),
    );
    const approvals = head.approvals.map(({ key, message, needed, given, expiresAt }) =>
      el(
        'div',
        { class: 'ask' },
        el('p', {}, message),
        el(
          'p',
          { class: 'facts' },
          [
            fill(texts.needs, given.length, needed),
            ...given,
            ...(expiresAt === undefined ? [] : [fill(texts.expires, new Date(expiresAt).toLocaleString())]),
          ].join(' · '),
        ),
        button(texts.approve, () => host.postMessage({ type: 'decide', key, decision: 'approve' })),
        button(texts.reject, () => host.postMessage({ type: 'decide', key, decision: 'reject' }), { class: 'quiet' }),
      ),
    );
    const paused = head.paused.map(({ name, text }) => el('div', { class: 'ask' }, el('p', {}, `${name}: ${text}`)));
    const all = [...questions, ...approvals, ...paused];
    this.waiting.hidden = all.length === 0;
    this.waiting.replaceChildren(heading(texts.waiting), ...all);
  }

  private drawFacts(): void {
    const { head, texts } = this;
    const begun = head.startedAt ?? head.submittedAt;
    const lasted = duration(Math.max(0, this.now - begun));
    const facts = [
      fill(head.live ? texts.since : texts.took, lasted),
      fill(texts.started, new Date(begun).toLocaleString()),
      fill(texts.by, head.by),
      fill(texts.plan, head.planHash.slice(0, 12)),
      head.runId,
    ];
    setText(this.facts, facts.join(' · '));
    this.progress.value = head.progress;
    const over = this.steps.filter(({ live }) => live.state !== 'pending' && !isUnderWay(live.state)).length;
    setText(this.progressText, fill(texts.progress, over, this.steps.length));
    setAttribute(this.progress, 'aria-label', this.progressText.textContent ?? '');
  }

  private drawDetails(): void {
    const { texts } = this;
    const step = this.steps[this.chosen];
    this.part('details', step ?? null, () => {
      if (!step) {
        this.details.replaceChildren(el('p', {}, texts.chooseStep));
        return;
      }
      const { live, key, uses, plannedFrom, plannedTo } = step;
      const attempt = live.attempt > 1 ? `, ${fill(texts.attempt, live.attempt)}` : '';
      const rows: [string, string | undefined][] = [
        [texts.uses, `${uses} · ${key}`],
        [texts.failure, live.failure],
        [texts.reason, live.reason],
        [texts.undo, live.undo],
      ];
      const list = el('dl');
      for (const [name, value] of rows) {
        if (value !== undefined) list.append(el('dt', {}, name), el('dd', {}, value));
      }
      const state = `${stateSigns[live.state]} ${texts.states[live.state]}${attempt}`;
      const expected =
        plannedFrom === undefined || plannedTo === undefined || plannedTo === plannedFrom
          ? undefined
          : fill(texts.planned, duration((plannedTo - plannedFrom) * 1000));
      this.details.replaceChildren(
        el('p', {}, el('strong', {}, live.title)),
        el('p', { class: 'facts' }, [state, live.message, expected].filter(Boolean).join(' · ')),
        list,
        button(texts.open, () => this.open(this.chosen), { class: 'quiet' }),
      );
    });
  }

  private drawUndo(): void {
    const { texts } = this;
    const open = this.steps.filter(({ live }) => live.undoOrder !== undefined);
    open.sort((a, b) => b.live.undoOrder! - a.live.undoOrder!);
    const lines = open.slice(0, UNDOS).map(({ live, key }) => live.undo ?? key);
    this.part('undo', [lines, open.length], () => {
      const more = open.length - lines.length;
      this.undo.replaceChildren(
        heading(texts.undoList),
        lines.length === 0 ? el('p', {}, texts.undoNothing) : el('ol', {}, ...lines.map(text => el('li', {}, text))),
        ...(more > 0 ? [el('p', {}, fill(texts.more, more))] : []),
      );
    });
  }

  /** For screen readers: what the run is at, when that changes. */
  private tellNews(): void {
    const { head } = this;
    const asked = [...head.questions.map(({ text }) => text), ...head.approvals.map(({ message }) => message)];
    const news = [head.statusText, ...asked, ...(head.failure === undefined ? [] : [head.failure])].join('. ');
    if (news === this.said) return;
    this.said = news;
    this.say(news);
  }

  private say(text: string): void {
    setText(this.news, text);
  }
}

function heading(text: string, more?: HTMLElement): HTMLElement {
  return el('div', { class: 'heading-line' }, el('h2', {}, text), more);
}

function isUnderWay(state: string): boolean {
  return state === 'running' || state === 'retrying' || state === 'undoing';
}

function actionLabels(texts: PageTexts): Record<RunAction, string> {
  const { cancel, rollBack, resume, pause, debug, remainingRunbook } = texts;
  return { cancel, rollBack, resume, pause, continue: texts.continue, debug, remaining: remainingRunbook };
}

let page: RunPage | undefined;
window.addEventListener('message', event => {
  const message = readFromHost(event.data);
  if (!message) return;
  if (message.type === 'whole') {
    const root = document.getElementById('page');
    if (!root) return;
    page ??= new RunPage(root, message.head, message.texts);
    page.whole(message);
  } else if (message.type === 'update') page?.update(message);
  else if (message.type === 'log') page?.takeLog(message);
  else page?.tellProblem(message.text);
});
host.postMessage({ type: 'ready' });
