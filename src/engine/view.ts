import type { Json, JsonObject } from '../runbook/json';
import type {
  CancelMode,
  EndStatus,
  Failure,
  JournalRecord,
  Observed,
  Remaining,
  StopPhase,
  StopReason,
} from './journal';
import type { Plan } from './plan';
import { leavesOf } from './planned-steps';

/** Where a run stands, as the journal alone tells it. Whether its runner is still alive is known to the runner room (`crashed`). */
export type RunPhase = 'submitted' | 'running' | 'waiting' | 'rolling-back' | EndStatus;

export type StepState =
  | 'pending'
  | 'running'
  | 'retrying'
  | 'done'
  | 'failed'
  | 'skipped'
  | 'undoing'
  | 'undone'
  | 'undo-failed';

/** One step of one item, as terminal, tree and lens show it. Times are ms since 1970. */
export interface StepView {
  key: string;
  pointer: string;
  uses: string;
  title: string;
  state: StepState;
  attempt: number;
  startedAt?: number;
  endedAt?: number;
  undoStartedAt?: number;
  undoEndedAt?: number;
  /** 0…1 of what is under way. */
  fraction?: number;
  message?: string;
  failure?: Failure;
  /** Why it was skipped. */
  reason?: string;
  outputs?: JsonObject;
  /** What its undo does; absent: nothing to undo. */
  undo?: string;
  /** The last lines of its output. */
  tail: string[];
}

export interface ItemView {
  key: string;
  pointer: string;
  value: Json;
  state: 'running' | 'done' | 'failed' | 'rolled-back' | 'skipped';
}

/** A thread of the run that stands: in a debugger, or because a person paused or held it. */
export interface PausedView {
  thread: number;
  /** Of the thread: the run, an item, a branch. */
  name: string;
  reason: StopReason;
  phase: StopPhase;
  key?: string;
  pointer?: string;
  /** Why, a sentence. */
  text: string;
  since: number;
}

/** A value that a person changed while the run stood. */
export interface ChangedView {
  /** The step before which that was. */
  key: string;
  /** As people write it: `inputs.count`. */
  name: string;
  was: Json;
  value: Json;
  by: string;
  at: number;
}

export interface OpenQuestion {
  id: string;
  text: string;
  choices: { id: string; label: string }[];
}

export interface OpenApproval {
  key: string;
  pointer: string;
  message: string;
  /** What is approved: one plan, and no other. */
  planHash: string;
  /** How many different people have to. */
  needed: number;
  /** Who has. */
  given: { by: string; note?: string; t: number }[];
  /** Whether who submitted the run counts. */
  self: boolean;
  expiresAt?: number;
}

/** The one model that every view of a run shows. */
export interface RunView {
  runId: string;
  name: string;
  plan: Plan;
  planHash: string;
  by: string;
  runbookPath: string;
  inventoryPath?: string;
  /** How VMs stood when it was planned. */
  observed?: Observed;
  phase: RunPhase;
  submittedAt: number;
  startedAt?: number;
  endedAt?: number;
  /** Foretold and met steps, in the order of the plan; steps met that the plan could not foretell come after what they follow. */
  steps: StepView[];
  items: ItemView[];
  /** Keys of steps whose undo would run in a rollback, last first. */
  readonly undoList: string[];
  /** What people are asked now, the longest open one first. */
  questions: OpenQuestion[];
  /** The first of them. */
  question?: OpenQuestion;
  /** What waits for people to approve it. */
  approvals: OpenApproval[];
  /** What stands until somebody lets it go on; the run is `waiting` then. */
  paused: PausedView[];
  /** Values that people changed, in order. */
  changed: ChangedView[];
  /** Key of the point of no return that was passed. */
  noReturn?: string;
  /** It ended after its point of no return: `resume` tries again. */
  forward?: true;
  /** The maintenance window that is waited for, in a sentence. */
  window?: string;
  cancel?: CancelMode;
  rollbackReason?: string;
  failure?: Failure;
  failedStep?: string;
  failedItems: string[];
  remaining: Remaining[];
  /** Something that went wrong and did not fail the run, each a sentence. */
  warnings: string[];
  /** Number of records seen. */
  records: number;
}

function forget(step: StepView, name: 'endedAt' | 'undoEndedAt' | 'fraction' | 'message' | 'failure'): void {
  step[name] = undefined;
}

