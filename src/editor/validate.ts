import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type Diagnostic, DiagnosticSeverity, type Range } from 'vscode-languageserver-types';
import { checkRunbook } from '../runbook/check';
import type { Diagnostic as Finding, SourceRange } from '../runbook/diagnostic';
import type { EditorConfig } from './config';
import { documentKind, fileName } from './document-kind';
import { inventoryOf, runbookOf } from './parse-cache';

const severities = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  info: DiagnosticSeverity.Information,
};

/** Problems of a runbook or inventory. `data.suggestions` holds what quick fixes are made from. */
export function validate(document: TextDocument, config: EditorConfig): Diagnostic[] {
  return findings(document, config).map(finding => toLsp(document, finding));
}

/** The same with offsets, as the command line prints them. */
export function findings(document: TextDocument, config: EditorConfig): Finding[] {
  const kind = documentKind(document);
  if (kind === 'runbook')
    return checkRunbook(runbookOf(document, config.cache), { ...config, path: fileName(document) });
  if (kind === 'inventory') return inventoryOf(document, config.cache).diagnostics;
  return [];
}

function toLsp(document: TextDocument, finding: Finding): Diagnostic {
  const made: Diagnostic = {
    range: toRange(document, finding.range),
    severity: severities[finding.severity],
    code: finding.code,
    source: 'virtbook',
    message: finding.message,
  };
  if (finding.related) {
    made.relatedInformation = finding.related.map(({ range, message }) => ({
      location: { uri: document.uri, range: toRange(document, range) },
      message,
    }));
  }
  if (finding.suggestions) made.data = { suggestions: finding.suggestions };
  return made;
}

export function toRange(document: TextDocument, range: SourceRange): Range {
  return { start: document.positionAt(range.start), end: document.positionAt(range.end) };
}
