// Entry that VS Code runs in its web-worker extension host: one bundle, mocha's build for browsers.
import 'mocha/browser';

interface Runner {
  on(event: 'retry', told: (test: { fullTitle(): string }, error: Error) => void): void;
}

declare const mocha: {
  setup(options: object): void;
  run(done: (failures: number) => void): Runner;
};

export function run(): Promise<void> {
  return new Promise((resolve, reject) => {
    // The reporter must be named: the usual one of this build needs a page.
    mocha.setup({ ui: 'tdd', reporter: 'spec', timeout: 120_000, retries: 1, color: false });
    require('./web.test');
    const runner = mocha.run(failures => (failures > 0 ? reject(new Error(`${failures} tests failed.`)) : resolve()));
    runner.on('retry', (test, error) => console.log(`Not at once: ${test.fullTitle()}\n${error.stack}`));
  });
}
