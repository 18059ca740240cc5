// Ends what a test host started, however its owner goes (also by kill -9): the owner holds the other end of our
// stdin, and end-of-file means "clean up". Everything to end carries VIRTBOOK_TEST_HOST=<mark> in its environment.
//   node watchdog.mjs [--spare-runners] MARK [DIRECTORY_TO_REMOVE…]
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const words = process.argv.slice(2);
// A run outlives the window that started it, also this one.
const spareRunners = words[0] === '--spare-runners';
const [mark, ...directories] = spareRunners ? words.slice(1) : words;
if (!mark) throw new Error('usage: watchdog.mjs MARK [DIRECTORY…]');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

/** Process ids (Linux) that carry our mark, without ourselves. */
function marked() {
  const wanted = `VIRTBOOK_TEST_HOST=${mark}`;
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(pid => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(wanted)) return false;
        return !(spareRunners && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('runner.js'));
      } catch {
        return false; // gone already, or not ours to read
      }
    })
    .map(Number);
}

function signalAll(signal) {
  const pids = marked();
  for (const pid of pids) {
    // A group leader's helpers (Chromium's) may have overwritten their environment: the group reaches them.
    for (const target of [-pid, pid]) {
      try {
        process.kill(target, signal);
      } catch {}
    }
  }
  return pids.length;
}

process.stdin.resume();
process.stdin.on('error', () => {});
process.stdin.once('close', async () => {
  for (let round = 0; signalAll(round < 30 ? 'SIGTERM' : 'SIGKILL') > 0 && round < 60; round++) await sleep(100);
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.exit(0);
});
