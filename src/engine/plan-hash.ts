import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import type { Plan } from './plan';

/** SHA-256 of the plan's canonical JSON (RFC 8785), in hex. */
export function planHash(plan: Plan): string {
  const text = canonicalize(plan);
  if (text === undefined) throw new TypeError('A plan must be plain data.');
  return bytesToHex(sha256(utf8ToBytes(text)));
}
