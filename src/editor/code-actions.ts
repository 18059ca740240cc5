import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { CodeAction, Diagnostic, Range, TextEdit } from 'vscode-languageserver-types';
import type { Runbook } from '../runbook/model';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import { type Fix, type Problem, suggestionsOf } from './fixes/fix';
import { operationFixes } from './fixes/operation-fixes';
import { extractions, rewrites } from './fixes/rewrites';
import { RunbookText } from './fixes/runbook-text';
import { structureFixes } from './fixes/structure-fixes';
import { suppressFixes } from './fixes/suppress-fixes';
import { inventoryOf, runbookOf } from './parse-cache';
import { validate } from './validate';

/** Kind of the action that does all fixes at once which nobody need look at. */
export const fixAllKind = 'source.fixAll.virtbook';

/**
 * What can be done about a place: fixes of the problems there (`quickfix`), rewriting (`refactor.*`), and everything of a kind at once
 * (`source.fixAll.virtbook`). `diagnostics`: those that the editor shows at `range`; each is named by the fixes that are for it.
 */
export function codeActions(
  document: TextDocument,
  range: Range,
  diagnostics: Diagnostic[],
  config: EditorConfig,
): CodeAction[] {
  const kind = documentKind(document);
  const runbook = new RunbookText(
    kind === 'runbook'
      ? runbookOf(document, config.cache)
      : { ...inventoryOf(document, config.cache), draft: noRunbook },
  );
  const ours = diagnostics.filter(item => item.source === 'virtbook' && typeof item.code === 'string');
  const quick = ours.flatMap(diagnostic => {
    const problem = problemOf(document, runbook, config, diagnostic);
    return fixesOf(problem).map(fix => toAction(document, fix, 'quickfix', diagnostic));
  });
  const all = ours.length > 0 ? fixAll(document, runbook, config, ours) : [];
  return [...merged(quick), ...all, ...(kind === 'runbook' ? refactorings(document, runbook, range, config) : [])];
}

/** What helps with several problems at once stands in the list once. */
function merged(actions: readonly CodeAction[]): CodeAction[] {
  const found = new Map<string, CodeAction>();
  for (const action of actions) {
    const key = JSON.stringify([action.title, action.edit]);
    const same = found.get(key);
    if (same) same.diagnostics = [...(same.diagnostics ?? []), ...(action.diagnostics ?? [])];
    else found.set(key, action);
  }
  return [...found.values()];
}

/** An inventory has no steps. */
const noRunbook: Runbook = { version: 1, name: '', inputs: {}, steps: [] };

function problemOf(
  document: TextDocument,
  runbook: RunbookText,
  config: EditorConfig,
  diagnostic: Diagnostic,
): Problem {
  const pointer = runbook.pointerAt(document.offsetAt(diagnostic.range.start)) ?? '';
  const [about] = diagnostic.relatedInformation ?? [];
  const elsewhere =
    about?.location.uri === document.uri ? runbook.pointerAt(document.offsetAt(about.location.range.start)) : undefined;
  return {
    document,
    runbook,
    config,
    diagnostic,
    pointer,
    step: runbook.stepAround(pointer),
    other: elsewhere === undefined ? undefined : runbook.stepAround(elsewhere),
  };
}

function fixesOf(problem: Problem): Fix[] {
  return [...didYouMean(problem), ...structureFixes(problem), ...operationFixes(problem), ...suppressFixes(problem)];
}

function didYouMean({ document, diagnostic }: Problem): Fix[] {
  const start = document.offsetAt(diagnostic.range.start);
  const end = document.offsetAt(diagnostic.range.end);
  return suggestionsOf(diagnostic).map((text, index) => ({
    title: `Change to \`${text}\``,
    edits: [{ start, end, text }],
    ...(index === 0 && { preferred: true }),
  }));
}

/** One action for all problems of the document that are of the kinds given and have a fix that is safe. */
function fixAll(document: TextDocument, runbook: RunbookText, config: EditorConfig, given: Diagnostic[]): CodeAction[] {
  const safeFix = (diagnostic: Diagnostic) =>
    fixesOf(problemOf(document, runbook, config, diagnostic)).find(({ safe }) => safe);
  const codes = new Set(given.filter(safeFix).map(({ code }) => code));
  if (codes.size === 0) return [];
  const diagnostics = validate(document, config).filter(({ code }) => codes.has(code));
  const done: Diagnostic[] = [];
  const edits: Fix['edits'] = [];
  for (const diagnostic of diagnostics) {
    const found = safeFix(diagnostic);
    const overlaps = found?.edits.some(edit => edits.some(one => edit.start < one.end && one.start < edit.end));
    if (!found || overlaps) continue;
    edits.push(...found.edits);
    done.push(diagnostic);
  }
  const names = [...codes].map(code => `\`${code}\``).join(', ');
  const title = `Fix all ${done.length} of ${names}`;
  const action: CodeAction = { ...toAction(document, { title, edits }, fixAllKind), diagnostics: done };
  return done.length > 0 ? [action] : [];
}

function refactorings(document: TextDocument, runbook: RunbookText, range: Range, config: EditorConfig): CodeAction[] {
  const pointer = runbook.pointerAt(document.offsetAt(range.start));
  // Of broken text too little is understood to rewrite it.
  if (pointer === undefined || runbook.parsed.diagnostics.some(({ code }) => code === 'yaml-syntax')) return [];
  return [
    ...rewrites(runbook, pointer, config).map(fix => toAction(document, fix, 'refactor.rewrite')),
    ...extractions(runbook, pointer, config).map(fix => toAction(document, fix, 'refactor.extract')),
  ];
}

function toAction(
  document: TextDocument,
  { title, edits, preferred }: Fix,
  kind: string,
  about?: Diagnostic,
): CodeAction {
  const changes: TextEdit[] = edits.map(({ start, end, text }) => ({
    range: { start: document.positionAt(start), end: document.positionAt(end) },
    newText: text,
  }));
  return {
    title,
    kind,
    ...(about && { diagnostics: [about] }),
    ...(preferred && { isPreferred: true }),
    edit: { changes: { [document.uri]: changes } },
  };
}
