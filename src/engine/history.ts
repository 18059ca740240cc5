import type { FinishedStep } from './durable';
import {
  type ApprovalEvent,
  type CancelMode,
  type EffectEnd,
  type EffectIntent,
  effectId,
  type JournalRecord,
  type OnceEvent,
  onceId,
  type RunEnded,
  steeringId,
} from './journal';
import { finallyMark, rollbackMark } from './keys';

/** What a journal says has happened, as the embedded Durable looks it up on a replay. Progress and output are not kept. */
export class History {
  /** First attempts at steps, by the key of the step: by far the most there is. */
  readonly #steps = new Map<string, PastEffect>();
  /** All other effects, by their id. */
  readonly #effects = new Map<string, PastEffect>();
  readonly #once = new Map<string, OnceEvent>();
  readonly #waits = new Map<string, number>();
  readonly #times = new Map<string, number>();
  readonly #answers = new Map<string, { choice: string; by: string }>();
  readonly #approvals = new Map<string, ApprovalState>();
  readonly #asked = new Set<string>();
  #submitted: { planHash: string; by: string } = { planHash: '', by: '' };
  #cancelled: CancelMode | undefined;
  #ended: RunEnded | undefined;
  #started = false;
  #steered = false;
  #letGo = false;
  /** Keys of steps that something is recorded of, and of all that holds them. */
  #begun: Set<string> | undefined;

  apply(record: JournalRecord): void {
    switch (record.type) {
      case 'run.submitted':
        this.#submitted = { planHash: record.planHash, by: record.by };
        return;
      case 'run.started':
        this.#started = true;
        this.#ended = undefined;
        return;
      case 'step.intent':
      case 'undo.intent':
      case 'commit.intent':
        this.#past(record).intent = record;
        return;
      case 'step.done':
      case 'step.failed':
      case 'undo.done':
      case 'undo.failed':
      case 'commit.done':
      case 'commit.failed':
        this.#past(record).end = record;
        return;
      case 'step.skipped':
      case 'item.started':
      case 'item.skipped':
      case 'item.ended':
      case 'rollback.started':
      case 'commit.started':
      case 'control.started':
      case 'control.done':
      case 'noreturn.passed':
      case 'finally.started':
      case 'window.waiting':
      case 'window.closed':
        this.#once.set(onceId(record), record);
        return;
      case 'step.back':
      case 'step.jump':
      case 'variable.set':
        this.#steered = true;
        this.#once.set(onceId(record), record);
        return;
      case 'run.continued':
        this.#letGo = true;
        return;
      case 'wait.started':
        this.#waits.set(record.id, record.until);
        return;
      case 'time.read':
        this.#times.set(record.id, record.value);
        return;
      case 'question.asked':
        this.#asked.add(record.id);
        return;
      case 'question.answered':
        this.#answers.set(record.id, record);
        return;
      case 'approval.asked':
      case 'approval.given':
      case 'approval.rejected':
      case 'approval.over':
        this.#approve(record);
        return;
      case 'cancel.requested':
        // Rolling back includes stopping; it is never taken back by a later wish to keep.
        if (this.#cancelled !== 'rollback') this.#cancelled = record.mode;
        return;
      case 'run.ended':
        this.#end(record);
        return;
      case 'step.progress':
      case 'step.log':
      case 'run.paused':
        return;
    }
  }

  #past(record: EffectIntent | EffectEnd): PastEffect {
    const first = record.attempt === 1 && record.type.startsWith('step.');
    const effects = first ? this.#steps : this.#effects;
    const id = first ? record.key : effectId(record);
    let past = effects.get(id);
    if (!past) {
      past = { intent: undefined, end: undefined };
      effects.set(id, past);
    }
    return past;
  }

  #approve(event: ApprovalEvent): void {
    if (event.type === 'approval.asked') {
      const { expiresAt } = event;
      const given = this.#approvals.get(event.key)?.given ?? [];
      this.#approvals.set(event.key, { given, ...(expiresAt !== undefined && { expiresAt }) });
      return;
    }
    const approval = this.#approvals.get(event.key);
    if (!approval) return;
    if (event.type === 'approval.over') {
      approval.over = event.why;
      return;
    }
    // Of another plan: it says nothing of this one.
    if (event.planHash !== this.#submitted.planHash) return;
    if (event.type === 'approval.given') approval.given.push(event.by);
    else approval.rejected = { by: event.by, ...(event.note !== undefined && { note: event.note }) };
  }

