import * as vscode from 'vscode';
import type { EditorConfig } from '../../editor/config';
import type { ParseCache } from '../../editor/parse-cache';
import type { Surroundings } from '../../editor/surroundings';
import type { WorkspaceFiles } from '../../editor/workspace-files';
import type { SeenNames } from '../../inventory/names';
import { schemes } from '../ids';
import { language } from '../lazy';
import { asLspDocument, VirtbookDiagnostic } from './lspTypes';
import { type FeatureContext, registerProviders } from './providers';
import { isRevision } from './revisionUri';
import { isOurs, WorkspaceTexts } from './workspaceTexts';

/** Time without typing after which a document is checked, in ms. */
const QUIET_MS = 200;

/** What is known beyond the files; in a browser nothing is. */
export interface LiveKnowledge {
  /** What the live view saw of an inventory's hosts and VMs, if it is the one that is asked for. */
  seen?(inventory: vscode.Uri): SeenNames | undefined;
  state?: EditorConfig['liveState'];
  lastValues?(document: vscode.TextDocument): Promise<EditorConfig['values']>;
}

/** Diagnostics and every other feature for runbooks and inventories, in any scheme. Runs nothing, connects nowhere. */
export class LanguageFeatures implements FeatureContext, vscode.Disposable {
  private readonly diagnostics = vscode.languages.createDiagnosticCollection('virtbook');
  private readonly hintsChanged = new vscode.EventEmitter<void>();
  private readonly texts: WorkspaceTexts;
  private readonly disposables: vscode.Disposable[] = [this.diagnostics, this.hintsChanged];
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private parsed: ParseCache | undefined;
  private around: Surroundings | undefined;
  readonly onDidChangeHints = this.hintsChanged.event;

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly live: LiveKnowledge = {},
  ) {
    this.texts = new WorkspaceTexts(log);
    this.disposables.push(
      this.texts,
      vscode.workspace.onDidOpenTextDocument(document => this.schedule(document, 0)),
      vscode.workspace.onDidChangeTextDocument(event => this.schedule(event.document)),
      vscode.workspace.onDidCloseTextDocument(document => this.forget(document)),
      this.texts.onDidChange(() => this.recheck()),
      ...registerProviders(this),
    );
    for (const document of vscode.workspace.textDocuments) this.schedule(document, 0);
  }

  /** Parsed documents, shared with lenses and commands. */
  get cache(): ParseCache {
    this.parsed ??= new (language().ParseCache)();
    return this.parsed;
  }

  private get surroundings(): Surroundings {
    this.around ??= new (language().Surroundings)(this.texts, inventory =>
      this.live.seen?.(vscode.Uri.parse(inventory)),
    );
    return this.around;
  }

  /** The names that the live view shows are others now. */
  namesChanged(): void {
    this.around?.forgetNames();
    this.recheck();
  }

  /** Everything said of documents may have changed. */
  private recheck(): void {
    for (const document of vscode.workspace.textDocuments) this.schedule(document, QUIET_MS);
    this.hintsChanged.fire();
  }

  /** Checks now. Gives what it found. */
  async check(document: vscode.TextDocument): Promise<vscode.Diagnostic[]> {
    const config = await this.config(document);
    // Whatever was typed while the inventory was read is in the document by now.
    const found = language()
      .validate(asLspDocument(document), config)
      .map(diagnostic => new VirtbookDiagnostic(diagnostic));
    if (!document.isClosed) this.diagnostics.set(document.uri, found);
    return found;
  }

  async config(document: vscode.TextDocument): Promise<EditorConfig> {
    const { cache, live } = this;
    const around = await this.surroundings.of(asLspDocument(document), cache);
    return {
      actions: language().actions,
      ...around,
      cache,
      liveState: live.state,
    };
  }

  async configForCompletion(document: vscode.TextDocument): Promise<EditorConfig> {
    const [config, offered] = await Promise.all([this.config(document), this.texts.offered(document.uri)]);
    return { ...config, ...offered };
  }

  async configForHover(document: vscode.TextDocument): Promise<EditorConfig> {
    return { ...(await this.config(document)), values: await this.live.lastValues?.(document) };
  }

  async workspace(around?: vscode.TextDocument): Promise<WorkspaceFiles> {
    const isVersion = around && (isRevision(around.uri) || around.uri.scheme === schemes.review);
    const documents = isVersion ? this.texts.documentsOf(around) : this.texts.documents();
    return language().fileSet(await documents, (from, path) => this.resolve(from, path));
  }

  resolve(from: string, path: string): string | undefined {
    return this.texts.shown(from, path);
  }

  private schedule(document: vscode.TextDocument, delay = QUIET_MS): void {
    if (!isOurs(document)) return;
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.set(
      key,
      setTimeout(() => {
        this.timers.delete(key);
        this.check(document).catch(error => this.log.error(`Checking ${key} failed.`, error));
      }, delay),
    );
  }

  private forget(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.diagnostics.delete(document.uri);
    this.parsed?.forget(key);
    this.around?.forget(key);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const item of this.disposables) item.dispose();
  }
}
