import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type CompletionItem, InsertTextFormat, InsertTextMode } from 'vscode-languageserver-types';
import { inventoryFileSchema } from '../inventory/file';
import { schema as runbookFileSchema } from '../runbook/parse';
import { schemasAt } from '../runbook/schema-lookup';
import { expressionItems } from './complete-expression';
import { inventoryItems } from './complete-inventory';
import { inputItems, keyItems } from './complete-keys';
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
  return proposals(document, text, offset, cursor, kind, config).map(
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
        textEdit: { range: toRange(document, { start, end: cursor.end }), newText: insert ?? item.label },
      };
    },
  );
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
  if (inComment(text, offset)) return [];
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
  return kind === 'runbook'
    ? valueItems(schemas, document, offset, cursor, config)
    : [...inventoryItems(document, cursor, config), ...valueItems(schemas, document, offset, cursor, config)];
}

function isCondition(cursor: Cursor): boolean {
  const key = cursor.path.at(-1);
  return cursor.on === 'value' && (key === 'when' || key === 'assert') && cursor.path.at(-2) === '0';
}

function inComment(text: string, offset: number): boolean {
  const line = text.slice(lineStartOf(text, offset), offset);
  return /(^|\s)#/.test(line.replace(/"[^"]*"|'[^']*'/g, ''));
}
