// `npm test`: installs what the tests need, then runs everything, phase by phase, and ends with `N passed, N failed`.
// `npm test -- NAME…` runs some phases only. A phase that can't be set up fails; nothing is skipped silently.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sarifSchema } from './sarif-schema.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const reports = mkdtempSync(path.join(tmpdir(), 'virtbook-test-'));
process.on('exit', () => rmSync(reports, { recursive: true, force: true }));

// Debian packages by the command or file that shows they are there.
const packages = {
  '/usr/sbin/sshd': 'openssh-server',
  '/usr/bin/ssh': 'openssh-client',
  '/usr/bin/ssh-agent': 'openssh-client',
  '/usr/bin/git': 'git',
  '/usr/bin/nvim': 'neovim',
  // For the oldest VS Code.
  '/usr/bin/rg': 'ripgrep',
};

let child;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (child?.pid)
      try {
        process.kill(-child.pid, signal);
      } catch {}
    process.exit(130);
  });
}

/** Runs a command in its own process group, so that a stop ends all of it. Output is passed on and kept. */
function run(command, args, options = {}) {
  return new Promise(resolve => {
    child = spawn(command, args, {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...options.env },
    });
    let output = '';
    const take = data => {
      output += data;
      process.stdout.write(data);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', error => resolve({ code: 127, output: String(error) }));
    child.on('close', code => resolve({ code: code ?? 1, output }));
  });
}

async function install() {
  const missing = [
    ...new Set(
      Object.entries(packages)
        .filter(([file]) => !existsSync(file))
        .map(([, name]) => name),
    ),
  ];
  if (missing.length) {
    if (process.getuid?.() !== 0)
      throw new Error(`needs Debian packages ${missing.join(', ')}: install them, or run as root`);
    await run('apt-get', ['-o', 'DPkg::Lock::Timeout=400', 'update', '-qq']);
    const done = await run(
      'apt-get',
      ['-o', 'DPkg::Lock::Timeout=400', 'install', '-y', '-qq', '--no-install-recommends', ...missing],
      {
        env: { DEBIAN_FRONTEND: 'noninteractive' },
      },
    );
    if (done.code !== 0) throw new Error(`could not install ${missing.join(', ')}`);
  }
  const stamp = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(stamp) || statSync(stamp).mtimeMs < statSync(path.join(root, 'package-lock.json')).mtimeMs) {
    const done = await run('npm', ['ci', '--ignore-scripts']);
    if (done.code !== 0) throw new Error('npm ci failed');
  }
}

/** One command that passes or fails as a whole. */
const check =
  (command, ...args) =>
  async () => {
    const { code, output } = await run(command, args);
    return code === 0
      ? { passed: 1, failed: 0 }
      : { passed: 0, failed: 1, failures: output.trimEnd().split('\n').slice(-8) };
  };

/** A vitest suite, counted test by test from its report. */
const vitest =
  (...args) =>
  async () => {
    const file = path.join(reports, `${Math.random().toString(36).slice(2)}.json`);
    const { code } = await run('npx', [
      'vitest',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
      ...args,
    ]);
    if (!existsSync(file)) return { passed: 0, failed: 1 };
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const failed =
      report.numFailedTests +
      (report.testResults ?? []).filter(r => r.status === 'failed' && r.assertionResults.length === 0).length;
    const failures = (report.testResults ?? []).flatMap(result =>
      result.assertionResults.length
        ? result.assertionResults
            .filter(test => test.status === 'failed')
            .map(test => `${test.fullName}: ${test.failureMessages[0]?.split('\n')[0]}`)
        : [result.message].filter(Boolean),
    );
    return {
      passed: report.numPassedTests,
      failed: code !== 0 && failed === 0 ? 1 : failed,
      skipped: report.numPendingTests,
      failures,
    };
  };

/** Tests that passed only when they were tried once more. */
const triedTwice = output => [...output.matchAll(/^Not at once: .*$/gm)].map(([line]) => line);

