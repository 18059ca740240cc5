import type { TextDocument } from 'vscode-languageserver-textdocument';
import { reservedNames } from '../runbook/check';
import { everyStep, innerSteps, type Step } from '../runbook/model';
import { forEachSettings } from '../runbook/read-runbook';
import type { EditorConfig } from './config';
import { documentKind, fileName } from './document-kind';
import { inventoryTarget, type Name, type NameKind } from './name';
import { isInventoryName, type Place, type Places } from './places';

/** Why a name can't be changed at all. */
export function fixed({ kind, name, action }: Name): string | undefined {
  if (kind === 'runbook' || kind === 'inventory')
    return `\`${name}\` is a file. Rename the file, then change the path here.`;
  if (kind === 'output' && action !== undefined)
    return `\`${name}\` is an output of \`${action}\`, whose name is given by the action. It can't be renamed.`;
  return undefined;
}

const identifiers: ReadonlySet<NameKind> = new Set(['variable', 'local']);
const ids: ReadonlySet<NameKind> = new Set(['step', 'input', 'output']);

/** Why nothing can be called that. */
export function wrongName({ kind }: Name, newName: string): string | undefined {
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
export function takenName(name: Name, newName: string, found: readonly Place[], places: Places): string | undefined {
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
  const seen = seenNames(name.kind, known);
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
