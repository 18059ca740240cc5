// node bench/load-probe.cjs FILE: how long it takes to load a bundle, in milliseconds.
const begun = performance.now();
require(require('node:path').resolve(process.argv[2]));
console.log(performance.now() - begun);
process.exit(0);
