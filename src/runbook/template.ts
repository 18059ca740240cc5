import type { Json } from './json';

/** A piece of a string: text as it stands, or the CEL expression of a `${{ … }}`. Offsets are into the string's value. */
export type TemplatePart =
  | { kind: 'text'; value: string }
  /** `start`/`end`: of the expression without its braces. `closed` is false when `}}` is missing. */
  | { kind: 'expression'; source: string; start: number; end: number; closed: boolean };

/** Takes a string apart. `$${{` is a literal `${{`. Braces inside the expression's own strings don't end it. */
export function templateParts(text: string): TemplatePart[] {
  let open = text.indexOf('${{');
  if (open < 0) return [{ kind: 'text', value: text }];
  const parts: TemplatePart[] = [];
  let literal = '';
  let from = 0;
  for (; open >= 0; open = text.indexOf('${{', from)) {
    if (text[open - 1] === '$' && open > from) {
      literal += `${text.slice(from, open - 1)}\${{`;
      from = open + 3;
      continue;
    }
    literal += text.slice(from, open);
    if (literal !== '') parts.push({ kind: 'text', value: literal });
    literal = '';
    const start = open + 3;
    const end = expressionEnd(text, start);
    const closed = end >= 0;
    const stop = closed ? end : text.length;
    parts.push({ kind: 'expression', source: text.slice(start, stop), start, end: stop, closed });
    from = closed ? stop + 2 : stop;
  }
  literal += text.slice(from);
  if (literal !== '' || parts.length === 0) parts.push({ kind: 'text', value: literal });
  return parts;
}

/** Whether a value is a string with an expression in it. */
export function isTemplate(value: Json | undefined): value is string {
  return (
    typeof value === 'string' && value.includes('${{') && templateParts(value).some(part => part.kind === 'expression')
  );
}

/** The expression of a string that is nothing but one `${{ … }}`: its value keeps its type. */
export function wholeExpression(text: string): Extract<TemplatePart, { kind: 'expression' }> | undefined {
  if (!text.includes('${{')) return undefined;
  const parts = templateParts(text).filter(part => part.kind === 'expression' || part.value.trim() !== '');
  const [only] = parts;
  return parts.length === 1 && only?.kind === 'expression' ? only : undefined;
}

/** Where the `}}` of an expression stands, or -1. Skips CEL strings and counts braces, so that a map literal may end right before it. */
function expressionEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"' || char === "'") {
      const close = stringEnd(text, at, char);
      // An unfinished string: fall back on the first braces, so that one missing quote does not swallow the rest.
      if (close < 0) return text.indexOf('}}', at);
      at = close;
    } else if (char === '{') depth++;
    else if (char === '}') {
      if (depth > 0) depth--;
      else if (text[at + 1] === '}') return at;
    }
  }
  return depth > 0 ? text.indexOf('}}', start) : -1;
}

function stringEnd(text: string, open: number, quote: string): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return at;
    else if (text[at] === '\n') return -1;
  }
  return -1;
}
