import type { Runbook } from '../runbook/model';
import { alignSteps, type Pair } from './align-steps';
import { longestIncreasing } from './longest-increasing';
import { canBeSame, likeness } from './step-likeness';
import { calledFile, isBlock, Numbering, type StepFile, type StepNode, stepFiles } from './step-tree';

/**
 * Which step of one version of a runbook is which of the other. Pointers of steps of called runbooks begin with the path of their file and
 * `#`. The other way round, the same steps are matched.
 */
export interface StepMatches {
  /** Pointer at the head of a step at the base; undefined: it was removed. */
  headOf(basePointer: string): string | undefined;
  /** Pointer at the base of a step at the head; undefined: it was added. */
  baseOf(headPointer: string): string | undefined;
  /** Pointers at the head of the steps that stand in another list, or in another order; as few as possible. */
  moved: ReadonlySet<string>;
  /** Ids of steps and paths of called runbooks that have another name at the head: what they are called there, by what they were called. */
  renamed?: ReadonlyMap<string, string>;
}

/**
 * Matches steps by id, then those that say the same, then those that look alike where they stand in the same place among the others. Takes
 * little more than the length of the runbooks.
 */
export function matchSteps(base: Runbook, head: Runbook): StepMatches {
  const numbering = new Numbering();
  const baseFiles = stepFiles(base, numbering);
  const headFiles = stepFiles(head, numbering);
  // Where two ways are equally good, the same one is taken whichever side is called the base.
  const swapped = isAfter(baseFiles, headFiles);
  const matcher = swapped ? new Matcher(headFiles, baseFiles) : new Matcher(baseFiles, headFiles);
  matcher.match();
  const pairs = matcher.pairs().map(([one, other]) => (swapped ? ([other, one] as const) : ([one, other] as const)));
  const headOf = new Map(pairs.map(([one, other]) => [one.step.pointer, other.step.pointer]));
  const baseOf = new Map(pairs.map(([one, other]) => [other.step.pointer, one.step.pointer]));
  const moved = new Set(matcher.moved().map(([one, other]) => (swapped ? one : other).step.pointer));
  const renamed = new Map<string, string>();
  for (const [one, other] of pairs) {
    const names = [
      [one.step.id, other.step.id],
      [one.file.path, other.file.path],
    ] as const;
    for (const [before, after] of names) if (before && after && before !== after) renamed.set(before, after);
  }
  return { headOf: pointer => headOf.get(pointer), baseOf: pointer => baseOf.get(pointer), moved, renamed };
}

/** An order of runbooks by what they say. */
function isAfter(left: ReadonlyMap<string, StepFile>, right: ReadonlyMap<string, StepFile>): boolean {
  const one = textOf(left);
  const other = textOf(right);
  for (let at = 0; at < Math.min(one.length, other.length); at++)
    if (one[at] !== other[at]) return one[at]! > other[at]!;
  return one.length > other.length;
}

function textOf(files: ReadonlyMap<string, StepFile>): string[] {
  return [...files.values()].flatMap(({ nodes }) =>
    nodes.map(({ own, step }) => `${own} ${step.id ?? ''} ${step.pointer}`),
  );
}

/** A step that was moved and changed as well is known by this likeness. */
const surelyAlike = 0.7;

class Matcher {
  readonly #partner = new Map<StepNode, StepNode>();
  readonly #fileOf = new Map<StepFile, StepFile>();
  /** Pairs whose inner steps have still to be aligned. */
  #open: [StepNode, StepNode][] = [];

  constructor(
    readonly base: ReadonlyMap<string, StepFile>,
    readonly head: ReadonlyMap<string, StepFile>,
  ) {}

