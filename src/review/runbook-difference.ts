import { everyStep, type Runbook, type Step } from '../runbook/model';
import type { PlaceOf } from './contract';
import { DifferenceList, type FoundDifference } from './difference-list';
import { guardDifferences } from './guard-difference';
import { headerDifferences } from './header-difference';
import { renamedInputs } from './input-rename';
import type { Difference } from './model';
import type { NameUse, Renames } from './names-that-follow';
import { canBeUndone, isSafeguard } from './safeguards';
import { stepDifferences } from './step-difference';
import { matchSteps, type StepMatches } from './step-matching';
import { kindName, stepLabel, stepRef, stepTitle } from './step-title';
import { fileOf, Numbering, type StepNode, stepFiles } from './step-tree';

const empty: Runbook = { version: 1, name: '', inputs: {}, steps: [] };

/**
 * What two versions of a runbook say differently, in the order of the file at the head; formatting and comments are no difference. Without
 * one of them, all of the other was added or removed. Steps of called runbooks are told with their own file, and only here when they were moved
 * there or come from there.
 */
export function runbookDifferences(
  base: Runbook | undefined,
  head: Runbook | undefined,
  places: { base: PlaceOf; head: PlaceOf },
  matches: StepMatches = matchSteps(base ?? empty, head ?? empty),
): Difference[] {
  return new Comparison(
    base ?? empty,
    head ?? empty,
    places,
    matches,
    base !== undefined && head !== undefined,
  ).differences();
}

class Comparison {
  readonly #list: DifferenceList;
  readonly #base: Side;
  readonly #head: Side;
  readonly #ids = new Map<string, string>();
  readonly #inputs: ReadonlyMap<string, string>;
  /** By the loop at the head. */
  readonly #renamedLoops = new Map<StepNode, { node: StepNode; before: string; after: string }>();
  /** How often what was renamed is used, by kind and name at the base. */
  readonly #followed = new Map<string, number>();
  readonly #renames: { difference: Difference; use: NameUse }[] = [];

  constructor(
    readonly base: Runbook,
    readonly head: Runbook,
    places: { base: PlaceOf; head: PlaceOf },
    readonly matches: StepMatches,
    /** A safeguard that came or went with its whole runbook makes nothing safer or riskier. */
    readonly onBothSides: boolean,
  ) {
    this.#list = new DifferenceList(places);
    this.#base = new Side(base);
    this.#head = new Side(head);
    for (const node of this.#base.own) {
      const other = this.#atHead(node);
      if (node.step.id !== undefined && other?.step.id !== undefined && node.step.id !== other.step.id)
        this.#ids.set(node.step.id, other.step.id);
      if (node.step.kind === 'forEach' && other?.step.kind === 'forEach' && node.step.variable !== other.step.variable)
        this.#renamedLoops.set(other, { node, before: node.step.variable, after: other.step.variable });
    }
    this.#inputs = renamedInputs(base, head, this.#base.own, node => this.#atHead(node));
  }

  differences(): Difference[] {
    const names = { renames: this.#namesIn(undefined, undefined), followed: (use: NameUse) => this.#follow(use) };
    headerDifferences(this.base, this.head, names, found => {
      const difference = this.#list.add(this.onBothSides ? found : { ...found, effect: 'neutral' }, -1);
      if (found.field === 'inputs')
        this.#renames.push({ difference, use: { kind: 'inputs', name: `${found.before}` } });
    });
    for (const node of this.#head.own) {
      const other = this.#atBase(node);
      if (!other) this.#cameOrWent(node, 'head', node.order);
      else this.#changed(other, node);
    }
    // What is gone is told where it stood: after what stood before it.
    let order = -0.5;
    for (const node of this.#base.own) {
      const other = this.#atHead(node);
      if (!other) this.#cameOrWent(node, 'base', order);
      else if (fileOf(other.step.pointer) !== '') this.#moved(node, other, order);
      else if (!this.matches.moved.has(other.step.pointer)) order = other.order + 0.5;
    }
    if (this.onBothSides) {
      for (const { found, order: at } of guardDifferences(this.#base.own, this.matches, node => this.#atHead(node)))
        this.#list.add(found, at);
    }
    for (const { difference, use } of this.#renames) {
      const count = this.#followed.get(`${use.kind} ${use.name}`) ?? 0;
      if (count > 0)
        difference.text += count === 1 ? '; 1 reference to it follows' : `; ${count} references to it follow`;
    }
    return this.#list.all();
  }

  #atHead(node: StepNode): StepNode | undefined {
    return this.#head.at(this.matches.headOf(node.step.pointer));
  }

  #atBase(node: StepNode): StepNode | undefined {
    return this.#base.at(this.matches.baseOf(node.step.pointer));
  }

  #follow({ kind, name }: NameUse): void {
    const key = `${kind} ${name}`;
    this.#followed.set(key, (this.#followed.get(key) ?? 0) + 1);
  }

