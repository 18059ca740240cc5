import type { Json, JsonObject } from '../runbook/json';

/**
 * Where a cursor stands in half-typed YAML, found by indentation and brackets alone: a parser gives up where people are just typing.
 */
export interface Cursor {
  /** Keys and list positions from the top to the map or list that the cursor is in. Positions are '0': which one does not matter. */
  path: string[];
  /** Data of every level of `path`, as far as it stands on lines of its own: for each level the keys with their plain values. */
  levels: JsonObject[];
  /** Typing a key of the map at `path`, or a value. With `value`, the last part of `path` is its key (or list position). */
  on: 'key' | 'value';
  /** What is being typed: from `start` to the cursor is the prefix, up to `end` is replaced. */
  start: number;
  end: number;
  prefix: string;
  /** Column of the key or dash, for what is inserted below. */
  indent: number;
  /** Inside `${{ }}`: the expression up to the cursor. */
  expression?: { start: number; text: string };
  /** In a string with quotes around it. */
  quoted: boolean;
  /** Between the braces of `{ … }` on one line. */
  flow: boolean;
  /** In a text over several lines, below `key: |` or `key: >-`. */
  block: boolean;
}

interface Line {
  start: number;
  indent: number;
  text: string;
}

export function cursorAt(text: string, offset: number): Cursor {
  const block = blockAround(text, offset);
  if (block) return inBlock(text, offset, block);
  const lineStart = lineStartOf(text, offset);
  const before = text.slice(lineStart, offset);
  const lineStop = text.indexOf('\n', offset);
  const after = text.slice(offset, lineStop < 0 ? text.length : lineStop).replace(/\r$/, '');

  const lead = leadOf(before);
  const frames = enclosing(text, lineStart, lead.indent, lead.dash);
  const cursor = inLine(before, lead, frames, lineStart);
  if (!cursor.flow) {
    // Of a value, the map that its key is in.
    const map =
      cursor.on === 'key' ? cursor.levels.at(-1) : cursor.path.at(-1) === '0' ? undefined : cursor.levels.at(-2);
    if (map) Object.assign(map, keysBelow(text, lineStop, lead.content));
  }
  const open = before.lastIndexOf('${{');
  if (open >= 0 && !before.slice(open).includes('}}'))
    return inExpression(cursor, text, lineStart + open + 3, offset, after);
  const rest = /^[^\s,{}[\]"'#:]*/.exec(after)?.[0] ?? '';
  return { ...cursor, end: offset + rest.length };
}

function inExpression(cursor: Cursor, text: string, start: number, offset: number, after: string): Cursor {
  const expression = { start, text: text.slice(start, offset) };
  const word = /[A-Za-z0-9_]*$/.exec(expression.text)?.[0] ?? '';
  const rest = /^[A-Za-z0-9_]*/.exec(after)?.[0] ?? '';
  return { ...cursor, on: 'value', expression, prefix: word, start: offset - word.length, end: offset + rest.length };
}

/** Where the text over several lines begins that an offset is in: behind its `|` or `>`, and where that stands. */
function blockAround(text: string, offset: number): { sign: number; start: number } | undefined {
  const lineStart = lineStartOf(text, offset);
  const indent = /^ */.exec(text.slice(lineStart, offset))![0].length;
  // A line is in it when it, and all between, stand further right than what the block belongs to.
  let least = indent;
  for (const { start, text: line } of linesAbove(text, lineStart)) {
    if (least === 0) return undefined;
    if (/^\s*$/.test(line)) continue;
    const lead = leadOf(line);
    if (lead.indent >= least) continue;
    const sign = /(?:^|[:-]) +(?:&\S+ +)?([|>][-+0-9]*) *(?:#.*)?$/.exec(line);
    if (sign && !line.trimStart().startsWith('#')) {
      const key = line.slice(lead.content).startsWith(sign[1]!) ? (lead.dashes.at(-1) ?? 0) : lead.content;
      if (key < least) return { sign: start + line.lastIndexOf(sign[1]!), start: text.indexOf('\n', start) + 1 };
    }
    least = lead.indent;
  }
  return undefined;
}

/** In a text over several lines there are expressions, or nothing that could be offered. */
function inBlock(text: string, offset: number, { sign, start }: { sign: number; start: number }): Cursor {
  const after = /^[^\r\n]*/.exec(text.slice(offset))![0];
  const cursor: Cursor = { ...cursorAt(text, sign), on: 'value', block: true };
  const before = text.slice(start, offset);
  const open = before.lastIndexOf('${{');
  if (open >= 0 && !before.slice(open).includes('}}'))
    return inExpression(cursor, text, start + open + 3, offset, after);
  const rest = /^[A-Za-z0-9_]*/.exec(after)?.[0] ?? '';
  return { ...cursor, prefix: before, start, end: offset + rest.length };
}

/** Indentation, dashes and the first key of the line the cursor is in. */
function leadOf(before: string): { indent: number; dash: boolean; dashes: number[]; content: number } {
  let at = 0;
  const dashes: number[] = [];
  for (;;) {
    while (before[at] === ' ') at++;
    if (before[at] === '-' && (before[at + 1] === ' ' || before[at + 1] === undefined)) {
      dashes.push(at);
      at++;
    } else break;
  }
  return { indent: dashes[0] ?? at, dash: dashes.length > 0, dashes, content: at };
}

interface Frame {
  part: string;
  /** Keys of the map that is the value of `part`. */
  inside: JsonObject;
}

/** The keys and items around a line, from the top, with the other keys of each map. */
function enclosing(
  text: string,
  lineStart: number,
  indent: number,
  dash: boolean,
): { frames: Frame[]; siblings: JsonObject } {
  const frames: Frame[] = [];
  let siblings: JsonObject = {};
  let column = indent;
  let inItem = !dash;
  for (const line of linesAbove(text, lineStart)) {
    if (/^\s*(#|$)/.test(line.text)) continue;
    if (/^(---|\.\.\.)/.test(line.text)) break;
    const lead = leadOf(line.text);
    const entry = /^(?:"([^"]*)"|'([^']*)'|([^\s"'#[\]{},&*!|>%@`][^:#]*?))\s*:(?:\s+(.*))?$/.exec(
      line.text.slice(lead.content),
    );
    const key = entry ? (entry[1] ?? entry[2] ?? entry[3]) : undefined;
    const keyColumn = lead.content;
    // A sibling key in the same map.
    if (inItem && key !== undefined && keyColumn === column) siblings[key] = plainValue(entry?.[4]);
    if (inItem && lead.dash && keyColumn === column) {
      // The dash of the item that this map is.
      for (let index = lead.dashes.length - 1; index >= 0; index--) {
        frames.unshift({ part: '0', inside: siblings });
        siblings = {};
      }
      column = lead.dashes[0]!;
      inItem = false;
      continue;
    }
    if (lead.dash && keyColumn < column && lead.dashes.at(-1)! < column && inItem) {
      // `- key:` whose value is this deeper block.
      if (key !== undefined) {
        frames.unshift({ part: key, inside: siblings });
        siblings = { [key]: null };
        column = keyColumn;
      }
      for (let index = lead.dashes.length - 1; index >= 0; index--) {
        frames.unshift({ part: '0', inside: siblings });
        siblings = {};
      }
      column = lead.dashes[0]!;
      inItem = false;
      continue;
    }
    // A list may stand at the same column as the key that it belongs to.
    const parent = key !== undefined && !lead.dash && (keyColumn < column || (!inItem && keyColumn === column));
    if (parent) {
      frames.unshift({ part: key, inside: siblings });
      siblings = { [key]: null };
      column = keyColumn;
      inItem = true;
    } else if (key !== undefined && lead.dash && !inItem && keyColumn < column) {
      frames.unshift({ part: key, inside: siblings });
      siblings = { [key]: null };
      for (let index = lead.dashes.length - 1; index >= 0; index--) {
        frames.unshift({ part: '0', inside: siblings });
        siblings = {};
      }
      column = lead.dashes[0]!;
      inItem = false;
    }
  }
  return { frames, siblings };
}

/** The other keys of the same map on the lines below. */
function keysBelow(text: string, lineStop: number, column: number): JsonObject {
  const keys: JsonObject = {};
  for (let at = lineStop; at >= 0 && at < text.length; ) {
    const next = text.indexOf('\n', at + 1);
    const line = text.slice(at + 1, next < 0 ? text.length : next);
    at = next;
    if (/^\s*(#|$)/.test(line)) continue;
    const indent = line.length - line.trimStart().length;
    if (indent < column || (indent === column && line.startsWith('- ', indent))) break;
    const key = indent === column ? /^([^\s:#]+)\s*:(?:\s+(.*))?$/.exec(line.slice(indent).trimEnd()) : null;
    if (key) keys[key[1]!] = plainValue(key[2]);
  }
  return keys;
}

/** Where the line of an offset begins. A search from -1 would begin at 0 and find a line break there. */
export function lineStartOf(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
}

function* linesAbove(text: string, lineStart: number): Generator<Line> {
  let end = lineStart - 1;
  while (end >= 0) {
    const start = lineStartOf(text, end);
    const line = text.slice(start, end).replace(/\r$/, '');
    yield { start, indent: 0, text: line };
    end = start - 1;
  }
}

function plainValue(text: string | undefined): Json {
  const bare = (text ?? '').replace(/\s+#.*$/, '').trim();
  return bare === '' ? null : bare.replace(/^(["'])(.*)\1$/, '$2');
}

function inLine(
  before: string,
  lead: ReturnType<typeof leadOf>,
  around: { frames: Frame[]; siblings: JsonObject },
  lineStart: number,
): Cursor {
  const path = around.frames.map(frame => frame.part);
  const levels: JsonObject[] = [around.siblings, ...around.frames.map(frame => frame.inside)];
  let siblings = levels.pop()!;
  for (const _ of lead.dashes) {
    path.push('0');
    levels.push(siblings);
    siblings = {};
  }
  let quoted = false;
  let flow = false;
  let on: Cursor['on'] = 'key';
  let wordStart = lead.content;
  let at = lead.content;
  const opened: string[] = [];
  const push = (part: string) => {
    path.push(part);
    levels.push(siblings);
    siblings = {};
  };
  const pop = () => {
    path.pop();
    siblings = levels.pop() ?? {};
  };
  let key = '';
  let string = '';
  while (at < before.length) {
    const char = before[at]!;
    if (string) {
      if (char === '\\' && string === '"') at++;
      else if (char === string) {
        string = '';
        quoted = false;
      }
    } else if ((char === '"' || char === "'") && at === wordStart) {
      string = char;
      quoted = true;
      wordStart = at + 1;
    } else if (char === '&' && on === 'value' && at === wordStart && /^&\S+ /.test(before.slice(at))) {
      // An anchor goes with the value, and stays.
      at = before.indexOf(' ', at);
      wordStart = at + 1;
    } else if (char === '#' && /\s/.test(before[at - 1] ?? ' ')) break;
    else if (before.startsWith('${{', at)) {
      const end = before.indexOf('}}', at);
      if (end < 0) break;
      at = end + 1;
    } else if ((char === '{' || char === '[') && (at === wordStart || before.slice(wordStart, at).trim() === '')) {
      opened.push(char);
      flow = true;
      if (char === '[') push('0');
      on = char === '{' ? 'key' : 'value';
      wordStart = at + 1;
    } else if ((char === '}' || char === ']') && opened.length > 0) {
      if (on === 'value' && opened.at(-1) === '{') pop();
      if (opened.at(-1) === '[') pop();
      opened.pop();
      on = 'value';
      wordStart = at + 1;
    } else if (char === ',' && opened.length > 0) {
      if (opened.at(-1) === '{') {
        if (on === 'value') {
          const value = plainValue(before.slice(wordStart, at));
          pop();
          siblings[key] = value;
        }
        on = 'key';
      }
      wordStart = at + 1;
    } else if (char === ':' && on === 'key' && (before[at + 1] === undefined || before[at + 1] === ' ')) {
      key = before
        .slice(wordStart, at)
        .trim()
        .replace(/^(["'])(.*)\1$/, '$2')
        .replace(/["']$/, '');
      siblings[key] = null;
      push(key);
      on = 'value';
      wordStart = at + 1;
    } else if (char === ' ' && before.slice(wordStart, at).trim() === '') wordStart = at + 1;
    at++;
  }
  const prefix = before.slice(wordStart).trimStart();
  const start = lineStart + before.length - prefix.length;
  levels.push(siblings);
  return {
    path,
    levels,
    on,
    start,
    end: lineStart + before.length,
    prefix,
    indent: lead.content,
    quoted,
    flow,
    block: false,
  };
}
