import type { Json } from '../runbook/json';
import {
  type Answer,
  type ApprovalOutcome,
  type ApprovalRequest,
  type Durable,
  type Effect,
  type EffectCall,
  type FinishedStep,
  type Question,
  StopReason,
} from './durable';
import type { ApprovalState, History } from './history';
import {
  type CancelMode,
  type JournalRecord,
  type NoteEvent,
  type OnceEvent,
  onceId,
  type PauseEvent,
  type RunEvent,
} from './journal';
import type { Secrets } from './secrets';

/** Where records go. One writer per run. */
export interface JournalWriter {
  /** `synced`: resolves when it is safe on disk. `soon`: resolves at once, reaches the disk with the next synced one. Rejects when it can't be kept. */
  append(event: RunEvent, durability: 'synced' | 'soon'): Promise<JournalRecord>;
}

/** Time as a run sees it; a rehearsal's may be virtual. */
export interface Clock {
  /** ms since 1970. */
  now(): number;
  /** Resolves when the time has passed, or early when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** An approval that is waited for. */
interface OpenApproval {
  request: ApprovalRequest;
  state: ApprovalState;
  /** Ends the waiting. */
  settle(outcome: ApprovalOutcome): void;
}

/** A reason of its own spares making an error for it, with its stack, at every call. */
const settled = 'settled';

/** Durable effects on a journal of our own. Ids are unique in the run, so branches share one history. */
export class JournalDurable implements Durable {
  /** Of effects under way that a cancel aborts. */
  readonly #abortable = new Set<AbortController>();
  readonly #questions = new Map<string, { choices: Question['choices']; resolve(answer: Answer): void }>();
  readonly #approvals = new Map<string, OpenApproval>();
  readonly #journal: JournalWriter;

  /** `secrets`: values that are never written down; what is read from the history has them again. */
  constructor(
    readonly runId: string,
    private readonly history: History,
    journal: JournalWriter,
    private readonly clock: Clock,
    private readonly secrets?: Secrets,
  ) {
    this.#journal = secrets ? secrets.wrap(journal) : journal;
  }

  get cancelled(): CancelMode | undefined {
    return this.history.cancelled;
  }

