import { dirname, resolve as resolvePath } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Path of a document on disk; undefined: it is none, e.g. one that was never saved. */
export function pathOf(uri: string): string | undefined {
  if (!/^file:/i.test(uri)) return undefined;
  try {
    return fileURLToPath(uri);
  } catch {
    // A file of another computer, or no address at all.
    return undefined;
  }
}

/** Editors write one address in several ways (`%3A` or `:`, `C:` or `c:`); this is the one that we compare. */
export function addressOf(uri: string): string {
  const path = pathOf(uri);
  return path === undefined ? uri : pathToFileURL(path).href;
}

/** Address of the file that `path` names in the document at `from`. */
export function resolveAddress(from: string, path: string): string | undefined {
  const base = pathOf(from);
  if (base === undefined || path === '') return undefined;
  return pathToFileURL(resolvePath(dirname(base), path)).href;
}
