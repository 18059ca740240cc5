import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type CompletionItem, InsertTextFormat, InsertTextMode } from 'vscode-languageserver-types';
import { inventoryFileSchema } from '../inventory/file';
import { schema as runbookFileSchema } from '../runbook/parse';
import { schemasAt } from '../runbook/schema-lookup';
import { expressionItems } from './complete-expression';
import { inventoryItems } from './complete-inventory';
import { inputItems, keyItems, stepLists } from './complete-keys';
import { calledBy } from './complete-steps';
import { valueItems } from './complete-values';
import type { EditorConfig } from './config';
import { type Cursor, cursorAt, lineStartOf } from './cursor';
import { documentKind } from './document-kind';
import { runbookOf } from './parse-cache';
import type { Proposal } from './proposal';
import { fileSnippets } from './snippets';
import { toRange } from './validate';

/** What may be typed at this offset. Works in half-typed files. Items carry a `textEdit` and, for actions, a snippet. */
export function complete(document: TextDocument, offset: number, config: EditorConfig): CompletionItem[] {
  const kind = documentKind(document);
  if (!kind) return [];
  const text = document.getText();
  const cursor = cursorAt(text, offset);
  const space = missingSpace(text, offset, cursor);
  if (space && cursor.on === 'key') cursor.indent++;
  const found = proposals(document, text, offset, cursor, kind, config);
  return (isKeyWithColon(text, cursor) ? found.flatMap(onlyKey) : found).map(
    ({ insert, snippet, takesBack = 0, ...item }, index) => {
      const start = cursor.start - takesBack;
      return {
        ...item,
        // Filtering is by what the edit replaces.
        ...(takesBack > 0 ? { filterText: text.slice(start, cursor.start) + item.label } : {}),
        sortText: item.sortText ?? String(index).padStart(5, '0'),
        // Lines come with their indentation: an editor that adds its own would move them.
        insertTextMode: InsertTextMode.asIs,
        insertTextFormat: snippet ? InsertTextFormat.Snippet : InsertTextFormat.PlainText,
        textEdit: { range: toRange(document, { start, end: cursor.end }), newText: space + (insert ?? item.label) },
      };
    },
  );
}

/** What has to stand before a value right behind its `:`, and before what is in a list right behind its `-`. */
function missingSpace(text: string, offset: number, cursor: Cursor): string {
  if (cursor.quoted || cursor.expression || cursor.block || cursor.start !== offset) return '';
  const before = text.slice(lineStartOf(text, offset), offset);
  return (cursor.on === 'value' && before.endsWith(':')) || /^[ -]*-$/.test(before) ? ' ' : '';
}

/** A key that is typed over has its colon, and a value that stays. */
function isKeyWithColon(text: string, { on, end }: Cursor): boolean {
  return on === 'key' && /^["']? *:(?=\s|$)/.test(text.slice(end, text.indexOf('\n', end) + 1 || text.length));
}

function onlyKey({ snippet: _, ...item }: Proposal): Proposal[] {
  return item.insert?.startsWith(`${item.label}:`) ? [{ ...item, insert: item.label }] : [];
}

function proposals(
  document: TextDocument,
  text: string,
  offset: number,
  cursor: Cursor,
  kind: 'runbook' | 'inventory',
  config: EditorConfig,
): Proposal[] {
  if (kind === 'runbook' && (cursor.expression || isCondition(cursor))) {
    return expressionItems(runbookOf(document, config.cache), offset, cursor, config);
  }
  if (cursor.block || inComment(text, offset)) return [];
  // An alias or an anchor: their names are nobody's but the author's.
  if (cursor.on === 'value' && !cursor.quoted && /^[*&]/.test(cursor.prefix)) return [];
  const root = kind === 'runbook' ? runbookFileSchema : inventoryFileSchema;
  const schemas = schemasAt(root, cursor.path, depth => cursor.levels[depth]);
  const objects = schemas.filter(schema => schema.properties !== undefined);
  const called =
    cursor.on === 'key' && cursor.path.at(-1) === 'with' ? calledBy(cursor.levels.at(-2), config) : undefined;
  if (called) return inputItems(called, cursor);
  if (cursor.on === 'key' && objects.length > 0) {
    const isNew = cursor.path.length === 0 && Object.keys(cursor.levels[0] ?? {}).length === 0;
    return [...keyItems(objects, cursor, config), ...(isNew ? fileSnippets(kind) : [])];
  }
  if (cursor.on === 'key' && !cursor.flow && schemas.some(schema => schema.type === 'array')) {
    return proposals(document, text, offset, nextItem(cursor), kind, config).map(one => ({
      ...one,
      filterText: one.filterText ?? one.label,
      insert: `- ${one.insert ?? one.label}`,
    }));
  }
  return kind === 'runbook'
    ? valueItems(schemas, document, offset, cursor, config)
    : [...inventoryItems(document, cursor, config), ...valueItems(schemas, document, offset, cursor, config)];
}

/** Where a list goes on: the same place behind a dash that is not there yet. */
function nextItem(cursor: Cursor): Cursor {
  const at = { ...cursor, path: [...cursor.path, '0'], levels: [...cursor.levels, {}], indent: cursor.indent + 2 };
  const isStep = stepLists.has(cursor.path.at(-1)!);
  return { ...at, on: isStep ? 'key' : 'value' };
}

function isCondition(cursor: Cursor): boolean {
  const key = cursor.path.at(-1);
  return cursor.on === 'value' && (key === 'when' || key === 'assert') && cursor.path.at(-2) === '0';
}

function inComment(text: string, offset: number): boolean {
  const line = text.slice(lineStartOf(text, offset), offset);
  return /(^|\s)#/.test(line.replace(/"[^"]*"|'[^']*'/g, ''));
}
