import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type Hover, MarkupKind } from 'vscode-languageserver-types';
import { inventoryFileSchema } from '../inventory/file';
import type { Inventory } from '../inventory/model';
import { CallTypes } from '../runbook/call-types';
import { calledPath } from '../runbook/calls';
import type { ActionSignature } from '../runbook/check-context';
import type { Json, JsonObject } from '../runbook/json';
import type { InputDefinition } from '../runbook/model';
import { type ParsedRunbook, schema as runbookFileSchema } from '../runbook/parse';
import { isCall } from '../runbook/read-runbook';
import type { RunbookSchema } from '../runbook/schema';
import { schemasAt } from '../runbook/schema-lookup';
import { describeSchema, describeType, type JsonSchema } from '../runbook/value-type';
import { unescapePointer, type YamlSource } from '../runbook/yaml-source';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import { expressionHover, type Found } from './hover-expression';
import type { Name } from './name';
import { namesInDocument } from './names-in-document';
import { inventoryOf, runbookOf } from './parse-cache';
import { toRange } from './validate';

/** Docs, type, and the current value or state of what stands at this offset, as Markdown. */
export function hover(document: TextDocument, offset: number, config: EditorConfig): Hover | undefined {
  const kind = documentKind(document);
  if (!kind) return undefined;
  const parsed = kind === 'runbook' ? runbookOf(document, config.cache) : inventoryOf(document, config.cache);
  const place = parsed.source.at(offset);
  if (!place) return undefined;
  const found =
    (kind === 'runbook' ? expressionHover(parsed as ParsedRunbook, place.pointer, offset, config) : undefined) ??
    nameHover(namesInDocument(document, config).at(offset), config) ??
    valueHover(parsed.source, place, kind === 'runbook' ? runbookFileSchema : inventoryFileSchema, config);
  return found && { contents: { kind: MarkupKind.Markdown, value: found.text }, range: toRange(document, found.range) };
}

/** A name of the inventory, wherever it stands: the state of a VM or host, what a group or tag has. */
function nameHover(name: Name | undefined, config: EditorConfig): Found | undefined {
  const text = name && (stateText(name, config) ?? membersText(name, config.inventoryFile));
  return text === undefined ? undefined : { text, range: name!.range };
}

function membersText({ kind, name }: Name, inventory: Inventory | undefined): string | undefined {
  if (!inventory) return undefined;
  const tagged = (list: Record<string, { tags?: readonly string[] }>) =>
    Object.keys(list).filter(one => list[one]?.tags?.includes(name));
  let members: [one: string, many: string, names: readonly string[]][];
  if (kind === 'group') {
    const group = Object.hasOwn(inventory.groups, name) ? inventory.groups[name] : undefined;
    if (!group) return undefined;
    members = [
      ['host', 'hosts', group.hosts ?? []],
      ['VM', 'VMs', group.vms ?? []],
    ];
  } else if (kind === 'vm-tag') members = [['VM', 'VMs', tagged(inventory.vms)]];
  else if (kind === 'host-tag') members = [['connection', 'connections', tagged(inventory.connections)]];
  else return undefined;
  const lines = members.flatMap(([one, many, names]) => {
    const shown = names.slice(0, 20).map(member => `\`${member}\``);
    const rest = names.length > shown.length ? ', …' : '';
    return names.length === 0 ? [] : [`${names.length} ${names.length === 1 ? one : many}: ${shown.join(', ')}${rest}`];
  });
  return [`**${name}** · ${kind === 'group' ? 'group' : 'tag'}`, ...(lines.length > 0 ? lines : ['empty'])].join(
    '\n\n',
  );
}

function valueHover(
  source: YamlSource,
  place: { pointer: string; on: 'key' | 'value' },
  root: RunbookSchema,
  config: EditorConfig,
): Found | undefined {
  const path = place.pointer === '' ? [] : place.pointer.slice(1).split('/').map(unescapePointer);
  const data: Json[] = [source.data ?? null];
  for (const part of path) data.push(childOf(data.at(-1)!, part));
  const range = place.on === 'key' ? source.keyRange(place.pointer) : source.valueRange(place.pointer);
  const value = data.at(-1)!;
  if (!range || path.length === 0) return undefined;
  if (root === runbookFileSchema && path.at(-1) === 'uses' && typeof value === 'string') {
    const action = config.actions.find(candidate => candidate.name === value);
    if (action) return { text: actionText(action, inputsOf(data.at(-2))), range };
    const called = isCall(value) ? config.runbooks?.(calledPath('', value)) : undefined;
    if (called) return { text: runbookText(called, value, config), range };
    // What a name that is none could mean is said by its diagnostic.
    if (place.on === 'value') return undefined;
  }
  const given = place.on === 'key' ? givenInput(path, data, config) : undefined;
  if (given) return { text: `**${path.at(-1)}** · ${given.type}\n\n${given.description ?? ''}`.trim(), range };
  const schemas = schemasAt(root, path, depth => data[depth]);
  const [schema] = schemas;
  if (!schema) return undefined;
  if (place.on === 'value') {
    // A whole block explains itself by its keys.
    if (value !== null && typeof value === 'object') return undefined;
  }
  const type = [...new Set(schemas.map(describeSchema))].join(' or ');
  const fallback = schema.default === undefined ? '' : ` · default \`${JSON.stringify(schema.default)}\``;
  const key = path.findLast(part => !/^\d+$/.test(part)) ?? '';
  return { text: `**${key}** · ${type}${fallback}\n\n${schema.description ?? ''}`.trim(), range };
}

