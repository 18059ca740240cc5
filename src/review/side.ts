import { TextDocument } from 'vscode-languageserver-textdocument';
import { actions } from '../actions/catalogue';
import { ParseCache, runbookOf } from '../editor/parse-cache';
import { Surroundings } from '../editor/surroundings';
import { findings } from '../editor/validate';
import { messageOf } from '../engine/failure';
import type { Inventory } from '../inventory/model';
import { type CalledRunbooks, calledPath, callsOf } from '../runbook/calls';
import type { Diagnostic } from '../runbook/diagnostic';
import { linkLoaded } from '../runbook/link';
import { everyStep, type Runbook } from '../runbook/model';
import type { ParsedRunbook } from '../runbook/parse';
import type { PlaceOf } from './contract';
import { PlacedText, placesOf } from './places';
import type { SideProblem } from './problem-difference';
import { addressOf, nameOf, pathFrom, pathOfAddress } from './repository-path';
import type { FileContent, Revision } from './revision';
import { type GivenCapture, readSideInventory, type SideInventory } from './side-inventory';

/** A runbook as one side has it. */
export interface SideRunbook {
  path: string;
  /** As far as it could be understood, without what it calls; undefined: its YAML can't be read. */
  draft?: Runbook;
  /** With what it calls; undefined: it has errors, or one that it calls has. */
  linked?: Runbook;
  /** Why it is not linked, a sentence. */
  problem?: string;
  problems: SideProblem[];
  place: PlaceOf;
  /** The one that it names, or that was asked for. */
  inventory?: SideInventory;
  /** Paths of all files that it was made from, but its own: called runbooks, inventory, labs, capture. Looked for, even if they are not there. */
  reads: string[];
  /** Of these, sentences on those that can't be read. */
  unreadable: string[];
}

/** One side of a review: every file is read once, whatever asks for it. */
export class Side {
  readonly #contents = new Map<string, Promise<FileContent>>();
  readonly #inventories = new Map<string, Promise<SideInventory>>();
  readonly #surroundings: Surroundings;

