import { readdirSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from '@vscode/test-cli';

// VSCODE_EXECUTABLE: run in that VS Code (`npm run test:vscode` gives test/vscode/host/code.mjs, which needs no
// download site). Without it, VS Code is downloaded; VSCODE_VERSION says which.
const executable = process.env.VSCODE_EXECUTABLE;
// A folder with a workspace and a state folder for each suite: what one leaves behind must not meet another.
const scratch = process.env.VIRTBOOK_TEST_SCRATCH;

export default readdirSync('test/vscode/suite')
  .map(name => path.basename(name, '.test.ts'))
  .map(name =>
    defineConfig({
      label: name,
      files: `out/test/${name}.test.js`,
      workspaceFolder: scratch ? path.join(scratch, name, 'workspace') : './test/vscode/fixture',
      ...(scratch && { env: { VIRTBOOK_STATE: path.join(scratch, name, 'state') } }),
      // Once more when it failed, which is said: on a busy machine VS Code is now and then slower than anybody waits.
      mocha: { ui: 'tdd', timeout: 120_000, retries: 1, reporter: path.resolve('test/vscode/host/reporter.cjs') },
      ...(executable
        ? { useInstallation: { fromPath: executable } }
        : { version: process.env.VSCODE_VERSION ?? 'stable' }),
    }),
  );
