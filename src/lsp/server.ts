import {
  CodeActionKind,
  type Connection,
  type Diagnostic,
  DidChangeWatchedFilesNotification,
  type InitializeParams,
  type InitializeResult,
  LSPErrorCodes,
  PositionEncodingKind,
  ResponseError,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { version } from '../../package.json';
import { codeActions } from '../editor/code-actions';
import { complete } from '../editor/complete';
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

  function pushSoon(uri: string, delay: number): void {
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
      setTimeout(() => void push().catch(error => connection.console.error(String(error))), delay),
    );
  }

  /** What stands around the open documents changed. */
  function lookAgain(): void {
    if (!asks()) for (const { uri } of documents.all()) pushSoon(uri, QUIET_MS);
    else if (client.workspace?.diagnostics?.refreshSupport) connection.languages.diagnostics.refresh();
    if (client.workspace?.inlayHint?.refreshSupport) connection.languages.inlayHint.refresh();
  }

  documents.onDidOpen(({ document }) => {
    if (!asks()) pushSoon(document.uri, 0);
  });
  documents.onDidChangeContent(({ document }) => {
    if (asks() || document.version === 0) return;
    // Others may refer to it.
    for (const { uri } of documents.all()) pushSoon(uri, QUIET_MS);
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

  /** The document that a request is about; undefined: it is none of ours, or not open. */
  const about = ({ textDocument }: { textDocument: { uri: string } }): TextDocument | undefined => {
    const document = documents.get(textDocument.uri);
    return document && documentKind(document) ? document : undefined;
  };

  connection.onCompletion(async params => {
    const document = about(params);
    return document && complete(document, document.offsetAt(params.position), await configs.forCompletion(document));
  });
  connection.onHover(async params => {
    const document = about(params);
    return document && hover(document, document.offsetAt(params.position), await configs.of(document));
  });
  connection.onDefinition(async params => {
    const document = about(params);
    if (!document) return undefined;
    const [config, workspace] = await Promise.all([configs.of(document), configs.workspace()]);
    return definition(document, document.offsetAt(params.position), config, workspace);
  });
  connection.onReferences(async params => {
    const document = about(params);
    if (!document) return undefined;
    const [config, workspace] = await Promise.all([configs.of(document), configs.workspace()]);
    return references(document, document.offsetAt(params.position), config, workspace, params.context);
  });
  connection.onPrepareRename(async params => {
    const document = about(params);
    return document && prepareRename(document, document.offsetAt(params.position), await configs.of(document));
  });
  connection.onRenameRequest(async params => {
    const document = about(params);
    if (!document) return undefined;
    const [config, workspace] = await Promise.all([configs.of(document), configs.workspace()]);
    const made = rename(document, document.offsetAt(params.position), params.newName, config, workspace);
    return 'problem' in made ? new ResponseError(LSPErrorCodes.RequestFailed, made.problem) : made;
  });
  connection.onDocumentHighlight(async params => {
    const document = about(params);
    return document && documentHighlights(document, document.offsetAt(params.position), await configs.of(document));
  });
  connection.onDocumentSymbol(params => {
    const document = about(params);
    return document && symbols(document, configs.cache);
  });
  connection.onWorkspaceSymbol(async ({ query }) => {
    const workspace = await configs.workspace();
    return workspaceSymbols(query, workspace, { actions: [], cache: configs.cache });
  });
  connection.onFoldingRanges(async params => {
    const document = about(params);
    return document && foldingRanges(document, await configs.of(document));
  });
  connection.onSelectionRanges(async params => {
    const document = about(params);
    if (!document) return undefined;
    const offsets = params.positions.map(position => document.offsetAt(position));
    return selectionRanges(document, offsets, await configs.of(document));
  });
  connection.languages.semanticTokens.on(async params => {
    const document = about(params);
    return { data: document ? semanticTokens(document, await configs.of(document)) : [] };
  });
  connection.onDocumentLinks(async params => {
    const document = about(params);
    if (!document) return undefined;
    return documentLinks(document, await configs.of(document), (from, path) => files.resolve(from, path));
  });
  connection.onDocumentFormatting(async params => {
    const document = about(params);
    return document && format(document, params.options);
  });
  connection.onDocumentRangeFormatting(async params => {
    const document = about(params);
    return document && format(document, params.options, params.range);
  });
  connection.onCodeAction(async params => {
    const document = about(params);
    if (!document) return undefined;
    const config = await configs.of(document);
    // What a client gives back need not have all that it was given.
    const known = validate(document, config);
    const diagnostics = params.context.diagnostics.flatMap(given => known.find(one => isSame(one, given)) ?? []);
    const wanted = params.context.only;
    return codeActions(document, params.range, diagnostics, config).filter(
      ({ kind }) => !wanted || wanted.some(one => kind === one || kind?.startsWith(`${one}.`)),
    );
  });
  connection.languages.inlayHint.on(async params => {
    const document = about(params);
    return document && inlayHints(document, params.range, await configs.of(document));
  });

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
