import type { SourceRange } from '../runbook/diagnostic';
import { conditionSource, ExpressionError, evaluateExpression } from '../runbook/expression';
import type { Json } from '../runbook/json';
import type { ParsedRunbook } from '../runbook/parse';
import { templateParts } from '../runbook/template';
import { describeType } from '../runbook/value-type';
import type { EditorConfig } from './config';
import { functionNamed } from './expression-functions';
import { typeOfPath, type VisibleNames, visibleAt } from './visible-names';

/** What is shown, as Markdown, and for what. */
export interface Found {
  text: string;
  range: SourceRange;
}

/** The path under the cursor within `${{ }}` or `when`: its type, its text, and its value where one is known. */
export function expressionHover(
  parsed: ParsedRunbook,
  pointer: string,
  offset: number,
  config: EditorConfig,
): Found | undefined {
  const scalar = parsed.source.scalar(pointer);
  const at = scalar?.indexAt(offset);
  if (!scalar || at === undefined) return undefined;
  const parts = templateParts(scalar.value).flatMap(part =>
    part.kind === 'expression' ? [{ source: part.source, start: part.start }] : [],
  );
  if (parts.length === 0 && /\/(when|assert)$/.test(pointer)) parts.push(conditionSource(scalar.value));
  const part = parts.find(({ source, start }) => at >= start && at <= start + source.length);
  if (!part) return undefined;
  const path = pathAt(part.source, at - part.start);
  if (!path) return undefined;
  const range = scalar.range(part.start + path.start, part.start + path.end);
  const called = calledText(path, part.source);
  if (called !== undefined) return { text: called, range };
  const visible = visibleAt(parsed, offset, config);
  const type = typeOfPath(path.text, visible);
  const value = currentValue(path.text, visible, config);
  const lines = [`**${path.text}** · ${describeType(type)}`];
  if (type.description) lines.push(type.description);
  if (value !== undefined) lines.push(`Now: \`${short(JSON.stringify(value))}\``);
  return { text: lines.join('\n\n'), range };
}

/** `size(…)`, `inputs.vms.filter(…)`: what the function gives. */
function calledText({ text, end }: { text: string; end: number }, source: string): string | undefined {
  if (!/^\s*\(/.test(source.slice(end))) return undefined;
  const dot = text.lastIndexOf('.');
  const found = functionNamed(text.slice(dot + 1), dot >= 0);
  return found && `**${found.signature}**\n\n${found.text}`;
}

/** The longest path that ends in the word at this place: `steps.a` when the cursor is on `a` of `steps.a.outputs`. */
function pathAt(source: string, at: number): { text: string; start: number; end: number } | undefined {
  // A word in a text is no name, unless the text is the key of what stands before it.
  const names = source.replace(/(?<![\w\])]\[)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/g, text =>
    ' '.repeat(text.length),
  );
  for (const match of names.matchAll(/[A-Za-z_]\w*(?:\.\??[A-Za-z_]\w*|\['[^']*'\]|\["[^"]*"\])*/g)) {
    if (at < match.index || at > match.index + match[0].length) continue;
    let end = 0;
    for (const piece of match[0].matchAll(/^[A-Za-z_]\w*|\.\??[A-Za-z_]\w*|\['[^']*'\]|\["[^"]*"\]/g)) {
      end = piece.index + piece[0].length;
      if (at <= match.index + end) break;
    }
    return { text: match[0].slice(0, end), start: match.index, end: match.index + end };
  }
  return undefined;
}

function currentValue(path: string, visible: VisibleNames, { values }: EditorConfig): Json | undefined {
  if (!values) return undefined;
  const root = path.split(/[.[]/)[0]!;
  if (root !== 'inputs' && root !== 'steps' && !visible.variables.has(root)) return undefined;
  try {
    return evaluateExpression(path, {
      inputs: values.inputs ?? {},
      steps: values.steps ?? {},
      run: { id: '' },
      variables: values.variables ?? {},
    });
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
