import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import type { Plan } from './plan';

/** How far down a plan is taken to pieces: to the items of a loop. */
const levels = 5;
/** Characters that are hashed at once. */
const pieceLength = 64 * 1024;

/** SHA-256 of the plan's canonical JSON (RFC 8785), in hex. */
export function planHash(plan: Plan): string {
  const hash = sha256.create();
  let text = '';
  // Piece by piece: the text of a large plan as one string takes many times its size in memory.
  write(plan, levels, piece => {
    text += piece;
    if (text.length < pieceLength) return;
    hash.update(utf8ToBytes(text));
    text = '';
  });
  hash.update(utf8ToBytes(text));
  return bytesToHex(hash.digest());
}

function write(value: unknown, down: number, piece: (text: string) => void): void {
  if (down === 0 || value === null || typeof value !== 'object') {
    const text = canonicalize(value);
    if (text === undefined) throw new TypeError('A plan must be plain data.');
    piece(text);
    return;
  }
  if (Array.isArray(value)) {
    value.forEach((item: unknown, at) => {
      piece(at === 0 ? '[' : ',');
      write(item ?? null, down - 1, piece);
    });
    piece(value.length === 0 ? '[]' : ']');
    return;
  }
  let open = '{';
  for (const [key, item] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (item === undefined) continue;
    piece(`${open}${JSON.stringify(key)}:`);
    write(item, down - 1, piece);
    open = ',';
  }
  piece(open === '{' ? '{}' : '}');
}
