import * as vscode from 'vscode';
import type { TextDocument as LspDocument } from 'vscode-languageserver-textdocument';
import type { EditorConfig } from '../../editor/config';
import { semanticLegend } from '../../editor/semantic-legend';
import type { WorkspaceFiles } from '../../editor/workspace-files';
import { languages } from '../ids';
import { formatting, language } from '../lazy';
import {
  asCodeAction,
  asCompletionItem,
  asDocumentLink,
  asFoldingRange,
  asHighlight,
  asHover,
  asInlayHint,
  asLocation,
  asLspDocument,
  asLspRange,
  asRange,
  asSelectionRange,
  asSymbol,
  asTextEdit,
  asWorkspaceEdit,
  asWorkspaceSymbol,
  VirtbookDiagnostic,
} from './lspTypes';
import { isReadOnly } from './workspaceTexts';

/** Our own language ids, whatever scheme a document has: files, diffs and pull requests are treated alike. */
const selector: vscode.DocumentSelector = [{ language: languages.runbook }, { language: languages.inventory }];

/** What the features are given of a document. */
export interface FeatureContext {
  config(document: vscode.TextDocument): Promise<EditorConfig>;
  /** With the files that the document could name. */
  configForCompletion(document: vscode.TextDocument): Promise<EditorConfig>;
  /** With what the last run had. */
  configForHover(document: vscode.TextDocument): Promise<EditorConfig>;
  /** `around`: of a version of a file, only what belongs to that version. */
  workspace(around?: vscode.TextDocument): Promise<WorkspaceFiles>;
  resolve(from: string, path: string): string | undefined;
  onDidChangeHints: vscode.Event<void>;
}

