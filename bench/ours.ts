import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as esbuild from 'esbuild';
import { bundleOptions } from '../scripts/bundle-options.mjs';
import { run } from './processes';

/** Where this run of the bench builds, relative to the repository; another run has its own. */
export const buildFolder = path.posix.join('bench', '.build', String(process.pid));

/** Bundles bench/ours/NAME.ts as the product is packaged: what is measured is what people get, not what tsx makes of it. */
export async function bundle(name: string): Promise<string> {
  const outfile = path.resolve(buildFolder, `${name}.cjs`);
  mkdirSync(path.dirname(outfile), { recursive: true });
  await esbuild.build({
    ...bundleOptions,
    entryPoints: [path.resolve('bench', 'ours', `${name}.ts`)],
    outfile,
    minify: true,
    sourcemap: 'linked',
    logLevel: 'error',
  });
  return outfile;
}

/** The exports of bench/ours/NAME.ts, bundled. */
export async function loadOurs<T>(name: string): Promise<T> {
  const outfile = await bundle(name);
  return createRequire(outfile)(outfile) as T;
}

let product: Promise<{ folder: string; metafile: string }> | undefined;

/** Builds the product as it is packaged, once in a run of the bench: paths of its folder and of esbuild's account of it. */
export function buildProduct(): Promise<{ folder: string; metafile: string }> {
  product ??= (async () => {
    const [folder, metafile] = [`${buildFolder}/dist`, `${buildFolder}/dist.json`];
    const args = ['scripts/build.mjs', '--production', '--out', folder, '--metafile', metafile];
    const built = await run(process.execPath, args);
    if (built.code !== 0) throw new Error(`the build failed:\n${built.output}`);
    return { folder, metafile };
  })();
  return product;
}