/** A suite that mocha runs inside VS Code. */
const mocha =
  (command, ...args) =>
  async () => {
    const { code, output } = await run(command, args);
    const count = word =>
      [...output.matchAll(new RegExp(`^\\s*(\\d+) ${word}`, 'gm'))].reduce((sum, m) => sum + Number(m[1]), 0);
    const passed = count('passing');
    const failed = count('failing');
    return {
      passed,
      failed: (code !== 0 && failed === 0) || passed + failed === 0 ? failed + 1 : failed,
      skipped: count('pending'),
      twice: triedTwice(output),
      // mocha tells each failure after its count: number, names, error.
      failures: [...output.matchAll(/^\s*\d+ failing\n([\s\S]*?)(?=\n\n\n|$(?![\s\S]))/gm)].flatMap(([, told]) =>
        told.split('\n').filter(line => line.trim() && !/^\s+at /.test(line)),
      ),
    };
  };

/** A suite of our own that counts for itself: its last line is `N passed, N failed`. */
const counted =
  (command, ...args) =>
  async () => {
    const { code, output } = await run(command, args);
    const [, passed = 0, failed = 0] = [...output.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1)?.map(Number) ?? [];
    const failures = [...output.matchAll(/^FAIL .*$/gm)].map(([line]) => line);
    return {
      passed,
      failed: code !== 0 && failed === 0 ? 1 : failed + (passed + failed === 0 ? 1 : 0),
      failures,
      twice: triedTwice(output),
    };
  };

const phases = {
  format: check('npx', 'biome', 'ci', '--colors=off', '.'),
  types: check('npx', 'tsc', '--noEmit'),
  'page-types': check('npx', 'tsc', '--noEmit', '-p', 'src/vscode/runPage/browser'),
  rooms: check('npx', 'depcruise', 'src', '--config', '.dependency-cruiser.cjs'),
  generated: check('node', 'scripts/generate-libvirt-rpc.mjs', '--check'),
  l10n: check('node', 'scripts/l10n.mjs', '--check'),
  unit: vitest(),
  demo: check('npm', 'run', 'demo', '--silent'),
  vscode: mocha('npm', 'run', 'test:vscode', '--silent'),
  web: mocha('npm', 'run', 'test:web', '--silent'),
  ui: counted('npm', 'run', 'test:ui', '--silent'),
  // The oldest VS Code that package.json allows: all of the host suite, and the packed .vsix in a browser.
  'host-1.100': mocha('env', 'VIRTBOOK_VSCODE=oldest', 'npm', 'run', 'test:vscode', '--silent'),
  'ui-1.100': counted('env', 'VIRTBOOK_VSCODE=oldest', 'npm', 'run', 'test:ui', '--silent', '--', 'the example: tree'),
  lab: vitest('--config', 'test/lab/vitest.config.ts'),
  'lab-ui': counted('npm', 'run', 'test:ui', '--silent', '--', '--lab'),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !(name in phases));
if (unknown.length) {
  console.error(`no such phase: ${unknown.join(', ')}; there are ${Object.keys(phases).join(', ')}`);
  process.exit(2);
}

let totals = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
const told = [];
try {
  await install();
  if (!wanted.length || wanted.includes('unit')) process.env.SARIF_SCHEMA ??= sarifSchema(root);
  for (const [name, phase] of Object.entries(phases)) {
    if (wanted.length && !wanted.includes(name)) continue;
    console.log(`\n=== ${name}`);
    const start = Date.now();
    const { passed, failed, skipped = 0, failures = [], twice = [] } = await phase();
    totals = { passed: totals.passed + passed, failed: totals.failed + failed, skipped: totals.skipped + skipped };
    const said = [...(failed ? failures.slice(0, 12) : []), ...twice];
    if (said.length) told.push(`${name}:`, ...said.map(line => `  ${line.slice(0, 240)}`));
    lines.push(
      `${failed ? 'FAIL' : 'ok  '} ${name.padEnd(10)} ${String(passed).padStart(5)} passed ${String(failed).padStart(3)} failed  ${((Date.now() - start) / 1000).toFixed(0)} s`,
    );
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  totals.failed++;
}
console.log(`\n${lines.join('\n')}\n`);
// What failed, and what did not pass at once, is said once more at the end: a log may be cut to its last lines.
if (told.length) console.log(`${told.join('\n')}\n`);
console.log(`${totals.passed} passed, ${totals.failed} failed${totals.skipped ? `, ${totals.skipped} skipped` : ''}`);
process.exitCode = totals.failed ? 1 : 0;
