// Finds the command line, or builds it from the checkout that this file is in. Printed when this file is run itself:
//   node ci/cli.mjs
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Where a build puts it; a release may carry it built. */
export const builtCli = path.join(root, 'dist', 'cli.js');

/** `VIRTBOOK_CLI` when that is given, else the one of this checkout, built when it is not yet. Output of the build goes to standard error. */
export function findCli(env = process.env) {
  if (env.VIRTBOOK_CLI) {
    if (!existsSync(env.VIRTBOOK_CLI))
      throw new Error(`There is no command line ${env.VIRTBOOK_CLI}. Correct the path.`);
    return path.resolve(env.VIRTBOOK_CLI);
  }
  if (!existsSync(builtCli)) build();
  return builtCli;
}

function build() {
  const { engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const wanted = engines.node.replace('>=', '');
  if (isOlder(process.versions.node, wanted))
    throw new Error(
      `Virtbook needs Node ${wanted} or newer, and this is ${process.versions.node}. Set up a newer one before.`,
    );
  // npm is a script that Windows starts only through a shell; nothing of these arguments comes from outside.
  const options = { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' };
  // Programs of packages are not run: the build needs none of them.
  if (!existsSync(path.join(root, 'node_modules'))) execFileSync('npm', ['ci', '--ignore-scripts'], options);
  // The command line and the threads in which it rehearses: a review needs no more.
  execFileSync('node', ['scripts/build.mjs', '--production', '--only', 'cli,rehearsal'], options);
}

function isOlder(version, than) {
  const [left, right] = [version, than].map(text => text.split('.').map(Number));
  const at = left.findIndex((part, index) => part !== right[index]);
  return at >= 0 && left[at] < right[at];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(findCli());
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
