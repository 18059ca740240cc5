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
