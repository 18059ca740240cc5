import * as vscode from 'vscode';
import type { TextDocument as LspDocument } from 'vscode-languageserver-textdocument';
import type * as lsp from 'vscode-languageserver-types';

/** One for each version, so that what is kept of it is found again. */
const wrapped = new WeakMap<vscode.TextDocument, LspDocument>();

/** The document as the editor room reads it; nothing is copied. It stands for the version that it was asked for. */
export function asLspDocument(document: vscode.TextDocument): LspDocument {
  const known = wrapped.get(document);
  if (known?.version === document.version) return known;
  const made = wrap(document);
  wrapped.set(document, made);
  return made;
}

function wrap(document: vscode.TextDocument): LspDocument {
  return {
    uri: document.uri.toString(),
    languageId: document.languageId,
    version: document.version,
    lineCount: document.lineCount,
    getText: range => document.getText(range && asRange(range)),
    positionAt: offset => document.positionAt(offset),
    offsetAt: position => document.offsetAt(asPosition(position)),
    getLineRange: line => document.lineAt(Math.min(Math.max(line, 0), document.lineCount - 1)).range,
    getEOLCharacters: line => {
      if (line < 0 || line >= document.lineCount - 1) return '';
      return document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
    },
  };
}

function asPosition(position: lsp.Position): vscode.Position {
  return new vscode.Position(position.line, position.character);
}

export function asRange(range: lsp.Range): vscode.Range {
  return new vscode.Range(asPosition(range.start), asPosition(range.end));
}

const severities = [
  vscode.DiagnosticSeverity.Error,
  vscode.DiagnosticSeverity.Warning,
  vscode.DiagnosticSeverity.Information,
  vscode.DiagnosticSeverity.Hint,
];

/** Keeps what it was made from, so that quick fixes get it back. */
export class VirtbookDiagnostic extends vscode.Diagnostic {
  constructor(readonly original: lsp.Diagnostic) {
    const { message } = original;
    const text = typeof message === 'string' ? message : message.value;
    super(asRange(original.range), text, severities[(original.severity ?? 1) - 1]);
    this.source = original.source;
    this.code = original.code;
    this.relatedInformation = original.relatedInformation?.map(
      ({ location, message }) =>
        new vscode.DiagnosticRelatedInformation(
          new vscode.Location(vscode.Uri.parse(location.uri), asRange(location.range)),
          message,
        ),
    );
  }
}

export function asCompletionItem(item: lsp.CompletionItem): vscode.CompletionItem {
  // VS Code counts kinds from 0, the protocol from 1.
  const made = new vscode.CompletionItem(item.label, item.kind === undefined ? undefined : item.kind - 1);
  made.detail = item.detail;
  made.documentation = asMarkdown(item.documentation);
  made.sortText = item.sortText;
  made.filterText = item.filterText;
  made.preselect = item.preselect;
  made.commitCharacters = item.commitCharacters;
  if (item.tags?.includes(1)) made.tags = [vscode.CompletionItemTag.Deprecated];
  const text = item.textEdit?.newText ?? item.insertText;
  // The protocol's InsertTextFormat.Snippet
  if (text !== undefined) made.insertText = item.insertTextFormat === 2 ? new vscode.SnippetString(text) : text;
  // The protocol's InsertTextMode.asIs
  made.keepWhitespace = item.insertTextMode === 1;
  if (item.textEdit) {
    made.range =
      'range' in item.textEdit
        ? asRange(item.textEdit.range)
        : { inserting: asRange(item.textEdit.insert), replacing: asRange(item.textEdit.replace) };
  }
  made.additionalTextEdits = item.additionalTextEdits?.map(
    edit => new vscode.TextEdit(asRange(edit.range), edit.newText),
  );
  if (item.command) made.command = { ...item.command, arguments: item.command.arguments };
  return made;
}

export function asHover(hover: lsp.Hover): vscode.Hover {
  const contents = Array.isArray(hover.contents) ? hover.contents : [hover.contents];
  return new vscode.Hover(
    contents.flatMap(content => asMarkdown(content) ?? []),
    hover.range && asRange(hover.range),
  );
}

