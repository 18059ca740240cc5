import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The git repository that a path is in, by its folder; undefined: in none. */
export function repositoryFolder(path: string): string | undefined {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    // In a further worktree it is a file.
    if (existsSync(join(folder, '.git'))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}
