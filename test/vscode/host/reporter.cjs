// mocha's reporter inside VS Code: as `spec`, and it tells of a test that did not pass at once, with what the extension wrote to its log.
//   VIRTBOOK_FAIL_ONCE=1     every test fails the first time, at its end: does it leave anything that the second try trips over?
const { readdirSync, readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const { Spec } = createRequire(require.resolve('@vscode/test-cli'))('mocha').reporters;

/** Lines of the extension's log that are shown. */
const SHOWN = 15;

module.exports = class extends Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.on('retry', (test, error) => console.log(`Not at once: ${test.fullTitle()}\n${error.stack}\n${log()}`));
    runner.on('fail', () => console.log(log()));
    if (process.env.VIRTBOOK_FAIL_ONCE) failOnce(runner.suite);
  }
};

/** The end of what the extension has logged. The server's home is ours. */
function log() {
  try {
    const logs = path.join(process.env.HOME, 'data/logs');
    const files = readdirSync(logs, { recursive: true }).filter(name => path.basename(name) === 'Virtbook.log');
    const lines = files.flatMap(name => readFileSync(path.join(logs, name), 'utf8').trimEnd().split('\n'));
    return lines.slice(-SHOWN).join('\n').replace(/^/gm, '      log: ');
  } catch {
    return '';
  }
}

function failOnce(suite) {
  for (const test of suite.tests) {
    const { fn } = test;
    test.fn = async function () {
      await fn.call(this);
      if (this.test.currentRetry() === 0) throw new Error('on purpose');
    };
  }
  for (const inner of suite.suites) failOnce(inner);
}
