import {
  type CancellationToken,
  CodeActionKind,
  type CodeActionParams,
  type CompletionParams,
  type Connection,
  type DefinitionParams,
  type Diagnostic,
  DidChangeWatchedFilesNotification,
  type DocumentFormattingParams,
  type DocumentHighlightParams,
  type DocumentRangeFormattingParams,
  type HoverParams,
  type InitializeParams,
  type InitializeResult,
  type InlayHintParams,
  LSPErrorCodes,
  type Position,
  PositionEncodingKind,
  type PrepareRenameParams,
  type ReferenceParams,
  type RenameParams,
  ResponseError,
  type SelectionRangeParams,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { version } from '../../package.json';
import { actions } from '../actions/catalogue';
import { codeActions } from '../editor/code-actions';
import { complete } from '../editor/complete';
import type { EditorConfig } from '../editor/config';
import { definition } from '../editor/definition';
import { documentKind } from '../editor/document-kind';
import { foldingRanges } from '../editor/folding';
import { format } from '../editor/format';
import { documentHighlights } from '../editor/highlights';
import { hover } from '../editor/hover';
import { inlayHints } from '../editor/inlay-hints';
import { documentLinks } from '../editor/links';
import { references } from '../editor/references';
import { prepareRename, rename } from '../editor/rename';
import { selectionRanges } from '../editor/selection';
import { semanticLegend } from '../editor/semantic-legend';
import { semanticTokens } from '../editor/semantic-tokens';
import { symbols } from '../editor/symbols';
import { validate } from '../editor/validate';
import { workspaceSymbols } from '../editor/workspace-symbols';
import { addressOf, pathOf } from './address';
import { DiskFiles } from './disk-files';
import { DocumentConfigs, fresh } from './documents';

/** Time without typing after which diagnostics are pushed, in ms. */
const QUIET_MS = 150;

/** Files that what is said of a document may come from: runbooks, inventories, and labs of any name. */
const watchedFiles = '**/*.{yaml,yml}';

/**
 * The features of the editor room over the Language Server Protocol. Reads files of the workspace; runs nothing, connects to nothing and
 * writes nothing: edits are the client's to make.
 */
export function serve(connection: Connection): void {
  const documents = new TextDocuments(fresh);
  const find = (uri: string) => documents.get(uri) ?? documents.all().find(one => addressOf(one.uri) === uri);
  const files = new DiskFiles(find, message => connection.console.warn(message));
  const configs = new DocumentConfigs(files, () => documents.all());
  let client: InitializeParams['capabilities'] = {};

  connection.onInitialize(params => {
    client = params.capabilities;
    files.folders = foldersOf(params);
    return initialized();
  });

  connection.onInitialized(async () => {
    if (client.workspace?.workspaceFolders) {
      connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        const gone = new Set(removed.map(folder => pathOf(folder.uri)));
        const come = added.flatMap(folder => pathOf(folder.uri) ?? []);
        files.folders = [...files.folders.filter(folder => !gone.has(folder)), ...come];
        files.changed('');
        lookAgain();
      });
    }
    if (client.workspace?.didChangeWatchedFiles?.dynamicRegistration) {
      await connection.client.register(DidChangeWatchedFilesNotification.type, {
        watchers: [{ globPattern: watchedFiles }],
      });
      files.watched = true;
    }
  });

  connection.onDidChangeWatchedFiles(({ changes }) => {
    for (const { uri } of changes) files.changed(uri);
    lookAgain();
  });

  // Diagnostics: a client that can ask does; others are told.
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const asks = (): boolean => client.textDocument?.diagnostic !== undefined;

  async function check(document: TextDocument): Promise<Diagnostic[]> {
    return validate(document, await configs.of(document));
  }

  function pushSoon(uri: string): void {
    clearTimeout(timers.get(uri));
    const push = async (): Promise<void> => {
      timers.delete(uri);
      const document = documents.get(uri);
      if (!document) return;
      const diagnostics = await check(document);
      // Typed on meanwhile: it is checked again.
      if (documents.get(uri)?.version !== document.version) return;
      await connection.sendDiagnostics({ uri, version: document.version, diagnostics });
    };
    timers.set(
      uri,
      setTimeout(() => void push().catch(error => connection.console.error(String(error))), QUIET_MS),
    );
  }

  /** What stands around the open documents changed. */
  function lookAgain(): void {
    if (!asks()) for (const { uri } of documents.all()) pushSoon(uri);
    else if (client.workspace?.diagnostics?.refreshSupport) connection.languages.diagnostics.refresh();
    if (client.workspace?.inlayHint?.refreshSupport) connection.languages.inlayHint.refresh();
  }

  // Opening a document is its first change. Others may refer to it.
  documents.onDidChangeContent(() => {
    if (!asks()) for (const { uri } of documents.all()) pushSoon(uri);
  });
  documents.onDidClose(({ document }) => {
    clearTimeout(timers.get(document.uri));
    timers.delete(document.uri);
    configs.forget(document.uri);
    if (!asks()) void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
  });
  connection.languages.diagnostics.on(async ({ textDocument }) => {
    const document = find(textDocument.uri);
    return { kind: 'full', items: document ? await check(document) : [] };
  });

  type About = { textDocument: { uri: string } };

  /** A request about one document of ours; others get no answer. */
  function on<P extends About, R>(
    feature: (document: TextDocument, params: P, config: EditorConfig) => R | Promise<R>,
  ) {
    return async (params: P, cancelled: CancellationToken) => {
      // That nobody waits for it any more may have come right behind it.
      await new Promise(setImmediate);
      const document = documents.get(params.textDocument.uri);
      if (!document || !documentKind(document)) return undefined;
      const config = await configs.of(document);
      if (cancelled.isCancellationRequested)
        return new ResponseError<void>(LSPErrorCodes.RequestCancelled, 'Cancelled.');
      return feature(document, params, config);
    };
  }
  const offset = (document: TextDocument, { position }: { position: Position }) => document.offsetAt(position);

  connection.onCompletion(
    on(async (document, params: CompletionParams, config) =>
      complete(document, offset(document, params), { ...config, ...(await configs.offered(document)) }),
    ),
  );
  connection.onHover(on((document, params: HoverParams, config) => hover(document, offset(document, params), config)));
  connection.onDefinition(
    on(async (document, params: DefinitionParams, config) =>
      definition(document, offset(document, params), config, await configs.workspace()),
    ),
  );
  connection.onReferences(
    on(async (document, params: ReferenceParams, config) =>
      references(document, offset(document, params), config, await configs.workspace(), params.context),
    ),
  );
  connection.onPrepareRename(
    on((document, params: PrepareRenameParams, config) => prepareRename(document, offset(document, params), config)),
  );
  connection.onRenameRequest(
    on(async (document, params: RenameParams, config) => {
      const made = rename(document, offset(document, params), params.newName, config, await configs.workspace());
      return 'problem' in made ? new ResponseError<void>(LSPErrorCodes.RequestFailed, made.problem) : made;
    }),
  );
  connection.onDocumentHighlight(
    on((document, params: DocumentHighlightParams, config) =>
      documentHighlights(document, offset(document, params), config),
    ),
  );
  connection.onDocumentSymbol(on(document => symbols(document, configs.cache)));
  connection.onWorkspaceSymbol(async ({ query }) => workspaceSymbols(query, await configs.workspace(), { actions }));
  connection.onFoldingRanges(on((document, _params, config) => foldingRanges(document, config)));
  connection.onSelectionRanges(
    on((document, { positions }: SelectionRangeParams, config) =>
      selectionRanges(
        document,
        positions.map(position => document.offsetAt(position)),
        config,
      ),
    ),
  );
  connection.languages.semanticTokens.on(async (params, cancelled) => {
    const found = await on((document, _params, config) => semanticTokens(document, config))(params, cancelled);
    return found instanceof ResponseError ? found : { data: found ?? [] };
  });
  connection.onDocumentLinks(
    on((document, _params, config) => documentLinks(document, config, (from, path) => files.resolve(from, path))),
  );
  connection.onDocumentFormatting(on((document, { options }: DocumentFormattingParams) => format(document, options)));
  connection.onDocumentRangeFormatting(
    on((document, { options, range }: DocumentRangeFormattingParams) => format(document, options, range)),
  );
  connection.onCodeAction(
    on((document, { range, context }: CodeActionParams, config) => {
      // What a client gives back need not have all that it was given.
      const known = validate(document, config);
      const diagnostics = context.diagnostics.flatMap(given => known.find(one => isSame(one, given)) ?? []);
      const wanted = context.only;
      return codeActions(document, range, diagnostics, config).filter(
        ({ kind }) => !wanted || wanted.some(one => kind === one || kind?.startsWith(`${one}.`)),
      );
    }),
  );
  connection.languages.inlayHint.on(
    on((document, { range }: InlayHintParams, config) => inlayHints(document, range, config)),
  );

  documents.listen(connection);
  connection.listen();
}

