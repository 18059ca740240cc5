import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { actionNamed, actions } from '../actions/catalogue';
import { documentKind } from '../editor/document-kind';
import { ParseCache, runbookOf } from '../editor/parse-cache';
import { findings } from '../editor/validate';
import { makePlan, PlanRefused } from '../engine/make-plan';
import type { Plan } from '../engine/plan';
import { inputFromText } from '../engine/plan-inputs';
import type { SeenConnection } from '../engine/seen';
import { parseInventory } from '../inventory/file';
import { namesInLabs, seeLabs } from '../inventory/lab-names';
import type { Inventory } from '../inventory/model';
import { knownNames, type SeenNames } from '../inventory/names';
import type { Diagnostic } from '../runbook/diagnostic';
import { nearest } from '../runbook/did-you-mean';
import type { Json, JsonObject } from '../runbook/json';
import { linkRunbooks, loadCalled, type ReadFile } from '../runbook/link';
import type { Runbook } from '../runbook/model';
import { UsageError } from './usage-error';

export interface CheckedFile {
  /** As it was given. */
  name: string;
  document: TextDocument;
  diagnostics: Diagnostic[];
}

export interface LoadedRunbook {
  path: string;
  /** With the runbooks that it calls. */
  runbook: Runbook;
  inventory?: Inventory;
  inventoryPath?: string;
  seen: SeenNames;
  /** What is known of the inventory's connections without connecting. */
  shown: SeenConnection[];
  /** What `check` says of it; no errors. */
  warnings: CheckedFile;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

async function readDocument(file: string): Promise<TextDocument> {
  const path = resolve(file);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new UsageError(`There is no file ${file}.`);
    if (code === 'EISDIR') throw new UsageError(`${file} is a folder. Name the runbook in it.`);
    throw new UsageError(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new UsageError(`${file} is not UTF-8 text. Save it as UTF-8.`);
  }
  const uri = pathToFileURL(path).href;
  const kind = documentKind({ uri, languageId: '' });
  if (!kind) {
    throw new UsageError(`${file} is neither a runbook nor an inventory: name it *.runbook.yaml or *.inventory.yaml.`);
  }
  return TextDocument.create(uri, `virt-${kind}`, 0, text);
}

/** Checks a file as the editor does. */
export async function checkFile(
  name: string,
): Promise<CheckedFile & { runbook?: Runbook; inventory?: LoadedInventory }> {
  const document = await readDocument(name);
  const cache = new ParseCache();
  if (documentKind(document) !== 'runbook')
    return { name, document, diagnostics: findings(document, { actions, cache }) };
  const { runbook, draft } = runbookOf(document, cache);
  const { runbooks } = await loadCalled(draft, basename(name), calledFrom(name));
  const inventory =
    draft.inventory === undefined ? undefined : await loadInventory(resolve(dirname(name), draft.inventory));
  const diagnostics = findings(document, {
    actions,
    cache,
    runbooks,
    ...(inventory?.missing && { inventoryMissing: true }),
    ...(inventory?.inventory && { inventory: knownNames(inventory.inventory, inventory.seen) }),
  });
  return { name, document, diagnostics, ...(runbook && { runbook }), ...(inventory && { inventory }) };
}

/** Reads the runbooks that a runbook calls, by their path relative to its folder; undefined: there is none. */
function calledFrom(name: string): ReadFile {
  const folder = dirname(resolve(name));
  return async path => {
    let bytes: Buffer;
    try {
      bytes = await readFile(join(folder, path));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
    try {
      return utf8.decode(bytes);
    } catch {
      throw new Error('it is not UTF-8 text.');
    }
  };
}

export interface LoadedInventory {
  path: string;
  /** undefined: it can't be read, or has errors; `problem` says which. */
  inventory?: Inventory;
  problem?: string;
  /** There is no such file. */
  missing?: boolean;
  seen: SeenNames;
  /** What is known of its connections without connecting. */
  shown: SeenConnection[];
}

export async function loadInventory(path: string): Promise<LoadedInventory> {
  let text: string;
  try {
    text = utf8.decode(await readFile(path));
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
    const why = missing ? 'there is no such file' : String(error);
    return { path, missing, seen: {}, shown: [], problem: `The inventory ${path} can't be read: ${why}.` };
  }
  const { inventory, diagnostics } = parseInventory(text);
  if (!inventory) {
    const first = diagnostics.find(one => one.severity === 'error');
    return {
      path,
      seen: {},
      shown: [],
      problem: `The inventory ${path} has errors: ${first?.message ?? ''} Run \`virtbook check\` on it.`,
    };
  }
  const shown = await seeLabs(inventory, async lab => {
    const { readLab } = await import('../runner/simulated-labs');
    return readLab(dirname(path), lab);
  });
  return { path, inventory, seen: namesInLabs(inventory, shown), shown };
}

/** A runbook that can be planned. @throws UsageError with its errors */
export async function loadRunbook(name: string, report: (file: CheckedFile) => void): Promise<LoadedRunbook> {
  const checked = await checkFile(name);
  if (documentKind(checked.document) !== 'runbook') throw new UsageError(`${name} is an inventory. Name a runbook.`);
  const shown = checked.diagnostics.some(one => one.severity === 'error');
  if (!checked.runbook || shown) {
    report(checked);
    const hidden = shown ? '' : ' A `virtbook-ignore` in it hides them: take it out, and `virtbook check` shows them.';
    throw new UsageError(`${name} has errors, so it can't be planned.${hidden}`);
  }
  const { inventory } = checked;
  if (inventory?.problem !== undefined) throw new UsageError(inventory.problem);
  const { runbook, problems } = await linkRunbooks(checked.runbook, basename(name), calledFrom(name), { actions });
  if (problems.length > 0) throw new UsageError(problems.map(({ message }) => `${name}: ${message}`).join('\n'));
  return {
    path: resolve(name),
    runbook,
    seen: inventory?.seen ?? {},
    shown: inventory?.shown ?? [],
    ...(inventory?.inventory && { inventory: inventory.inventory, inventoryPath: inventory.path }),
    warnings: checked,
  };
}

export interface PlanChoices {
  /** `name=value` */
  input?: string[];
  step?: string;
  from?: string;
}

/** What was given on the command line. @throws UsageError */
export function givenInputs(loaded: LoadedRunbook, choices: PlanChoices): JsonObject {
  const inputs: JsonObject = {};
  for (const given of choices.input ?? []) {
    const at = given.indexOf('=');
    // What stands after it may be a secret, so it is not said again.
    if (at <= 0) throw new UsageError(`--input ${at < 0 ? given : '=…'} must be NAME=VALUE.`);
    const name = given.slice(0, at);
    const definition = Object.hasOwn(loaded.runbook.inputs, name) ? loaded.runbook.inputs[name] : undefined;
    inputs[name] = inputFromText(given.slice(at + 1), definition);
  }
  requireKnownNames(loaded, inputs);
  return inputs;
}

/** @throws UsageError for inputs that don't fit */
export function planOf(
  loaded: LoadedRunbook,
  choices: PlanChoices,
  inputs: JsonObject = givenInputs(loaded, choices),
): { plan: Plan; hash: string } {
  try {
    return makePlan({
      runbook: loaded.runbook,
      inputs,
      action: actionNamed,
      ...(loaded.inventory && { inventory: loaded.inventory }),
      ...(loaded.seen.hosts && { hosts: loaded.seen.hosts }),
      ...(choices.step !== undefined && { only: choices.step }),
      ...(choices.from !== undefined && { from: choices.from }),
    });
  } catch (error) {
    if (error instanceof PlanRefused) throw new UsageError(error.problems.join('\n'));
    throw error;
  }
}

/** A misspelt name on the command line is told before anything is changed, where all names are known. @throws UsageError */
function requireKnownNames(loaded: LoadedRunbook, given: JsonObject): void {
  for (const [input, value] of Object.entries(given)) {
    const problem = unknownName(loaded, input, value);
    if (problem !== undefined) throw new UsageError(`--input ${input}: ${problem}`);
  }
}

/** Of the value of an input that names VMs or hosts: which one the inventory does not have. undefined: it has them, or can't tell. */
export function unknownName(
  { runbook, inventory, seen }: LoadedRunbook,
  input: string,
  value: Json,
): string | undefined {
  if (!inventory) return undefined;
  const { hosts, vms } = knownNames(inventory, seen);
  const type = Object.hasOwn(runbook.inputs, input) ? runbook.inputs[input]?.type : undefined;
  const isHost = type === 'host' || type === 'hosts';
  const known = isHost ? hosts : type === 'vm' || type === 'vms' ? vms : undefined;
  for (const name of known && Array.isArray(value) ? value : [value]) {
    if (!known || typeof name !== 'string' || known.has(name) || /^(group|tag):/.test(name)) continue;
    const [close] = nearest(name, known);
    const hint = close === undefined ? 'Correct the name.' : `Did you mean ${close}?`;
    return `the inventory has no ${isHost ? 'host' : 'VM'} ${name}. ${hint}`;
  }
  return undefined;
}