  /** A runner that goes on with it rolls back anew, tries again what could not be done, and does all of `finally` again. */
  #end(record: RunEnded): void {
    this.#ended = record;
    this.#cancelled = undefined;
    this.#asked.clear();
    this.#once.delete(onceId({ type: 'rollback.started', reason: '' }));
    this.#once.delete(onceId({ type: 'finally.started' }));
    for (const effects of [this.#steps, this.#effects]) {
      for (const [id, past] of effects) {
        if (!past.end || !this.#isTriedAgain(past.end)) continue;
        // An undo goes on from its intent.
        if (past.end.type === 'undo.failed') past.end = undefined;
        else effects.delete(id);
      }
    }
    for (const [id, event] of this.#once) {
      // A wait for a window that was broken off: that is looked at again.
      if (event.type === 'window.waiting' && !this.#times.has(nextLook(event.id))) this.#once.delete(id);
      if (!isTriedAgain(event, record)) continue;
      this.#once.delete(id);
      if (event.type === 'window.closed') this.#times.delete(event.id);
    }
    for (const one of [this.#waits, this.#times, this.#answers, this.#approvals]) {
      for (const id of one.keys()) if (id.includes(finallyMark)) one.delete(id);
    }
    for (const approval of this.#approvals.values()) {
      if (approval.over !== 'cancelled') continue;
      delete approval.over;
      approval.askAgain = true;
    }
    for (const [id, answer] of this.#answers) {
      // Who lets a run go on that was stopped there wants the step tried again.
      if (id.startsWith(forwardMark) && answer.choice !== 'again') this.#answers.set(id, { choice: 'again', by: '' });
    }
  }

  #isTriedAgain(end: EffectEnd): boolean {
    if (end.key.includes(finallyMark)) return end.type.startsWith('step.');
    if (end.type === 'step.failed') return end.key.includes(rollbackMark);
    // After a step back whose undo failed it went on: it does so again.
    if (end.type !== 'undo.failed' || end.back !== undefined) return false;
    // Where the step was run again after it, there is nothing to undo of that attempt any more.
    return !this.#effects.has(effectId({ type: 'step.intent', key: end.key, attempt: end.attempt + 1 }));
  }

  /** Who submitted the run, and the hash of its plan; empty when no journal says. */
  get submitted(): { planHash: string; by: string } {
    return this.#submitted;
  }
  get cancelled(): CancelMode | undefined {
    return this.#cancelled;
  }
  /** How the run ended, unless a runner has started again since. */
  get ended(): RunEnded | undefined {
    return this.#ended;
  }
  /** A person has changed its way: what is recorded can't be taken step by step without heeding that. */
  get steered(): boolean {
    return this.#steered;
  }
  /** It stood once and was let go. */
  get letGo(): boolean {
    return this.#letGo;
  }
  /** Some step has been begun, or left out. */
  get anyBegun(): boolean {
    return this.#steps.size > 0 || this.#effects.size > 0 || this.#once.size > 0;
  }
  /** Whether an earlier runner has come as far as this step. Of steps that this one has not come to yet. */
  begun(key: string): boolean {
    this.#begun ??= keysIn([
      ...this.#steps.keys(),
      ...[this.#effects, this.#times].flatMap(one => [...one.keys()].map(withoutWord)),
      // What a person decided before a step is not the step.
      ...[...this.#once.keys()].filter(id => !id.startsWith(steeringId(''))).map(withoutWord),
      ...[this.#waits, this.#approvals].flatMap(one => [...one.keys()].map(id => id.replace(/^wait /, ''))),
    ]);
    return this.#begun.has(key);
  }
  /** A runner has had this run before. */
  get started(): boolean {
    return this.#started;
  }
  /** Effects are looked up once in a replay; forgetting them keeps a long run's memory flat. */
  takeEffect(id: string): { intent?: EffectIntent; end?: EffectEnd } {
    const first = id.startsWith('step ') && id.endsWith('#1');
    const effects = first ? this.#steps : this.#effects;
    const name = first ? id.slice('step '.length, -'#1'.length) : id;
    const past = effects.get(name);
    if (!past) return {};
    effects.delete(name);
    return past;
  }
  takeFinished(key: string): FinishedStep | undefined {
    const past = this.#steps.get(key);
    if (past?.end?.type !== 'step.done' || past.intent?.type !== 'step.intent') return undefined;
    this.#steps.delete(key);
    return past as FinishedStep;
  }
  takeOnce(id: string): OnceEvent | undefined {
    const event = this.#once.get(id);
    this.#once.delete(id);
    return event;
  }
  once(id: string): OnceEvent | undefined {
    return this.#once.get(id);
  }
  waitsUntil(id: string): number | undefined {
    return this.#waits.get(id);
  }
  time(id: string): number | undefined {
    return this.#times.get(id);
  }
  answer(id: string): { choice: string; by: string } | undefined {
    return this.#answers.get(id);
  }
  wasAsked(id: string): boolean {
    return this.#asked.has(id) || this.#answers.has(id);
  }
  approval(key: string): ApprovalState | undefined {
    return this.#approvals.get(key);
  }
}

/** `item.started each[a]` is about `each[a]`. */
function withoutWord(id: string): string {
  return id.slice(id.indexOf(' ') + 1);
}

/** At a window, after the wait that the one before led to: `window step#2` after `window step#1`. */
function nextLook(id: string): string {
  const at = id.lastIndexOf('#') + 1;
  return id.slice(0, at) + (Number(id.slice(at)) + 1);
}

/** With the keys of what holds them. */
function keysIn(ids: Iterable<string>): Set<string> {
  const keys = new Set<string>();
  for (const id of ids) {
    keys.add(id);
    for (const { index } of id.matchAll(/[/[#~]/g)) keys.add(id.slice(0, index));
  }
  return keys;
}

interface PastEffect {
  intent: EffectIntent | undefined;
  end: EffectEnd | undefined;
}

/** What people have said to one request so far. */
export interface ApprovalState {
  /** ms since 1970. */
  expiresAt?: number;
  /** Who has approved. */
  given: string[];
  rejected?: { by: string; note?: string };
  over?: 'expired' | 'cancelled';
  /** The run was stopped while it waited. */
  askAgain?: true;
}

/** Begins the ids of questions that are asked after a point of no return. */
export const forwardMark = 'forward ';

/** What was decided only because something failed or the time was over, and is decided anew when a runner goes on. */
function isTriedAgain(event: OnceEvent, ended: RunEnded): boolean {
  if ('key' in event && event.key !== undefined) {
    if (event.key.includes(finallyMark)) return true;
    if (event.key.includes(rollbackMark)) {
      return (event.type === 'item.ended' && !event.ok) || event.type === 'item.skipped';
    }
  }
  switch (event.type) {
    case 'window.closed':
      return true;
    case 'item.ended':
      return event.stuck === true;
    case 'item.skipped':
      return ended.forward === true;
    default:
      return false;
  }
}
