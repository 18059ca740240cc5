import { contentOf, tooLarge } from '../review/file-content';
import type { RevisionName } from '../review/model';
import type { FileContent, Revision } from '../review/revision';
import { type Git, GitError } from './git';
import type { Objects } from './objects';
import type { Trees } from './trees';

const patterns = {
  runbooks: [':(icase)*.runbook.yaml', ':(icase)*.runbook.yml'],
  inventories: [':(icase)*.inventory.yaml', ':(icase)*.inventory.yml'],
};

/** A tree of a repository. */
export class GitRevision implements Revision {
  constructor(
    readonly name: RevisionName,
    /** Full hash of its tree. */
    readonly tree: string,
    private readonly git: Git,
    private readonly objects: Objects,
    private readonly trees: Trees,
  ) {}

  async read(path: string): Promise<FileContent> {
    const entry = await this.trees.find(this.tree, path);
    if (!entry) return { kind: 'missing' };
    switch (entry.kind) {
      case 'folder':
        return { kind: 'unreadable', why: 'It is a folder.' };
      case 'link':
        return { kind: 'unreadable', why: 'It is a symbolic link, and links are not followed. Name the file itself.' };
      case 'submodule':
        return { kind: 'unreadable', why: 'It is in a submodule, which is not part of this repository.' };
      case 'file': {
        const { content } = await this.objects.read(entry.id);
        return content ? contentOf(content) : tooLarge;
      }
    }
  }

  async mentioning(words: readonly string[], among: keyof typeof patterns = 'runbooks'): Promise<string[]> {
    // A name with a line break can't be asked for like this; and nobody writes one into a runbook.
    const asked = words.filter(word => word !== '' && !word.includes('\n'));
    if (asked.length === 0) return [];
    const args = [
      'grep',
      '-l',
      '-z',
      '-F',
      '--text',
      '--full-name',
      '--no-recurse-submodules',
      '--no-textconv',
      '-f',
      '-',
    ];
    const { code, output, errors } = await this.git.ask(
      [...args, this.tree, '--', ...patterns[among]],
      `${asked.join('\n')}\n`,
    );
    // 1: nothing is found.
    if (code > 1 || code < 0) throw new GitError(`git grep failed: ${errors.trim()}`);
    const before = `${this.tree}:`.length;
    return output
      .toString('utf8')
      .split('\0')
      .flatMap(line => (line === '' ? [] : [line.slice(before)]))
      .sort();
  }
}
