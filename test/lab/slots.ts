import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { alive, runningMembers } from './processes';

/**
 * Each running lab owns a slot, and with it a block of loopback addresses, so that labs stand side by side.
 * Slot 0 is for the lab started by hand: 127.0.0.x. Slot n is 127.0.(10 + n).x.
 */
const folder = '/run/virtbook-lab';
const slots = 32;

export function address(slot: number, last: number): string {
  return `127.0.${slot === 0 ? 0 : 10 + slot}.${last}`;
}

/** Takes the first free slot from `first` on. A slot whose lab died without a word is taken over. */
export function claimSlot(directory: string, first: 0 | 1): number {
  mkdirSync(folder, { recursive: true });
  for (let slot = first; slot < slots; slot++) {
    for (const attempt of ['claim', 'claim again after a dead lab'] as const) {
      try {
        writeFileSync(path(slot), `${process.pid}\n${directory}\n`, { flag: 'wx' });
        return slot;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        if (attempt !== 'claim' || isInUse(slot)) break;
        rmSync(path(slot), { force: true });
      }
    }
  }
  throw new Error(
    `All ${slots} places for labs are taken; \`ls ${folder}\` and \`npm run lab -- down\` the ones not needed.`,
  );
}

export function releaseSlot(slot: number, directory: string): void {
  if (readOwner(slot)?.directory !== directory) return;
  rmSync(path(slot), { force: true });
  try {
    rmdirSync(folder);
  } catch {
    // Other labs are still there.
  }
}

/** 22 where sshd may have it on this address, else 2222: an sshd of the machine on 0.0.0.0:22 holds every address. */
export async function freeSshPort(host: string): Promise<number> {
  for (const port of [22, 2222]) if (await canListen(host, port)) return port;
  throw new Error(`Neither port 22 nor 2222 is free on ${host}; is another lab or sshd using it? See \`ss -ltnp\`.`);
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

function path(slot: number): string {
  return `${folder}/slot-${slot}`;
}

function readOwner(slot: number): { pid: number; directory: string } | undefined {
  try {
    const [pid, directory] = readFileSync(path(slot), 'utf8').split('\n');
    return pid && directory ? { pid: Number(pid), directory } : undefined;
  } catch {
    return undefined;
  }
}

function isInUse(slot: number): boolean {
  const owner = readOwner(slot);
  return owner !== undefined && (alive(owner.pid) || runningMembers(owner.directory).size > 0);
}
