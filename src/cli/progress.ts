import type { JournalRecord } from '../engine/journal';
import { duration } from '../engine/text-table';
import { RunModel, type StepView } from '../engine/view';
import { headText, marksOf, recordText, stepName } from './run-text';
import { cutTo, paint, printable, type Terminal } from './terminal';

/** Shows a run as its records come. */
export interface Progress {
  apply(record: JournalRecord): void;
  /** Takes away what is redrawn, so that something else can be written or asked. */
  pause(): void;
  resume(): void;
  end(): void;
  readonly model: RunModel;
}

/** One line per record that says something; for pipes and logs. */
export class PlainProgress implements Progress {
  readonly model = new RunModel();

  constructor(private readonly terminal: Terminal) {}

  apply(record: JournalRecord): void {
    this.model.apply(record);
    if (record.type === 'run.submitted') this.terminal.write(headText(this.model.view!, this.terminal));
    const text = recordText(record, this.model, this.terminal, false);
    if (text !== undefined) this.terminal.write(`${text}\n`);
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
}

const frameMs = 100;
const mostRows = 12;

/** What has ended scrolls by; what is under way is redrawn below it, with the time it has taken. */
export class LiveProgress implements Progress {
  readonly model = new RunModel();
  readonly #underWay = new Set<string>();
  #rows = 0;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Lines that came since the last drawing. */
  #lines: string[] = [];
  #paused = false;
  #ended = false;

  constructor(
    private readonly terminal: Terminal,
    private readonly now: () => number = Date.now,
  ) {
    this.#start();
  }

  apply(record: JournalRecord): void {
    this.model.apply(record);
    if (record.type === 'run.submitted') this.#lines.push(headText(this.model.view!, this.terminal).trimEnd());
    const text = recordText(record, this.model, this.terminal, true);
    if (text !== undefined) this.#lines.push(text);
    if (/^(step|undo)\.intent$|^control\.started$/.test(record.type) && 'key' in record && this.model.step(record.key!))
      this.#underWay.add(record.key!);
    if (/^(step\.(done|failed)|undo\.(done|failed)|control\.done)$/.test(record.type) && 'key' in record)
      this.#underWay.delete(record.key!);
    if (this.#lines.length > 0 && !this.#paused) this.#draw();
  }

  pause(): void {
    this.#paused = true;
    this.#stop();
    this.terminal.write(`${this.#erase()}${this.#takeLines()}\x1b[?25h`);
  }

  resume(): void {
    // A question that was open at the end is taken back after it.
    if (this.#ended) return;
    this.#paused = false;
    this.#start();
  }

  end(): void {
    this.#ended = true;
    this.#underWay.clear();
    this.pause();
  }

  #start(): void {
    this.terminal.write('\x1b[?25l');
    this.#timer ??= setInterval(() => {
      this.#frame++;
      this.#draw();
    }, frameMs);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One write per frame, and no line is blank in between: nothing flickers. */
  #draw(): void {
    const rows = this.#status();
    const text = `${this.#erase()}${this.#takeLines()}${rows.map(row => `${row}\n`).join('')}`;
    this.#rows = rows.length;
    this.terminal.write(`\x1b[?2026h${text}\x1b[?2026l`);
  }

  #erase(): string {
    const text = this.#rows > 0 ? `\x1b[${this.#rows}F\x1b[J` : '';
    this.#rows = 0;
    return text;
  }

  #takeLines(): string {
    const text = this.#lines.map(line => `${line}\n`).join('');
    this.#lines = [];
    return text;
  }

  #status(): string[] {
    const { view } = this.model;
    if (!view) return [];
    const { spinner } = marksOf(this.terminal);
    const turning = spinner[this.#frame % spinner.length]!;
    const steps = [...this.#underWay].flatMap(key => this.model.step(key) ?? []);
    const rows = steps.slice(0, mostRows).map(step => this.#row(step, turning));
    if (steps.length > mostRows) rows.push(paint(this.terminal, 'dim', `  and ${steps.length - mostRows} more`));
    const ended = view.steps.filter(step => step.state !== 'pending' && step.state !== 'running').length;
    const since = duration(this.now() - (view.startedAt ?? view.submittedAt));
    if (view.window !== undefined)
      rows.push(paint(this.terminal, 'dim', cutTo(`  ${view.window}`, this.terminal.columns())));
    if (view.phase !== 'waiting') {
      const what = view.phase === 'rolling-back' ? 'rolling back' : `${ended} of ${view.steps.length} steps`;
      rows.push(paint(this.terminal, 'dim', cutTo(`  ${what}, ${since}`, this.terminal.columns())));
    }
    return rows;
  }

  #row(step: StepView, turning: string): string {
    const undoing = step.state === 'undoing';
    const since = undoing ? step.undoStartedAt : step.startedAt;
    const time = since === undefined ? '' : duration(this.now() - since);
    const part = step.fraction === undefined ? '' : ` ${Math.floor(step.fraction * 100)} %`;
    const message = step.message === undefined ? (step.tail.at(-1) ?? '') : step.message;
    const title = undoing ? `undo: ${printable(step.undo ?? step.title)}` : stepName(step);
    const text = `${title}  ${time}${part}${message ? `  ${printable(message.split('\n')[0]!)}` : ''}`;
    return `${paint(this.terminal, 'cyan', turning)} ${cutTo(text, this.terminal.columns() - 2)}`;
  }
}
