// Preloaded into a runner by tests (`node --require`): ends it with SIGKILL at one record of its journal, so that no point is left to chance.
// VIRTBOOK_TEST_KILL is `after N`: record N is on disk and nothing that follows has begun;
// or `within N`: all that comes before record N has happened, and only half of its line is written.
const fs = require('node:fs');

const [mode, number] = process.env.VIRTBOOK_TEST_KILL.split(' ');
const mark = `{"n":${number},`;
const journals = new Set();

/** Writes what is to be written of the record and ends; returns when this write does not hold it. */
function strike(fd, bytes, position) {
  const at = bytes.indexOf(mark);
  if (at < 0) return;
  const end = bytes.indexOf('\n', at) + 1;
  const until = mode === 'after' ? end : at + Math.floor((end - at) / 2);
  originalWrite(fd, bytes, 0, until, position);
  originalSync(fd);
  process.kill(process.pid, 'SIGKILL');
}

const originalWrite = fs.writeSync;
const originalSync = fs.fdatasyncSync;
fs.writeSync = (fd, bytes, offset, length, position) => {
  if (journals.has(fd)) strike(fd, bytes.subarray(offset, offset + length), position);
  return originalWrite(fd, bytes, offset, length, position);
};

const open = fs.promises.open;
fs.promises.open = async (path, ...rest) => {
  const handle = await open(path, ...rest);
  if (String(path).endsWith('journal.jsonl') && rest[0] === 'r+') {
    journals.add(handle.fd);
    const write = handle.write;
    handle.write = (bytes, offset, length, position) => {
      strike(handle.fd, bytes.subarray(offset, offset + length), position);
      return write.call(handle, bytes, offset, length, position);
    };
  }
  return handle;
};