  #changed(base: StepNode, head: StepNode): void {
    const { order } = head;
    if (base.file.path !== '' || this.matches.moved.has(head.step.pointer)) this.#moved(base, head, order);
    // What it says there is told with its own file.
    if (base.file.path !== '') return;
    // The very same text, with the same names in it.
    if (base.own === head.own && base.step.id === head.step.id && this.#areNamesKept(base, head)) return;
    const names = { renames: this.#namesIn(base, head), followed: (use: NameUse) => this.#follow(use) };
    for (const { parts, ...found } of stepDifferences(base.step, head.step, names)) {
      const at = { base: pointersOf(base.step, parts), head: pointersOf(head.step, parts) };
      const step = { base: stepRef(base.step), head: stepRef(head.step) };
      const difference = this.#list.add({ ...found, step, at }, order);
      const { before } = found;
      if (typeof before !== 'string' || found.after === undefined) continue;
      if (found.field === 'id') this.#renames.push({ difference, use: { kind: 'steps', name: before } });
      if (found.field === 'forEach.variable')
        this.#renames.push({ difference, use: { kind: 'variables', name: before } });
    }
  }

  #areNamesKept(base: StepNode, head: StepNode): boolean {
    const { steps, inputs, variables } = this.#namesIn(base, head);
    return steps.size + inputs.size + variables.size === 0;
  }

  #namesIn(base: StepNode | undefined, head: StepNode | undefined): Renames {
    return { steps: this.#ids, inputs: this.#inputs, variables: this.#variablesIn(base, head) };
  }

  /** Loop variables that are called otherwise now, of the loops that are around a step on both sides. */
  #variablesIn(base: StepNode | undefined, head: StepNode | undefined): ReadonlyMap<string, string> {
    if (this.#renamedLoops.size === 0 || !base || !head) return noNames;
    const around = new Set<StepNode>();
    for (let block = base.parent; block; block = block.parent) around.add(block);
    const names = new Map<string, string>();
    for (let block = head.parent; block; block = block.parent) {
      const loop = this.#renamedLoops.get(block);
      // An inner loop hides an outer one.
      if (loop && around.has(loop.node) && !names.has(loop.before)) names.set(loop.before, loop.after);
    }
    return names;
  }

  #moved(base: StepNode, head: StepNode, order: number): void {
    // In one list: against what was not moved, for that is what people see it pass.
    const isInOneList =
      head.list === base.list &&
      head.file.path === base.file.path &&
      (head.parent === undefined ? base.parent === undefined : base.parent === this.#atBase(head.parent));
    const isMoved = (node: StepNode | undefined): boolean =>
      isInOneList && node !== undefined && this.matches.moved.has(node.step.pointer);
    const now = whereIs(head, isMoved);
    const before = whereIs(base, node => isMoved(this.#atHead(node)));
    const text = `${stepLabel(head.step)} moved: now ${now}, was ${before}`;
    const step = { base: stepRef(base.step), head: stepRef(head.step) };
    const at = { base: [base.step.pointer], head: [head.step.pointer] };
    this.#list.add({ kind: kindOf(base, head), change: 'moved', text, step, at }, order);
  }

  #cameOrWent(node: StepNode, side: 'base' | 'head', order: number): void {
    if (this.#isToldWithParent(node, side)) return;
    const { step } = node;
    const change = side === 'head' ? 'added' : 'removed';
    const where = side === 'head' ? ` ${whereIs(node)}` : '';
    const inside = step.kind === 'action' && step.rollback !== undefined ? rollbackWords(step.rollback) : '';
    const at = { base: side === 'base' ? [step.pointer] : [], head: side === 'head' ? [step.pointer] : [] };
    const irreversible = this.#irreversibleAfter(node, side);
    // Before what can't be undone a point of no return says what is so anyway; what a failure there leads to is other, not better or worse.
    const effect = this.onBothSides && irreversible.length === 0 ? effectOfStep(node, side) : 'neutral';
    const still =
      side === 'base' && irreversible.length > 0
        ? `, though what follows can't be undone: ${someOf(irreversible.map(stepTitle))}`
        : '';
    const text = `${stepLabel(step)} ${change}${where}${inside}${still}`;
    this.#list.add({ kind: kindOf(node), change, text, step: { [side]: stepRef(step) }, at, effect }, order);
  }

  /** Of a point of no return: steps after it that are there without it, too, and can't be undone there. */
  #irreversibleAfter(node: StepNode, side: 'base' | 'head'): Step[] {
    if (node.step.kind !== 'pointOfNoReturn') return [];
    const visit = (after: StepNode): Step[] => {
      const other = (side === 'base' ? this.#atHead(after) : this.#atBase(after))?.step;
      return [...(other && isIrreversible(other) ? [other] : []), ...after.inner.flatMap(visit)];
    };
    return node.file.steps.slice(node.position + 1).flatMap(visit);
  }

  /** Steps of a rollback that came or went as a whole. */
  #isToldWithParent(node: StepNode, side: 'base' | 'head'): boolean {
    for (let inner = node; inner.parent; inner = inner.parent) {
      if (inner.list !== 'rollback') continue;
      const other = side === 'head' ? this.#atBase(inner.parent) : this.#atHead(inner.parent);
      if (other?.step.kind !== 'action' || !Array.isArray(other.step.rollback)) return true;
    }
    return false;
  }
}

const noNames: ReadonlyMap<string, string> = new Map();

/** Steps of one side. */
class Side {
  /** Of the outermost runbook, depth first. */
  readonly own: readonly StepNode[];
  readonly #byPointer = new Map<string, StepNode>();

