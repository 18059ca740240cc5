import { TextDocument } from 'vscode-languageserver-textdocument';

/** A document from a sample in which `|` marks the cursor. A block scalar's own `|` is written `¦`. */
export function withCursor(sample: string, name = 'sample.runbook.yaml'): { document: TextDocument; offset: number } {
  const offset = sample.indexOf('|');
  const text = `${sample.slice(0, offset)}${sample.slice(offset + 1)}`.replaceAll('¦', '|');
  return { document: TextDocument.create(`file:///${name}`, '', 1, text), offset };
}
