import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Range, TextEdit, WorkspaceEdit } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';
import { documentKind, fileName } from './document-kind';
import type { Name } from './name';
import { namesInDocument } from './names-in-document';
import { type Place, Places } from './places';
import { editsOf } from './rename-edits';
import { fixed, takenName, wrongName } from './rename-problems';
import { toRange } from './validate';
import type { WorkspaceFiles } from './workspace-files';

/** The name at this offset, when it is one that can be renamed. */
export function prepareRename(
  document: TextDocument,
  offset: number,
  config: EditorConfig,
): { range: Range; placeholder: string } | undefined {
  const name = namesInDocument(document, config).at(offset);
  if (!name || fixed(name)) return undefined;
  return { range: toRange(document, name.range), placeholder: name.name };
}

/** Renames what stands at this offset wherever it is named, or says in a sentence why not. */
export function rename(
  document: TextDocument,
  offset: number,
  newName: string,
  config: EditorConfig,
  files: WorkspaceFiles,
): WorkspaceEdit | { problem: string } {
  const places = new Places(document, config, files);
  const name = places.at(offset);
  if (!name) return { problem: 'Nothing that can be renamed stands here. Put the cursor on a name.' };
  const problem = fixed(name) ?? wrongName(name, newName);
  if (problem) return { problem };
  if (newName === name.name) return { changes: {} };
  const found = places.of(name);
  const taken = takenName(name, newName, found, places);
  if (taken) return { problem: taken };

  const made = [...byDocument(found)].map(([inside, names]): Edited => {
    const { source } = documentKind(inside) === 'runbook' ? places.runbook(inside) : places.inventory(inside);
    const edits = editsOf(source, names, newName).map(({ range, newText }) => ({
      range: toRange(inside, range),
      newText,
    }));
    return { document: inside, names, edits };
  });
  const changed = meaningChanged(document, made, newName, config, files);
  if (changed) return { problem: changed };
  return { changes: Object.fromEntries(made.map(({ document: { uri }, edits }) => [uri, edits])) };
}

/** What is to be changed in one document. */
interface Edited {
  document: TextDocument;
  names: readonly Name[];
  edits: TextEdit[];
}

function byDocument(places: readonly Place[]): Map<TextDocument, Name[]> {
  const found = new Map<TextDocument, Name[]>();
  for (const { document, name } of places) {
    const names = found.get(document);
    if (names) names.push(name);
    else found.set(document, [name]);
  }
  return found;
}

/** Reads the texts as they would be, and says what would no longer mean the same. */
function meaningChanged(
  document: TextDocument,
  edited: readonly Edited[],
  newName: string,
  config: EditorConfig,
  files: WorkspaceFiles,
): string | undefined {
  const texts = new Map(edited.map(one => [one.document.uri, TextDocument.applyEdits(one.document, one.edits)]));
  const changedOf = (one: TextDocument): TextDocument => {
    const text = texts.get(one.uri);
    return text === undefined ? one : TextDocument.create(one.uri, one.languageId, one.version, text);
  };
  // Both are read alike, and what they call from among the files.
  const alone: EditorConfig = { actions: config.actions };
  const before = new Places(document, { ...alone, cache: config.cache }, files);
  const after = new Places(changedOf(document), alone, {
    ...files,
    runbooks: files.runbooks.map(changedOf),
    inventories: files.inventories.map(changedOf),
  });
  const documents = (places: Places) => new Map([...places.runbooks, ...places.inventories].map(one => [one.uri, one]));
  const [old, fresh] = [documents(before), documents(after)];
  for (const {
    document: { uri },
    names,
  } of edited) {
    const [was, is] = [old.get(uri), fresh.get(uri)];
    if (!was || !is) continue;
    const wrong = firstChanged(
      before.names(was).all,
      after.names(is).all,
      new Set(names.map(({ range }) => range.start)),
      newName,
    );
    if (wrong === undefined) continue;
    const line = was.positionAt(wrong).line + 1;
    return `With the name \`${newName}\`, ${fileName(was)}:${line} would mean something else. Choose another name.`;
  }
  return undefined;
}

/** Offset of the first name that does not mean what it did, but for the new name. */
function firstChanged(
  before: readonly Name[],
  after: readonly Name[],
  renamed: ReadonlySet<number>,
  newName: string,
): number | undefined {
  const targets = new Map<string, string>();
  const back = new Map<string, string>();
  for (const [index, { kind, role, name, target, range }] of before.entries()) {
    const now = after[index];
    const wanted = renamed.has(range.start) ? newName : name;
    if (!now || now.kind !== kind || now.role !== role || now.name !== wanted) return range.start;
    // What meant the same still does, and what did not still does not.
    if ((targets.get(target) ?? now.target) !== now.target || (back.get(now.target) ?? target) !== target)
      return range.start;
    targets.set(target, now.target);
    back.set(now.target, target);
  }
  return after.length > before.length ? after[before.length]!.range.start : undefined;
}
