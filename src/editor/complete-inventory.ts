import type { TextDocument } from 'vscode-languageserver-textdocument';
import { CompletionItemKind } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';
import type { Cursor } from './cursor';
import { inventoryOf } from './parse-cache';
import type { Proposal } from './proposal';

/** Names that an inventory can use because it, or what is live, has them: members of groups, and VMs to say more about. */
export function inventoryItems(document: TextDocument, cursor: Cursor, config: EditorConfig): Proposal[] {
  const [section, name, list] = cursor.path;
  const { draft } = inventoryOf(document, config.cache);
  const live = config.inventory;
  const hosts = () => [...Object.keys(draft.connections), ...(live?.someHosts ?? [])];
  const vms = () => [...Object.keys(draft.vms), ...(live?.someVms ?? [])];
  if (section === 'groups' && name !== undefined && (list === 'hosts' || list === 'vms')) {
    const present = new Set(draft.groups[name]?.[list]);
    return [...new Set(list === 'hosts' ? hosts() : vms())]
      .filter(one => !present.has(one) || one === cursor.prefix)
      .map(label => ({ label, kind: CompletionItemKind.Value, detail: list === 'hosts' ? 'host' : 'VM' }));
  }
  if (section === 'vms' && cursor.path.length === 1 && cursor.on === 'key') {
    return [...new Set(live?.someVms)]
      .filter(one => !Object.hasOwn(draft.vms, one))
      .map(label => ({ label, kind: CompletionItemKind.Value, detail: 'VM', insert: `${label}: ` }));
  }
  return [];
}
