import { createHash } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/** Where runs are kept: `VIRTBOOK_STATE`, else the place the system has for such data. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.VIRTBOOK_STATE) return resolve(env.VIRTBOOK_STATE);
  if (process.platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'virtbook');
  // A relative XDG path is invalid and ignored, as its specification says.
  const base = env.XDG_STATE_HOME?.startsWith('/') ? env.XDG_STATE_HOME : join(homedir(), '.local', 'state');
  return join(base, 'virtbook');
}

/** In the folder of a run. */
export const journalName = 'journal.jsonl';

/** Systems take names of sockets up to 104 bytes, the last of which is a zero. */
const longestSocket = 103;

/** A run's control socket: in its folder, or where that is too long a name, in a private folder with a short one. */
export function socketPath(runFolder: string, env: NodeJS.ProcessEnv = process.env): string {
  const name = createHash('sha256').update(runFolder).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\virtbook-${name}`;
  const own = join(runFolder, 'control.sock');
  if (Buffer.byteLength(own) <= longestSocket) return own;
  const runtime = env.XDG_RUNTIME_DIR;
  const folder = runtime ? join(runtime, 'virtbook') : join(tmpdir(), `virtbook-${userInfo().uid}`);
  try {
    return join(privateFolder(folder), `${name}.sock`);
  } catch (error) {
    // A runtime folder that is gone (a session that ended) must not keep a run from starting.
    if (!runtime) throw error;
    return join(privateFolder(join(tmpdir(), `virtbook-${userInfo().uid}`)), `${name}.sock`);
  }
}

/** Others must not be able to answer a run's questions. @throws when somebody else made the folder. */
function privateFolder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(folder);
  if (uid !== userInfo().uid || (mode & 0o077) !== 0) {
    throw new Error(
      `${folder} must be yours alone (mode 700) for control sockets to be safe in it. Remove it, or fix its mode.`,
    );
  }
  return folder;
}

/** Sortable by time, to the millisecond; easy to type the beginning of. */
export function newRunId(now = new Date()): string {
  const digits = now.toISOString().replace(/\D/g, '');
  const letters = 'abcdefghjkmnpqrstuvwxyz';
  const random = Array.from(crypto.getRandomValues(new Uint8Array(3)), byte => letters[byte % letters.length]);
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}-${digits.slice(14, 17)}${random.join('')}`;
}
