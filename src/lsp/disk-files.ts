import { readdir, readFile, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { documentKind } from '../editor/document-kind';
import { largestFile, mostFiles, skippedFolders } from '../editor/file-set';
import type { FileReader } from '../editor/surroundings';
import { addressOf, pathOf, resolveAddress } from './address';

/** Runbooks and inventories of the workspace, as the client shows them or as they are on disk. */
export class DiskFiles implements FileReader {
  /** Folders of the workspace, as paths. */
  folders: string[] = [];
  /** The client tells what changes; otherwise each look is at the disk. */
  watched = false;
  /** Only of files whose changes are told. */
  readonly #texts = new Map<string, string | undefined>();
  readonly #documents = new Map<string, TextDocument>();
  #list: string[] | undefined;
  readonly #told = new Set<string>();
  #versions = 0;

  constructor(
    private readonly open: (uri: string) => TextDocument | undefined,
    private readonly warn: (message: string) => void,
  ) {}

  resolve(from: string, path: string): string | undefined {
    return resolveAddress(from, path);
  }

  async read(uri: string): Promise<string | undefined> {
    const address = addressOf(uri);
    const shown = this.open(address);
    if (shown) return shown.getText();
    if (this.#texts.has(address)) return this.#texts.get(address);
    const path = pathOf(address);
    const text = path === undefined ? undefined : await readSmall(path);
    if (path !== undefined && this.#isWatched(path)) this.#texts.set(address, text);
    return text;
  }

  /** A file that was changed, made or deleted on disk. */
  changed(uri: string): void {
    const address = addressOf(uri);
    this.#texts.delete(address);
    this.#list = undefined;
  }

  /** Paths of what is in the workspace. */
  async paths(): Promise<{ runbooks: string[]; inventories: string[] }> {
    const all = await this.#paths();
    const ofKind = (kind: string) => all.filter(path => documentKind({ uri: path, languageId: '' }) === kind);
    return { runbooks: ofKind('runbook'), inventories: ofKind('inventory') };
  }

  /** All of the workspace, and what is open besides; the same object as long as a document has not changed. */
  async documents(opened: readonly TextDocument[]): Promise<TextDocument[]> {
    const found = new Map<string, TextDocument>();
    for (const document of opened) if (documentKind(document)) found.set(addressOf(document.uri), document);
    for (const path of await this.#paths()) {
      const uri = pathToFileURL(path).href;
      if (found.has(uri)) continue;
      const text = await this.read(uri);
      if (text === undefined) continue;
      let document = this.#documents.get(uri);
      if (document?.getText() !== text) {
        const kind = documentKind({ uri, languageId: '' });
        document = TextDocument.create(uri, `virt-${kind}`, ++this.#versions, text);
        this.#documents.set(uri, document);
      }
      found.set(uri, document);
    }
    return [...found.values()];
  }

  /** Clients watch their folders, and nothing else. */
  #isWatched(path: string): boolean {
    return this.watched && this.folders.some(folder => path.startsWith(folder + sep));
  }

  async #paths(): Promise<string[]> {
    if (this.#list && this.watched) return this.#list;
    const found: string[] = [];
    for (const folder of this.folders) await this.#scan(folder, found);
    if (found.length >= mostFiles)
      this.#tell(`There are more than ${mostFiles} runbooks and inventories; the others are not looked at.`);
    this.#list = [...new Set(found)].sort();
    return this.#list;
  }

  async #scan(folder: string, found: string[]): Promise<void> {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (found.length >= mostFiles) return;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!skippedFolders.has(entry.name)) await this.#scan(path, found);
      } else if (entry.isFile() && documentKind({ uri: entry.name, languageId: '' })) {
        if ((await sizeOf(path)) <= largestFile) found.push(path);
        else this.#tell(`${path} is larger than ${largestFile} bytes; other files do not see what is in it.`);
      }
    }
  }

  #tell(message: string): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.warn(message);
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    info => info.size,
    () => 0,
  );
}

async function readSmall(path: string): Promise<string | undefined> {
  try {
    // A lab of thousands of VMs is larger than any runbook.
    if ((await sizeOf(path)) > 16 * largestFile) return undefined;
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