/** An attempt after another goes on with the step; one that had ended (of `finally`, when a runner goes on) begins anew. */
function begin(step: StepView, at: number): void {
  if (step.startedAt === undefined || step.endedAt !== undefined) step.startedAt = at;
  forget(step, 'endedAt');
}

const tailLines = 20;

/** Folds records into a view, in place: a run of 10,000 steps must not copy its view 20,000 times. */
export class RunModel {
  #view: RunView | undefined;
  readonly #steps = new Map<string, StepView>();
  readonly #items = new Map<string, ItemView>();
  /** Keys of steps that would be undone, in the order they were begun. */
  readonly #undo = new Set<string>();
  /** By key; open or not. */
  readonly #approvals = new Map<string, OpenApproval>();
  /** The steps that were foretold, by key, once it is asked for. */
  #foretold: StepView[] | undefined;
  /** Text after the last newline of a step's output. */
  readonly #open = new Map<string, string>();

  /** undefined until the first record, which is `run.submitted`. */
  get view(): RunView | undefined {
    return this.#view;
  }

  step(key: string): StepView | undefined {
    return this.#steps.get(key);
  }

  apply(record: JournalRecord): void {
    if (record.type === 'run.submitted') {
      const undo = this.#undo;
      this.#view = {
        runId: record.runId,
        name: record.plan.name,
        plan: record.plan,
        planHash: record.planHash,
        by: record.by,
        runbookPath: record.runbookPath,
        ...(record.inventoryPath !== undefined && { inventoryPath: record.inventoryPath }),
        ...(record.observed && { observed: record.observed }),
        phase: 'submitted',
        submittedAt: record.t,
        steps: [],
        items: [],
        get undoList() {
          return [...undo].reverse();
        },
        questions: [],
        approvals: [],
        paused: [],
        changed: [],
        failedItems: [],
        remaining: [],
        warnings: [],
        records: 1,
      };
      const foretold = [...record.plan.steps, ...(record.plan.finally ?? [])];
      for (const step of leavesOf(foretold, { leftOut: true, anyItem: false })) {
        const uses = step.kind === 'action' ? step.uses : step.control;
        this.#add({ key: step.key, pointer: step.pointer, uses, title: step.title });
      }
      return;
    }
    const view = this.#view;
    if (!view) throw new Error('A journal starts with run.submitted.');
    view.records++;
    switch (record.type) {
      case 'run.started':
        view.startedAt ??= record.t;
        delete view.endedAt;
        delete view.failure;
        delete view.failedStep;
        delete view.forward;
        view.remaining = [];
        view.paused = [];
        this.#goOn(view);
        return;
      case 'step.intent': {
        const step = this.#met(record.key, record.pointer, record.uses, record.title);
        step.state = 'running';
        step.title = record.title;
        step.attempt = record.attempt;
        begin(step, record.t);
        forget(step, 'failure');
        for (const warning of record.warnings ?? []) view.warnings.push(`${record.key}: ${warning}`);
        if (record.undo !== undefined) {
          step.undo = record.undo;
          this.#undo.add(record.key);
        }
        return;
      }
      case 'step.done': {
        const step = this.#met(record.key, record.pointer, '', record.key);
        this.#end(step, 'done', record.t);
        step.outputs = record.outputs;
        return;
      }
      case 'step.failed': {
        const step = this.#met(record.key, record.pointer, '', record.title ?? record.key);
        step.attempt = record.attempt;
        step.failure = record.failure;
        if (record.willRetry) step.state = 'retrying';
        else this.#end(step, 'failed', record.t);
        return;
      }
      case 'step.skipped': {
        const step = this.#steps.get(record.key);
        // A skipped group stands for all steps in it.
        for (const one of step ? [step] : this.#stepsIn(record.key)) {
          one.state = 'skipped';
          one.reason = record.reason;
        }
        return;
      }
      case 'step.progress': {
        const step = this.#steps.get(record.key);
        if (!step) return;
        // A message begins another part of the work, whose fraction starts anew.
        if (record.message !== undefined) {
          step.message = record.message;
          forget(step, 'fraction');
        }
        if (record.fraction !== undefined) step.fraction = record.fraction;
        return;
      }
      case 'step.log': {
        const step = this.#steps.get(record.key);
        if (!step) return;
        const lines = ((this.#open.get(record.key) ?? '') + record.text).split(/\r?\n/);
        this.#open.set(record.key, lines.pop()!.slice(-1000));
        step.tail.push(...lines.slice(-tailLines).map(line => line.slice(0, 1000)));
        if (step.tail.length > tailLines) step.tail.splice(0, step.tail.length - tailLines);
        return;
      }
      case 'item.started':
      case 'item.skipped': {
        const state = record.type === 'item.started' ? 'running' : 'skipped';
        const item: ItemView = { key: record.key, pointer: record.pointer, value: record.value, state };
        if (!this.#items.has(record.key)) view.items.push(item);
        this.#items.set(record.key, item);
        if (record.type === 'item.started') return;
        for (const step of this.#stepsIn(record.key)) {
          if (step.state !== 'pending') continue;
          step.state = 'skipped';
          step.reason = record.reason;
        }
        return;
      }
      case 'item.ended': {
        const item = this.#items.get(record.key);
        if (item) item.state = record.ok ? 'done' : item.state === 'rolled-back' ? 'rolled-back' : 'failed';
        return;
      }
      case 'rollback.started': {
        const item = record.key === undefined ? undefined : this.#items.get(record.key);
        if (item) item.state = 'rolled-back';
        if (record.key !== undefined) return;
        view.phase = 'rolling-back';
        view.rollbackReason = record.reason;
        return;
      }
      case 'undo.intent': {
        const step = this.#steps.get(record.key);
        if (!step) return;
        step.state = 'undoing';
        step.undoStartedAt = record.t;
        forget(step, 'undoEndedAt');
        forget(step, 'fraction');
        forget(step, 'message');
        return;
      }
      case 'undo.done':
      case 'undo.failed': {
        const step = this.#steps.get(record.key);
        if (!step) return;
        step.undoEndedAt = record.t;
        forget(step, 'fraction');
        forget(step, 'message');
        step.state = record.type === 'undo.done' ? 'undone' : 'undo-failed';
        if (record.type === 'undo.failed') step.failure = record.failure;
        else this.#undo.delete(record.key);
        return;
      }
      case 'commit.done':
        this.#undo.delete(record.key);
        return;
      case 'control.started': {
        // What a call does is told by the steps of the runbook that it calls.
        if (record.kind === 'call') return;
        const step = this.#met(record.key, record.pointer, record.kind, record.title);
        step.state = 'running';
        step.title = record.title;
        begin(step, record.t);
        forget(step, 'failure');
        return;
      }
      case 'control.done': {
        const step = this.#steps.get(record.key);
        if (!step || record.kind === 'call') return;
        forget(step, 'failure');
        this.#end(step, 'done', record.t);
        return;
      }
      case 'noreturn.passed':
        view.noReturn = record.key;
        this.#undo.clear();
        return;
      case 'question.asked':
        view.questions.push({ id: record.id, text: record.text, choices: record.choices });
        this.#goOn(view);
        return;
      case 'question.answered':
        view.questions = view.questions.filter(({ id }) => id !== record.id);
        this.#goOn(view);
        return;
      case 'approval.asked': {
        const { key, pointer, message, planHash, by: needed, self, expiresAt } = record;
        const given = this.#approvals.get(key)?.given ?? [];
        const expiry = expiresAt !== undefined && { expiresAt };
        const approval: OpenApproval = { key, pointer, message, planHash, needed, given, self, ...expiry };
        this.#approvals.set(key, approval);
        view.approvals = [...view.approvals.filter(one => one.key !== key), approval];
        this.#goOn(view);
        return;
      }
      case 'approval.given': {
        const approval = this.#approvals.get(record.key);
        if (!approval || record.planHash !== approval.planHash) return;
        const { by, note, t } = record;
        approval.given.push({ by, t, ...(note !== undefined && { note }) });
        if (approval.given.length >= approval.needed) this.#closeApproval(view, record.key);
        return;
      }
      case 'approval.rejected':
      case 'approval.over':
        this.#closeApproval(view, record.key);
        return;
      case 'window.waiting':
        view.window = record.text;
        this.#goOn(view);
        return;
      case 'time.read':
        // A window is looked at again when the wait for it is over.
        if (record.id.startsWith('window ')) this.#windowOver(view);
        return;
      case 'run.paused': {
        const { thread, name, reason, phase, key, pointer, text, t } = record;
        const step = { ...(key !== undefined && { key }), ...(pointer !== undefined && { pointer }) };
        view.paused = [...view.paused, { thread, name, reason, phase, ...step, text, since: t }];
        this.#goOn(view);
        return;
      }
      case 'run.continued':
        view.paused = view.paused.filter(one => one.thread !== record.thread);
        this.#goOn(view);
        return;
      case 'variable.set': {
        const { key, path, was, value, by, t } = record;
        view.changed.push({ key, name: path.join('.'), was, value, by, at: t });
        return;
      }
      case 'cancel.requested':
        view.cancel = record.mode;
        this.#windowOver(view);
        return;
      case 'run.ended':
        view.phase = record.status;
        view.endedAt = record.t;
        view.questions = [];
        view.approvals = [];
        view.paused = [];
        delete view.question;
        delete view.window;
        delete view.cancel;
        delete view.rollbackReason;
        if (record.forward) view.forward = true;
        if (record.failure) view.failure = record.failure;
        if (record.failedStep !== undefined) view.failedStep = record.failedStep;
        view.failedItems = record.failedItems ?? [];
        view.remaining = record.remaining ?? [];
        // Of a rollback that was tried again, what it said before.
        for (const one of record.warnings ?? []) if (!view.warnings.includes(one)) view.warnings.push(one);
        return;
      case 'commit.started':
      case 'commit.intent':
      case 'commit.failed':
      case 'finally.started':
      case 'window.closed':
      case 'wait.started':
      case 'step.back':
      case 'step.jump':
        return;
    }
  }

  #add(step: Pick<StepView, 'key' | 'pointer' | 'uses' | 'title'>): StepView {
    const { key, pointer, uses, title } = step;
    // All that most steps come to have, from the beginning: objects that grow are several times slower.
    const added: StepView = {
      key,
      pointer,
      uses,
      title,
      state: 'pending',
      attempt: 1,
      startedAt: undefined,
      endedAt: undefined,
      fraction: undefined,
      message: undefined,
      failure: undefined,
      outputs: undefined,
      undo: undefined,
      tail: [],
    };
    this.#steps.set(step.key, added);
    const { steps } = this.#view!;
    const plain = withoutRounds(key);
    const before = plain === key ? -1 : steps.findLastIndex(one => withoutRounds(one.key) === plain);
    if (before < 0) steps.push(added);
    else steps.splice(before + 1, 0, added);
    return added;
  }

  #met(key: string, pointer: string, uses: string, title: string): StepView {
    return this.#steps.get(key) ?? this.#add({ key, pointer, uses, title });
  }

