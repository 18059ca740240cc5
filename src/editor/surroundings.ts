import type { TextDocument } from 'vscode-languageserver-textdocument';
import { parseLabFile } from '../hypervisors/simulated/lab-file';
import { parseInventory } from '../inventory/file';
import { namesInLabs, type SeenLab, seeLabs } from '../inventory/lab-names';
import type { Inventory } from '../inventory/model';
import { knownNames, type SeenNames } from '../inventory/names';
import { type CalledRunbooks, callsOf } from '../runbook/calls';
import { loadCalled } from '../runbook/link';
import type { Runbook } from '../runbook/model';
import type { EditorConfig } from './config';
import { documentKind, fileName } from './document-kind';
import { inventoryOf, type ParseCache, runbookOf } from './parse-cache';

/** How the files around a document are reached. */
export interface FileReader {
  /** As the editor shows it, else as it is stored; undefined: there is none, or it can't be read. */
  read(uri: string): Promise<string | undefined>;
  /** Address of the file that `path` names in the document at `from`; undefined where a scheme has none. */
  resolve(from: string, path: string): string | undefined;
}

/** What of a document's configuration comes from the files around it. */
export type Around = Pick<
  EditorConfig,
  'inventory' | 'inventoryMissing' | 'inventoryFile' | 'seenHosts' | 'snapshotsOf' | 'runbooks'
>;

interface Named {
  /** Inventory and labs that the names were taken from, with the text that they had. */
  texts: Map<string, string | undefined>;
  config: Around;
}

/** What the labs of an inventory hold that is open. */
interface Labs {
  connections: string;
  texts: Map<string, string | undefined>;
  labs: SeenLab[];
}

interface Called {
  uses: string;
  texts: Map<string, string | undefined>;
  runbooks: CalledRunbooks;
}

/**
 * What stands around a document: the names of its inventory and the runbooks it calls. The same objects are given again as long as nothing
 * they were made from has changed, so that what is made from them can be kept too.
 */
export class Surroundings {
  readonly #named = new Map<string, Named>();
  readonly #labs = new Map<string, Labs>();
  readonly #called = new Map<string, Called>();

  constructor(
    private readonly files: FileReader,
    /** What live connections show of the inventory at this address; without it what its simulated labs hold. */
    private readonly seen: (inventory: string) => SeenNames | undefined = () => undefined,
  ) {}

  async of(document: TextDocument, cache?: ParseCache): Promise<Around> {
    const kind = documentKind(document);
    if (kind === 'inventory') return this.#ownNames(document, cache);
    if (!kind) return {};
    const { draft } = runbookOf(document, cache);
    const [names, runbooks] = await Promise.all([
      this.#names(document.uri, draft.inventory),
      this.#runbooks(document, draft),
    ]);
    return { ...names, runbooks };
  }

  /** What `seen` gives may be different now. */
  forgetNames(): void {
    this.#named.clear();
  }

  forget(uri: string): void {
    this.#called.delete(uri);
    this.#labs.delete(uri);
  }

  async #names(runbook: string, path: string | undefined): Promise<Around> {
    const uri = path ? this.files.resolve(runbook, path) : undefined;
    if (uri === undefined) return {};
    const known = this.#named.get(uri);
    if (known && (await this.#isCurrent(known.texts))) return known.config;
    const texts = new Map<string, string | undefined>();
    const read = async (file: string): Promise<string | undefined> => {
      const text = await this.files.read(file);
      texts.set(file, text);
      return text;
    };
    const text = await read(uri);
    const inventory = text === undefined ? undefined : parseInventory(text).inventory;
    let config: Around = {};
    if (inventory) {
      const live = this.seen(uri);
      config = around(inventory, live, live ? [] : await this.#seeLabs(uri, inventory, read));
    }
    // Of a version in a pull request or in git nobody knows whether it can't be had or is not there.
    else if (text === undefined && /^(file|vscode-vfs):/.test(uri)) config = { inventoryMissing: true };
    this.#named.set(uri, { texts, config });
    return config;
  }

  /** The names that an inventory has itself, as far as it is written. */
  async #ownNames(document: TextDocument, cache?: ParseCache): Promise<Around> {
    const { uri } = document;
    const { draft, inventory } = inventoryOf(document, cache);
    const live = this.seen(uri);
    const { inventoryFile: _, ...names } = around(draft, live, live ? [] : await this.#ownLabs(uri, draft));
    return inventory ? { ...names, inventoryFile: inventory } : names;
  }

  async #ownLabs(uri: string, draft: Inventory): Promise<SeenLab[]> {
    const connections = JSON.stringify(draft.connections);
    const known = this.#labs.get(uri);
    if (known?.connections === connections && (await this.#isCurrent(known.texts))) return known.labs;
    const texts = new Map<string, string | undefined>();
    const labs = await this.#seeLabs(uri, draft, async file => {
      const text = await this.files.read(file);
      texts.set(file, text);
      return text;
    });
    this.#labs.set(uri, { connections, texts, labs });
    return labs;
  }

  #seeLabs(uri: string, inventory: Inventory, read: (file: string) => Promise<string | undefined>): Promise<SeenLab[]> {
    return seeLabs(inventory, async lab => {
      const file = this.files.resolve(uri, lab);
      const written = file === undefined ? undefined : await read(file);
      return written === undefined ? undefined : parseLabFile(written, lab);
    });
  }

  async #runbooks(document: TextDocument, draft: Runbook): Promise<CalledRunbooks> {
    const uses = JSON.stringify(callsOf(draft).map(step => step.uses));
    const known = this.#called.get(document.uri);
    if (known?.uses === uses && (await this.#isCurrent(known.texts))) return known.runbooks;
    const texts = new Map<string, string | undefined>();
    const { runbooks } = await loadCalled(draft, fileName(document), async path => {
      const uri = this.files.resolve(document.uri, path);
      if (uri === undefined) return undefined;
      const text = await this.files.read(uri);
      texts.set(uri, text);
      return text;
    });
    this.#called.set(document.uri, { uses, texts, runbooks });
    return runbooks;
  }

  async #isCurrent(texts: ReadonlyMap<string, string | undefined>): Promise<boolean> {
    for (const [uri, text] of texts) if ((await this.files.read(uri)) !== text) return false;
    return true;
  }
}

function around(inventory: Inventory, live: SeenNames | undefined, labs: SeenLab[]): Around {
  const seen = live ?? namesInLabs(inventory, labs);
  const snapshots = new Map(labs.flatMap(({ vms }) => vms.map(vm => [vm.name, vm.snapshots.map(one => one.name)])));
  return {
    inventory: knownNames(inventory, seen),
    inventoryFile: inventory,
    ...(seen.hosts && { seenHosts: seen.hosts }),
    ...(snapshots.size > 0 && { snapshotsOf: vm => snapshots.get(vm) }),
  };
}