/** `with` of a step, where nothing in it is known only when it runs. */
function inputsOf(step: Json | undefined): JsonObject | undefined {
  const given = step !== null && typeof step === 'object' && !Array.isArray(step) ? step.with : undefined;
  if (given === undefined || given === null || typeof given !== 'object' || Array.isArray(given)) return undefined;
  return JSON.stringify(given).includes('${{') ? undefined : given;
}

function undoText({ undoClass }: ActionSignature, inputs: JsonObject | undefined): string {
  if (typeof undoClass === 'string') return undoTexts[undoClass];
  try {
    // Half a step has inputs that no action ever sees.
    if (inputs) return undoTexts[undoClass(inputs)] ?? undoTexts.unknown;
  } catch {}
  return undoTexts.unknown;
}

function actionText(action: ActionSignature, inputs: JsonObject | undefined): string {
  const undo = undoText(action, inputs);
  const outputs = Object.entries((action.outputs as JsonSchema).properties ?? {}).map(
    ([name, schema]) =>
      `- \`${name}\` · ${describeSchema(schema)}${schema.description ? `: ${schema.description}` : ''}`,
  );
  return [
    `**${action.name}** · ${action.title}`,
    action.summary,
    undo,
    action.docs,
    ...(outputs.length > 0 ? [`Outputs:\n\n${outputs.join('\n')}`] : []),
    `\`\`\`yaml\n${action.example}\n\`\`\``,
  ].join('\n\n');
}

function runbookText(called: ParsedRunbook, uses: string, config: EditorConfig): string {
  const { name, description, inputs } = called.draft;
  const wanted = Object.entries(inputs).map(
    ([input, { type, default: fallback, description }]) =>
      `- \`${input}\` · ${type}${fallback === undefined ? '' : ` · default \`${JSON.stringify(fallback)}\``}${description ? `: ${description}` : ''}`,
  );
  const given = new CallTypes(config).outputs('', uses);
  const outputs = Object.entries(given.kind === 'map' ? (given.fields ?? {}) : {}).map(
    ([output, type]) => `- \`${output}\` · ${describeType(type)}`,
  );
  return [
    `**${name || uses}** · runbook \`${uses}\``,
    ...(description ? [description] : []),
    ...(wanted.length > 0 ? [`Inputs:\n\n${wanted.join('\n')}`] : []),
    ...(outputs.length > 0 ? [`Outputs:\n\n${outputs.join('\n')}`] : []),
  ].join('\n\n');
}

/** The input of a called runbook that a key of `with` names. */
function givenInput(path: readonly string[], data: readonly Json[], config: EditorConfig): InputDefinition | undefined {
  const step = path.at(-2) === 'with' ? data.at(-3) : undefined;
  const uses = step !== null && typeof step === 'object' && !Array.isArray(step) ? step?.uses : undefined;
  const inputs =
    typeof uses === 'string' && isCall(uses) ? config.runbooks?.(calledPath('', uses))?.draft.inputs : undefined;
  return inputs && Object.hasOwn(inputs, path.at(-1)!) ? inputs[path.at(-1)!] : undefined;
}

const undoTexts = {
  none: 'Undo: changes nothing, so there is nothing to undo.',
  reversible: 'Undo: takes back exactly what was done.',
  restorable: 'Undo: restores the state before, and loses what came since.',
  irreversible: 'Undo: **can not be undone.**',
  unknown: 'Undo: depends on the inputs.',
};

function stateText({ kind, name }: Name, { inventory, liveState, snapshotsOf }: EditorConfig): string | undefined {
  if (kind !== 'vm' && kind !== 'host') return undefined;
  const state = liveState?.(kind, name);
  const names = kind === 'vm' ? inventory?.vms : inventory?.hosts;
  const known = state ?? (names ? (names.has(name) ? 'in the inventory' : 'not in the inventory') : undefined);
  if (known === undefined) return undefined;
  const snapshots = kind === 'vm' ? (snapshotsOf?.(name) ?? []) : [];
  return [
    `**${name}** · ${kind === 'vm' ? 'VM' : 'host'}`,
    known,
    ...(snapshots.length > 0 ? [`Snapshots: ${snapshots.map(one => `\`${one}\``).join(', ')}`] : []),
  ].join('\n\n');
}

function childOf(value: Json, part: string): Json {
  if (Array.isArray(value)) return value[Number(part)] ?? null;
  return value !== null && typeof value === 'object' && Object.hasOwn(value, part) ? (value[part] ?? null) : null;
}