  constructor(runbook: Runbook) {
    const files = stepFiles(runbook, new Numbering());
    this.own = files.get('')!.nodes;
    for (const { nodes } of files.values()) for (const node of nodes) this.#byPointer.set(node.step.pointer, node);
  }

  at(pointer: string | undefined): StepNode | undefined {
    return pointer === undefined ? undefined : this.#byPointer.get(pointer);
  }
}

function pointersOf(step: Step, parts: readonly string[]): string[] {
  return [...parts.map(part => step.pointer + part), step.pointer];
}

/** What kind of difference it is that a step came, went, or was moved from one place to the other. */
function kindOf(...places: readonly StepNode[]): FoundDifference['kind'] {
  const isAny = (is: (node: StepNode) => boolean): boolean => places.some(is);
  if (isAny(({ step }) => step.kind === 'approve')) return 'approval';
  if (isAny(({ step }) => step.kind === 'pointOfNoReturn')) return 'point-of-no-return';
  if (isAny(({ list }) => list === 'finally')) return 'finally';
  if (isAny(({ list }) => list === 'rollback')) return 'rollback';
  return isAny(({ step }) => step.kind === 'call') ? 'call' : 'step';
}

function effectOfStep(node: StepNode, side: 'base' | 'head'): Difference['effect'] {
  const [good, bad] = side === 'head' ? (['safer', 'riskier'] as const) : (['riskier', 'safer'] as const);
  if (node.step.kind === 'pointOfNoReturn') return bad;
  if (node.list === 'rollback') return good;
  return isSafeguard(node.step) ? good : 'neutral';
}

/** An action without undo, or a call of a runbook with one. */
function isIrreversible(step: Step): boolean {
  if (step.kind === 'action') return !canBeUndone(step);
  return step.kind === 'call' && everyStep({ steps: step.runbook?.steps ?? [] }).some(isIrreversible);
}

const mostTitles = 5;

function someOf(titles: readonly string[]): string {
  const more = titles.length > mostTitles ? ` and ${titles.length - mostTitles} more` : '';
  return `${titles.slice(0, mostTitles).join(', ')}${more}`;
}

function rollbackWords(rollback: 'none' | Step[]): string {
  if (rollback === 'none') return ', with rollback: none';
  return `, with a rollback of ${rollback.length === 1 ? '1 step' : `${rollback.length} steps`}`;
}

const mostPassedOver = 100;

/** `after Check web1`, `at the beginning of loop each`. */
function whereIs(node: StepNode, isPassedOver: (node: StepNode) => boolean = () => false): string {
  const { parent, list, position, file } = node;
  const siblings = parent
    ? list === 'rollback'
      ? parent.rollback
      : parent.inner
    : list === 'finally'
      ? file.finally
      : file.steps;
  let last = position - 1;
  // Of thousands that were moved together it is enough to say behind which of them it stands.
  while (last > position - mostPassedOver && last >= 0 && isPassedOver(siblings[last]!)) last--;
  const before = siblings[last];
  const at = before ? `after ${stepTitle(before.step)}` : 'at the beginning';
  if (parent) {
    const inside = list === 'rollback' ? `the rollback of ${stepTitle(parent.step)}` : blockName(parent.step);
    return before ? `${at} in ${inside}` : `${at} of ${inside}`;
  }
  const inside = list === 'finally' ? 'finally' : '';
  const of = [inside, file.path].filter(Boolean).join(' of ');
  if (of === '') return at;
  return before ? `${at} in ${of}` : `${at} of ${of}`;
}

function blockName(step: Step): string {
  const title = stepTitle(step);
  const kind = kindName(step);
  return title.startsWith(kind) ? title : `${kind} ${title}`;
}
