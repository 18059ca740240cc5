// Entry that VS Code runs in its web-worker extension host: one bundle, mocha's build for browsers.
import 'mocha/browser';

declare const mocha: {
  setup(options: object): void;
  run(done: (failures: number) => void): void;
};

export function run(): Promise<void> {
  return new Promise((resolve, reject) => {
    // The reporter must be named: the usual one of this build needs a page.
    mocha.setup({ ui: 'tdd', reporter: 'spec', timeout: 30_000, color: false });
    require('./web.test');
    mocha.run(failures => (failures > 0 ? reject(new Error(`${failures} tests failed.`)) : resolve()));
  });
}
