// What is in the .vsix equals test/vscode/golden/package.txt, and activation stays small.
//   node scripts/check-package.mjs [--update]
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { listFiles, PackageManager } from '@vscode/vsce';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const golden = path.join(root, 'test/vscode/golden/package.txt');
/** Bytes of dist/extension.js, minified: everything that activation loads. */
const ACTIVATION_LIMIT = 250 * 1024;

const files = (await listFiles({ cwd: root, packageManager: PackageManager.None })).sort();
const text = `${files.join('\n')}\n`;
if (process.argv.includes('--update')) writeFileSync(golden, text);

const wanted = new Set(readFileSync(golden, 'utf8').trim().split('\n'));
const problems = [
  ...files.filter(file => !wanted.has(file)).map(file => `${file} is packaged, but does not stand in the list.`),
  ...[...wanted].filter(file => !files.includes(file)).map(file => `${file} stands in the list, but is not packaged.`),
];
const size = statSync(path.join(root, 'dist/extension.js')).size;
if (size > ACTIVATION_LIMIT) {
  problems.push(
    `dist/extension.js has ${size} bytes, more than ${ACTIVATION_LIMIT}. Load parts lazily (src/vscode/lazy.ts).`,
  );
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  console.error('If that is meant: node scripts/check-package.mjs --update');
  process.exit(1);
}
console.log(`Packaged ${files.length} files as listed; activation loads ${Math.ceil(size / 1024)} KB.`);
