import { TextDocument } from 'vscode-languageserver-textdocument';
import { parse, parseDocument, stringify } from 'yaml';
import { format } from '../../../src/editor/format';
import { kindOf } from '../../../src/review/repository-path';
import type { Files } from './pair';

/** Other ways to write the same text. */
export const relayouts: Record<string, (text: string, path: string) => string | Promise<string>> = {
  'by the formatter': async (text, path) => {
    const document = TextDocument.create(`file:///${path}`, '', 0, text);
    return TextDocument.applyEdits(document, await format(document, { tabSize: 2 }));
  },
  'in block style, all quoted': text => stringify(parse(text), { defaultStringType: 'QUOTE_DOUBLE', lineWidth: 0 }),
  'in flow style': text => `${JSON.stringify(parse(text))}\n`,
  'keys in the opposite order': text =>
    stringify(reversed(parse(text)), { lineWidth: 0, aliasDuplicateObjects: false }),
  'with Windows line ends': text => text.replace(/\r?\n/g, '\r\n'),
  'with a byte order mark': text => (text.startsWith('\ufeff') ? text : `\ufeff${text}`),
  'with comments': text => {
    const document = parseDocument(text);
    // Between the keys of the root only: within a block scalar a comment would be text.
    const starts = new Set('items' in document.contents! ? document.contents.items.map(item => keyStart(item)) : []);
    return [...text].map((char, at) => (starts.has(at) ? `# A remark that nobody reads\n\n${char}` : char)).join('');
  },
};

function keyStart(item: unknown): number | undefined {
  return (item as { key?: { range?: number[] } }).key?.range?.[0];
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      // In these people and sentences go by the order.
      .map(([key, one]) => [key, ['inputs', 'forEach', 'connections'].includes(key) ? one : reversed(one)]),
  );
}

/** The runbooks and inventories among the files, written in another way; whatever can't be read stays as it is. */
export async function relaid(files: Files, how: keyof typeof relayouts): Promise<Files> {
  const made = new Map(files);
  for (const [path, bytes] of files) {
    if (kindOf(path) === undefined) continue;
    const text = bytes.toString('utf8');
    try {
      // Of what is no runbook, which mistake comes first depends on where it stands.
      if (parseDocument(text).errors.length > 0 || !/^\W*version\b/m.test(text)) continue;
      made.set(path, Buffer.from(await relayouts[how]!(text, path)));
    } catch {
      // Not YAML: there is no other way to write it.
    }
  }
  return made;
}
