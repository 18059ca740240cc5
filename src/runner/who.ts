import { hostname, userInfo } from 'node:os';

/** Who is at this machine, `user@machine`: an account of the operating system, which is all that can be known. */
export function whoAmI(): string {
  return `${account()}@${hostname()}`;
}

/**
 * How an approval is written down. Whoever reaches a run's socket has the account that owns it, so that is recorded; another name is what
 * somebody with that account says, and is recorded as such.
 */
export function asNamed(name: string | undefined, owner: string): string {
  const given = name?.trim().replaceAll(/\s+/g, ' ') ?? '';
  const isOwner = [owner, owner.slice(0, owner.lastIndexOf('@'))].some(
    one => one.toLowerCase() === given.toLowerCase(),
  );
  return given === '' || isOwner ? owner : `${given} (as ${owner} says)`;
}

function account(): string {
  try {
    return userInfo().username;
  } catch {
    // No entry for this uid, as in containers.
    return process.env.USER ?? process.env.USERNAME ?? 'unknown';
  }
}
