// How everything of ours is bundled: the product by build.mjs, and what bench/ measures.

/** @type {import('esbuild').BuildOptions} */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // Native add-ons are optional for ssh2; without them it uses plain JavaScript.
  external: ['vscode', 'cpu-features', '*.node'],
  mainFields: ['module', 'main'],
  // yaml's build for browsers is the same code without a look into process.env at every token: it parses in two thirds of the time.
  alias: { yaml: './node_modules/yaml/browser/index.js' },
};

/** What differs in a browser. A Node built-in fails the build. */
export const webOptions = {
  platform: /** @type {const} */ ('browser'),
  target: 'es2022',
  external: ['vscode'],
  mainFields: ['browser', 'module', 'main'],
  resolveExtensions: ['.web.ts', '.ts', '.js', '.json'],
  define: { global: 'globalThis', 'process.platform': '"browser"', 'process.env': '{}' },
};
