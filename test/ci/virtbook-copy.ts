import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** What a build needs, and what CI runs; not what was built here before. */
const parts = ['action.yml', 'ci', 'package.json', 'package-lock.json', 'schemas', 'scripts', 'src', 'tsconfig.json'];

/** A checkout of Virtbook as CI has it: nothing is built in it. Its packages are those of this one. */
export function virtbookCopy(): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'virtbook-ci-'));
  for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }) };
}