  /** A person wants it to stop. Resolves when that is on disk. */
  async cancel(mode: CancelMode, by: string): Promise<void> {
    this.history.apply(await this.#journal.append({ type: 'cancel.requested', mode, by }, 'synced'));
    for (const controller of this.#abortable) controller.abort(new StopReason('cancel'));
  }

  /** A person's answer to an open question. False when it is not open, or the choice is none of its. */
  async answer(id: string, choice: string, by: string): Promise<boolean> {
    const open = this.#questions.get(id);
    if (!open?.choices.some(one => one.id === choice)) return false;
    this.#questions.delete(id);
    await this.#write({ type: 'question.answered', id, choice, by });
    open.resolve({ choice, by });
    return true;
  }

  /** A person's word on an open approval. Gives a sentence that says why it is refused; undefined: it counts, and is on disk. */
  async approve(key: string, decision: 'approve' | 'reject', by: string, note?: string): Promise<string | undefined> {
    const open = this.#approvals.get(key);
    if (!open)
      return `${key} is not waiting for an approval (any more). \`virtbook show\` says what the run waits for.`;
    const { request, state } = open;
    const { planHash, by: submitter } = this.history.submitted;
    const said = { key, planHash, by, ...(note !== undefined && note !== '' && { note }) };
    if (decision === 'reject') {
      this.#approvals.delete(key);
      await this.#write({ type: 'approval.rejected', ...said });
      open.settle({ outcome: 'rejected', by, ...(said.note !== undefined && { note: said.note }) });
      return undefined;
    }
    if (state.given.some(one => isSamePerson(one, by))) {
      return `${by} has approved ${key} already. It needs ${request.by} different people, so somebody else has to.`;
    }
    if (!request.self && isSamePerson(by, submitter)) {
      return `${by} submitted this run, and ${key} has to be approved by somebody else (self: false).`;
    }
    state.given.push(by);
    const { given } = state;
    const enough = given.length >= request.by;
    if (enough) this.#approvals.delete(key);
    await this.#write({ type: 'approval.given', ...said });
    if (enough) open.settle({ outcome: 'approved', by: given });
    return undefined;
  }

  finished(key: string): FinishedStep | undefined {
    const found = this.history.takeFinished(key);
    return found && this.secrets ? this.secrets.restore(found) : found;
  }

  recorded(id: string): OnceEvent | undefined {
    const event = this.history.once(id);
    return event && this.secrets ? this.secrets.restore(event) : event;
  }

  recall(id: string): OnceEvent | undefined {
    const event = this.history.takeOnce(id);
    return event && this.secrets ? this.secrets.restore(event) : event;
  }

  get steered(): boolean {
    return this.history.steered;
  }

  begun(key: string): boolean {
    return this.history.begun(key);
  }

  tell(event: PauseEvent): Promise<void> {
    return this.#write(event);
  }

  wasAsked(id: string): boolean {
    return this.history.wasAsked(id);
  }

  async effect<T, P extends Json>(effect: Effect<T, P>): Promise<{ value: T; prepared?: P }> {
    const { id, codec } = effect;
    const taken = this.history.takeEffect(id);
    const { intent, end } = this.secrets ? this.secrets.restore(taken) : taken;
    if (end) return { value: codec.value(end), ...(intent && { prepared: codec.prepared(intent) }) };
    if (intent) {
      const prepared = codec.prepared(intent);
      const verified = effect.verify
        ? await this.#call(effect, call => effect.verify!(call, prepared))
        : ('run-again' as const);
      if (verified !== 'run-again') {
        await this.#write(codec.end(verified.end));
        return { value: verified.end, prepared };
      }
      return { value: await this.#body(effect, prepared), prepared };
    }
    const begun = effect.begin ? await effect.begin() : { go: null as P };
    if ('end' in begun) {
      await this.#write(codec.end(begun.end));
      return { value: begun.end };
    }
    await this.#write(codec.intent(begun.go));
    return { value: await this.#body(effect, begun.go), prepared: begun.go };
  }

  async #body<T, P extends Json>(effect: Effect<T, P>, prepared: P): Promise<T> {
    const value = await this.#call(effect, call => effect.body(call, prepared));
    await this.#write(effect.codec.end(value));
    return value;
  }

  async #call<R>(
    effect: { shielded?: boolean; timeoutMs?: number },
    run: (call: EffectCall) => Promise<R>,
  ): Promise<R> {
    const controller = new AbortController();
    const over = effect.timeoutMs === undefined ? undefined : new AbortController();
    if (!effect.shielded) {
      this.#abortable.add(controller);
      if (this.cancelled) controller.abort(new StopReason('cancel'));
    }
    if (effect.timeoutMs !== undefined && over) {
      void this.clock.sleep(effect.timeoutMs, over.signal).then(() => {
        if (!over.signal.aborted) controller.abort(new StopReason('timeout'));
      });
    }
    try {
      // A signal is made when it is first asked for; an undo never does.
      return await run({
        get signal() {
          return controller.signal;
        },
      });
    } finally {
      over?.abort(settled);
      this.#abortable.delete(controller);
    }
  }

  async now(id: string): Promise<number> {
    const recorded = this.history.time(id);
    if (recorded !== undefined) return recorded;
    const value = this.clock.now();
    await this.#write({ type: 'time.read', id, value });
    return value;
  }

  recordedTime(id: string): number | undefined {
    return this.history.time(id);
  }

  async sleep(id: string, ms: number, options: { shielded?: boolean } = {}): Promise<void> {
    let until = this.history.waitsUntil(id);
    if (until === undefined) {
      until = this.clock.now() + ms;
      await this.#write({ type: 'wait.started', id, until });
    }
    const left = until - this.clock.now();
    if (left > 0) await this.#call(options, ({ signal }) => this.clock.sleep(left, signal));
  }

  async approval(request: ApprovalRequest): Promise<ApprovalOutcome> {
    const { key, pointer, message, by, self, expiresMs, shielded } = request;
    let state = this.history.approval(key);
    if (!state || state.askAgain) {
      state ??= { given: [], ...(expiresMs !== undefined && { expiresAt: this.clock.now() + expiresMs }) };
      const { planHash } = this.history.submitted;
      const expiry = state.expiresAt !== undefined && { expiresAt: state.expiresAt };
      await this.#write({ type: 'approval.asked', key, pointer, message, planHash, by, self, ...expiry });
    }
    if (state.rejected) return { outcome: 'rejected', ...state.rejected };
    if (state.over) return { outcome: state.over };
    if (state.given.length >= by) return { outcome: 'approved', by: state.given };
    const open = state;
    return this.#call(
      { shielded },
      ({ signal }) =>
        new Promise((resolve, reject) => {
          const timer = new AbortController();
          const settle = (outcome: ApprovalOutcome): void => {
            timer.abort(settled);
            resolve(outcome);
          };
          const over = (why: 'expired' | 'cancelled'): void => {
            // Not open any more: somebody decided, and that is being written.
            if (!this.#approvals.delete(key)) return;
            this.#write({ type: 'approval.over', key, why }).then(() => settle({ outcome: why }), reject);
          };
          this.#approvals.set(key, { request, state: open, settle });
          if (signal.aborted) return over('cancelled');
          signal.addEventListener('abort', () => over('cancelled'), { once: true });
          if (open.expiresAt === undefined) return;
          void this.clock.sleep(open.expiresAt - this.clock.now(), timer.signal).then(() => {
            if (!timer.signal.aborted) over('expired');
          });
        }),
    );
  }

  async ask(id: string, question: Question, options: { shielded?: boolean } = {}): Promise<Answer> {
    const recorded = this.history.answer(id);
    if (recorded) return recorded;
    if (!this.history.wasAsked(id)) {
      await this.#write({ type: 'question.asked', id, text: question.text, choices: question.choices });
    }
    return this.#call(
      options,
      ({ signal }) =>
        new Promise((resolve, reject) => {
          const cancelled = (): void => {
            // Not open any more: it was answered, and that is being written.
            if (!this.#questions.delete(id)) return;
            const answer: Answer = { choice: 'cancelled', by: '' };
            this.#write({ type: 'question.answered', id, ...answer }).then(() => resolve(answer), reject);
          };
          this.#questions.set(id, { choices: question.choices, resolve });
          if (signal.aborted) cancelled();
          else signal.addEventListener('abort', cancelled, { once: true });
        }),
    );
  }

  async fork<T>(
    _id: string,
    bodies: ((branch: Durable) => T | Promise<T>)[],
    options: { max?: number } = {},
  ): Promise<PromiseSettledResult<T>[]> {
    const results: PromiseSettledResult<T>[] = new Array(bodies.length);
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < bodies.length) {
        const at = next++;
        try {
          const value = bodies[at]!(this);
          results[at] = { status: 'fulfilled', value: value instanceof Promise ? await value : value };
        } catch (reason) {
          results[at] = { status: 'rejected', reason };
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(options.max ?? bodies.length, bodies.length) }, worker));
    return results;
  }

  async emit(event: OnceEvent): Promise<void> {
    await this.decide(onceId(event), () => event);
  }

  async decide(id: string, choose: () => OnceEvent): Promise<OnceEvent> {
    const recorded = this.recall(id);
    if (recorded) return recorded;
    const event = choose();
    await this.#write(event);
    return event;
  }

  note(event: NoteEvent): void {
    // A journal that can't be written to shows at the next synced record, which ends the runner.
    this.#journal.append(event, 'soon').catch(() => undefined);
  }

  async #write(event: RunEvent): Promise<void> {
    await this.#journal.append(event, 'synced');
  }
}

/** Names are compared as people read them. */
function isSamePerson(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}
