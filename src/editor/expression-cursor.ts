import { loopMacros } from '../runbook/expression';

/** What stands before the cursor in half an expression, found by its tokens alone: a parser gives up where people are just typing. */
export interface ExpressionCursor {
  /** The word being typed, empty after a space or a bracket. */
  word: string;
  /** Of `RECEIVER.word`: what stands before the last dot. */
  receiver?: string;
  /** It follows a dot that nothing stands before that could have members. */
  afterBareDot: boolean;
  /** In a string: where it begins, and what it is compared with, if that is what comes before it: `inputs.mode == "fa|`. */
  string?: { start: number; comparedWith?: string };
  /** Variables of the loops that are open around the cursor, outermost first, with the list each walks through. */
  loops: { variable: string; list: string }[];
}

interface Token {
  kind: 'word' | 'string' | 'sign' | 'number';
  text: string;
  start: number;
  end: number;
}

const closing: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

/** @param text the expression up to the cursor */
export function expressionCursorAt(text: string): ExpressionCursor {
  const { tokens, openString } = tokensOf(text);
  const loops = openLoops(text, tokens);
  if (openString !== undefined) {
    const comparedWith = comparedBefore(text, tokens);
    return {
      word: '',
      afterBareDot: false,
      loops,
      string: { start: openString, ...(comparedWith && { comparedWith }) },
    };
  }
  const last = tokens.at(-1);
  const word = last?.kind === 'word' && last.end === text.length ? last.text : '';
  const before = word === '' ? tokens.length - 1 : tokens.length - 2;
  if (!isDot(tokens[before])) return { word, afterBareDot: false, loops };
  const receiver = receiverBefore(text, tokens, before);
  return { word, afterBareDot: receiver === undefined, loops, ...(receiver !== undefined && { receiver }) };
}

function isDot(token: Token | undefined): boolean {
  return token?.text === '.' || token?.text === '.?';
}

function tokensOf(text: string): { tokens: Token[]; openString?: number } {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const char = text[at]!;
    if (char === '"' || char === "'") {
      const end = stringEnd(text, at);
      if (end === undefined) return { tokens, openString: at };
      tokens.push({ kind: 'string', text: text.slice(at, end), start: at, end });
      at = end;
      continue;
    }
    const [found, kind] = tokenAt(text, at);
    if (kind) tokens.push({ kind, text: found, start: at, end: at + found.length });
    at += found.length;
  }
  return { tokens };
}

const patterns = [
  [/\s+/y, undefined],
  [/[A-Za-z_]\w*/y, 'word'],
  [/\d[\w.]*/y, 'number'],
  [/\.\?|[=!<>]=|&&|\|\||[^\s]/y, 'sign'],
] as const;

function tokenAt(text: string, at: number): [string, Token['kind'] | undefined] {
  for (const [pattern, kind] of patterns) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return [found, kind];
  }
  return [text[at]!, 'sign'];
}

function stringEnd(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === text[start]) return at + 1;
  }
  return undefined;
}

/** The text of `a.b(c)[d]` before the token at `dot`; undefined where nothing stands that could have members. */
function receiverBefore(text: string, tokens: readonly Token[], dot: number): string | undefined {
  let at = dot - 1;
  for (;;) {
    const token = tokens[at];
    if (!token) return undefined;
    if (token.text === ')' || token.text === ']') {
      const open = openingOf(tokens, at);
      if (open === undefined) return undefined;
      at = open;
      // `f(x)` and `a[b]` begin before their bracket, `(x)` and `[x]` with it.
      const before = tokens[open - 1];
      const continues = before && (before.kind === 'word' || before.text === ')' || before.text === ']');
      if (!continues || before.text === 'in') break;
      at = open - 1;
      if (before.kind !== 'word') continue;
    } else if (token.kind === 'sign') return undefined;
    if (!isDot(tokens[at - 1])) break;
    at -= 2;
  }
  return text.slice(tokens[at]!.start, tokens[dot]!.start);
}

function openingOf(tokens: readonly Token[], close: number): number | undefined {
  let depth = 0;
  for (let at = close; at >= 0; at--) {
    const { text, kind } = tokens[at]!;
    if (kind !== 'sign') continue;
    if (text in closing) depth++;
    else if ('([{'.includes(text) && --depth === 0) return text === closing[tokens[close]!.text] ? at : undefined;
  }
  return undefined;
}

/** `.filter(x, …` whose bracket is still open. */
function openLoops(text: string, tokens: readonly Token[]): ExpressionCursor['loops'] {
  const open: number[] = [];
  tokens.forEach((token, at) => {
    if (token.kind !== 'sign') return;
    if ('([{'.includes(token.text)) open.push(at);
    else if (token.text in closing) open.pop();
  });
  return open.flatMap(at => {
    const [dot, macro, , variable, comma] = [at - 2, at - 1, at, at + 1, at + 2].map(index => tokens[index]);
    if (tokens[at]!.text !== '(' || !isDot(dot) || !macro || !loopMacros.has(macro.text)) return [];
    if (variable?.kind !== 'word' || comma?.text !== ',') return [];
    const list = receiverBefore(text, tokens, at - 2);
    return list === undefined ? [] : [{ variable: variable.text, list }];
  });
}

/** `inputs.mode` of `inputs.mode == "`. */
function comparedBefore(text: string, tokens: readonly Token[]): string | undefined {
  const last = tokens.at(-1);
  if (last?.text !== '==' && last?.text !== '!=') return undefined;
  // As if a dot stood in the place of the comparison.
  return receiverBefore(text, tokens, tokens.length - 1)?.trim();
}
