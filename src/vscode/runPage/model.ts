import type { RunView, StepView } from '../../engine/view';
import type { RunStatus, RunSummary } from '../../runner/contract';
import { progressOf } from '../runs/progressText';
import { runActions } from '../runs/runsTree';
import { isLive, statusText } from '../runs/stepResults';
import { type Foretold, foretell, MetLanes } from './lanes';
import type { Lane, LiveStep, PageHead, PageStep, RunAction, ToPage } from './protocol';

/** Warnings shown; a run of thousands of steps can have thousands. */
const WARNINGS = 50;
const REMAINING = 200;

type Whole = Omit<Extract<ToPage, { type: 'whole' }>, 'texts'>;
type Update = Extract<ToPage, { type: 'update' }>;

/**
 * What a run page shows of a run, and what of it is new: the whole once, then only what changed. Pure: it reads the view and keeps what
 * it has told. One for each page and fold of the journal; make another when the journal is folded anew.
 */
export class RunPageModel {
  readonly #view: RunView;
  readonly #foretold: Map<string, Foretold>;
  readonly #met: MetLanes;
  readonly #lanes: Lane[] = [];
  readonly #laneIndex = new Map<string, number>();
  readonly #told: LiveStep[] = [];
  readonly #undoOrder = new Map<string, number>();
  #undoCount = 0;
  #undoFirst: string | undefined;
  #head = '';

