import type { Json } from '../runbook/json';

const longestText = 120;

/** As a debugger shows it, in one line. */
export function valueText(value: Json): string {
  const text = Array.isArray(value) ? `(${value.length}) ${JSON.stringify(value)}` : JSON.stringify(value);
  return text.length <= longestText || typeof value === 'string' ? text : `${text.slice(0, longestText - 1)}…`;
}

/** In the words of the language. */
export function typeText(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' ? 'map' : typeof value;
}

/** Names and values of what is in a list or a map; undefined: nothing is. */
export function partsOf(value: Json): [name: string, part: Json][] | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  if (Array.isArray(value)) return value.map((item, index) => [String(index), item]);
  return Object.entries(value);
}

/** The part of a CEL expression that names a member of `base`. */
export function memberOf(base: string, name: string, ofList: boolean): string {
  if (ofList) return `${base}[${name}]`;
  return /^[A-Za-z_]\w*$/.test(name) ? `${base}.${name}` : `${base}[${JSON.stringify(name)}]`;
}

/** The CEL expression that names a path of `FrameScope`. */
export function expressionOf(path: readonly string[]): string {
  const [root = '', ...rest] = path[0] === 'variables' ? path.slice(1) : path;
  return rest.reduce((base, name) => memberOf(base, name, false), root);
}

/** The names that lead to a value: `steps['a-b'].outputs.x[2]`. undefined: it is more than a name. */
export function namesIn(expression: string): string[] | undefined {
  const part = /\s*(?:(?:^|\.)\s*([A-Za-z_]\w*)|\[\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*\])\s*/y;
  const names: string[] = [];
  const text = expression.trim();
  while (part.lastIndex < text.length) {
    const found = part.exec(text);
    if (!found) return undefined;
    names.push(found[1] ?? found[2] ?? found[3] ?? found[4] ?? '');
  }
  return names.length > 0 ? names : undefined;
}

/** A copy of `value` with the part at `path` replaced. */
export function replaced(value: Json, path: readonly string[], part: Json): Json {
  const [name, ...rest] = path;
  if (name === undefined) return part;
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === name ? replaced(item, rest, part) : item));
  if (value === null || typeof value !== 'object') return value;
  return { ...value, [name]: replaced(value[name] ?? null, rest, part) };
}

/** What a person typed for a value: JSON where it is some, else text. */
export function typed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
