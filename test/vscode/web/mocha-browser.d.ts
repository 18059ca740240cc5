/** mocha's build for browsers, as run.mjs bundles it; it sets the global `mocha`. */
declare module 'mocha/browser';