  match(): void {
    const waiting: [StepFile, StepFile][] = [];
    const pairFiles = (one: StepFile | undefined, other: StepFile | undefined): void => {
      if (!one || !other || this.#fileOf.has(one) || this.#fileOf.has(other)) return;
      this.#fileOf.set(one, other).set(other, one);
      waiting.push([one, other]);
    };
    for (const [path, file] of this.base) pairFiles(file, this.head.get(path));
    for (let pair = waiting.shift(); pair; pair = waiting.shift()) {
      this.#matchFiles(...pair);
      // A called runbook that has another name now.
      for (const node of pair[0].nodes) {
        const [one, other] = [node.step, this.#partner.get(node)?.step];
        if (one.kind !== 'call' || other?.kind !== 'call' || !one.runbook || !other.runbook) continue;
        pairFiles(this.base.get(calledFile(one.runbook)), this.head.get(calledFile(other.runbook)));
      }
    }
    // What was put into a called runbook, or taken out of one.
    this.#matchEqual(nodesOf(this.base), nodesOf(this.head));
    const [gone, added] = [this.base, this.head].map(files =>
      [...files.values()].filter(file => !this.#fileOf.has(file)).flatMap(({ nodes }) => nodes),
    ) as [StepNode[], StepNode[]];
    const pairs = [
      ...alignSteps(this.#left(nodesOf(this.base)), this.#left(added), this.#known),
      ...alignSteps(this.#left(gone), this.#left(nodesOf(this.head)), this.#known),
    ];
    for (const pair of pairs) this.#pair(...pair);
  }

  /** In the order of the base. */
  pairs(): Pair[] {
    return nodesOf(this.base).flatMap((node): Pair[] => {
      const other = this.#partner.get(node);
      return other ? [[node, other]] : [];
    });
  }

  /** Those that stand in another list, and those of a list that are to be moved so that the others keep their order. */
  moved(): Pair[] {
    const moved: Pair[] = [];
    const lists = new Map<string, Pair[]>();
    for (const pair of this.pairs()) {
      const [{ file, parent, list }] = pair;
      const name = `${file.path}#${parent?.order ?? ''} ${list}`;
      if (!this.#standInOneList(...pair)) moved.push(pair);
      else if (!lists.get(name)?.push(pair)) lists.set(name, [pair]);
    }
    for (const pairs of lists.values()) {
      const kept = longestIncreasing(
        pairs.map(([, other]) => other.position),
        at => weightOf(pairs[at]![0]),
      );
      moved.push(...pairs.filter((_, at) => !kept[at]));
    }
    return moved;
  }

  #standInOneList(one: StepNode, other: StepNode): boolean {
    if (one.list !== other.list) return false;
    if (one.parent && other.parent) return this.#partner.get(one.parent) === other.parent;
    return !one.parent && !other.parent && this.#fileOf.get(one.file) === other.file;
  }

  #matchFiles(base: StepFile, head: StepFile): void {
    this.#matchIds(base, head);
    this.#matchUnique(this.#left(base.nodes), this.#left(head.nodes), node => `${node.content}`);
    this.#alignFiles(base, head, nodes => nodes);
    // Steps that were put into a block, or taken out of one: as if what is only on one side was not there.
    this.#alignFiles(base, head, nodes => this.#withoutNewBlocks(nodes));
    this.#matchEqual(base.nodes, head.nodes);
    const surely = (one: StepNode, other: StepNode): boolean => likeness(one, other, this.#known) >= surelyAlike;
    for (const key of [signature, aboutWhat])
      this.#matchUnique(this.#left(base.nodes), this.#left(head.nodes), key, surely);
    this.#alignOpen(nodes => nodes);
  }

  #matchIds(base: StepFile, head: StepFile): void {
    const byId = uniqueBy(head.nodes, ({ step }) => step.id);
    for (const [id, one] of uniqueBy(base.nodes, ({ step }) => step.id)) {
      const other = byId.get(id);
      if (one && other && canBeSame(one.step, other.step, true)) this.#pair(one, other);
    }
  }

  /** Those that are the only ones of their key on both sides. */
  #matchUnique(
    base: readonly StepNode[],
    head: readonly StepNode[],
    key: (node: StepNode) => string | undefined,
    accept: (one: StepNode, other: StepNode) => boolean = () => true,
  ): void {
    const byKey = uniqueBy(head, key);
    for (const [name, one] of uniqueBy(base, key)) {
      const other = byKey.get(name);
      if (one && other && accept(one, other)) this.#pair(one, other);
    }
  }

  /** Those that say the same, the first with the first and so on. */
  #matchEqual(base: readonly StepNode[], head: readonly StepNode[]): void {
    const waiting = new Map<number, StepNode[]>();
    for (const node of this.#left(head).reverse())
      if (!waiting.get(node.content)?.push(node)) waiting.set(node.content, [node]);
    for (const one of this.#left(base)) {
      if (this.#partner.has(one)) continue;
      let other = waiting.get(one.content)?.pop();
      while (other && this.#partner.has(other)) other = waiting.get(one.content)?.pop();
      if (other) this.#pair(one, other);
    }
  }

  #alignFiles(base: StepFile, head: StepFile, through: (nodes: readonly StepNode[]) => readonly StepNode[]): void {
    this.#alignLists(through(base.steps), through(head.steps));
    this.#alignLists(through(base.finally), through(head.finally));
    this.#open = base.nodes.flatMap((node): Pair[] => {
      const other = this.#partner.get(node);
      return other ? [[node, other]] : [];
    });
    this.#alignOpen(through);
  }

  #alignOpen(through: (nodes: readonly StepNode[]) => readonly StepNode[]): void {
    for (let pair = this.#open.pop(); pair; pair = this.#open.pop()) {
      const [one, other] = pair;
      this.#alignLists(through(one.inner), through(other.inner));
      this.#alignLists(through(one.rollback), through(other.rollback));
    }
  }

  /** Between steps that are matched and keep their order. */
  #alignLists(base: readonly StepNode[], head: readonly StepNode[]): void {
    if (base.length === 0 || head.length === 0) return;
    const places = new Map(head.map((node, at) => [node, at]));
    const anchors = base.flatMap((node, at): [number, number][] => {
      const other = this.#partner.get(node);
      const to = other && places.get(other);
      return to === undefined ? [] : [[at, to]];
    });
    const kept = longestIncreasing(anchors.map(([, to]) => to));
    let [baseFrom, headFrom] = [0, 0];
    for (const [at, to] of [...anchors.filter((_, nth) => kept[nth]), [base.length, head.length] as const]) {
      const between = [this.#left(base.slice(baseFrom, at)), this.#left(head.slice(headFrom, to))] as const;
      for (const pair of alignSteps(...between, this.#known)) this.#pair(...pair);
      [baseFrom, headFrom] = [at + 1, to + 1];
    }
  }

  #withoutNewBlocks(nodes: readonly StepNode[]): readonly StepNode[] {
    return nodes.flatMap(node =>
      isBlock(node) && !this.#partner.has(node) ? this.#withoutNewBlocks(node.inner) : [node],
    );
  }

  #pair(one: StepNode, other: StepNode): void {
    if (this.#partner.has(one) || this.#partner.has(other)) return;
    this.#partner.set(one, other).set(other, one);
    this.#open.push([one, other]);
    if (one.content !== other.content) return;
    one.inner.forEach((node, at) => void this.#pair(node, other.inner[at]!));
    one.rollback.forEach((node, at) => void this.#pair(node, other.rollback[at]!));
  }

  #left(nodes: readonly StepNode[]): StepNode[] {
    return nodes.filter(node => !this.#partner.has(node));
  }

  /** Equal for steps that are matched, and for those that say the same. */
  readonly #known = (node: StepNode): unknown => {
    const other = this.#partner.get(node);
    if (!other) return node.content;
    return this.base.get(node.file.path) === node.file ? node : other;
  };
}

function nodesOf(files: ReadonlyMap<string, StepFile>): StepNode[] {
  return [...files.values()].flatMap(({ nodes }) => nodes);
}

/** By key; undefined where there are several. */
function uniqueBy(
  nodes: readonly StepNode[],
  key: (node: StepNode) => string | undefined,
): Map<string, StepNode | undefined> {
  const found = new Map<string, StepNode | undefined>();
  for (const node of nodes) {
    const name = key(node);
    if (name !== undefined) found.set(name, found.has(name) ? undefined : node);
  }
  return found;
}

/** What a step does, and what it is called. */
function signature({ step }: StepNode): string | undefined {
  return step.name === undefined ? undefined : `${'uses' in step ? step.uses : step.kind} ${step.name}`;
}

/** What a step does, and to what. */
function aboutWhat({ step }: StepNode): string {
  return 'uses' in step ? `${step.uses} ${JSON.stringify(step.with.vm ?? null)}` : step.kind;
}

/** Of two steps that changed places, that one is called moved which does less. */
function weightOf({ step, inner }: StepNode): number {
  const acts = step.kind === 'action' || step.kind === 'call' || inner.length > 0;
  return acts ? 1001 : 1000;
}