function asMarkdown(content: lsp.MarkupContent | lsp.MarkedString | undefined): vscode.MarkdownString | undefined {
  if (content === undefined) return undefined;
  if (typeof content === 'string') return new vscode.MarkdownString(content);
  if ('language' in content) return new vscode.MarkdownString().appendCodeblock(content.value, content.language);
  return content.kind === 'plaintext'
    ? new vscode.MarkdownString().appendText(content.value)
    : new vscode.MarkdownString(content.value);
}

export function asSymbol(symbol: lsp.DocumentSymbol): vscode.DocumentSymbol {
  const made = new vscode.DocumentSymbol(
    symbol.name,
    symbol.detail ?? '',
    symbol.kind - 1,
    asRange(symbol.range),
    asRange(symbol.selectionRange),
  );
  made.children = (symbol.children ?? []).map(asSymbol);
  return made;
}

export function asCodeAction(action: lsp.CodeAction, diagnostics: vscode.Diagnostic[]): vscode.CodeAction {
  const kind = action.kind === undefined ? undefined : vscode.CodeActionKind.Empty.append(action.kind);
  const made = new vscode.CodeAction(action.title, kind);
  made.isPreferred = action.isPreferred;
  made.disabled = action.disabled;
  made.diagnostics = diagnostics;
  made.edit = action.edit && asWorkspaceEdit(action.edit);
  return made;
}

export function asWorkspaceEdit(changed: lsp.WorkspaceEdit): vscode.WorkspaceEdit {
  const edit = new vscode.WorkspaceEdit();
  for (const [uri, edits] of Object.entries(changed.changes ?? {})) {
    for (const { range, newText } of edits) edit.replace(vscode.Uri.parse(uri), asRange(range), newText);
  }
  return edit;
}

export function asTextEdit({ range, newText }: lsp.TextEdit): vscode.TextEdit {
  return new vscode.TextEdit(asRange(range), newText);
}

export function asLocation({ uri, range }: lsp.Location): vscode.Location {
  return new vscode.Location(vscode.Uri.parse(uri), asRange(range));
}

export function asHighlight({ range, kind }: lsp.DocumentHighlight): vscode.DocumentHighlight {
  // VS Code counts kinds from 0, the protocol from 1.
  return new vscode.DocumentHighlight(asRange(range), kind === undefined ? undefined : kind - 1);
}

const foldingKinds: Record<string, vscode.FoldingRangeKind> = {
  comment: vscode.FoldingRangeKind.Comment,
  imports: vscode.FoldingRangeKind.Imports,
  region: vscode.FoldingRangeKind.Region,
};

export function asFoldingRange({ startLine, endLine, kind }: lsp.FoldingRange): vscode.FoldingRange {
  return new vscode.FoldingRange(startLine, endLine, kind === undefined ? undefined : foldingKinds[kind]);
}

export function asSelectionRange({ range, parent }: lsp.SelectionRange): vscode.SelectionRange {
  return new vscode.SelectionRange(asRange(range), parent && asSelectionRange(parent));
}

export function asDocumentLink({ range, target, tooltip }: lsp.DocumentLink): vscode.DocumentLink {
  const made = new vscode.DocumentLink(asRange(range), target === undefined ? undefined : vscode.Uri.parse(target));
  made.tooltip = tooltip;
  return made;
}

export function asInlayHint(hint: lsp.InlayHint): vscode.InlayHint {
  const label =
    typeof hint.label === 'string'
      ? hint.label
      : hint.label.map(part => {
          const made = new vscode.InlayHintLabelPart(part.value);
          made.tooltip = asMarkdown(part.tooltip);
          made.location = part.location && asLocation(part.location);
          return made;
        });
  const made = new vscode.InlayHint(asPosition(hint.position), label, hint.kind);
  made.tooltip = asMarkdown(hint.tooltip);
  made.paddingLeft = hint.paddingLeft;
  made.paddingRight = hint.paddingRight;
  made.textEdits = hint.textEdits?.map(asTextEdit);
  return made;
}

export function asWorkspaceSymbol({
  name,
  kind,
  containerName,
  location,
}: lsp.WorkspaceSymbol): vscode.SymbolInformation {
  const range = 'range' in location ? asRange(location.range) : new vscode.Range(0, 0, 0, 0);
  const place = new vscode.Location(vscode.Uri.parse(location.uri), range);
  return new vscode.SymbolInformation(name, kind - 1, containerName ?? '', place);
}

/** The protocol's range of a VS Code range. */
export function asLspRange({ start, end }: vscode.Range): lsp.Range {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}
