import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { CodeAction, Diagnostic } from 'vscode-languageserver-types';

/** Fixes for the given problems: what was likely meant, and suppressing the rule on that line. */
export function quickFixes(document: TextDocument, diagnostics: Diagnostic[]): CodeAction[] {
  return diagnostics
    .filter(item => item.source === 'virtbook' && typeof item.code === 'string')
    .flatMap(item => [...didYouMean(document, item), ignoreOnLine(document, item)]);
}

function didYouMean(document: TextDocument, diagnostic: Diagnostic): CodeAction[] {
  const data: unknown = diagnostic.data;
  const found = data !== null && typeof data === 'object' && 'suggestions' in data ? data.suggestions : undefined;
  const suggestions = Array.isArray(found) ? found.filter(item => typeof item === 'string') : [];
  return suggestions.map((suggestion, index) => ({
    title: `Change to \`${suggestion}\``,
    kind: 'quickfix',
    diagnostics: [diagnostic],
    isPreferred: index === 0,
    edit: { changes: { [document.uri]: [{ range: diagnostic.range, newText: suggestion }] } },
  }));
}

function ignoreOnLine(document: TextDocument, diagnostic: Diagnostic): CodeAction {
  const { line } = diagnostic.range.start;
  const start = { line, character: 0 };
  const text = document.getText({ start, end: { line: line + 1, character: 0 } });
  const indent = /^ */.exec(text)?.[0] ?? '';
  const eol = text.endsWith('\r\n') ? '\r\n' : '\n';
  return {
    title: `Ignore \`${diagnostic.code}\` on this line`,
    kind: 'quickfix',
    diagnostics: [diagnostic],
    edit: {
      changes: {
        [document.uri]: [
          { range: { start, end: start }, newText: `${indent}# virtbook-ignore: ${diagnostic.code}${eol}` },
        ],
      },
    },
  };
}
