import * as vscode from 'vscode';
import type { TextDocument as LspDocument } from 'vscode-languageserver-textdocument';
import type { FileReader } from '../../editor/surroundings';
import { languages, schemes } from '../ids';
import { language } from '../lazy';
import { isAbsolutePath } from '../paths';
import { asLspDocument } from './lspTypes';
import { readWhereItIs } from './readText';
import { isRevision, siblingOf } from './revisionUri';

/** Runbooks, inventories, and the simulated labs that inventories name. */
const watchedFiles = '**/*.{yaml,yml}';
const ourFiles = '**/*.{runbook,inventory}.{yaml,yml}';
/** Paths offered where a runbook or inventory can be named. */
const mostOffered = 500;
/** How long what was read of a version in git is taken for current, in ms: nothing tells when `HEAD` or the index changes. */
const REVISION_MS = 2_000;

export function isOurs(document: vscode.TextDocument): boolean {
  return document.languageId === languages.runbook || document.languageId === languages.inventory;
}

/** Files that documents refer to, in any scheme: as the editor shows them or as they are stored. Read when they are asked for. */
export class WorkspaceTexts implements FileReader, vscode.Disposable {
  private readonly texts = new Map<string, Promise<string | undefined>>();
  private readonly stored = new Map<string, LspDocument>();
  private versions = 0;
  private listed: Promise<vscode.Uri[]> | undefined;
  private readonly told = new Set<string>();
  /** Where a version of a file was found, if not at its own address. */
  private readonly elsewhere = new Map<string, string>();
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[] = [this.changed];
  /** One that was read changed, came or went: what was said of those that refer to it may no longer hold. */
  readonly onDidChange = this.changed.event;

  constructor(private readonly log: vscode.LogOutputChannel) {
    const watcher = vscode.workspace.createFileSystemWatcher(watchedFiles);
    const cameOrWent = (uri: vscode.Uri) => {
      this.listed = undefined;
      this.forget(uri);
    };
    this.disposables.push(
      watcher,
      watcher.onDidChange(uri => this.forget(uri)),
      watcher.onDidCreate(cameOrWent),
      watcher.onDidDelete(cameOrWent),
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.listed = undefined;
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.forget(document.uri);
      }),
      // Closed without saving: what is stored counts again.
      vscode.workspace.onDidCloseTextDocument(document => this.forget(document.uri)),
    );
  }

  private forget(uri: vscode.Uri): void {
    if (this.texts.delete(uri.toString())) this.changed.fire();
  }

  /** undefined: it can't be read. */
  read(uri: string): Promise<string | undefined> {
    const known = this.texts.get(uri);
    if (known) return known;
    const parsed = vscode.Uri.parse(uri);
    const text = readWhereItIs(parsed).then(
      found => {
        const where = found.uri.toString();
        if (where !== parsed.toString()) this.elsewhere.set(uri, where);
        return found.text;
      },
      () => undefined,
    );
    // Nothing tells of changes outside the workspace.
    if (isInWorkspace(parsed) || isRevision(parsed)) this.texts.set(uri, text);
    if (isRevision(parsed)) this.forgetLater(uri);
    return text;
  }

  private forgetLater(uri: string): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.texts.delete(uri);
    }, REVISION_MS);
    this.timers.add(timer);
  }

  resolve(from: string, path: string): string | undefined {
    return neighbour(vscode.Uri.parse(from), path)?.toString();
  }

  /** The same for somebody to look at: where the file was found when it was read. */
  shown(from: string, path: string): string | undefined {
    const uri = this.resolve(from, path);
    return uri && (this.elsewhere.get(uri) ?? uri);
  }

  /** A version of a file, and what it names: all in that version. */
  async documentsOf(document: vscode.TextDocument): Promise<LspDocument[]> {
    const { TextDocument, callsOf, runbookOf } = language();
    const self = asLspDocument(document);
    if (document.languageId !== languages.runbook) return [self];
    const { draft } = runbookOf(self);
    const others = new Map(callsOf(draft).map(step => [step.uses, languages.runbook as string]));
    if (draft.inventory !== undefined) others.set(draft.inventory, languages.inventory);
    const found = await Promise.all(
      [...others].map(async ([path, kind]) => {
        const uri = this.resolve(self.uri, path);
        const text = uri && (await this.read(uri));
        return uri && text ? TextDocument.create(this.elsewhere.get(uri) ?? uri, kind, 0, text) : undefined;
      }),
    );
    return [self, ...found.filter(one => one !== undefined)];
  }

  /** Every runbook and inventory of the workspace, and those that are open; the same object as long as one has not changed. */
  async documents(): Promise<LspDocument[]> {
    const { TextDocument, documentKind, largestFile } = language();
    const found = new Map<string, LspDocument>();
    for (const document of vscode.workspace.textDocuments) {
      // The other side of a diff is no file of its own.
      if (isOurs(document) && (document.isUntitled || isInWorkspace(document.uri) || document.uri.scheme === 'file'))
        found.set(document.uri.toString(), asLspDocument(document));
    }
    const rest = (await this.list()).map(uri => uri.toString()).filter(uri => !found.has(uri));
    const texts = await Promise.all(rest.map(uri => this.read(uri)));
    for (const [index, uri] of rest.entries()) {
      const text = texts[index];
      if (text === undefined) continue;
      if (text.length > largestFile) {
        this.tell(`${uri} has more than ${largestFile} characters; other files do not see what is in it.`);
        continue;
      }
      let document = this.stored.get(uri);
      if (document?.getText() !== text) {
        const kind = documentKind({ uri, languageId: '' });
        document = TextDocument.create(
          uri,
          kind === 'inventory' ? languages.inventory : languages.runbook,
          --this.versions,
          text,
        );
        this.stored.set(uri, document);
      }
      found.set(uri, document);
    }
    return [...found.values()];
  }

  /** Paths, relative to the folder of the document, of the runbooks and inventories that it could name. */
  async offered(uri: vscode.Uri): Promise<{ callable: string[]; inventories: string[] }> {
    const base = isReadOnly(uri) ? undefined : baseOf(uri);
    if (!base) return { callable: [], inventories: [] };
    const folder = base.path.split('/');
    const others = (await this.list()).filter(
      file => file.scheme === base.scheme && file.authority === base.authority && file.path !== uri.path,
    );
    const paths = others.slice(0, mostOffered).map(file => relative(folder, file.path));
    const isInventory = (path: string) => /\.inventory\.ya?ml$/i.test(path);
    return { callable: paths.filter(path => !isInventory(path)), inventories: paths.filter(isInventory) };
  }

  private list(): Promise<vscode.Uri[]> {
    this.listed ??= this.find();
    return this.listed;
  }

  private async find(): Promise<vscode.Uri[]> {
    const { mostFiles } = language();
    const found = await vscode.workspace.findFiles(ourFiles, undefined, mostFiles + 1);
    if (found.length > mostFiles)
      this.tell(`There are more than ${mostFiles} runbooks and inventories; the others are not looked at.`);
    return found.slice(0, mostFiles).sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  private tell(message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.log.warn(message);
  }

  dispose(): void {
    for (const timer of this.timers) clearTimeout(timer);
    for (const item of this.disposables) item.dispose();
  }
}

