import type { Json } from '../../runbook/json';
import { everyStep, type Step } from '../../runbook/model';
import type { ParsedRunbook } from '../../runbook/parse';
import { escapePointer } from '../../runbook/yaml-source';

/** A replacement of a part of the text. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * Changes of a runbook's text that leave everything else as it is: comments, indentation, order. Each gives undefined where it would have to
 * guess, e.g. for steps in `[ ]`.
 */
export class RunbookText {
  readonly text: string;
  readonly #eol: string;
  #steps: Map<string, Step> | undefined;

  constructor(readonly parsed: ParsedRunbook) {
    this.text = parsed.source.text;
    this.#eol = this.text.includes('\r\n') ? '\r\n' : '\n';
  }

  /** The value at a pointer, as far as the text can be read. */
  value(pointer: string): Json | undefined {
    let value: Json | undefined = this.parsed.data;
    for (const part of pointer === '' ? [] : pointer.slice(1).split('/')) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(value)) value = value[Number(name)];
      else if (value !== null && typeof value === 'object' && Object.hasOwn(value, name)) value = value[name];
      else return undefined;
    }
    return value;
  }

  step(pointer: string): Step | undefined {
    this.#steps ??= new Map(everyStep(this.parsed.draft).map(step => [step.pointer, step]));
    return this.#steps.get(pointer);
  }

  /** The innermost step that holds a pointer. */
  stepAround(pointer: string): Step | undefined {
    let rest = pointer;
    while (rest !== '') {
      const step = this.step(rest);
      if (step) return step;
      rest = rest.slice(0, rest.lastIndexOf('/'));
    }
    return undefined;
  }

  pointerAt(offset: number): string | undefined {
    return this.parsed.source.at(offset)?.pointer;
  }

  slice(pointer: string): string | undefined {
    const range = this.parsed.source.valueRange(pointer);
    return range && this.text.slice(range.start, range.end);
  }

  /** Where a step stands whose dash begins a line: the whole lines, with the comments right above it. */
  lines(pointer: string): { start: number; dash: number; end: number; indent: number } | undefined {
    const range = this.parsed.source.valueRange(pointer);
    if (!range) return undefined;
    const dash = this.#lineStart(range.start);
    const lead = /^( *)- +$/.exec(this.text.slice(dash, range.start))?.[1];
    if (lead === undefined) return undefined;
    let start = dash;
    while (start > 0) {
      const above = this.#lineStart(start - 1);
      const line = this.text.slice(above, start);
      if (!line.startsWith(`${lead}#`) || /virtbook-ignore-file/.test(line)) break;
      start = above;
    }
    return { start, dash, end: this.#lineEnd(range.end), indent: lead.length };
  }

  /** Whole steps before this one. `step`: without indentation, its first line with the dash. */
  insertBefore(pointer: string, step: readonly string[]): Edit | undefined {
    const at = this.lines(pointer);
    return at && { start: at.start, end: at.start, text: this.#block(step, at.indent) };
  }

  insertAfter(pointer: string, step: readonly string[]): Edit | undefined {
    const at = this.lines(pointer);
    return at && this.#after(at.end, this.#block(step, at.indent));
  }

  /** Moves a step behind another one of the same list. */
  moveBehind(pointer: string, other: string): Edit[] | undefined {
    const from = this.lines(pointer);
    const to = this.lines(other);
    if (!from || !to || from.indent !== to.indent || to.end < from.end) return undefined;
    const moved = this.text.slice(from.start, from.end);
    const whole = moved.endsWith('\n') ? moved : `${moved}${this.#eol}`;
    return [{ start: from.start, end: from.end, text: '' }, this.#after(to.end, whole)];
  }

  /** One more key of a map, behind the others; its value in one line. */
  addKey(pointer: string, key: string, value: string): Edit | undefined {
    return this.addKeys(pointer, [[key, value]]);
  }

  addKeys(pointer: string, entries: readonly (readonly [key: string, value: string])[]): Edit | undefined {
    const { source } = this.parsed;
    const map = this.value(pointer);
    const range = source.valueRange(pointer);
    const written = entries.map(([key, value]) => `${key}: ${value}`);
    if (!range || written.length === 0) return undefined;
    if (this.text[range.start] === '{' && this.text[range.end - 1] === '}') {
      const inside = this.text.slice(range.start + 1, range.end - 1);
      if (inside.includes('#')) return undefined;
      const end = range.start + 1 + inside.trimEnd().length;
      const joint = inside.trim() === '' ? ' ' : inside.trimEnd().endsWith(',') ? ' ' : ', ';
      return { start: end, end: range.end - 1, text: `${joint}${written.join(', ')} ` };
    }
    if (map === null && pointer !== '') {
      // `with:` with nothing behind it.
      const key = source.keyRange(pointer);
      const column = key && this.#indentOfKey(key.start);
      if (!key || column === undefined || range.start !== key.start) return undefined;
      const colon = /^ *:[ \t]*(?=\r?\n|$)/.exec(this.text.slice(key.end));
      if (!colon) return undefined;
      const at = key.end + colon[0].trimEnd().length;
      return { start: at, end: at, text: `${this.#eol}${this.#pad(written, column + 2)}` };
    }
    if (map === null || typeof map !== 'object' || Array.isArray(map)) return undefined;
    const first = Object.keys(map)[0];
    const firstKey = first === undefined ? undefined : source.keyRange(`${pointer}/${escapePointer(first)}`);
    const column = firstKey && this.#indentOfKey(firstKey.start);
    if (column === undefined) return undefined;
    return this.#after(this.#lineEnd(range.end), `${this.#pad(written, column)}${this.#eol}`);
  }

  /** Lines below a key of a map in block style, e.g. `rollback:` and its steps, behind the other keys. */
  addBlock(pointer: string, lines: readonly string[]): Edit | undefined {
    const map = this.value(pointer);
    const range = this.parsed.source.valueRange(pointer);
    if (!range || map === null || typeof map !== 'object' || Array.isArray(map)) return undefined;
    const first = Object.keys(map)[0];
    const firstKey =
      first === undefined ? undefined : this.parsed.source.keyRange(`${pointer}/${escapePointer(first)}`);
    const column = firstKey && this.#indentOfKey(firstKey.start);
    if (column === undefined) return undefined;
    return this.#after(this.#lineEnd(range.end), `${this.#pad(lines, column)}${this.#eol}`);
  }

  /** Lines at the margin, before a key of the outermost map and the comments that belong to it. */
  insertBeforeKey(key: string, lines: readonly string[]): Edit | undefined {
    const range = this.parsed.source.keyRange(`/${escapePointer(key)}`);
    if (!range || this.#lineStart(range.start) !== range.start) return undefined;
    let start = range.start;
    while (start > 0 && this.text[this.#lineStart(start - 1)] === '#') start = this.#lineStart(start - 1);
    return { start, end: start, text: this.#block(lines, 0) };
  }

  /** A key and its value, with what separates it from its neighbours. */
  removeKey(pointer: string): Edit | undefined {
    const { source } = this.parsed;
    const above = pointer.slice(0, pointer.lastIndexOf('/'));
    const map = this.value(above);
    const key = source.keyRange(pointer);
    const value = source.valueRange(pointer);
    const around = source.valueRange(above);
    if (!key || !value || !around || map === null || typeof map !== 'object' || Object.keys(map).length < 2)
      return undefined;
    const end = Math.max(key.end, value.end);
    if (this.text[around.start] === '{') return this.#removeFromFlow(key.start, end, around);
    const lineStart = this.#lineStart(key.start);
    const lead = this.text.slice(lineStart, key.start);
    const lineEnd = this.#lineEnd(end);
    if (lead.trim() === '') return { start: lineStart, end: lineEnd, text: '' };
    // The first key of a step: the next one moves up to the dash.
    const next = /^ *(?=[^\s#-])/.exec(this.text.slice(lineEnd));
    if (!/^ *- +$/.test(lead) || !next || next[0].length !== lead.length) return undefined;
    return { start: key.start, end: lineEnd + next[0].length, text: '' };
  }

  /** Something else in the place of a value. */
  replace(pointer: string, text: string): Edit | undefined {
    const range = this.parsed.source.valueRange(pointer);
    return range && { ...range, text };
  }

  /** Something else in the place of a key. */
  rename(pointer: string, text: string): Edit | undefined {
    const range = this.parsed.source.keyRange(pointer);
    return range && { ...range, text };
  }

  /** Whether a value stands between `{ }` or `[ ]`, where an expression needs quotes. */
  inFlow(pointer: string): boolean {
    for (let above = pointer; above !== ''; ) {
      above = above.slice(0, above.lastIndexOf('/'));
      const range = this.parsed.source.valueRange(above);
      const char = range && this.text[range.start];
      if (char === '{' || char === '[') return true;
    }
    return false;
  }

  lineStartOf(offset: number): number {
    return this.#lineStart(offset);
  }

  get eol(): string {
    return this.#eol;
  }

  /** Lines with their indentation, each with its end. */
  #block(lines: readonly string[], indent: number): string {
    return `${this.#pad(lines, indent)}${this.#eol}`;
  }

  #pad(lines: readonly string[], indent: number): string {
    return lines.map(line => (line === '' ? '' : `${' '.repeat(indent)}${line}`)).join(this.#eol);
  }

  /** `lines` begin a new line at `at`, which is the beginning of one, or the end of a text without a line break at its end. */
  #after(at: number, lines: string): Edit {
    const open = at > 0 && this.text[at - 1] !== '\n';
    return { start: at, end: at, text: open ? `${this.#eol}${lines.slice(0, -this.#eol.length)}` : lines };
  }

  /** Column of a key that begins its line, a dash before it counted; undefined: something else stands before it. */
  #indentOfKey(start: number): number | undefined {
    const lead = this.text.slice(this.#lineStart(start), start);
    return /^[ -]*$/.test(lead) ? lead.length : undefined;
  }

  #removeFromFlow(start: number, end: number, around: { start: number; end: number }): Edit | undefined {
    const behind = /^\s*,\s*/.exec(this.text.slice(end, around.end))?.[0];
    if (behind !== undefined) return { start, end: end + behind.length, text: '' };
    const before = /,\s*$/.exec(this.text.slice(around.start, start))?.[0];
    return before === undefined ? undefined : { start: start - before.length, end, text: '' };
  }

  #lineStart(offset: number): number {
    return offset <= 0 ? 0 : this.text.lastIndexOf('\n', offset - 1) + 1;
  }

  /** Behind the line break that ends the line. */
  #lineEnd(offset: number): number {
    const end = this.text.indexOf('\n', offset);
    return end < 0 ? this.text.length : end + 1;
  }
}

/** A string as YAML, plain where that means the same. */
export function yamlText(value: string): string {
  const plain = /^[A-Za-z_/][\w./-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value);
  return plain ? value : JSON.stringify(value);
}

/** A value in one line. */
export function yamlValue(value: Json): string {
  if (typeof value === 'string') return yamlText(value);
  if (Array.isArray(value)) return `[${value.map(yamlValue).join(', ')}]`;
  if (value !== null && typeof value === 'object')
    return `{ ${Object.entries(value)
      .map(([key, item]) => `${yamlText(key)}: ${yamlValue(item)}`)
      .join(', ')} }`;
  return String(value);
}
