import { TextDocument } from 'vscode-languageserver-textdocument';
import { actions } from '../../src/actions/catalogue';
import { complete } from '../../src/editor/complete';
import type { EditorConfig } from '../../src/editor/config';
import { hover } from '../../src/editor/hover';
import { ParseCache } from '../../src/editor/parse-cache';
import { validate } from '../../src/editor/validate';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import type { EditorService, Version } from '../editor-service';
import { inventoryText } from '../runbook-text';

const uri = 'file:///bench.runbook.yaml';

/** The editor as extension and language server have it: with a cache, and an inventory that is read once. */
export function service(): EditorService {
  const { inventory } = parseInventory(inventoryText);
  if (!inventory) throw new Error('the inventory of the bench is not valid');
  const cache = new ParseCache();
  const config: EditorConfig = { actions, inventory: knownNames(inventory), cache };
  let document: TextDocument | undefined;
  const documentOf = ({ version, text }: Version) => {
    if (document?.version !== version) document = TextDocument.create(uri, 'virt-runbook', version, text);
    return document;
  };
  return {
    validate: async version => validate(documentOf(version), config).map(one => `${one.code}: ${one.message}`),
    complete: async (version, offset) => complete(documentOf(version), offset, config).map(item => item.label),
    hover: async (version, offset) => hover(documentOf(version), offset, config) !== undefined,
    close: () => cache.forget(uri),
  };
}
