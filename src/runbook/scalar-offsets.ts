import type { SourceRange } from './diagnostic';

/** Where each character of a YAML string's value stands in the text, through escapes, folding and indentation. */
export class ScalarOffsets {
  #table: Int32Array | undefined;
  /** Value and text run side by side: a plain or quoted string on one line without escapes. */
  readonly #straight: number | undefined;

  constructor(
    readonly text: string,
    readonly value: string,
    readonly type: string | undefined,
    readonly start: number,
    readonly end: number,
  ) {
    const from = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE' ? start + 1 : start;
    if (!type?.startsWith('BLOCK') && text.startsWith(value, from)) this.#straight = from;
  }

  /** Offset in the text of the character at `index` of the value (`value.length` gives the end of the string). */
  offset(index: number): number {
    if (this.#straight !== undefined) return this.#straight + Math.min(index, this.value.length);
    this.#table ??= this.type?.startsWith('BLOCK') ? this.#block() : this.#flow();
    return this.#table[Math.max(0, Math.min(index, this.value.length))] ?? this.end;
  }

  /** The range in the text of `[start, end)` of the value. */
  range(start: number, end: number): SourceRange {
    const from = this.offset(start);
    // The end is where the last character ends, not where the next one begins: line breaks and escapes may lie between.
    const to = end > start ? Math.max(from + 1, this.#endOf(this.offset(end - 1))) : from;
    return {
      start: from,
      end:
        // The last character may be an escape, which is longer than one; a block has none, but a line break behind it.
        end >= this.value.length && this.#straight === undefined && !this.type?.startsWith('BLOCK')
          ? Math.max(to, Math.min(this.offset(end), this.end))
          : to,
    };
  }

  /** Where the character that begins here ends: an escape is longer than one. */
  #endOf(offset: number): number {
    const { text, type } = this;
    const char = text[offset];
    const next = text[offset + 1];
    if (this.#straight !== undefined) return offset + 1;
    if (type === 'QUOTE_SINGLE' && char === "'" && next === "'") return offset + 2;
    if (type !== 'QUOTE_DOUBLE' || char !== '\\') return offset + 1;
    return offset + 2 + (next === 'x' ? 2 : next === 'u' ? 4 : next === 'U' ? 8 : 0);
  }

  /** The place in the value of an offset in the text; undefined when it lies outside. */
  indexAt(offset: number): number | undefined {
    if (offset < this.offset(0) || offset > this.end) return undefined;
    if (this.#straight !== undefined) return Math.min(offset - this.#straight, this.value.length);
    let low = 0;
    let high = this.value.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offset(middle) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #flow(): Int32Array {
    const { text, value, type } = this;
    const table = new Int32Array(value.length + 1);
    const quoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE';
    const stop = quoted ? this.end - 1 : this.end;
    let at = quoted ? this.start + 1 : this.start;
    let index = 0;
    const put = (offset: number, units = 1) => {
      for (let unit = 0; unit < units && index < value.length; unit++) table[index++] = offset;
    };
    while (at < stop) {
      const char = text[at]!;
      if (type === 'QUOTE_DOUBLE' && char === '\\') {
        const next = text[at + 1] ?? '';
        if (next === '\n' || next === '\r') {
          at += next === '\r' && text[at + 2] === '\n' ? 3 : 2;
          while (text[at] === ' ' || text[at] === '\t') at++;
          continue;
        }
        const digits = next === 'x' ? 2 : next === 'u' ? 4 : next === 'U' ? 8 : 0;
        const wide = digits === 8 && Number.parseInt(text.slice(at + 2, at + 10), 16) > 0xffff;
        put(at, wide ? 2 : 1);
        at += 2 + digits;
      } else if (type === 'QUOTE_SINGLE' && char === "'" && text[at + 1] === "'") {
        put(at);
        at += 2;
      } else if (char === ' ' || char === '\t' || char === '\n' || char === '\r') {
        let run = at;
        let breaks = 0;
        while (run < stop && ' \t\n\r'.includes(text[run]!)) if (text[run++] === '\n') breaks++;
        if (breaks === 0) for (; at < run; at++) put(at);
        else put(at, breaks === 1 ? 1 : breaks - 1);
        at = run;
      } else put(at++);
    }
    for (; index <= value.length; index++) table[index] = stop;
    return table;
  }

  #block(): Int32Array {
    const { text, value } = this;
    const table = new Int32Array(value.length + 1);
    let at = text.indexOf('\n', this.start) + 1;
    if (at === 0) return table.fill(this.end);
    const header = text.slice(this.start, at);
    const indent = this.#blockIndent(header, at);
    let index = 0;
    while (at < this.end && index < value.length) {
      let skipped = 0;
      while (skipped < indent && text[at] === ' ') {
        at++;
        skipped++;
      }
      while (at < this.end && text[at] !== '\n' && text[at] !== '\r') {
        // A folded line's own trailing text always equals the value's; anything else is a line that keeps nothing.
        if (index < value.length && value[index] === text[at]) table[index++] = at;
        at++;
      }
      if (value[index] === '\n' || value[index] === ' ') table[index++] = Math.min(at, this.end);
      if (text[at] === '\r') at++;
      at++;
    }
    for (; index <= value.length; index++) table[index] = Math.min(at, this.end);
    return table;
  }

  #blockIndent(header: string, body: number): number {
    let first = body;
    let indent = 0;
    for (;;) {
      indent = 0;
      while (this.text[first + indent] === ' ') indent++;
      const char = this.text[first + indent];
      if (char === undefined) return 0;
      if (char !== '\n' && char !== '\r') break;
      const next = this.text.indexOf('\n', first + indent);
      if (next < 0) return 0;
      first = next + 1;
    }
    // `|2` says how deep the text is indented below its parent; leading spaces of the value are what is more than that.
    const explicit = /[1-9]/.test(header.split('#')[0] ?? '');
    if (!explicit) return indent;
    const leading = /^(?: *\n)*( *)/.exec(this.value)?.[1]?.length ?? 0;
    return Math.max(0, indent - leading);
  }
}
