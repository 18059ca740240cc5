// Bundles the extension and the command line into dist/. Each lazily loaded part is an entry of its own (esbuild
// splits no CommonJS): the extension requires it when it is first needed, see src/vscode/lazy.ts.
//   node scripts/build.mjs [--production] [--watch] [--tests] [--metafile FILE] [--out DIR] [--only NAME,NAME]
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';
import { bundleOptions, webOptions } from './bundle-options.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

/** dist/NAME.js ← source */
export const entries = {
  extension: 'src/vscode/extension.ts', // what activation loads
  language: 'src/vscode/chunks/language.ts', // parser, schemas, expressions: first runbook or inventory opened
  format: 'src/vscode/chunks/format.ts', // the formatter: first document formatted
  runs: 'src/vscode/chunks/runs.ts', // the folder of runs: first look at lenses or runs
  connect: 'src/vscode/chunks/connect.ts', // ssh and hypervisors: first connection
  runPage: 'src/vscode/chunks/runPage.ts', // the pages of runs: first one opened
  review: 'src/vscode/chunks/review.ts', // reviews of changes: first one made
  debug: 'src/vscode/chunks/debug.ts', // the debug adapter: first session
  rehearsal: 'src/runner/rehearsal-worker.ts', // the worker thread that rehearses
  runner: 'src/runner/main.ts', // the process that carries a run
  lsp: 'src/lsp/main.ts', // `virtbook lsp`
  mcp: 'src/mcp/main.ts', // `virtbook mcp`
  cli: 'src/cli/main.ts',
};

/** The same for a browser: everything that reads. A file `x.web.ts` stands for `x.ts` there. */
const webEntries = {
  web: 'src/vscode/web.ts', // what vscode.dev loads
  'rehearsal-web': 'src/vscode/chunks/rehearsal.web.ts', // the worker that rehearses there
};

const { values: options } = parseArgs({
  options: {
    production: { type: 'boolean', default: false },
    watch: { type: 'boolean', default: false },
    tests: { type: 'boolean', default: false },
    metafile: { type: 'string' },
    out: { type: 'string', default: 'dist' },
    // Some of dist/NAME.js, for who needs no more than these; what else is there stays.
    only: { type: 'string' },
  },
});

/** @type {esbuild.BuildOptions} */
const common = { ...bundleOptions, legalComments: 'none', logLevel: 'warning' };

const only = options.only?.split(',');
const present = Object.entries(entries).filter(
  ([name, source]) => existsSync(source) && (only?.includes(name) ?? true),
);
/** @type {(names: [string, string][]) => esbuild.BuildOptions} */
const product = names => ({
  ...common,
  entryPoints: Object.fromEntries(names),
  outdir: options.out,
  minify: options.production,
  sourcemap: options.production ? false : 'linked',
  metafile: true,
});
const isProgram = name => name === 'cli' || name === 'runner';
const isHashbanged = source => readFileSync(source, 'utf8').startsWith('#!');
const hashbang = { banner: { js: '#!/usr/bin/env node' } };
const builds = [
  product(present.filter(([name]) => !isProgram(name))),
  ...present
    .filter(([name]) => isProgram(name))
    .map(entry => ({ ...product([entry]), ...(isHashbanged(entry[1]) ? {} : hashbang) })),
];

if (!only) {
  builds.push({
    ...product([]),
    entryPoints: [
      { in: 'src/vscode/runPage/browser/main.ts', out: 'page' },
      { in: 'src/vscode/runPage/browser/page.css', out: 'page' },
    ],
    platform: 'browser',
    target: 'chrome128',
    format: 'iife',
    external: [],
    // Its Content Security Policy lets it load nothing else.
    sourcemap: options.production ? false : 'inline',
  });

  builds.push({ ...product(Object.entries(webEntries)), ...webOptions });
}

if (options.watch) {
  for (const build of builds) await (await esbuild.context({ ...build, logLevel: 'info' })).watch();
} else {
  const inputs = {};
  const outputs = {};
  for (const build of builds) {
    const { metafile } = await esbuild.build(build);
    Object.assign(inputs, metafile.inputs);
    Object.assign(outputs, metafile.outputs);
  }
  // Only what this build made stays: a stale file would be packaged. Not emptied first: runs may be using it.
  const made = new Set(Object.keys(outputs).map(file => path.resolve(file)));
  for (const name of only ? [] : readdirSync(options.out)) {
    const file = path.resolve(options.out, name);
    if (!made.has(file)) rmSync(file, { recursive: true });
  }
  for (const [name] of present.filter(([name]) => isProgram(name))) chmodSync(`${options.out}/${name}.js`, 0o755);
  if (options.metafile) {
    mkdirSync(path.dirname(options.metafile), { recursive: true });
    writeFileSync(options.metafile, JSON.stringify({ inputs, outputs }));
  }
}

if (options.tests) {
  rmSync('out/test', { recursive: true, force: true });
  await esbuild.build({
    ...common,
    external: [...common.external, 'mocha'],
    entryPoints: readdirSync('test/vscode/suite')
      .filter(name => name.endsWith('.test.ts'))
      .map(name => `test/vscode/suite/${name}`),
    outdir: 'out/test',
    sourcemap: 'inline',
  });
}
