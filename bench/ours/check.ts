import { TextDocument } from 'vscode-languageserver-textdocument';
import { actions } from '../../src/actions/catalogue';
import { validate as validateDocument } from '../../src/editor/validate';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { inventoryText } from '../runbook-text';

const { inventory } = parseInventory(inventoryText);
if (!inventory) throw new Error('the inventory of the bench is not valid');
const names = knownNames(inventory);

/** What `virtbook check` says of a runbook beside its inventory, as code and message. */
export function validate(text: string): string[] {
  const document = TextDocument.create('file:///bench.runbook.yaml', 'virt-runbook', 1, text);
  return validateDocument(document, { actions, inventory: names }).map(one => `${one.code}: ${one.message}`);
}
