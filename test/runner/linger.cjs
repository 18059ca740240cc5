// Loaded into a runner: it stays for a while after it has done everything, as one does whose connections close slowly.
process.on('exit', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500));