/** The other side of a diff, or a file system that can't be written to. */
export function isReadOnly(uri: vscode.Uri): boolean {
  return (
    isRevision(uri) || uri.scheme === schemes.review || vscode.workspace.fs.isWritableFileSystem(uri.scheme) === false
  );
}

function isInWorkspace(uri: vscode.Uri): boolean {
  return vscode.workspace.getWorkspaceFolder(uri) !== undefined;
}

/**
 * The folder that the paths in a document start from. A document of a scheme that we don't know may say in its query which version of which file
 * it is: its neighbours are those in the workspace. A document that was never saved stands in the first folder.
 */
function baseOf(uri: vscode.Uri): vscode.Uri | undefined {
  const { workspaceFolders = [] } = vscode.workspace;
  if (uri.scheme === 'untitled') {
    return uri.path.startsWith('/')
      ? vscode.Uri.joinPath(uri.with({ scheme: workspaceFolders[0]?.uri.scheme ?? 'file' }), '..')
      : workspaceFolders[0]?.uri;
  }
  if (!uri.path.startsWith('/')) return undefined;
  if (uri.query === '' || isInWorkspace(uri)) return vscode.Uri.joinPath(uri, '..');
  const folder = workspaceFolders.find(({ uri: { path } }) => uri.path.startsWith(path.replace(/\/?$/, '/')));
  return vscode.Uri.joinPath((folder?.uri ?? uri).with({ path: uri.path, query: '', fragment: '' }), '..');
}

/** Where a path in a document leads: of a version of a file, to the same version. undefined: the document has no place of its own. */
export function neighbour(uri: vscode.Uri, path: string): vscode.Uri | undefined {
  if (isRevision(uri)) {
    const sibling = siblingOf(uri, path);
    return sibling && uri.with(sibling);
  }
  const base = baseOf(uri);
  if (!base || path === '') return undefined;
  if (!isAbsolutePath(path)) return vscode.Uri.joinPath(base, path);
  if (base.scheme === 'file') return vscode.Uri.file(path);
  return path.startsWith('/') ? base.with({ path }) : undefined;
}

/** `other.runbook.yaml`, `../parts/patch-one.runbook.yaml` */
function relative(folder: readonly string[], path: string): string {
  const parts = path.split('/');
  let same = 0;
  while (same < folder.length && folder[same] === parts[same]) same++;
  return [...folder.slice(same).map(() => '..'), ...parts.slice(same)].join('/');
}
