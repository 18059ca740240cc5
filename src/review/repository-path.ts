import { documentKind } from '../editor/document-kind';
import { calledPath } from '../runbook/calls';

/**
 * Path from the root of the repository that `path` names in the file `from`, as `uses:`, `inventory:` and `lab:` do; undefined: it is outside of the
 * repository.
 */
export function pathFrom(from: string, path: string): string | undefined {
  if (path.startsWith('/') || /^[a-z]:[\\/]/i.test(path)) return undefined;
  const found = calledPath(from, path);
  return found === '' || found === '..' || found.startsWith('../') ? undefined : found;
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** An address for rooms that know files by addresses. */
export function addressOf(path: string): string {
  return `revision:///${path.split('/').map(encodeURIComponent).join('/')}`;
}

export function pathOfAddress(address: string): string {
  return address.slice('revision:///'.length).split('/').map(decodeURIComponent).join('/');
}

/** What a file is, by its name. */
export function kindOf(path: string): 'runbook' | 'inventory' | undefined {
  return documentKind({ uri: addressOf(path), languageId: '' });
}

/** Where the capture of an inventory is looked for: `prod.inventory.yaml` → `prod.capture.yaml`. */
export function captureOf(inventory: string): string {
  return inventory.replace(/\.inventory(\.ya?ml)$/i, '.capture$1');
}

/** The inventory that a file is the capture of, if it is one by its name. */
export function inventoryOfCapture(path: string): string | undefined {
  return /\.capture\.ya?ml$/i.test(path) ? path.replace(/\.capture(\.ya?ml)$/i, '.inventory$1') : undefined;
}
