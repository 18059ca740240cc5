import { userInfo } from 'node:os';

/** Who is at this machine. */
export function whoAmI(): string {
  try {
    return userInfo().username;
  } catch {
    // No entry for this uid, as in containers.
    return process.env.USER ?? process.env.USERNAME ?? 'unknown';
  }
}