  #end(step: StepView, state: 'done' | 'failed', at: number): void {
    step.state = state;
    step.endedAt = at;
    forget(step, 'fraction');
    forget(step, 'message');
    const rest = this.#open.get(step.key);
    if (rest === undefined) return;
    if (rest !== '') step.tail.push(rest);
    this.#open.delete(step.key);
  }

  /** What the run is at, when it has not ended. */
  #goOn(view: RunView): void {
    const [question] = view.questions;
    if (question) view.question = question;
    else delete view.question;
    const stands = view.approvals.length > 0 || view.paused.length > 0;
    const waits = question !== undefined || stands || view.window !== undefined;
    view.phase = waits ? 'waiting' : view.rollbackReason === undefined ? 'running' : 'rolling-back';
  }

  #windowOver(view: RunView): void {
    if (view.window === undefined) return;
    delete view.window;
    this.#goOn(view);
  }

  #closeApproval(view: RunView, key: string): void {
    view.approvals = view.approvals.filter(one => one.key !== key);
    this.#goOn(view);
  }

  /** Foretold steps inside a loop's item or a group; found without going through all. */
  #stepsIn(key: string): StepView[] {
    this.#foretold ??= [...this.#view!.steps].sort((one, other) => (one.key < other.key ? -1 : 1));
    const steps = this.#foretold;
    const prefix = `${key}/`;
    let from = 0;
    for (let to = steps.length; from < to; ) {
      const middle = (from + to) >> 1;
      if (steps[middle]!.key < prefix) from = middle + 1;
      else to = middle;
    }
    let end = from;
    while (steps[end]?.key.startsWith(prefix)) end++;
    return steps.slice(from, end);
  }
}

/** What a step that was stepped back over, and is done again, has in its key. */
function withoutRounds(key: string): string {
  return key.replace(/@\d+(?=[/[]|$)/g, '');
}

/** The view of a whole journal; undefined when it is empty. */
export function fold(records: Iterable<JournalRecord>): RunView | undefined {
  const model = new RunModel();
  for (const record of records) model.apply(record);
  return model.view;
}
