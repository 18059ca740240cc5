import { compile } from '../runbook/expression';
import type { YamlSource } from '../runbook/yaml-source';
import type { Name } from './name';
import { editKey, editScalar, type SourceEdit, type ValueEdit } from './scalar-edits';

/** What to change so that these names are called otherwise, written as each place needs it. */
export function editsOf(source: YamlSource, names: readonly Name[], newName: string): SourceEdit[] {
  const byPointer = new Map<string, ValueEdit[]>();
  const edits: SourceEdit[] = [];
  for (const { place } of names) {
    if (place.on === 'key') edits.push(...editKey(source, place.pointer, newName));
    else {
      const inside = byPointer.get(place.pointer) ?? [];
      inside.push(valueEdit(source, place, newName));
      byPointer.set(place.pointer, inside);
    }
  }
  for (const [pointer, inside] of byPointer) edits.push(...editScalar(source, pointer, inside));
  return edits;
}

function valueEdit(source: YamlSource, { pointer, start, end, expression }: Name['place'], newName: string): ValueEdit {
  const scalar = source.scalar(pointer);
  if (!expression || !scalar) return { start, end, text: newName };
  const { form, from, to } = expression;
  // Quotes that the string itself does not need escaped.
  const quote = scalar.type === 'QUOTE_SINGLE' ? '"' : "'";
  if (form === 'member') {
    if (isMember(newName)) return { start, end, text: newName };
    const optional = scalar.value.startsWith('.?', from) ? '?' : '';
    return { start: from, end: to, text: `[${optional}${literal(newName, quote)}]` };
  }
  if (form === 'literal') {
    const plain = /^["']/.test(scalar.value.slice(from, to)) && end - start === to - from - 2;
    const text = literal(newName, plain ? scalar.value[from]! : quote);
    return plain ? { start, end, text: text.slice(1, -1) } : { start: from, end: to, text };
  }
  return { start, end, text: newName };
}

/** Whether a name may stand behind a dot. */
function isMember(name: string): boolean {
  if (!/^[A-Za-z_]\w*$/.test(name)) return false;
  try {
    compile(`a.${name}`);
    return true;
  } catch {
    return false;
  }
}

function literal(text: string, quote: string): string {
  return quote + text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`) + quote;
}
