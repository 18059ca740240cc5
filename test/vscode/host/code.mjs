#!/usr/bin/env node
// Stands in for VS Code's `code` binary, so that unmodified @vscode/test-cli and @vscode/test-electron run their
// extension-host tests in the VS Code server and a headless Chromium:
//   VSCODE_EXECUTABLE=test/vscode/host/code.mjs npx vscode-test
// Understands --extensionDevelopmentPath= (repeatable), --extensionTestsPath=, --disable-workspace-trust and a folder
// or .code-workspace; ignores the rest.
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';
import { startBrowser } from './browser.mjs';
import { remoteUri, startServer } from './server.mjs';

const TIME_LIMIT_MS = 600_000;
const development = [];
let tests;
let opened;
for (const argument of process.argv.slice(2)) {
  const [name, ...rest] = argument.split('=');
  const value = rest.join('=');
  if (name === '--extensionDevelopmentPath') development.push(path.resolve(value));
  else if (name === '--extensionTestsPath') tests = path.resolve(value);
  else if (!argument.startsWith('-')) opened = path.resolve(argument);
}
if (!tests) {
  console.error('code.mjs runs extension tests only: --extensionTestsPath=FILE is missing.');
  process.exit(2);
}

// What a workbench in a browser says on every start; the rest is the tests' own output or worth reading.
const noise =
  /^(%c|Canceled: |Ignoring fetching|Resolv|Creating a socket|\[(reconnection|AgentHost|AccountPolicy|Service Worker|network|remote)|Updating additional|Error: Could not locate the bindings|Cannot find module '\.\/build\/Release\/watchdog)/;

const server = await startServer({ extensionTests: true });
let exitCode = 1;
try {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => server.stop().then(() => process.exit(1)));
  process.stdout.on('error', () => server.stop().then(() => process.exit(1)));
  const { browser, page } = await startBrowser(server);
  const finished = new Promise(resolve => {
    page.on('crash', () => resolve(70));
    page.on('close', () => resolve(71));
    setTimeout(() => {
      console.error(`The tests did not end within ${TIME_LIMIT_MS / 1000} s.`);
      resolve(72);
    }, TIME_LIMIT_MS).unref();
    page.exposeFunction('codeAutomationExit', code => resolve(code));
  });
  await page.exposeFunction('codeAutomationLog', (type, parts) => {
    const text = format(...parts);
    if (process.env.VIRTBOOK_DEBUG || !noise.test(text))
      (type === 'error' ? process.stderr : process.stdout).write(`${text}\n`);
  });
  const payload = [
    ...development.map(folder => ['extensionDevelopmentPath', remoteUri(server, folder)]),
    ['extensionTestsPath', remoteUri(server, tests)],
    ['skipWelcome', 'true'],
  ];
  const query = new URLSearchParams({ payload: JSON.stringify(payload) });
  if (opened) query.set(existsSync(opened) && statSync(opened).isFile() ? 'workspace' : 'folder', opened);
  else query.set('ew', 'true');
  await page.goto(`${server.url}?${query}`);
  exitCode = await finished;
  await browser.close();
} finally {
  await server.stop();
}
process.exit(exitCode);
