import { TextDocument } from 'vscode-languageserver-textdocument';
import { actions } from '../../actions/catalogue';
import { namesInDocument } from '../../editor/names-in-document';

export interface NameUse {
  /** Offsets in the text. */
  start: number;
  end: number;
  /** The line that it stands in. */
  line: string;
}

const LANGUAGE = 'virt-runbook';

/** Where a runbook names a VM or host. */
export function usesOfName(uri: string, text: string, name: string): NameUse[] {
  // Most runbooks don't, and need not be parsed to know.
  if (!text.includes(name)) return [];
  const document = TextDocument.create(uri, LANGUAGE, 0, text);
  return namesInDocument(document, { actions }).all.flatMap(found => {
    if ((found.kind !== 'vm' && found.kind !== 'host') || found.name !== name) return [];
    const { start, end } = found.range;
    const from = text.lastIndexOf('\n', start - 1) + 1;
    const to = text.indexOf('\n', start);
    return [{ start, end, line: text.slice(from, to < 0 ? undefined : to).trim() }];
  });
}

/** The VM or host that is named at an offset of a runbook or inventory. */
export function nameAt(uri: string, languageId: string, text: string, offset: number): string | undefined {
  const document = TextDocument.create(uri, languageId, 0, text);
  const found = namesInDocument(document, { actions }).at(offset);
  return found?.kind === 'vm' || found?.kind === 'host' ? found.name : undefined;
}
