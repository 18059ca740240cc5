import type { FileChange } from '../review/revision';

/**
 * Reads what `git diff-tree -r -z -M --raw` prints: `:MODE MODE ID ID STATUS`, a zero byte, and one path, or two of a rename, each with a zero byte
 * behind it.
 */
export function changesIn(output: string): FileChange[] {
  const words = output.split('\0');
  const changes: FileChange[] = [];
  for (let at = 0; at + 1 < words.length; ) {
    const status = words[at]!.split(' ').at(-1)!;
    const path = words[at + 1]!;
    if (status.startsWith('R')) {
      changes.push({ status: 'renamed', path: words[at + 2]!, basePath: path });
      at += 3;
      continue;
    }
    changes.push({ status: status === 'A' ? 'added' : status === 'D' ? 'deleted' : 'changed', path });
    at += 2;
  }
  return changes;
}
