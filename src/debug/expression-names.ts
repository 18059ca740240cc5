import { conditionSource } from '../runbook/expression';
import { everyStep, innerSteps } from '../runbook/model';
import type { ParsedRunbook } from '../runbook/parse';
import { templateParts } from '../runbook/template';

/** A name in an expression of a runbook: `inputs.vms`, `steps.backup.outputs.path`, `vm`. Offsets into the text. */
export interface ExpressionName {
  expression: string;
  start: number;
  end: number;
  /** JSON pointer of the text that it is in. */
  pointer: string;
}

const path = /[A-Za-z_]\w*(?:\s*\.\s*\??[A-Za-z_]\w*(?!\w*\s*\()|\[\s*(?:'[^']*'|"[^"]*"|\d+)\s*\])*/g;
const strings = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g;

/** All names in the expressions of a runbook, in the order of the file. */
export function expressionNames(parsed: ParsedRunbook): ExpressionName[] {
  const found: ExpressionName[] = [];
  for (const [pointer, value, isCondition] of textsOf(parsed)) {
    const scalar = parsed.source.scalar(pointer);
    if (!scalar) continue;
    const bare = isCondition && !value.includes('${{') ? conditionSource(value) : undefined;
    const sources = bare ? [bare] : templateParts(value).flatMap(part => (part.kind === 'expression' ? [part] : []));
    for (const { source, start } of sources) {
      for (const { text, at } of namesOf(source)) {
        const range = scalar.range(start + at, start + at + text.length);
        found.push({ expression: text, pointer, ...range });
      }
    }
  }
  return found.sort((one, other) => one.start - other.start);
}

/** The name at an offset, up to the part that the offset is in: of `steps.backup.outputs`, with the cursor in `backup`, `steps.backup`. */
export function nameAt(parsed: ParsedRunbook, offset: number): ExpressionName | undefined {
  const name = expressionNames(parsed).find(({ start, end }) => start <= offset && offset <= end);
  if (!name) return undefined;
  const rest = /^[\w]*(?:\s*\])?/.exec(name.expression.slice(offset - name.start))?.[0].length ?? 0;
  const length = Math.min(name.expression.length, offset - name.start + rest);
  const inBrackets =
    name.expression.slice(0, length).lastIndexOf('[') > name.expression.slice(0, length).lastIndexOf(']');
  if (inBrackets) return name;
  return { ...name, expression: name.expression.slice(0, length), end: name.start + length };
}

/** The step that begins in the line of an offset, and where it ends; of one that holds others, at the line before the first of these. */
export function stepFrom({ draft, source }: ParsedRunbook, offset: number): { pointer: string; end: number } {
  const lineEnd = source.text.indexOf('\n', offset);
  const reach = lineEnd < 0 ? source.text.length : lineEnd;
  const step = everyStep(draft).findLast(one => (source.valueRange(one.pointer)?.start ?? reach) < reach);
  if (!step) return { pointer: '', end: reach };
  const [inner] = innerSteps(step);
  const innerStart = inner && source.valueRange(inner.pointer)?.start;
  const end =
    innerStart === undefined ? source.valueRange(step.pointer)?.end : source.text.lastIndexOf('\n', innerStart);
  return { pointer: step.pointer, end: Math.max(reach, end ?? reach) };
}

/** Texts that may hold expressions, with their pointers; third: a condition, which needs no braces. */
function* textsOf({ data, draft }: ParsedRunbook): Generator<[pointer: string, text: string, isCondition: boolean]> {
  const conditions = new Set<string>();
  for (const step of everyStep(draft)) {
    conditions.add(`${step.pointer}/when`);
    if (step.kind === 'assert') conditions.add(`${step.pointer}/assert`);
  }
  const stack: [string, unknown][] = [['', data]];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [pointer, value] = next;
    if (typeof value === 'string') {
      if (value.includes('${{') || conditions.has(pointer)) yield [pointer, value, conditions.has(pointer)];
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, part] of Object.entries(value)) {
        stack.push([`${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, part]);
      }
    }
  }
}

/** Without functions, words of CEL, and what stands in strings. */
function namesOf(source: string): { text: string; at: number }[] {
  const quiet = source.replace(strings, (text, at: number) =>
    source[at - 1] === '[' ? text : text[0]!.repeat(text.length),
  );
  return [...quiet.matchAll(path)].flatMap(match => {
    const [text] = match;
    const at = match.index;
    const before = quiet.slice(0, at).trimEnd().at(-1);
    if (before === '.' || ['true', 'false', 'null', 'in'].includes(text)) return [];
    if (/^\s*\(/.test(quiet.slice(at + text.length))) return [];
    return [{ text, at }];
  });
}