  constructor(
    readonly revision: Revision,
    private readonly given: { inventory?: string; capture?: GivenCapture } = {},
  ) {
    this.#surroundings = new Surroundings({
      read: async address => {
        const content = await this.content(pathOfAddress(address));
        return content.kind === 'text' ? content.text : undefined;
      },
      resolve: (from, path) => {
        const found = pathFrom(pathOfAddress(from), path);
        return found === undefined ? undefined : addressOf(found);
      },
    });
  }

  content(path: string): Promise<FileContent> {
    let content = this.#contents.get(path);
    if (!content) {
      content = this.revision.read(path).catch(
        (error: unknown): FileContent => ({
          kind: 'unreadable',
          why: messageOf(error),
        }),
      );
      this.#contents.set(path, content);
    }
    return content;
  }

  inventory(path: string): Promise<SideInventory> {
    let inventory = this.#inventories.get(path);
    if (!inventory) {
      inventory = readSideInventory(path, file => this.content(file), this.given.capture);
      this.#inventories.set(path, inventory);
    }
    return inventory;
  }

  /** All that were looked at and have no errors, by path. */
  async inventoriesRead(): Promise<Inventory[]> {
    const read = await Promise.all([...this.#inventories.values()]);
    return read.sort((left, right) => (left.path < right.path ? -1 : 1)).flatMap(({ inventory }) => inventory ?? []);
  }

  /** undefined: there is no such file, or it can't be read; `content` says which. */
  async runbook(path: string): Promise<SideRunbook | undefined> {
    const content = await this.content(path);
    if (content.kind !== 'text') return undefined;
    const document = TextDocument.create(addressOf(path), 'virt-runbook', 0, content.text);
    const cache = new ParseCache(1);
    const parsed = runbookOf(document, cache);
    const inventoryPath =
      this.given.inventory ?? (parsed.draft.inventory ? pathFrom(path, parsed.draft.inventory) : undefined);
    const around = await this.#surroundings.of(document, cache);
    const inventoryMissing =
      this.given.inventory === undefined &&
      inventoryPath !== undefined &&
      (await this.content(inventoryPath)).kind === 'missing';
    const found = findings(document, { actions, cache, ...around, inventoryMissing });
    const text = new PlacedText(path, parsed.source);
    const called = around.runbooks ?? (() => undefined);
    const broken = parsed.data === undefined || parsed.diagnostics.some(one => one.code === 'yaml-syntax');
    const inventory = inventoryPath === undefined ? undefined : await this.inventory(inventoryPath);
    const calls = calledBy(parsed, nameOf(path), called);
    const reads = [
      ...calls.flatMap(relative => pathFrom(path, relative) ?? []),
      ...(inventory ? [inventory.path, ...inventory.reads] : []),
    ];
    // An error of structure that is suppressed is still one; without its inventory a runbook is still read.
    const ofItself = found.filter(one => one.code !== 'inventory-not-found');
    const errors = [ofItself, parsed.diagnostics].map(errorsIn).find(list => list.length > 0) ?? [];
    const linked = errors.length > 0 ? undefined : linkLoaded(parsed.draft, nameOf(path), called);
    return {
      path,
      ...(!broken && { draft: parsed.draft }),
      ...(linked && { linked }),
      ...(!linked && { problem: whyNot(errors, text) }),
      problems: problemsOf(found, text, parsed.draft),
      place: placesOf(text, called),
      ...(inventory && { inventory }),
      reads: [...new Set(reads)],
      unreadable: await this.#unreadable(reads),
    };
  }

  /** Paths that a runbook calls or takes its inventory from, without what these lead to. None, when it can't be read. */
  async edgesOf(path: string): Promise<string[]> {
    const content = await this.content(path);
    if (content.kind !== 'text') return [];
    const document = TextDocument.create(addressOf(path), 'virt-runbook', 0, content.text);
    const { draft } = runbookOf(document);
    return [...callsOf(draft).map(step => step.uses), ...(draft.inventory ? [draft.inventory] : [])].flatMap(
      one => pathFrom(path, one) ?? [],
    );
  }

  async #unreadable(paths: readonly string[]): Promise<string[]> {
    const found = await Promise.all(
      paths.map(async path => {
        const content = await this.content(path);
        return content.kind === 'unreadable' ? [`${path} can't be read: ${content.why}`] : [];
      }),
    );
    return found.flat();
  }
}

/** Paths of all that it calls, relative to its folder; those that are not there too. */
function calledBy(parsed: ParsedRunbook, self: string, runbooks: CalledRunbooks): string[] {
  const found = new Set<string>();
  const visit = (runbook: Runbook, from: string): void => {
    for (const step of callsOf(runbook)) {
      const path = calledPath(from, step.uses);
      if (path === self || found.has(path)) continue;
      found.add(path);
      const called = runbooks(path);
      if (called) visit(called.draft, path);
    }
  };
  visit(parsed.draft, self);
  return [...found];
}

function errorsIn(found: readonly Diagnostic[]): Diagnostic[] {
  return found.filter(one => one.severity === 'error');
}

function whyNot(errors: readonly Diagnostic[], text: PlacedText): string {
  const [first] = errors;
  if (!first) return 'What it calls can not be put together: correct the runbooks that it calls.';
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return `It has errors${more}: ${text.path}:${text.linesOf(first.range).line}: ${first.message}`;
}

function problemsOf(found: readonly Diagnostic[], text: PlacedText, draft: Runbook): SideProblem[] {
  const steps = new Set(everyStep(draft).map(step => step.pointer));
  return found.map(({ code, severity, message, range }) => {
    const step = stepAt(text.source.at(range.start)?.pointer, steps);
    return { code, severity, message, place: text.linesOf(range), ...(step !== undefined && { step }) };
  });
}

/** The innermost step around a pointer. */
function stepAt(pointer: string | undefined, steps: ReadonlySet<string>): string | undefined {
  for (let asked = pointer ?? ''; asked !== ''; asked = asked.slice(0, asked.lastIndexOf('/')))
    if (steps.has(asked)) return asked;
  return undefined;
}
