import type { Attachment, RunStatus, Runs } from '../runner/contract';
import { askChoice, personAtTerminal } from './ask';
import { exitCodeOf, exitCodes } from './exit-codes';
import { LiveProgress, PlainProgress, type Progress } from './progress';
import { endText } from './run-text';
import type { Terminal } from './terminal';

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
  #askingStop = false;
  #question: { id: string; over: AbortController } | undefined;

  constructor(
    private readonly runs: Runs,
    private readonly runId: string,
    private readonly terminal: Terminal,
    private readonly options: WatchOptions,
  ) {
    if (options.format === 'text') {
      this.#progress = terminal.live ? new LiveProgress(terminal) : new PlainProgress(terminal);
    }
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
        this.#progress?.apply(record);
        if (record.type === 'question.asked') this.#ask(record);
        if (record.type === 'question.answered' && this.#question?.id === record.id) this.#question.over.abort();
      }
    } finally {
      process.removeListener('SIGINT', interrupted);
      this.#question?.over.abort();
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

  #ask(question: { id: string; text: string; choices: { id: string; label: string }[] }): void {
    if (!this.#attachment) {
      if (this.options.format === 'text') {
        this.terminal.write(`The run waits for an answer. Give it in a terminal: virtbook resume ${this.runId}\n`);
      }
      return;
    }
    const attachment = this.#attachment;
    const over = new AbortController();
    this.#question = { id: question.id, over };
    void this.#around(async () => {
      if (over.signal.aborted) return;
      const choices = question.choices.map((choice, at) => ({ ...choice, key: String(at + 1) }));
      const answer = await askChoice(this.terminal, 'What happened?', choices, over.signal);
      if (answer !== undefined) await attachment.answer(question.id, answer);
      // Ctrl+C at a question is a wish to stop.
      else if (!over.signal.aborted) setImmediate(() => void this.#interrupted());
    }).catch(error => this.terminal.write(`${error instanceof Error ? error.message : String(error)}\n`));
  }

  async #interrupted(): Promise<void> {
    const attachment = this.#attachment;
    // Asked already, or nobody to ask: leave the run alone.
    if (!attachment || this.#askingStop) {
      this.#left.abort();
      return;
    }
    this.#askingStop = true;
    const answer = await this.#around(() =>
      askChoice(this.terminal, 'Stop the run?', [
        { id: 'keep', key: 'k', label: 'stop and keep what was done (the step under way is undone)' },
        { id: 'rollback', key: 'r', label: 'stop and roll everything back' },
        { id: 'detach', key: 'd', label: 'leave it running and come back later' },
        { id: 'continue', key: 'c', label: 'go on watching' },
      ]),
    );
    this.#askingStop = false;
    if (answer === undefined || answer === 'detach') this.#left.abort();
    else if (answer === 'keep' || answer === 'rollback') {
      await attachment
        .cancel(answer)
        .catch(error => this.terminal.write(`${error instanceof Error ? error.message : String(error)}\n`));
    }
  }
}

/** For people: `rolling back`, `needs a person`. */
export function statusText(status: RunStatus): string {
  switch (status) {
    case 'rolling-back':
      return 'rolling back';
    case 'rolled-back':
      return 'rolled back';
    case 'needs-operator':
      return 'needs a person';
    case 'waiting':
      return 'waits for an answer';
    default:
      return status;
  }
}
