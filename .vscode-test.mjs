import { defineConfig } from '@vscode/test-cli';

// VSCODE_EXECUTABLE: run in that VS Code (`npm run test:vscode` gives test/vscode/host/code.mjs, which needs no
// download site). Without it, VS Code is downloaded; VSCODE_VERSION says which.
const executable = process.env.VSCODE_EXECUTABLE;

export default defineConfig({
  label: 'extension host',
  files: 'out/test/*.test.js',
  workspaceFolder: process.env.VIRTBOOK_TEST_WORKSPACE ?? './test/vscode/fixture',
  mocha: { ui: 'tdd', timeout: 60_000 },
  ...(executable ? { useInstallation: { fromPath: executable } } : { version: process.env.VSCODE_VERSION ?? 'stable' }),
});
