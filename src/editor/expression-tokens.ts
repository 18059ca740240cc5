/** A piece of a CEL expression as it is coloured. */
export interface ExpressionToken {
  kind: 'comment' | 'string' | 'number' | 'constant' | 'operator' | 'function' | 'method' | 'member' | 'word';
  text: string;
  start: number;
  end: number;
}

const pieces =
  /(?<comment>\/\/[^\n]*)|(?<string>[rRbB]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?))|(?<number>0[xX][0-9a-fA-F]+u?|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?u?)|(?<word>[A-Za-z_]\w*)|(?<operator>&&|\|\||[=!<>]=|[-+*/%<>!?:])/g;

/** Takes an expression apart, also one that is not finished. */
export function expressionTokens(source: string): ExpressionToken[] {
  const tokens: ExpressionToken[] = [];
  for (const match of source.matchAll(pieces)) {
    const [text] = match;
    const start = match.index;
    const end = start + text.length;
    const { comment, string, number, word } = match.groups ?? {};
    const kind = comment
      ? 'comment'
      : string
        ? 'string'
        : number
          ? 'number'
          : word
            ? wordKind(source, word, start, end)
            : 'operator';
    tokens.push({ kind, text, start, end });
  }
  return tokens;
}

function wordKind(source: string, word: string, start: number, end: number): ExpressionToken['kind'] {
  let before = start - 1;
  while (isSpace(source[before])) before--;
  if (source[before] === '?') before--;
  while (isSpace(source[before])) before--;
  const member = source[before] === '.';
  let after = end;
  while (isSpace(source[after])) after++;
  if (word === 'in' && !member) return 'operator';
  if (source[after] === '(') return member ? 'method' : 'function';
  if (member) return 'member';
  return word === 'true' || word === 'false' || word === 'null' ? 'constant' : 'word';
}

function isSpace(char: string | undefined): boolean {
  return char === ' ' || char === '\n' || char === '\t' || char === '\r';
}