  constructor(view: RunView) {
    this.#view = view;
    this.#met = new MetLanes(view);
    this.#foretold = foretell(view.plan, view.observed, view.startedAt ?? view.submittedAt);
    const lanes = [...this.#foretold.values()].flatMap(step => step.lanes);
    const order: Lane['kind'][] = ['run', 'host', 'proxy', 'vm'];
    const compare = new Intl.Collator('en', { numeric: true }).compare;
    const unique = new Map(lanes.map(lane => [laneId(lane), lane]));
    const sorted = [...unique.values()].sort(
      (a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || compare(a.name, b.name),
    );
    for (const lane of sorted) this.#laneOf(lane);
  }

  /** Whether it was made for this fold of the journal. */
  isOf(view: RunView): boolean {
    return view.steps === this.#view.steps;
  }

  whole(status: RunStatus, now: number): Whole {
    this.#countUndos();
    this.#told.length = 0;
    const steps = this.#view.steps.map(step => this.#tell(step));
    const head = this.#headNow(status);
    this.#head = JSON.stringify(head);
    return { type: 'whole', clock: now, head, lanes: [...this.#lanes], steps };
  }

  /** undefined: nothing has changed since the last telling. */
  update(status: RunStatus, now: number): Update | undefined {
    this.#countUndos();
    const { steps } = this.#view;
    const lanesBefore = this.#lanes.length;
    const changed: [number, LiveStep][] = [];
    for (let index = 0; index < this.#told.length; index++) {
      const step = steps[index]!;
      if (isSame(this.#told[index]!, step, this.#undoOrder.get(step.key))) continue;
      const live = this.#liveOf(step);
      this.#told[index] = live;
      changed.push([index, live]);
    }
    const added = steps.slice(this.#told.length).map(step => this.#tell(step));
    const head = this.#headNow(status);
    const headText = JSON.stringify(head);
    const isHeadNew = headText !== this.#head;
    this.#head = headText;
    if (!isHeadNew && added.length === 0 && changed.length === 0) return undefined;
    return {
      type: 'update',
      clock: now,
      ...(isHeadNew && { head }),
      ...(this.#lanes.length > lanesBefore && { lanes: [...this.#lanes] }),
      ...(added.length > 0 && { added }),
      ...(changed.length > 0 && { changed }),
    };
  }

  #tell(step: StepView): PageStep {
    const { lanes, from, to }: Foretold = this.#foretold.get(step.key) ?? { lanes: this.#met.of(step.key) };
    const live = this.#liveOf(step);
    this.#told.push(live);
    return {
      key: step.key,
      uses: step.uses,
      lanes: lanes.map(lane => this.#laneOf(lane)),
      ...(from !== undefined && { plannedFrom: from, plannedTo: to }),
      live,
    };
  }

  #laneOf(lane: Lane): number {
    const id = laneId(lane);
    let index = this.#laneIndex.get(id);
    if (index === undefined) {
      index = this.#lanes.push(lane) - 1;
      this.#laneIndex.set(id, index);
    }
    return index;
  }

  /** A rollback goes from the highest number down. */
  #countUndos(): void {
    const open = this.#view.undoList;
    // Mostly some were only added, in front of those that were there.
    const added = this.#undoFirst === undefined ? open.length : open.indexOf(this.#undoFirst);
    if (added < 0 || open.length - added !== this.#undoOrder.size) {
      const still = new Set(open);
      for (const key of this.#undoOrder.keys()) if (!still.has(key)) this.#undoOrder.delete(key);
    }
    const last = this.#undoOrder.size === open.length - added ? added : open.length;
    for (let at = last - 1; at >= 0; at--) {
      if (!this.#undoOrder.has(open[at]!)) this.#undoOrder.set(open[at]!, ++this.#undoCount);
    }
    this.#undoFirst = open[0];
  }

  #liveOf(step: StepView): LiveStep {
    const { state, title, attempt, startedAt, endedAt, undoStartedAt, undoEndedAt, fraction, message, reason } = step;
    const { undo, failure } = step;
    // All fields, always in this order: thousands are compared four times a second, and objects of one shape are several times faster.
    // What is undefined is left out on the way to the page.
    return {
      state,
      title,
      attempt,
      startedAt,
      endedAt,
      undoStartedAt,
      undoEndedAt,
      fraction,
      message,
      failure: failure?.message,
      reason,
      undo,
      undoOrder: this.#undoOrder.get(step.key),
    };
  }

  #headNow(status: RunStatus): PageHead {
    const view = this.#view;
    const left = view.warnings.length - WARNINGS;
    return {
      runId: view.runId,
      name: view.name,
      status,
      statusText: statusText(status, waitsFor(view)),
      live: isLive(status),
      by: view.by,
      planHash: view.planHash,
      runbookPath: view.runbookPath,
      submittedAt: view.submittedAt,
      ...(view.startedAt !== undefined && { startedAt: view.startedAt }),
      ...(view.endedAt !== undefined && { endedAt: view.endedAt }),
      // Finer than a person sees it would be news with every record.
      progress: Math.round(progressOf(view) * 1000) / 1000,
      ...(view.failure && { failure: view.failure.message }),
      ...(view.rollbackReason !== undefined && { rollbackReason: view.rollbackReason }),
      ...(view.window !== undefined && { window: view.window }),
      ...(view.noReturn !== undefined && { noReturn: view.noReturn }),
      questions: view.questions,
      approvals: view.approvals.map(({ key, message, needed, given, expiresAt }) => ({
        key,
        message,
        needed,
        given: given.map(({ by }) => by),
        ...(expiresAt !== undefined && { expiresAt }),
      })),
      paused: view.paused.map(({ name, text }) => ({ name, text })),
      remaining: view.remaining.slice(0, REMAINING).map(({ key, text, why }) => ({ key, text, why })),
      warnings: [...view.warnings.slice(0, WARNINGS), ...(left > 0 ? [`… and ${left} more`] : [])],
      actions: actionsNow(view, status),
    };
  }
}

export function waitsFor(view: RunView): RunSummary['waitsFor'] {
  if (view.question) return 'answer';
  if (view.approvals.length > 0) return 'approval';
  if (view.paused.length > 0) return 'debugger';
  return view.window === undefined ? undefined : 'window';
}

const pageActions: ReadonlySet<string> = new Set<RunAction>(['cancel', 'resume', 'rollBack', 'remaining']);

function actionsNow(view: RunView, status: RunStatus): RunAction[] {
  const named = runActions({ status, waitsFor: waitsFor(view), ...(view.forward && { forward: true }) });
  const actions = named.filter((name): name is RunAction => pageActions.has(name));
  if (isLive(status)) actions.push(view.paused.length > 0 ? 'continue' : 'pause', 'debug');
  return actions;
}

function laneId({ kind, name }: Lane): string {
  return `${kind} ${name}`;
}

function isSame(told: LiveStep, step: StepView, undoOrder: number | undefined): boolean {
  return (
    told.state === step.state &&
    told.fraction === step.fraction &&
    told.message === step.message &&
    told.endedAt === step.endedAt &&
    told.startedAt === step.startedAt &&
    told.undoStartedAt === step.undoStartedAt &&
    told.undoEndedAt === step.undoEndedAt &&
    told.attempt === step.attempt &&
    told.title === step.title &&
    told.failure === step.failure?.message &&
    told.reason === step.reason &&
    told.undo === step.undo &&
    told.undoOrder === undoOrder
  );
}
