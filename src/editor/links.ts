import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { DocumentLink } from 'vscode-languageserver-types';
import type { SourceRange } from '../runbook/diagnostic';
import { escapePointer, type YamlSource } from '../runbook/yaml-source';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import { namesInDocument } from './names-in-document';
import { inventoryOf } from './parse-cache';
import { toRange } from './validate';
import type { WorkspaceFiles } from './workspace-files';

/** Files that the document names, and addresses of the web in comments and texts. */
export function documentLinks(
  document: TextDocument,
  config: EditorConfig,
  resolve: WorkspaceFiles['resolve'],
): DocumentLink[] {
  const kind = documentKind(document);
  if (!kind) return [];
  const paths =
    kind === 'runbook'
      ? namesInDocument(document, config).all.flatMap(({ kind, file, range }) =>
          file !== undefined && (kind === 'runbook' || kind === 'inventory') ? [{ path: file, range }] : [],
        )
      : pathsOfInventory(document, config);
  const files = paths.flatMap(({ path, range }) => {
    const target = resolve(document.uri, path);
    return target === undefined ? [] : [{ range: toRange(document, range), target }];
  });
  return [...files, ...webLinks(document)];
}

function pathsOfInventory(document: TextDocument, config: EditorConfig): { path: string; range: SourceRange }[] {
  const { draft, source } = inventoryOf(document, config.cache);
  const found: { path: string; range: SourceRange }[] = [];
  const add = (pointer: string, path: string | undefined) => {
    const range = path === undefined || path.startsWith('~') ? undefined : contentRange(source, pointer);
    if (range && path !== undefined) found.push({ path, range });
  };
  for (const [name, connection] of Object.entries(draft.connections)) {
    const pointer = `/connections/${escapePointer(name)}`;
    if (connection.type === 'simulated') add(`${pointer}/lab`, connection.lab);
    else add(`${pointer}/sshConfig`, connection.sshConfig);
  }
  for (const section of ['proxies', 'vms'] as const) {
    for (const [name, { sshConfig }] of Object.entries(draft[section]))
      if (sshConfig !== undefined) add(`/${section}/${escapePointer(name)}/sshConfig`, sshConfig);
  }
  return found;
}

/** Without quotes. */
function contentRange(source: YamlSource, pointer: string): SourceRange | undefined {
  const scalar = source.scalar(pointer);
  return scalar?.range(0, scalar.value.length);
}

function webLinks(document: TextDocument): DocumentLink[] {
  const text = document.getText();
  const found: DocumentLink[] = [];
  for (const match of text.matchAll(/https?:\/\/[^\s"'`<>{}|\\^]+/g)) {
    // What ends a sentence or closes a bracket is no part of the address.
    let url = match[0].replace(/[.,;:!?]+$/, '');
    while (url.endsWith(')') && url.split('(').length < url.split(')').length) url = url.slice(0, -1);
    if (!URL.canParse(url)) continue;
    const range = { start: match.index, end: match.index + url.length };
    found.push({ range: toRange(document, range), target: url });
  }
  return found;
}
