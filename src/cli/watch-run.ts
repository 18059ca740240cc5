import { type OpenApproval, type OpenQuestion, RunModel, type RunView } from '../engine/view';
import { type Attachment, RunRefused, type RunStatus, type RunSummary, type Runs } from '../runner/contract';
import { exitCodeOf, exitCodes } from '../runner/exit-codes';
import { askChoice, personAtTerminal } from './ask';
import { LiveProgress, PlainProgress, type Progress } from './progress';
import { approvalText, approveCommand, endText } from './run-text';
import { printable, printableLines, type Terminal } from './terminal';

/** A run that is taken up again tells its past at once: only what is still open then is asked. */
const settleMs = 50;

export interface WatchOptions {
  format: 'text' | 'json';
  /** Answers questions, and asks on Ctrl+C whether to stop. Else it only looks. */
  takesPart: boolean;
}

/** Shows a run until it ends or the person leaves it; gives the exit code. */
export async function watchRun(runs: Runs, runId: string, terminal: Terminal, options: WatchOptions): Promise<number> {
  return new Watch(runs, runId, terminal, options).run();
}

class Watch {
  readonly #progress: Progress | undefined;
  readonly #left = new AbortController();
  #attachment: Attachment | undefined;
  /** Prompts one after another, whatever asks. */
  #asking: Promise<unknown> = Promise.resolve();
  /** Asked whether to stop; withdrawn when the run ends by itself. */
  #stopAsked: AbortController | undefined;
  readonly #model: RunModel;
  /** What is being asked, or waits its turn. */
  readonly #asked = new Map<string, AbortController>();
  #looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly runs: Runs,
    private readonly runId: string,
    private readonly terminal: Terminal,
    private readonly options: WatchOptions,
  ) {
    if (options.format === 'text') {
      this.#progress = terminal.live ? new LiveProgress(terminal) : new PlainProgress(terminal);
    }
    this.#model = this.#progress?.model ?? new RunModel();
  }

  async run(): Promise<number> {
    const interrupted = (): void => void this.#interrupted();
    process.on('SIGINT', interrupted);
    try {
      if (this.options.takesPart && this.terminal.interactive) {
        const person = personAtTerminal(this.terminal, ask => this.#around(ask));
        this.#attachment = await this.runs.attach(this.runId, person);
      }
      for await (const record of this.runs.follow(this.runId, { signal: this.#left.signal })) {
        if (this.options.format === 'json') this.terminal.write(`${JSON.stringify(record)}\n`);
        if (this.#progress) this.#progress.apply(record);
        else this.#model.apply(record);
        this.#looking ??= setTimeout(() => {
          this.#looking = undefined;
          this.#look();
        }, settleMs);
      }
    } finally {
      process.removeListener('SIGINT', interrupted);
      clearTimeout(this.#looking);
      for (const over of this.#asked.values()) over.abort();
      this.#stopAsked?.abort();
      this.#progress?.end();
      this.#attachment?.detach();
    }
    if (this.#left.signal.aborted) {
      if (this.options.format === 'text') {
        this.terminal.write(`The run goes on. Watch it: virtbook show ${this.runId} --follow\n`);
      }
      return exitCodes.done;
    }
    const run = await this.runs.read(this.runId);
    if (this.options.format === 'text') this.terminal.write(endText(run, this.terminal));
    return exitCodeOf(run);
  }

  #around<T>(ask: () => Promise<T>): Promise<T> {
    const asked = this.#asking.then(async () => {
      this.#progress?.pause();
      try {
        return await ask();
      } finally {
        this.#progress?.resume();
      }
    });
    this.#asking = asked.catch(() => undefined);
    return asked;
  }

  /** Asks what has come to be open, and takes back what is not open any more. */
  #look(): void {
    const { view } = this.#model;
    if (!view) return;
    const open = new Map<string, (signal: AbortSignal) => Promise<void>>();
    for (const question of view.questions) open.set(`question ${question.id}`, signal => this.#ask(question, signal));
    for (const approval of view.approvals) {
      open.set(`approval ${approval.key}`, signal => this.#askApproval(view, approval, signal));
    }
    for (const [id, over] of this.#asked) {
      if (open.has(id)) continue;
      over.abort();
      this.#asked.delete(id);
    }
    for (const [id, ask] of open) {
      if (this.#asked.has(id)) continue;
      const over = new AbortController();
      this.#asked.set(id, over);
      ask(over.signal).catch(error => this.#say(error instanceof Error ? error.message : String(error)));
    }
  }

  #say(text: string): void {
    if (this.options.format !== 'text') return;
    this.#progress?.pause();
    this.terminal.write(`${text}\n`);
    this.#progress?.resume();
  }

  async #ask(question: OpenQuestion, signal: AbortSignal): Promise<void> {
    const attachment = this.#attachment;
    if (!attachment) {
      this.#say(`The run waits for an answer. Give it in a terminal: virtbook resume ${this.runId}`);
      return;
    }
    await this.#around(async () => {
      if (signal.aborted) return;
      const choices = question.choices.map((choice, at) => ({ ...choice, key: String(at + 1) }));
      // Others may have been asked since, so it is said again what this is about.
      const what = this.#asked.size > 1 ? printableLines(question.text) : 'What happened?';
      const answer = await askChoice(this.terminal, what, choices, signal);
      if (answer !== undefined) await attachment.answer(question.id, answer);
      // Ctrl+C at a question is a wish to stop.
      else if (!signal.aborted) setImmediate(() => void this.#interrupted());
    });
  }

  /** Whoever watches the run is asked; anybody else decides with a command. */
  async #askApproval(view: RunView, { key }: OpenApproval, signal: AbortSignal): Promise<void> {
    const command = approveCommand(this.runId, view.approvals, key);
    const attachment = this.#attachment;
    if (!attachment) {
      this.#say(`The run waits for an approval: ${command}`);
      return;
    }
    await this.#around(async () => {
      const approval = view.approvals.find(one => one.key === key);
      if (signal.aborted || !approval) return;
      const choices = [
        { id: 'approve', key: 'y', label: 'approve it' },
        { id: 'reject', key: 'n', label: 'reject it: the run is rolled back' },
        { id: 'later', key: 'l', label: 'leave it to others, and watch' },
      ];
      const answer = await askChoice(this.terminal, `Approve ${printable(key)}?`, choices, signal);
      if (answer === undefined && !signal.aborted) setImmediate(() => void this.#interrupted());
      if (answer === 'approve' || answer === 'reject') {
        try {
          await attachment.approve(key, answer, approval.planHash);
        } catch (error) {
          if (!(error instanceof RunRefused)) throw error;
          this.terminal.write(`${printableLines(error.message)}\n`);
        }
      }
      if (signal.aborted || answer === undefined) return;
      const left = (await this.runs.read(this.runId)).approvals.find(one => one.key === key);
      if (left) {
        this.terminal.write(`${approvalText(left)}\nOthers decide with: ${command}\n`);
      }
    });
  }

  async #interrupted(): Promise<void> {
    const attachment = this.#attachment;
    // Asked already, or nobody to ask: leave the run alone.
    if (!attachment || this.#stopAsked) {
      this.#left.abort();
      return;
    }
    const asked = new AbortController();
    this.#stopAsked = asked;
    const choices = [
      { id: 'keep', key: 'k', label: 'stop and keep what was done (the step under way is undone)' },
      {
        id: 'rollback',
        key: 'r',
        label:
          this.#model.view?.noReturn === undefined
            ? 'stop and roll everything back'
            : 'the same: what was done can not be rolled back any more',
      },
      { id: 'detach', key: 'd', label: 'leave it running and come back later' },
      { id: 'continue', key: 'c', label: 'go on watching' },
    ];
    const answer = await this.#around(async () =>
      asked.signal.aborted ? undefined : askChoice(this.terminal, 'Stop the run?', choices, asked.signal),
    );
    this.#stopAsked = undefined;
    if (asked.signal.aborted) return;
    if (answer === undefined || answer === 'detach') this.#left.abort();
    else if (answer === 'keep' || answer === 'rollback') {
      await attachment
        .cancel(answer)
        .catch(error => this.terminal.write(`${error instanceof Error ? error.message : String(error)}\n`));
    }
  }
}

const waitsText = {
  answer: 'waits for an answer',
  approval: 'waits for approval',
  window: 'waits for its window',
  debugger: 'paused',
};

/** For people: `rolling back`, `needs a person`. */
export function statusText(status: RunStatus, waitsFor: RunSummary['waitsFor'] = 'answer'): string {
  switch (status) {
    case 'rolling-back':
      return 'rolling back';
    case 'rolled-back':
      return 'rolled back';
    case 'needs-operator':
      return 'needs a person';
    case 'waiting':
      return waitsText[waitsFor];
    default:
      return status;
  }
}
