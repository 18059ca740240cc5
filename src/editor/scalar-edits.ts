import { parseDocument } from 'yaml';
import type { SourceRange } from '../runbook/diagnostic';
import type { YamlSource } from '../runbook/yaml-source';

/** A part of a string's value, and what is to stand there. */
export interface ValueEdit {
  start: number;
  end: number;
  text: string;
}

/** A part of the text, and what is to stand there. */
export interface SourceEdit {
  range: SourceRange;
  newText: string;
}

/**
 * Changes parts of a YAML string, quoted as the place needs: only these parts where that says the same, else the whole string anew. The value
 * after that is exactly the value with the parts replaced.
 */
export function editScalar(source: YamlSource, pointer: string, edits: readonly ValueEdit[]): SourceEdit[] {
  const scalar = source.scalar(pointer);
  const whole = source.valueRange(pointer);
  if (!scalar || !whole) return [];
  const { value, type } = scalar;
  const wanted = withEdits(value, edits);
  const parts = edits.map(({ start, end, text }) => ({
    range: end > start ? scalar.range(start, end) : { start: scalar.offset(start), end: scalar.offset(start) },
    newText: escaped(text, type),
  }));
  // Block scalars hold any text of one line as it is.
  if (type?.startsWith('BLOCK')) return parts;
  const written = source.text.slice(whole.start, whole.end);
  const changed = withEdits(
    written,
    parts.map(({ range, newText }) => ({
      start: range.start - whole.start,
      end: range.end - whole.start,
      text: newText,
    })),
  );
  return readsAs(changed, wanted, inFlow(source, pointer)) ? parts : [{ range: whole, newText: quoted(wanted) }];
}

/** Writes a key anew. */
export function editKey(source: YamlSource, pointer: string, name: string): SourceEdit[] {
  const range = source.keyRange(pointer);
  if (!range) return [];
  const written = source.text.slice(range.start, range.end);
  const type = written.startsWith('"') ? 'QUOTE_DOUBLE' : written.startsWith("'") ? 'QUOTE_SINGLE' : 'PLAIN';
  if (type === 'PLAIN') return [{ range, newText: readsAs(name, name, true) ? name : quoted(name) }];
  return [{ range: { start: range.start + 1, end: range.end - 1 }, newText: escaped(name, type) }];
}

/** Text with parts of it replaced. */
export function withEdits(text: string, edits: readonly ValueEdit[]): string {
  let made = '';
  let from = 0;
  for (const edit of [...edits].sort((left, right) => left.start - right.start)) {
    made += text.slice(from, edit.start) + edit.text;
    from = edit.end;
  }
  return made + text.slice(from);
}

function escaped(text: string, type: string | undefined): string {
  if (type === 'QUOTE_DOUBLE') return JSON.stringify(text).slice(1, -1);
  return type === 'QUOTE_SINGLE' ? text.replaceAll("'", "''") : text;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Whether text that stands as a value, or as a key, is read as this string. */
function readsAs(written: string, wanted: string, flow: boolean): boolean {
  const document = parseDocument(flow ? `[ ${written} ]` : `key: ${written}`, { logLevel: 'silent' });
  if (document.errors.length > 0) return false;
  const data: unknown = document.toJS();
  const read: unknown = flow ? Array.isArray(data) && data.length === 1 && data[0] : (data as { key?: unknown }).key;
  return read === wanted;
}

/** Whether a value stands between `{ }` or `[ ]`. */
function inFlow(source: YamlSource, pointer: string): boolean {
  for (let above = pointer; above !== ''; ) {
    above = above.slice(0, above.lastIndexOf('/'));
    const start = source.valueRange(above)?.start;
    if (start !== undefined && (source.text[start] === '{' || source.text[start] === '[')) return true;
  }
  return false;
}
