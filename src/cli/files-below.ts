import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { documentKind } from '../editor/document-kind';
import { skippedFolders } from '../editor/file-set';

/** All runbooks and inventories in a folder and those below it, by name. undefined: it is no folder. */
export async function filesBelow(folder: string): Promise<string[] | undefined> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    entries.sort((left, right) => (left.name < right.name ? -1 : 1));
    const found: string[] = [];
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !skippedFolders.has(entry.name)) found.push(...((await filesBelow(path)) ?? []));
      else if (entry.isFile() && documentKind({ uri: entry.name, languageId: '' })) found.push(path);
    }
    return found;
  } catch (error) {
    // What can't be read for another reason is told when it is read as a file.
    if (['ENOTDIR', 'ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
