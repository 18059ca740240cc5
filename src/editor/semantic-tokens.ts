import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { SourceRange } from '../runbook/diagnostic';
import type { Json } from '../runbook/json';
import { everyStep } from '../runbook/model';
import type { ParsedRunbook } from '../runbook/parse';
import { isCall } from '../runbook/read-runbook';
import { escapePointer, type YamlSource } from '../runbook/yaml-source';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import { type ExpressionToken, expressionTokens } from './expression-tokens';
import { expressionsOf } from './expressions-in-document';
import type { Name } from './name';
import { namesInDocument } from './names-in-document';
import { inventoryOf, runbookOf } from './parse-cache';
import { type TokenModifier, type TokenType, tokenModifiers, tokenTypes } from './semantic-legend';

interface Token extends SourceRange {
  type: TokenType;
  modifiers?: readonly TokenModifier[];
}

/** Colours by meaning, as the protocol encodes them: line, character, length, type and modifiers, each relative to the one before. */
export function semanticTokens(document: TextDocument, config: EditorConfig): number[] {
  const kind = documentKind(document);
  if (!kind) return [];
  const names = namesInDocument(document, config).all;
  const tokens = names.flatMap(name => nameToken(name));
  const parsed = kind === 'runbook' ? runbookOf(document, config.cache) : inventoryOf(document, config.cache);
  const { source } = parsed;
  keys(source, parsed.data, kind, tokens);
  if (kind === 'runbook') {
    values(parsed as ParsedRunbook, tokens);
    const named = new Set(names.map(({ range }) => range.start));
    for (const { source: text, start, scalar } of expressionsOf(parsed as ParsedRunbook)) {
      for (const token of expressionTokens(text)) {
        const range = scalar.range(start + token.start, start + token.end);
        // A name in a literal is coloured, its quotes are not.
        const inLiteral = token.kind === 'string' && named.has(range.start + 1);
        if (!inLiteral && !named.has(range.start)) tokens.push({ ...range, ...expressionToken(token) });
      }
    }
  }
  return encoded(document, tokens);
}

function nameToken({ kind, role, range, name, file }: Name): Token[] {
  const declaration: TokenModifier[] = role === 'definition' ? ['declaration'] : [];
  const made = (type: TokenType, ...more: TokenModifier[]): Token[] => [
    { ...range, type, modifiers: [...declaration, ...more] },
  ];
  switch (kind) {
    case 'step':
      return made('variable', 'readonly');
    case 'input':
      return made('parameter');
    case 'output':
      return made('property');
    case 'variable':
    case 'local':
      return made('variable');
    case 'runbook':
      return file === name ? made('function') : [];
    case 'inventory':
      return [];
    case 'group':
    case 'vm-tag':
    case 'host-tag':
      return made('enum');
    default:
      return made('enumMember');
  }
}

function expressionToken({ kind, text }: ExpressionToken): Pick<Token, 'type' | 'modifiers'> {
  switch (kind) {
    case 'constant':
      return { type: 'keyword' };
    case 'function':
    case 'method':
      return { type: kind, modifiers: ['defaultLibrary'] };
    case 'member':
      return { type: 'property' };
    case 'word':
      return text === 'inputs' || text === 'steps' || text === 'run'
        ? { type: 'namespace', modifiers: ['defaultLibrary'] }
        : { type: 'variable' };
    default:
      return { type: kind };
  }
}

/** Keys that the language gives are keywords, inputs of actions are properties; names are coloured already. */
function keys(source: YamlSource, data: Json | undefined, kind: 'runbook' | 'inventory', tokens: Token[]): void {
  const named = new Set(tokens.map(({ start }) => start));
  const visit = (value: Json | undefined, pointer: string, depth: number, inWith: boolean): void => {
    if (Array.isArray(value))
      for (const [index, item] of value.entries()) visit(item, `${pointer}/${index}`, depth + 1, inWith);
    else if (value !== null && typeof value === 'object') {
      // Under these each key is a name that somebody chose.
      const free = kind === 'inventory' ? depth === 1 : pointer === '/inputs' || pointer === '/outputs';
      for (const [key, item] of Object.entries(value)) {
        const at = `${pointer}/${escapePointer(key)}`;
        const range = free ? undefined : source.keyRange(at);
        if (range && !named.has(range.start) && !named.has(range.start + 1))
          tokens.push({ ...range, type: inWith ? 'property' : 'keyword' });
        visit(item, at, depth + 1, inWith || (kind === 'runbook' && key === 'with' && /\/\d+$/.test(pointer)));
      }
    }
  };
  visit(data, '', 0, false);
}

/** Actions, types of inputs, and the `group:` and `tag:` of a selection. */
function values({ draft, source }: ParsedRunbook, tokens: Token[]): void {
  for (const step of everyStep(draft)) {
    if (step.kind !== 'action' || step.uses === '' || isCall(step.uses)) continue;
    const range = source.valueRange(`${step.pointer}/uses`);
    if (range) tokens.push({ ...range, type: 'function', modifiers: ['defaultLibrary'] });
  }
  for (const name of Object.keys(draft.inputs)) {
    const range = source.valueRange(`/inputs/${escapePointer(name)}/type`);
    if (range) tokens.push({ ...range, type: 'type' });
  }
  const { text } = source;
  for (const { start, type } of [...tokens]) {
    if (type !== 'enum') continue;
    const prefix = /(group|tag):$/.exec(text.slice(Math.max(0, start - 6), start));
    if (prefix) tokens.push({ start: start - prefix[0].length, end: start, type: 'keyword' });
  }
}

/** In order, none over another, none over several lines. */
function encoded(document: TextDocument, tokens: Token[]): number[] {
  const text = document.getText();
  const data: number[] = [];
  // Where the last token stood, and the line that is looked at: tokens come in order, so each line is met once.
  let [lastLine, lastCharacter] = [0, 0];
  let [line, lineStart] = [0, 0];
  let nextLine = document.offsetAt({ line: 1, character: 0 });
  const add = (start: number, end: number, { type, modifiers = [] }: Token) => {
    while (start >= nextLine && line + 1 < document.lineCount) {
      lineStart = nextLine;
      nextLine = document.offsetAt({ line: ++line + 1, character: 0 });
    }
    const character = start - lineStart;
    let bits = 0;
    for (const modifier of modifiers) bits |= 1 << tokenModifiers.indexOf(modifier);
    const right = line > lastLine ? character : character - lastCharacter;
    data.push(line - lastLine, right, end - start, tokenTypes.indexOf(type), bits);
    [lastLine, lastCharacter] = [line, character];
  };
  let last = 0;
  for (const token of tokens.sort((left, right) => left.start - right.start || right.end - left.end)) {
    if (token.start < last || token.end <= token.start) continue;
    last = token.end;
    const written = text.slice(token.start, token.end);
    if (!/[\r\n]/.test(written)) {
      add(token.start, token.end, token);
      continue;
    }
    for (const piece of written.matchAll(/[^\r\n]+/g)) {
      const content = piece[0].trim();
      const start = token.start + piece.index + piece[0].indexOf(content);
      if (content !== '') add(start, start + content.length, token);
    }
  }
  return data;
}