/** Every feature of the editor room that VS Code asks for, on both languages. Runs nothing, connects nowhere. */
export function registerProviders(context: FeatureContext): vscode.Disposable[] {
  const { languages: api } = vscode;

  /** The document with its configuration; undefined: nobody waits for the answer any more. */
  async function look(document: vscode.TextDocument, cancelled: vscode.CancellationToken) {
    const config = await context.config(document);
    return cancelled.isCancellationRequested ? undefined : { document: asLspDocument(document), config };
  }

  /** The same for what goes across files. */
  async function lookAcross(document: vscode.TextDocument, cancelled: vscode.CancellationToken) {
    const [config, files] = await Promise.all([context.config(document), context.workspace(document)]);
    return cancelled.isCancellationRequested ? undefined : { document: asLspDocument(document), config, files };
  }

  const offset = (document: LspDocument, { line, character }: vscode.Position) =>
    document.offsetAt({ line, character });

  return [
    api.registerCompletionItemProvider(
      selector,
      {
        async provideCompletionItems(document, position, cancelled) {
          const config = await context.configForCompletion(document);
          if (cancelled.isCancellationRequested) return undefined;
          return language()
            .complete(asLspDocument(document), document.offsetAt(position), config)
            .map(asCompletionItem);
        },
      },
      ' ',
      '.',
      ':',
      '{',
      '"',
      "'",
    ),
    api.registerHoverProvider(selector, {
      async provideHover(document, position, cancelled) {
        const config = await context.configForHover(document);
        if (cancelled.isCancellationRequested) return undefined;
        const found = language().hover(asLspDocument(document), document.offsetAt(position), config);
        return found && asHover(found);
      },
    }),
    api.registerDefinitionProvider(selector, {
      async provideDefinition(asked, position, cancelled) {
        const found = await lookAcross(asked, cancelled);
        if (!found) return undefined;
        const { document, config, files } = found;
        return language().definition(document, offset(document, position), config, files).map(asLocation);
      },
    }),
    api.registerReferenceProvider(selector, {
      async provideReferences(asked, position, options, cancelled) {
        const found = await lookAcross(asked, cancelled);
        if (!found) return undefined;
        const { document, config, files } = found;
        return language().references(document, offset(document, position), config, files, options).map(asLocation);
      },
    }),
    api.registerRenameProvider(selector, {
      async prepareRename(asked, position, cancelled) {
        if (isReadOnly(asked.uri)) throw new Error(vscode.l10n.t('This version of the file can not be changed.'));
        const found = await look(asked, cancelled);
        if (!found) return undefined;
        const { document, config } = found;
        const place = language().prepareRename(document, offset(document, position), config);
        if (!place) throw new Error(vscode.l10n.t('Nothing that can be renamed stands here.'));
        return { range: asRange(place.range), placeholder: place.placeholder };
      },
      async provideRenameEdits(asked, position, newName, cancelled) {
        if (isReadOnly(asked.uri)) return undefined;
        const found = await lookAcross(asked, cancelled);
        if (!found) return undefined;
        const { document, config, files } = found;
        const made = language().rename(document, offset(document, position), newName, config, files);
        if ('problem' in made) throw new Error(made.problem);
        return asWorkspaceEdit(made);
      },
    }),
    api.registerDocumentHighlightProvider(selector, {
      async provideDocumentHighlights(asked, position, cancelled) {
        const found = await look(asked, cancelled);
        if (!found) return undefined;
        const { document, config } = found;
        return language().documentHighlights(document, offset(document, position), config).map(asHighlight);
      },
    }),
    api.registerDocumentSymbolProvider(selector, {
      async provideDocumentSymbols(asked, cancelled) {
        const found = await look(asked, cancelled);
        return found && language().symbols(found.document, found.config.cache).map(asSymbol);
      },
    }),
    api.registerWorkspaceSymbolProvider({
      async provideWorkspaceSymbols(query, cancelled) {
        const files = await context.workspace();
        if (cancelled.isCancellationRequested) return undefined;
        const { actions, workspaceSymbols } = language();
        return workspaceSymbols(query, files, { actions }).map(asWorkspaceSymbol);
      },
    }),
    api.registerFoldingRangeProvider(selector, {
      async provideFoldingRanges(asked, _context, cancelled) {
        const found = await look(asked, cancelled);
        return found && language().foldingRanges(found.document, found.config).map(asFoldingRange);
      },
    }),
    api.registerSelectionRangeProvider(selector, {
      async provideSelectionRanges(asked, positions, cancelled) {
        const found = await look(asked, cancelled);
        if (!found) return undefined;
        const { document, config } = found;
        const offsets = positions.map(position => offset(document, position));
        return language().selectionRanges(document, offsets, config).map(asSelectionRange);
      },
    }),
    api.registerDocumentSemanticTokensProvider(
      selector,
      {
        async provideDocumentSemanticTokens(asked, cancelled) {
          const found = await look(asked, cancelled);
          return (
            found && new vscode.SemanticTokens(new Uint32Array(language().semanticTokens(found.document, found.config)))
          );
        },
      },
      new vscode.SemanticTokensLegend([...semanticLegend.tokenTypes], [...semanticLegend.tokenModifiers]),
    ),
    api.registerDocumentLinkProvider(selector, {
      async provideDocumentLinks(asked, cancelled) {
        const found = await look(asked, cancelled);
        if (!found) return undefined;
        const resolve = (from: string, path: string) => context.resolve(from, path);
        return language().documentLinks(found.document, found.config, resolve).map(asDocumentLink);
      },
    }),
    api.registerDocumentFormattingEditProvider(selector, {
      async provideDocumentFormattingEdits(document, options) {
        if (isReadOnly(document.uri)) return undefined;
        return (await formatting().format(asLspDocument(document), options)).map(asTextEdit);
      },
    }),
    api.registerDocumentRangeFormattingEditProvider(selector, {
      async provideDocumentRangeFormattingEdits(document, range, options) {
        if (isReadOnly(document.uri)) return undefined;
        return (await formatting().format(asLspDocument(document), options, asLspRange(range))).map(asTextEdit);
      },
    }),
    api.registerCodeActionsProvider(
      selector,
      {
        async provideCodeActions(asked, range, { diagnostics, only }, cancelled) {
          if (isReadOnly(asked.uri)) return undefined;
          const found = await look(asked, cancelled);
          if (!found) return undefined;
          const ours = diagnostics.filter(diagnostic => diagnostic instanceof VirtbookDiagnostic);
          const originals = ours.map(diagnostic => diagnostic.original);
          return language()
            .codeActions(found.document, asLspRange(range), originals, found.config)
            .map(action => {
              const about = ours.filter(({ original }) => action.diagnostics?.includes(original));
              return asCodeAction(action, about);
            })
            .filter(({ kind }) => !only || (kind !== undefined && only.contains(kind)));
        },
      },
      {
        providedCodeActionKinds: [
          vscode.CodeActionKind.QuickFix,
          vscode.CodeActionKind.Refactor,
          vscode.CodeActionKind.Source,
        ],
      },
    ),
    api.registerInlayHintsProvider(selector, {
      onDidChangeInlayHints: context.onDidChangeHints,
      async provideInlayHints(asked, range, cancelled) {
        const found = await look(asked, cancelled);
        return found && language().inlayHints(found.document, asLspRange(range), found.config).map(asInlayHint);
      },
    }),
  ];
}
