// Extension-host tests in the VS Code server (npm's code-server).
//   npm run test:vscode [-- --grep tree]
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const words = process.argv.slice(2);
const { installBrowser } = await import('../test/vscode/host/browser.mjs');
const { installServer, repository } = await import('../test/vscode/host/server.mjs');
process.chdir(repository);
installBrowser();
await installServer();
const build = spawnSync(process.execPath, ['scripts/build.mjs', '--tests'], { stdio: 'inherit' });
if (build.status !== 0) process.exit(build.status ?? 1);

// Tests change files and the simulated lab's state: each suite works on a copy.
const scratch = mkdtempSync(path.join(tmpdir(), 'virtbook-suite-'));
for (const name of readdirSync('test/vscode/suite')) {
  cpSync('test/vscode/fixture', path.join(scratch, path.basename(name, '.test.ts'), 'workspace'), { recursive: true });
}
process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));
const tests = spawn(process.execPath, ['node_modules/@vscode/test-cli/out/bin.mjs', ...words], {
  stdio: 'inherit',
  env: {
    ...process.env,
    VSCODE_EXECUTABLE: path.join(repository, 'test/vscode/host/code.mjs'),
    VIRTBOOK_TEST_SCRATCH: scratch,
    VIRTBOOK_LAB_SPEED: 'instant',
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => tests.kill(signal));
tests.once('exit', code => process.exit(code ?? 1));
