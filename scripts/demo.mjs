// The product in two runs, on the simulated lab: one that succeeds, and one whose step fails and is rolled back. Nothing real is touched.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const windows = process.platform === 'win32';

function must(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: windows });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

function title(text) {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`);
}

if (!existsSync(path.join(root, 'node_modules', 'esbuild'))) {
  title('Installing');
  // As in `npm test`: no package needs to run anything to be installed.
  must('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
}
title('Building');
must(process.execPath, ['scripts/build.mjs']);

const scratch = mkdtempSync(path.join(tmpdir(), 'virtbook-demo-'));
let failed = false;
try {
  const workspace = path.join(scratch, 'examples');
  // The state of a lab that was used before does not belong to the demo.
  cpSync(path.join(root, 'examples'), workspace, { recursive: true, filter: file => !file.endsWith('.state.json') });
  const virtbook = (...args) =>
    spawnSync(process.execPath, [path.join(root, 'dist', 'cli.js'), ...args], {
      cwd: workspace,
      stdio: 'inherit',
      env: { ...process.env, VIRTBOOK_STATE: path.join(scratch, 'state') },
    }).status;
  const expect = (wanted, what, ...args) => {
    title(what);
    console.log(`$ virtbook ${args.join(' ')}\n`);
    const status = virtbook(...args);
    if (status === wanted) return;
    console.error(`This should have ended with ${wanted}, and ended with ${status}.`);
    failed = true;
  };

  expect(0, 'Is the runbook right?', 'check', 'patch.runbook.yaml', 'patch-fails.runbook.yaml');
  expect(0, 'What would it do?', 'plan', 'patch.runbook.yaml');
  expect(0, 'Patching the web servers', 'run', 'patch.runbook.yaml', '--yes');
  expect(1, 'Patching goes wrong, and is rolled back', 'run', 'patch-fails.runbook.yaml', '--yes');
  expect(0, 'What became of them', 'runs');
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

title('The same in VS Code');
console.log(`npm run code           opens the examples in VS Code in the browser, with the extension
code ${path.relative(process.cwd(), path.join(root, 'examples')) || 'examples'}          opens them in your own VS Code; press F5 in this repository to have the extension in it
`);
process.exitCode = failed ? 1 : 0;