function initialized(): InitializeResult {
  return {
    serverInfo: { name: 'virtbook', version },
    capabilities: {
      positionEncoding: PositionEncodingKind.UTF16,
      textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
      completionProvider: { triggerCharacters: [' ', '.', ':', '{', '"', "'"] },
      hoverProvider: true,
      definitionProvider: true,
      referencesProvider: true,
      renameProvider: { prepareProvider: true },
      documentHighlightProvider: true,
      documentSymbolProvider: true,
      workspaceSymbolProvider: true,
      foldingRangeProvider: true,
      selectionRangeProvider: true,
      semanticTokensProvider: { legend: semanticLegend, full: true },
      documentLinkProvider: {},
      documentFormattingProvider: true,
      documentRangeFormattingProvider: true,
      codeActionProvider: {
        codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.Refactor, CodeActionKind.Source],
      },
      inlayHintProvider: true,
      diagnosticProvider: { identifier: 'virtbook', interFileDependencies: true, workspaceDiagnostics: false },
      workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
    },
  };
}

function foldersOf({ workspaceFolders, rootUri }: InitializeParams): string[] {
  const uris = workspaceFolders?.map(folder => folder.uri) ?? (rootUri ? [rootUri] : []);
  return uris.flatMap(uri => pathOf(uri) ?? []);
}

function isSame(one: Diagnostic, other: Diagnostic): boolean {
  const [a, b] = [one.range, other.range];
  const at = (x: typeof a): string => `${x.start.line}:${x.start.character}-${x.end.line}:${x.end.character}`;
  return one.code === other.code && at(a) === at(b);
}
