import type { FileContent } from './revision';

/** Runbooks, inventories and labs that are larger than this are not read, in bytes. */
export const largestFile = 4 * 1024 * 1024;

export const tooLarge: FileContent = { kind: 'unreadable', why: 'It is larger than 4 MiB.' };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lfsPointer = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\r?\n/;

/** What a file of a revision holds, or why that is no text that could be reviewed. Line ends become `\n`, which changes no line's number. */
export function contentOf(bytes: Uint8Array): FileContent {
  if (bytes.length > largestFile) return tooLarge;
  if (bytes.includes(0)) return { kind: 'unreadable', why: 'It is binary.' };
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { kind: 'unreadable', why: 'It is not UTF-8 text. Save it as UTF-8.' };
  }
  if (lfsPointer.test(text)) {
    const why = 'It is kept by Git LFS, so the repository only holds a pointer to it. Take it out of LFS: it is text.';
    return { kind: 'unreadable', why };
  }
  text = text.replaceAll('\r\n', '\n');
  const line = conflictLine(text);
  if (line !== undefined) {
    return { kind: 'unreadable', why: `It has merge conflict markers in line ${line}. Resolve the conflict.`, line };
  }
  return { kind: 'text', text };
}

/** The line of the first merge conflict, from 1. */
function conflictLine(text: string): number | undefined {
  // Almost no file has any, so that is found out first.
  if (!text.includes('<<<<<<<') || !text.includes('>>>>>>>')) return undefined;
  let begun: number | undefined;
  for (const [at, line] of text.split('\n').entries()) {
    if (/^<{7}( |$)/.test(line)) begun ??= at + 1;
    else if (begun !== undefined && /^>{7}( |$)/.test(line)) return begun;
  }
  return undefined;
}
