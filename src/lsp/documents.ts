import { dirname, relative } from 'node:path';
import type { TextDocumentsConfiguration } from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { actions } from '../actions/catalogue';
import type { EditorConfig } from '../editor/config';
import { fileSet } from '../editor/file-set';
import { ParseCache } from '../editor/parse-cache';
import { Surroundings } from '../editor/surroundings';
import type { WorkspaceFiles } from '../editor/workspace-files';
import { addressOf, pathOf } from './address';
import type { DiskFiles } from './disk-files';

/** A change makes a new document: what is kept of the one before stays true of it. */
export const fresh: TextDocumentsConfiguration<TextDocument> = {
  create: TextDocument.create,
  update: (document, changes, version) => {
    const { uri, languageId, version: before } = document;
    return TextDocument.update(TextDocument.create(uri, languageId, before, document.getText()), changes, version);
  },
};

/** What the features are given of a document. */
export class DocumentConfigs {
  readonly cache = new ParseCache();
  readonly #around: Surroundings;

  constructor(
    private readonly files: DiskFiles,
    private readonly opened: () => readonly TextDocument[],
  ) {
    this.#around = new Surroundings(files);
  }

  async of(document: TextDocument): Promise<EditorConfig> {
    return { actions, cache: this.cache, ...(await this.#around.of(document, this.cache)) };
  }

  /** The files that the document could name. */
  async offered(document: TextDocument): Promise<Pick<EditorConfig, 'callable' | 'inventories'>> {
    const path = pathOf(document.uri);
    if (path === undefined) return {};
    const { runbooks, inventories } = await this.files.paths();
    const named = (others: readonly string[]) =>
      others.flatMap(other => (other === path ? [] : [relative(dirname(path), other).replaceAll('\\', '/')]));
    return { callable: named(runbooks), inventories: named(inventories) };
  }

  async workspace(): Promise<WorkspaceFiles> {
    const documents = await this.files.documents(this.opened());
    return fileSet(documents, (from, path) => this.shown(this.files.resolve(from, path)), this.cache);
  }

  forget(uri: string): void {
    this.cache.forget(uri);
    this.#around.forget(uri);
  }

  /** The address as the client writes it, where it has the document open. */
  private shown(address: string | undefined): string | undefined {
    const open = this.opened().find(document => addressOf(document.uri) === address);
    return open?.uri ?? address;
  }
}
