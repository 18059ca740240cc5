import { dirname } from 'node:path';
import { documentKind } from '../editor/document-kind';
import { captureLab, captureText, type SeenConnection } from '../inventory/capture';
import type { Inventory } from '../inventory/model';
import { type NameKind, type Pseudonymised, pseudonymise } from '../inventory/pseudonyms';
import { namesWrittenInInventory, namesWrittenInRunbook } from '../inventory/written-names';
import { DiskFiles } from '../lsp/disk-files';
import { repositoryFolder } from './repository-folder';

const kinds: Record<NameKind, [one: string, more: string]> = {
  host: ['host', 'hosts'],
  vm: ['VM', 'VMs'],
  datastore: ['datastore', 'datastores'],
  network: ['network', 'networks'],
  volume: ['volume', 'volumes'],
  snapshot: ['snapshot', 'snapshots'],
  path: ['path', 'paths'],
  uuid: ['uuid', 'uuids'],
  mac: ['MAC address', 'MAC addresses'],
};

/** A capture in which no names stand but those that the inventory or a runbook of its repository has already. */
export async function pseudonymisedCapture(
  seen: readonly SeenConnection[],
  inventory: Inventory,
  inventoryFile: string,
  key: Uint8Array,
): Promise<{ text: string; told: Pseudonymised }> {
  const known = namesWrittenInInventory(inventory);
  for (const text of await runbooksAround(inventoryFile)) {
    for (const name of namesWrittenInRunbook(text)) known.add(name);
  }
  const told = pseudonymise(seen, known, key);
  const text = `# Names that were not in this repository are pseudonyms.\n${captureText(captureLab(told.seen, inventory, Date.now()))}`;
  return { text, told };
}

/** Texts of all runbooks in the repository; outside of one, in the folder of the inventory and below. */
async function runbooksAround(inventoryFile: string): Promise<string[]> {
  const files = new DiskFiles(
    () => undefined,
    () => undefined,
  );
  files.folders = [repositoryFolder(inventoryFile) ?? dirname(inventoryFile)];
  const documents = await files.documents([]);
  return documents.filter(one => documentKind(one) === 'runbook').map(one => one.getText());
}

/** What of it is as it was seen, for who is to commit it. */
export function keptText({ kept, replaced }: Pseudonymised): string {
  const lines: string[] = [];
  const all = Object.keys(kinds) as NameKind[];
  const names = all.flatMap(kind => (kept[kind] ? [`  ${kinds[kind][1]}: ${kept[kind].join(', ')}`] : []));
  if (names.length > 0) lines.push('Names kept, because the inventory or a runbook has them already:', ...names);
  const counts = all.flatMap(kind => {
    const count = replaced[kind];
    return count === undefined ? [] : [`${count} ${kinds[kind][count === 1 ? 0 : 1]}`];
  });
  lines.push(
    counts.length > 0 ? `Pseudonyms stand for ${counts.join(', ')}.` : 'Every name is known already.',
    'Kept besides: CPUs, memory, sizes and free space, states, versions of hypervisors, when snapshots were taken. Notes are left out.',
  );
  return `${lines.join('\n')}\n`;
}
