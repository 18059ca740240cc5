import type { Static, TSchema } from 'typebox';
import type { Capability } from '../hypervisors/capability';
import type { OnProgress } from '../hypervisors/ports';
import type { Fleet } from '../inventory/fleet';
import type { Operation } from '../runbook/operations/operation';

/** What a step reads, locks or changes. */
export interface Target {
  kind: 'vm' | 'host' | 'datastore' | 'proxy';
  name: string;
}

/**
 * - `none`: changes nothing, so there is nothing to undo
 * - `reversible`: the undo takes back exactly what was done
 * - `restorable`: the undo restores an earlier state and loses what came since (e.g. revert of a snapshot)
 * - `irreversible`: there is no undo
 */
export type UndoClass = 'none' | 'reversible' | 'restorable' | 'irreversible';

/** What a preflight found. A `blocker` stops the step before anything is changed. */
export interface Finding {
  level: 'blocker' | 'warning';
  message: string;
}

export interface ActionContext {
  readonly fleet: Fleet;
  readonly runId: string;
  /** Key of this step in the run, e.g. `each-vm[web1]/snapshot`. Stable over resume. */
  readonly stepKey: string;
  /** Aborted on time-out and on cancel (never during an undo). */
  readonly signal: AbortSignal;
  now(): number;
  sleep(ms: number): Promise<void>;
  readonly progress: OnProgress;
  log(text: string, stream?: 'stdout' | 'stderr'): void;
  /**
   * A text for people that is cut or put together anew from a value which may hold secrets: whatever `tell` cuts, each of them is in it
   * whole or not at all, so that it can be struck. Absent: there are none.
   */
  told?<T>(value: T, tell: (value: T) => string): string;
}

export type ProbeOutcome<O> =
  | { outcome: 'done'; outputs: O }
  | { outcome: 'not-done' }
  /** It can't be told; a person is asked, shown `why`. */
  | { outcome: 'unknown'; why: string };

/**
 * One definition per action: schema, completion, hover, plan, rehearsal, run and reference page all come from it.
 * `I`, `O`, `B` are TypeBox schemas of inputs, outputs and the state before.
 */
export interface ActionDefinition<
  I extends TSchema = TSchema,
  O extends TSchema = TSchema,
  B extends TSchema = TSchema,
> {
  /** What `uses:` names. */
  name: string;
  title: string;
  /** One sentence. */
  summary: string;
  /** Markdown: what it does, what it needs, what its undo does. */
  docs: string;
  /** A step in YAML, valid against `inputs`. */
  example: string;
  inputs: I;
  outputs: O;
  /** State before, kept in the journal with the intent; what `probe` and `undo` work from. */
  before: B;
  /** May depend on the inputs; read it with `undoClassOf`. */
  undoClass: UndoClass | OfInputs<I, UndoClass>;
  /** Running it twice is the same as once, so a retry may repeat it. Read it with `isIdempotent`. */
  idempotent: boolean | OfInputs<I, boolean>;
  requires(inputs: Static<I>): Capability[];
  /** What it does, for the rules that know operations; left out: they say nothing of it. */
  operation?(inputs: Static<I>): Operation;
  /** Pure. What the plan shows and what is locked. */
  targets(inputs: Static<I>): { reads: Target[]; changes: Target[] };
  /** One line for plan and confirmation, e.g. `migrate web1 to hv2`. */
  describe(inputs: Static<I>): string;
  /** One line of what the undo will do, e.g. `migrate web1 back to hv1`. */
  describeUndo(inputs: Static<I>, before?: Static<B>): string;
  /** Rough duration in seconds, for the timetable. */
  estimateSeconds(inputs: Static<I>): number;
  /**
   * For how many seconds from its beginning a VM that is on does not serve, roughly; infinite: until a later step starts it. Of a step that
   * starts a VM (`operation` says that it leaves it on): until it serves. Left out: it goes on serving, or nobody can tell. What a rehearsal
   * measures counts more than this.
   */
  outageSeconds?(inputs: Static<I>): number;
  /** Reads only. */
  preflight(context: ActionContext, inputs: Static<I>): Promise<Finding[]>;
  /** Reads only. Called right before the intent is written. */
  prepare(context: ActionContext, inputs: Static<I>): Promise<Static<B>>;
  apply(context: ActionContext, inputs: Static<I>, before: Static<B>): Promise<Static<O>>;
  /** Did it happen? Called when the outcome of `apply` is unknown. May settle leftovers that are safe to settle. */
  probe(context: ActionContext, inputs: Static<I>, before: Static<B>): Promise<ProbeOutcome<Static<O>>>;
  /** Takes it back. Idempotent; must cope with a step that never happened or happened halfway (`outputs` undefined). */
  undo?(context: ActionContext, inputs: Static<I>, before: Static<B>, outputs: Static<O> | undefined): Promise<void>;
  /**
   * Called once the whole run has succeeded, in the order of the steps, journalled like a step: removes what was only kept for the undo
   * (a safety snapshot). Idempotent. After it the step can't be undone any more. A failure here is reported and leaves the run successful.
   */
  commit?(context: ActionContext, inputs: Static<I>, before: Static<B>, outputs: Static<O>): Promise<void>;
}

/** A function of the inputs, written so that a definition of any schema fits the catalogue's `ActionDefinition`. */
type OfInputs<I extends TSchema, T> = { of(inputs: Static<I>): T }['of'];

/** What undoing a step with these inputs means. */
export function undoClassOf<I extends TSchema>(definition: ActionDefinition<I>, inputs: Static<I>): UndoClass {
  return typeof definition.undoClass === 'function' ? definition.undoClass(inputs) : definition.undoClass;
}

/** Whether a step with these inputs may be repeated. */
export function isIdempotent<I extends TSchema>(definition: ActionDefinition<I>, inputs: Static<I>): boolean {
  return typeof definition.idempotent === 'function' ? definition.idempotent(inputs) : definition.idempotent;
}

/** Keeps the schema types of one definition together. */
export function defineAction<I extends TSchema, O extends TSchema, B extends TSchema>(
  definition: ActionDefinition<I, O, B>,
): ActionDefinition<I, O, B> {
  return definition;
}
