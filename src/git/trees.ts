import type { Objects } from './objects';

export interface TreeEntry {
  kind: 'file' | 'folder' | 'link' | 'submodule';
  id: string;
}

/** Entries of trees by their path. A tree is read once, also when several revisions share it. */
export class Trees {
  readonly #entries = new Map<string, Promise<ReadonlyMap<string, TreeEntry>>>();

  constructor(private readonly objects: Objects) {}

  /** What stands at a path of the tree `root`; where the path goes through something that is no folder, that. undefined: nothing. */
  async find(root: string, path: string): Promise<TreeEntry | undefined> {
    let found: TreeEntry = { kind: 'folder', id: root };
    for (const name of path.split('/')) {
      if (found.kind === 'file') return undefined;
      if (found.kind !== 'folder') return found;
      const next: TreeEntry | undefined = (await this.#read(found.id)).get(name);
      if (!next) return undefined;
      found = next;
    }
    return found;
  }

  #read(id: string): Promise<ReadonlyMap<string, TreeEntry>> {
    let entries = this.#entries.get(id);
    if (!entries) {
      entries = this.objects.read(id).then(({ content }) => entriesOf(content ?? Buffer.alloc(0), id.length / 2));
      this.#entries.set(id, entries);
    }
    return entries;
  }
}

/** A tree object is a row of `MODE NAME`, a zero byte, and the id as bytes. */
function entriesOf(content: Buffer, idLength: number): Map<string, TreeEntry> {
  const entries = new Map<string, TreeEntry>();
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(32, at);
    const end = content.indexOf(0, space);
    if (space < 0 || end < 0) break;
    const mode = content.toString('latin1', at, space);
    const name = content.toString('utf8', space + 1, end);
    entries.set(name, { kind: kindOf(mode), id: content.toString('hex', end + 1, end + 1 + idLength) });
    at = end + 1 + idLength;
  }
  return entries;
}

function kindOf(mode: string): TreeEntry['kind'] {
  if (mode === '40000') return 'folder';
  if (mode === '120000') return 'link';
  return mode === '160000' ? 'submodule' : 'file';
}
