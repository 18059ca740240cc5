import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Range, TextEdit, WorkspaceEdit } from 'vscode-languageserver-types';
import { reservedNames } from '../runbook/check';
import { compile } from '../runbook/expression';
import { everyStep, innerSteps, type Step } from '../runbook/model';
import { forEachSettings } from '../runbook/read-runbook';
import type { YamlSource } from '../runbook/yaml-source';
import type { EditorConfig } from './config';
import { documentKind, fileName } from './document-kind';
import { inventoryTarget, type Name, type NameKind } from './name';
import { namesInDocument } from './names-in-document';
import { isInventoryName, type Place, Places } from './places';
import { editKey, editScalar, type SourceEdit, type ValueEdit } from './scalar-edits';
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

/** Why a name can't be changed at all. */
function fixed({ kind, name, action }: Name): string | undefined {
  if (kind === 'runbook' || kind === 'inventory')
    return `\`${name}\` is a file. Rename the file, then change the path here.`;
  if (kind === 'output' && action !== undefined)
    return `\`${name}\` is an output of \`${action}\`, whose name is given by the action. It can't be renamed.`;
  return undefined;
}

const identifiers: ReadonlySet<NameKind> = new Set(['variable', 'local']);
const ids: ReadonlySet<NameKind> = new Set(['step', 'input', 'output']);

/** Why nothing can be called that. */
function wrongName({ kind }: Name, newName: string): string | undefined {
  if (newName === '') return 'The new name is empty. Type one.';
  const shown = `\`${newName}\``;
  if (ids.has(kind) && !/^[A-Za-z][A-Za-z0-9_-]*$/.test(newName))
    return `${shown} can't be named in an expression. Use letters, digits, \`_\` and \`-\`, a letter first.`;
  if (identifiers.has(kind)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(newName))
      return `${shown} can't name a variable. Use letters, digits and \`_\`, a letter first.`;
    if (reservedNames.has(newName)) return `${shown} has a meaning in expressions already. Choose another name.`;
    if ((forEachSettings as readonly string[]).includes(newName))
      return `${shown} is a setting of \`forEach\`. Choose another name.`;
  }
  if (ids.has(kind) || identifiers.has(kind)) return undefined;
  if (newName.trim() !== newName) return "A name can't begin or end with a space. Leave it out.";
  if (/[\u0000-\u001f\u007f]/.test(newName)) return "A name can't hold line breaks, tabs or other control characters.";
  if (newName.includes('${{')) return "A name can't hold an expression. Leave `${{` out.";
  if (/^(group|tag):/.test(newName))
    return `${shown} would select a group or tag. Leave \`${newName.split(':')[0]}:\` out.`;
  return undefined;
}

/** Whether something else is called that already. */
function takenName(name: Name, newName: string, found: readonly Place[], places: Places): string | undefined {
  const choose = 'Choose another name.';
  const draftOf = (document: TextDocument) => places.runbook(document).draft;
  switch (name.kind) {
    case 'step':
      return everyStep(draftOf(places.document)).some(step => step.id === newName)
        ? `Another step has the id \`${newName}\` already. ${choose}`
        : undefined;
    case 'input':
    case 'output': {
      const section = name.kind === 'input' ? 'inputs' : 'outputs';
      const owner = found.find(place => place.name.role === 'definition')?.document;
      if (!owner) return `There is no ${name.kind} \`${name.name}\` to rename. Declare it, or correct the name.`;
      return Object.hasOwn(draftOf(owner)[section] ?? {}, newName)
        ? `${fileName(owner)} has an ${name.kind} \`${newName}\` already. ${choose}`
        : undefined;
    }
    case 'variable': {
      const around = loopsThatMeet(draftOf(places.document).steps, name.target);
      return around.includes(newName)
        ? `A \`forEach\` around or inside calls its variable \`${newName}\` already. ${choose}`
        : undefined;
    }
    default:
      return isInventoryName(name) ? takenInInventory(name, newName, places) : undefined;
  }
}

function takenInInventory(name: Name, newName: string, places: Places): string | undefined {
  if (!isInventoryName(name)) return undefined;
  const isRunbook = documentKind(places.document) === 'runbook';
  const uri = isRunbook ? places.inventoryOf(places.document) : places.document.uri;
  const inventory = places.inventories.find(document => document.uri === uri);
  const { inventory: known } = places.config;
  const seen = isRunbook || uri === places.document.uri ? seenNames(name.kind, known) : undefined;
  const kinds = name.kind === 'host' || name.kind === 'connection' ? (['host', 'connection'] as const) : [name.kind];
  const names = inventory && places.names(inventory);
  const taken = seen?.has(newName) || kinds.some(kind => (names?.of(inventoryTarget(kind, newName)).length ?? 0) > 0);
  return taken ? `The inventory has a ${kindText[name.kind]} \`${newName}\` already. Choose another name.` : undefined;
}

const kindText = {
  vm: 'VM',
  host: 'host',
  group: 'group',
  'vm-tag': 'tag',
  'host-tag': 'tag',
  proxy: 'proxy',
  datastore: 'datastore',
  connection: 'connection',
};

function seenNames(kind: keyof typeof kindText, known: EditorConfig['inventory']): ReadonlySet<string> | undefined {
  if (kind === 'vm') return known?.vms ?? known?.someVms;
  if (kind === 'host') return known?.hosts ?? known?.someHosts;
  return kind === 'datastore' ? known?.datastores : undefined;
}

/** Variables of the loops around and inside the one with this target. */
function loopsThatMeet(steps: readonly Step[], target: string, around: readonly string[] = []): string[] {
  for (const step of steps) {
    const variable = step.kind === 'forEach' ? [step.variable] : [];
    if (target === `variable:${step.pointer}`) return [...around, ...variablesIn(innerSteps(step))];
    const found = loopsThatMeet(innerSteps(step), target, [...around, ...variable]);
    if (found.length > 0) return found;
  }
  return [];
}

function variablesIn(steps: readonly Step[]): string[] {
  return steps.flatMap(step => [...(step.kind === 'forEach' ? [step.variable] : []), ...variablesIn(innerSteps(step))]);
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

function editsOf(source: YamlSource, names: readonly Name[], newName: string): SourceEdit[] {
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
  const before = new Places(document, alone, files);
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
