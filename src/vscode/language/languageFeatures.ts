import * as vscode from 'vscode';
import type { EditorConfig } from '../../editor/config';
import type { ParseCache } from '../../editor/parse-cache';
import { languages } from '../ids';
import { language } from '../lazy';
import type { CalledFiles } from './calledRunbooks';
import type { InventoryNames } from './inventoryOfRunbook';
import { asCodeAction, asCompletionItem, asHover, asLspDocument, asSymbol, VirtbookDiagnostic } from './lspTypes';

/** Time without typing after which a document is checked, in ms. */
const QUIET_MS = 200;

/** Our own language ids, whatever scheme a document has: files, diffs and pull requests are treated alike. */
const selector: vscode.DocumentSelector = [{ language: languages.runbook }, { language: languages.inventory }];

export function isOurs(document: vscode.TextDocument): boolean {
  return document.languageId === languages.runbook || document.languageId === languages.inventory;
}

/** Diagnostics, completion, hover, outline and quick fixes for runbooks and inventories. Runs nothing, connects nowhere. */
export class LanguageFeatures implements vscode.Disposable {
  private readonly disposables: vscode.Disposable[] = [];
  private readonly diagnostics = vscode.languages.createDiagnosticCollection('virtbook');
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private parsed: ParseCache | undefined;

  constructor(
    private readonly names: InventoryNames,
    private readonly called: CalledFiles,
    private readonly log: vscode.LogOutputChannel,
    private readonly liveState: EditorConfig['liveState'],
    private readonly lastValues: (document: vscode.TextDocument) => Promise<EditorConfig['values']>,
  ) {
    this.disposables.push(
      this.diagnostics,
      vscode.workspace.onDidOpenTextDocument(document => this.schedule(document, 0)),
      vscode.workspace.onDidChangeTextDocument(event => this.schedule(event.document)),
      vscode.workspace.onDidCloseTextDocument(document => this.forget(document)),
      names.onDidChange(() => this.recheck()),
      called.onDidChange(() => this.recheck()),
      vscode.languages.registerCompletionItemProvider(
        selector,
        { provideCompletionItems: (document, position) => this.complete(document, position) },
        ' ',
        '.',
        ':',
        '{',
        '"',
        "'",
      ),
      vscode.languages.registerHoverProvider(selector, {
        provideHover: (document, position) => this.hover(document, position),
      }),
      vscode.languages.registerDocumentSymbolProvider(selector, {
        provideDocumentSymbols: document => language().symbols(asLspDocument(document), this.cache).map(asSymbol),
      }),
      vscode.languages.registerCodeActionsProvider(
        selector,
        { provideCodeActions: (document, _range, context) => quickFixes(document, context.diagnostics) },
        { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
      ),
    );
    for (const document of vscode.workspace.textDocuments) this.schedule(document, 0);
  }

  /** Parsed documents, shared with lenses and commands. */
  get cache(): ParseCache {
    this.parsed ??= new (language().ParseCache)();
    return this.parsed;
  }

  /** Everything said of names may have changed. */
  recheck(): void {
    for (const document of vscode.workspace.textDocuments) this.schedule(document, QUIET_MS);
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

  private async config(document: vscode.TextDocument): Promise<EditorConfig> {
    const { runbookOf, actions } = language();
    const { cache } = this;
    if (document.languageId !== languages.runbook) return { actions, cache, liveState: this.liveState };
    const { draft } = runbookOf(asLspDocument(document), cache);
    const [inventory, runbooks] = await Promise.all([
      this.names.of(document.uri, draft.inventory),
      this.called.of(document.uri, draft),
    ]);
    return { actions, inventory, runbooks, cache, liveState: this.liveState };
  }

  private async complete(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.CompletionItem[]> {
    const config = { ...(await this.config(document)), callable: await this.called.callable(document.uri) };
    return language().complete(asLspDocument(document), document.offsetAt(position), config).map(asCompletionItem);
  }

  private async hover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | undefined> {
    const config = { ...(await this.config(document)), values: await this.lastValues(document) };
    const found = language().hover(asLspDocument(document), document.offsetAt(position), config);
    return found && asHover(found);
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
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const item of this.disposables) item.dispose();
  }
}

function quickFixes(document: vscode.TextDocument, diagnostics: readonly vscode.Diagnostic[]): vscode.CodeAction[] {
  const ours = diagnostics.filter(diagnostic => diagnostic instanceof VirtbookDiagnostic);
  return language()
    .quickFixes(
      asLspDocument(document),
      ours.map(diagnostic => diagnostic.original),
    )
    .map(action => {
      const about = ours.filter(diagnostic => action.diagnostics?.includes(diagnostic.original));
      return asCodeAction(action, about);
    });
}
